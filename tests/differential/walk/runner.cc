#include "tests/differential/walk/runner.hh"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace walk {
namespace {

constexpr uint64_t kUnmapped = 8;
constexpr int kShown[] = {SIGPIPE, SIGURG, SIGIO};
constexpr short kEveryEvent = 0x7fff & ~POLLNVAL;

volatile sig_atomic_t caught[65];
void on_signal(int number) { caught[number] = caught[number] + 1; }

// Whatever waits is interrupted: the walk never hangs, and EINTR is an answer like another.
void set_guard(suseconds_t micros) {
  const itimerval timer{{0, micros}, {0, micros}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

// How much of a name was written: a port's byte may look as if nobody had.
size_t cut_name(const uint8_t* bytes, size_t room, int64_t given, int64_t told) {
  const size_t touched = Memory::touched(bytes, room);
  const int64_t written = std::min(given, told);
  return touched == 0 || written <= 0 ? touched : std::max(touched, std::min(static_cast<size_t>(written), room));
}

uint64_t to_register(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

}  // namespace

Runner::Runner(std::string& log) : log_(log) {
  std::fill(std::begin(slots_), std::end(slots_), kNeverOpen);
  struct sigaction action {};
  action.sa_handler = on_signal;  // no SA_RESTART
  for (int number : {SIGALRM, SIGPIPE, SIGURG, SIGIO}) sigaction(number, &action, nullptr);
}

// Whether Linux answers an echo of full size depends on what of its page fragments the task has used up.
bool Runner::is_full_echo(const Operation& operation) const {
  constexpr int64_t kFull = 60'000;
  if (operation.arguments.empty() || operation.arguments[0].kind != ArgumentKind::Slot) return false;
  const bool is_full = std::ranges::any_of(
      operation.arguments, [](const Argument& one) { return one.kind == ArgumentKind::Data && one.value > kFull; });
  int protocol = 0;
  socklen_t length = sizeof protocol;
  return is_full && getsockopt(slots_[operation.arguments[0].value], SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 &&
         (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6);
}

void Runner::run(int index, const Operation& operation) {
  if (is_full_echo(operation)) return;
  memory_.reset();
  name_length_ = 0;
  kept_ = 0;
  show_.call(index, operation);
  uint64_t registers[6] = {};
  for (size_t i = 0; i < operation.arguments.size(); ++i) registers[i] = materialise(operation.arguments[i], operation);
  set_guard(30'000);
  errno = 0;
  const long result =
      syscall(operation.number, registers[0], registers[1], registers[2], registers[3], registers[4], registers[5]);
  const int error = errno;
  set_guard(0);
  show_result(operation, result, error);
  store(operation, registers, result);
  show_outputs(operation, registers, result);
  for (int number : kShown) {
    if (caught[number] != 0) print(log_, " %s", sigabbrev_np(number));
    caught[number] = 0;
  }
  log_ += '\n';
  if (has_passed_ && ((operation.closes != kNoSlot && result == 0) || kept_ != 0)) settle();
  show_changes();
}

// Linux looks for sockets that only refer to each other when one is closed, anywhere on the machine, and frees what it found a
// tick of its clock later, one circle after the other.
void Runner::settle() {
  for (int round = 0; round < 2; ++round) {
    close(socket(AF_UNIX, SOCK_STREAM, 0));
    usleep(9'000);
  }
}

// Each byte tells which call sent it and where in it it stood, so that a hash tells one payload from another.
uint8_t* Runner::data(size_t size, Payload payload) {
  uint8_t* bytes = memory_.take(size);
  ++counter_;
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>((counter_ + i * 7) % 127);
  if (size >= 2 && (payload == Payload::EchoRequest4 || payload == Payload::EchoRequest6)) {
    bytes[0] = payload == Payload::EchoRequest4 ? 8 : 128;
    bytes[1] = 0;
  }
  return bytes;
}

iovec* Runner::vector(const std::vector<int>& sizes, bool is_room, Payload payload) {
  auto* result = reinterpret_cast<iovec*>(memory_.take(sizes.size() * sizeof(iovec)));
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto size = static_cast<size_t>(sizes[i]);
    result[i] = {is_room ? memory_.take_room(size) : data(size, i == 0 ? payload : Payload::Plain), size};
  }
  return result;
}

Bytes Runner::control_bytes(const Message& message) {
  Bytes bytes;
  for (const Control& one : message.control) {
    const size_t at = bytes.size();
    bytes.resize(at + CMSG_SPACE(one.data.size()));
    memcpy(bytes.data() + at, &one.length, sizeof one.length);
    memcpy(bytes.data() + at + 8, &one.level, sizeof one.level);
    memcpy(bytes.data() + at + 12, &one.type, sizeof one.type);
    memcpy(bytes.data() + at + 16, one.data.data(), one.data.size());
    for (size_t i = 0; i < one.slots.size(); ++i) {
      const int fd = one.slots[i] == kNoSlot ? -1 : slots_[one.slots[i]];
      memcpy(bytes.data() + at + 16 + i * sizeof fd, &fd, sizeof fd);
      has_passed_ = true;
    }
    const pid_t own = getpid();
    if (one.is_own_pid) memcpy(bytes.data() + at + 16, &own, sizeof own);
  }
  return bytes;
}

void Runner::fill(msghdr& header, const Message& message, const Operation& operation) {
  const bool is_receive = operation.is_receive;
  const Operation none;
  header.msg_name = reinterpret_cast<void*>(materialise(message.name, none));
  header.msg_namelen = message.name_length == kNameLength ? name_length_ : static_cast<socklen_t>(message.name_length);
  header.msg_iov = vector(message.vector, is_receive, operation.payload);
  header.msg_iovlen = static_cast<size_t>(message.vector_count);
  if (is_receive) {
    header.msg_control = memory_.take_room(static_cast<size_t>(message.control_room));
    header.msg_controllen = static_cast<size_t>(message.control_room);
  } else {
    const Bytes bytes = control_bytes(message);
    header.msg_control = memory_.take(std::max<size_t>(bytes.size(), 110'000));
    std::copy(bytes.begin(), bytes.end(), static_cast<uint8_t*>(header.msg_control));
    header.msg_controllen = message.control_room >= 0 ? static_cast<size_t>(message.control_room) : bytes.size();
    if (bytes.empty() && message.control_room < 0) header.msg_control = nullptr;
  }
  header.msg_flags = static_cast<int>(message.flags);
}

uint64_t Runner::materialise(const Argument& argument, const Operation& operation) {
  const auto size = static_cast<size_t>(argument.value);
  switch (argument.kind) {
    case ArgumentKind::Number:
      return static_cast<uint64_t>(argument.value);
    case ArgumentKind::Slot:
      return static_cast<uint64_t>(slots_[argument.value]);
    case ArgumentKind::Null:
      return 0;
    case ArgumentKind::Unmapped:
      return kUnmapped;
    case ArgumentKind::In: {
      uint8_t* bytes = memory_.take(argument.bytes.size());
      std::copy(argument.bytes.begin(), argument.bytes.end(), bytes);
      return to_register(bytes);
    }
    case ArgumentKind::HalfIn: {
      uint8_t* bytes = memory_.take_last(size);
      std::copy_n(argument.bytes.begin(), size, bytes);
      return to_register(bytes);
    }
    case ArgumentKind::NameOf: {
      uint8_t* bytes = memory_.take(128);
      socklen_t length = 128;
      if (getsockname(slots_[argument.value], reinterpret_cast<sockaddr*>(bytes), &length) == 0) name_length_ = length;
      return to_register(bytes);
    }
    case ArgumentKind::NameLength:
      return name_length_;
    case ArgumentKind::Out:
      return to_register(memory_.take_room(size));
    case ArgumentKind::HalfOut: {
      uint8_t* bytes = memory_.take_last(size);
      memset(bytes, Memory::kUntouched, size);
      return to_register(bytes);
    }
    case ArgumentKind::Data:
      return to_register(data(size, operation.payload));
    case ArgumentKind::Address:
      return to_register(memory_.take_room(size));
    case ArgumentKind::Length: {
      auto* length = reinterpret_cast<int*>(memory_.take(sizeof(int)));
      *length = static_cast<int>(argument.value);
      return to_register(length);
    }
    case ArgumentKind::Message: {
      auto* header = reinterpret_cast<msghdr*>(memory_.take(sizeof(msghdr)));
      fill(*header, operation.messages[0], operation);
      return to_register(header);
    }
    case ArgumentKind::Messages: {
      auto* headers = reinterpret_cast<mmsghdr*>(memory_.take(operation.messages.size() * sizeof(mmsghdr)));
      for (size_t i = 0; i < operation.messages.size(); ++i) fill(headers[i].msg_hdr, operation.messages[i], operation);
      return to_register(headers);
    }
    case ArgumentKind::Vector:
      return to_register(vector(operation.vector, false, operation.payload));
    case ArgumentKind::RoomVector:
      return to_register(vector(operation.vector, true, operation.payload));
    case ArgumentKind::Polls: {
      auto* polls = reinterpret_cast<pollfd*>(memory_.take(operation.polls.size() * sizeof(pollfd)));
      for (size_t i = 0; i < operation.polls.size(); ++i) {
        const Poll& poll = operation.polls[i];
        polls[i] = {poll.slot == kNoSlot ? -1 : slots_[poll.slot], static_cast<short>(poll.events), 0};
      }
      return to_register(polls);
    }
    case ArgumentKind::Sets: {
      uint8_t* set = memory_.take(128 + 256);
      for (int slot = 0; slot < kSlots; ++slot) {
        if ((argument.value >> slot & 1) == 0) continue;
        const int fd = slots_[slot];
        set[fd / 8] = static_cast<uint8_t>(set[fd / 8] | 1 << fd % 8);
      }
      return to_register(set);
    }
  }
  return 0;
}

void Runner::show_result(const Operation& operation, long result, int error) {
  if (result < 0) {
    print(log_, " = %s", errno_name(error).c_str());
  } else if (operation.stores[0] != kNoSlot && operation.stores[1] == kNoSlot && !operation.is_receive) {
    print(log_, " = fd");
  } else {
    print(log_, " = %ld", result);
  }
}

void Runner::store(const Operation& operation, const uint64_t* registers, long result) {
  if (operation.closes != kNoSlot) {
    slots_[operation.closes] = kNeverOpen;
    polled_[operation.closes] = 0;
  }
  if (result < 0 || operation.stores[0] == kNoSlot || operation.is_receive) return;
  if (operation.stores[1] == kNoSlot) {
    slots_[operation.stores[0]] = static_cast<int>(result);
    return;
  }
  const int* pair = reinterpret_cast<const int*>(registers[operation.arguments[0].kind == ArgumentKind::Out ? 0 : 3]);
  for (int i = 0; i < 2; ++i) slots_[operation.stores[i]] = pair[i];
}

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
  if (is_queue && value > UINT16_MAX) {
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
