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

#include "tests/differential/walk/nature.hh"
#include "tests/differential/walk/show_netlink.hh"

namespace walk {
namespace {

constexpr uint64_t kUnmapped = 8;
constexpr int kShown[] = {SIGPIPE, SIGURG, SIGIO, SIGUSR1};

volatile sig_atomic_t caught[65];
void on_signal(int number) { caught[number] = caught[number] + 1; }

// Whatever waits is interrupted: the walk never hangs, and EINTR is an answer like another.
void set_guard(suseconds_t micros) {
  const itimerval timer{{0, micros}, {0, micros}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

const char* process_name(long number) { return number == 0 ? "nobody" : number == getpid() ? "own" : "other"; }

uint64_t to_register(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

}  // namespace

Runner::Runner(std::string& log) : log_(log) {
  std::fill(std::begin(slots_), std::end(slots_), kNeverOpen);
  struct sigaction action {};
  action.sa_handler = on_signal;  // no SA_RESTART
  for (int number : {SIGALRM, SIGPIPE, SIGURG, SIGIO, SIGUSR1}) sigaction(number, &action, nullptr);
}

// Whether Linux answers an echo of full size depends on what of its page fragments the task has used up.
bool Runner::is_full_echo(const Operation& operation) const {
  constexpr int64_t kFull = 60'000;
  if (operation.arguments.empty() || operation.arguments[0].kind != ArgumentKind::Slot) return false;
  const bool is_full = std::ranges::any_of(
      operation.arguments, [](const Argument& one) { return one.kind == ArgumentKind::Data && one.value > kFull; });
  if (!is_full) return false;
  const Nature nature = nature_of(slots_[operation.arguments[0].value]);
  return nature.protocol == IPPROTO_ICMP || nature.protocol == IPPROTO_ICMPV6;
}

// What the plan could only guess.
Operation Runner::fit(const Operation& planned) {
  Operation fitted = planned;
  if (planned.arguments.empty() || planned.arguments[0].kind != ArgumentKind::Slot) return fitted;
  const int fd = slots_[planned.arguments[0].value];
  if (planned.is_receive) fitted.payload = payload_of(nature_of(fd), planned.payload, has_spliced_headers_);
  if (planned.number == SYS_splice && nature_of(fd).is_raw()) has_spliced_headers_ = true;
  const bool asks_unsent =
      planned.number == SYS_ioctl && (planned.arguments[1].value == TIOCOUTQ || planned.arguments[1].value == 0x894b);
  if (asks_unsent && nature_of(fd).is_tcp()) wait_for_acknowledgments(fd);
  return fitted;
}

// Of bytes that end in the middle Linux sends a stream's as far as what is left of the task's page fragment goes.
bool Runner::ends_midway_in_stream(const Operation& operation) const {
  const bool ends_midway =
      std::ranges::any_of(operation.arguments, [](const Argument& one) { return one.kind == ArgumentKind::HalfIn; });
  return ends_midway && operation.number == SYS_sendto && nature_of(slots_[operation.arguments[0].value]).is_tcp();
}

// Who watches a stream hears of it when the end it sent is acknowledged, which may be delayed.
void Runner::wait_for_end_to_arrive(int fd) const {
  if (nature_of(fd).is_tcp()) wait_for_acknowledgments(fd);
}

// splice() takes from a pipe what makes RWF_NOWAIT known to it, and lxnet's pipes are the host's, which saw no splice().
bool Runner::asks_pipe_not_to_wait(const Operation& planned) const {
  constexpr int kNoWait = 8;  // RWF_NOWAIT
  const bool is_positioned = planned.number == SYS_preadv2 || planned.number == SYS_pwritev2;
  return is_positioned && (planned.arguments[5].value & kNoWait) != 0 && !nature_of(slots_[planned.arguments[0].value]).is_socket;
}

void Runner::run(int index, const Operation& planned) {
  if (is_full_echo(planned) || asks_pipe_not_to_wait(planned) || ends_midway_in_stream(planned)) return;
  const Operation operation = fit(planned);
  memory_.reset();
  name_length_ = 0;
  kept_ = 0;
  show_.call(index, operation);
  if (operation.is_childs) log_ += " by the child";
  uint64_t registers[6] = {};
  for (size_t i = 0; i < operation.arguments.size(); ++i) registers[i] = materialise(operation.arguments[i], operation);
  set_guard(70'000);
  errno = 0;
  const long result =
      syscall(operation.number, registers[0], registers[1], registers[2], registers[3], registers[4], registers[5]);
  const int error = errno;
  set_guard(0);
  show_result(operation, registers, result, error);
  if (operation.number == SYS_shutdown && result == 0) wait_for_end_to_arrive(slots_[operation.arguments[0].value]);
  store(operation, registers, result);
  show_outputs(operation, registers, result);
  for (int number : kShown) {
    if (caught[number] != 0) print(log_, " %s", sigabbrev_np(number));
    caught[number] = 0;
  }
  log_ += '\n';
  if (changes_network(operation)) usleep(1'000);
  if (has_passed_ && ((operation.closes != kNoSlot && result == 0) || kept_ != 0)) settle();
  show_changes();
}

// What a change of the network brings with it is done by others, a moment later.
bool Runner::changes_network(const Operation& operation) const {
  if (operation.number != SYS_sendto && operation.number != SYS_write) return false;
  const Nature nature = nature_of(slots_[operation.arguments[0].value]);
  return nature.is_socket && nature.domain == AF_NETLINK;
}

void Runner::note_leaving(int index) {
  print(log_, "%d the child has left\n", index);
  if (has_passed_) settle();
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
  if (size >= 14 && payload == Payload::Frame) {
    // To loopback itself, to everybody, or to others; of a protocol that nobody else speaks.
    if (counter_ % 4 < 2) memset(bytes, counter_ % 4 == 0 ? 0 : 0xff, 6);
    bytes[12] = 0x88;
    bytes[13] = counter_ % 8 == 7 ? 0xb6 : 0xb5;
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
    case ArgumentKind::OwnPid:
      return static_cast<uint64_t>(getpid());
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

// Answers of netlink of which Linux tells more.
bool Runner::is_of_some_length(const Operation& operation, const uint64_t* registers) const {
  if (!operation.is_receive || (operation.payload != Payload::NetlinkRoute && operation.payload != Payload::NetlinkDiag))
    return false;
  if (operation.payload == Payload::NetlinkDiag) return true;
  if (operation.number == SYS_recvfrom)
    return is_of_links(reinterpret_cast<const uint8_t*>(registers[1]), static_cast<size_t>(operation.arguments[1].value));
  if (operation.number != SYS_recvmsg) return true;
  const iovec& first = *reinterpret_cast<const msghdr*>(registers[1])->msg_iov;
  return is_of_links(static_cast<const uint8_t*>(first.iov_base), first.iov_len);
}

void Runner::show_result(const Operation& operation, const uint64_t* registers, long result, int error) {
  if (result < 0) {
    print(log_, " = %s", errno_name(error).c_str());
  } else if (result != 0 && is_of_some_length(operation, registers)) {
    log_ += " = some";
  } else if (operation.number == SYS_fcntl && operation.arguments[1].value == F_GETOWN) {
    print(log_, " = %s", process_name(result));
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

}  // namespace walk
