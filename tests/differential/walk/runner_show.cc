// What a step's outputs are shown as.
#include <arpa/inet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "tests/differential/walk/runner.hh"

namespace walk {
namespace {

constexpr short kEveryEvent = 0x7fff & ~POLLNVAL;

// How much of a name was written: a port's byte may look as if nobody had.
size_t cut_name(const uint8_t* bytes, size_t room, int64_t given, int64_t told) {
  const size_t touched = Memory::touched(bytes, room);
  const int64_t written = std::min(given, told);
  return touched == 0 || written <= 0 ? touched : std::max(touched, std::min(static_cast<size_t>(written), room));
}

}  // namespace

void Runner::show_vector(const iovec* vector, const std::vector<int>& sizes, Payload payload) {
  size_t at = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    log_ += ' ';
    show_.payload(static_cast<uint8_t*>(vector[i].iov_base), static_cast<size_t>(sizes[i]), payload, at);
    at += static_cast<size_t>(sizes[i]);
  }
}

// What messages brought goes into the step's slots, and the rest is closed.
void Runner::keep_descriptors(const msghdr& header, const Operation& operation) {
  for_each_descriptor(header, [&](int fd) {
    const int slot = kept_ < 2 ? operation.stores[kept_] : kNoSlot;
    ++kept_;
    if (slot == kNoSlot) {
      close(fd);
    } else {
      slots_[slot] = fd;
    }
  });
}

void Runner::show_message(const msghdr& header, const Message& message, const Operation& operation) {
  const Payload payload = operation.payload;
  print(log_, " {name/%d ", static_cast<int>(header.msg_namelen));
  if (message.name.kind == ArgumentKind::Address) {
    const auto* name = static_cast<const uint8_t*>(header.msg_name);
    show_.address(name, cut_name(name, 128, message.name_length, header.msg_namelen));
  }
  show_vector(header.msg_iov, message.vector, payload);
  print(log_, " control/%zu", header.msg_controllen);
  if (header.msg_controllen <= static_cast<size_t>(message.control_room) && header.msg_flags != 0x5a) {
    show_.controls(header);
    keep_descriptors(header, operation);
  }
  print(log_, " flags %x}", static_cast<unsigned>(header.msg_flags));
}

// Where a connection was given up, what is left to send counts from beyond the window it had.
void Runner::show_length(const Operation& operation, int value) {
  const bool is_queue =
      operation.number == SYS_ioctl && (operation.arguments[1].value == TIOCOUTQ || operation.arguments[1].value == 0x894b);
  const bool is_owner =
      operation.number == SYS_ioctl && (operation.arguments[1].value == 0x8903 || operation.arguments[1].value == 0x8904);
  if (is_owner && value > 1 && value != operation.arguments[2].value) {
    log_ += value == getpid() ? " &own" : " &other";
  } else if (is_queue && value > UINT16_MAX) {
    log_ += " &beyond";
  } else {
    print(log_, " &%d", value);
  }
}

void Runner::show_sets(int64_t mask, const uint8_t* set) {
  log_ += " set";
  for (int slot = 0; slot < kSlots; ++slot) {
    const int fd = slots_[slot];
    if ((mask >> slot & 1) != 0 && (set[fd / 8] >> fd % 8 & 1) != 0) print(log_, " s%d", slot);
  }
}

void Runner::show_outputs(const Operation& operation, const uint64_t* registers, long result) {
  for (size_t i = 0; i < operation.arguments.size(); ++i) {
    const Argument& argument = operation.arguments[i];
    auto* bytes = reinterpret_cast<uint8_t*>(registers[i]);
    const auto room = static_cast<size_t>(argument.value);
    switch (argument.kind) {
      case ArgumentKind::Out:
      case ArgumentKind::HalfOut:
        if (operation.stores[1] != kNoSlot) break;
        log_ += ' ';
        // SO_PEERCRED begins with a process's number.
        if (operation.number == SYS_getsockopt && operation.arguments[1].value == SOL_SOCKET &&
            operation.arguments[2].value == 17)
          memset(bytes, 0, std::min<size_t>(Memory::touched(bytes, room), 4));
        if (operation.is_receive) {
          show_.payload(bytes, room, operation.payload);
        } else if (operation.number == SYS_getsockopt && operation.arguments[1].value == SOL_SOCKET &&
                   operation.arguments[2].value == 28 /* SO_PEERNAME */) {
          if (result >= 0 && i + 1 < operation.arguments.size() && operation.arguments[i + 1].kind == ArgumentKind::Length) {
            const int told = *reinterpret_cast<int*>(registers[i + 1]);
            show_.address(bytes, cut_name(bytes, room, operation.arguments[i + 1].value, told));
          } else {
            show_.address(bytes, Memory::touched(bytes, room));
          }
        } else if (operation.number == SYS_getsockopt && operation.arguments[1].value == IPPROTO_IP &&
                   operation.arguments[2].value == 52 /* IP_PROTOCOL: the port */ && Memory::touched(bytes, room) != 0) {
          // One byte is half of it.
          if (Memory::touched(bytes, room) >= 2) show_.port(htons(*reinterpret_cast<uint16_t*>(bytes)));
        } else {
          show_.hex(bytes, Memory::touched(bytes, room));
        }
        break;
      case ArgumentKind::Address:
        log_ += ' ';
        show_.address(bytes, Memory::touched(bytes, room));
        break;
      case ArgumentKind::Length:
        show_length(operation, *reinterpret_cast<int*>(bytes));
        break;
      case ArgumentKind::Message:
        if (operation.is_receive) show_message(*reinterpret_cast<msghdr*>(bytes), operation.messages[0], operation);
        break;
      case ArgumentKind::Messages: {
        auto* headers = reinterpret_cast<mmsghdr*>(bytes);
        for (size_t n = 0; n < operation.messages.size(); ++n) {
          print(log_, " %u", headers[n].msg_len);
          if (operation.is_receive) show_message(headers[n].msg_hdr, operation.messages[n], operation);
        }
        break;
      }
      case ArgumentKind::RoomVector:
        show_vector(reinterpret_cast<iovec*>(bytes), operation.vector, operation.payload);
        break;
      case ArgumentKind::Polls:
        for (size_t n = 0; result >= 0 && n < operation.polls.size(); ++n)
          print(log_, " %x", static_cast<unsigned short>(reinterpret_cast<pollfd*>(bytes)[n].revents));
        break;
      case ArgumentKind::Sets:
        show_sets(argument.value, bytes);
        break;
      default:
        break;
    }
  }
}

// Every slot's poll mask, where it is not what it was.
void Runner::show_changes() {
  pollfd polls[kSlots];
  for (int slot = 0; slot < kSlots; ++slot) polls[slot] = {slots_[slot] == kNeverOpen ? -1 : slots_[slot], kEveryEvent, 0};
  poll(polls, kSlots, 0);
  for (int slot = 0; slot < kSlots; ++slot) {
    if (polls[slot].revents == polled_[slot]) continue;
    polled_[slot] = polls[slot].revents;
    print(log_, "  s%d polls 0x%x\n", slot, static_cast<unsigned short>(polled_[slot]));
  }
}

}  // namespace walk
