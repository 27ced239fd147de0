// What is waited for, for how long, and what came: poll, select, epoll; and the result of any call.
#include "compat/trace/call_printer.hh"

namespace lxnet {
namespace {

constexpr uint64_t kMostShown = 32;  // entries of an array, as strace's default
constexpr uint64_t kMostFds = 4096;
constexpr uint32_t kSignals = 64;

constexpr const char* kSignalNames[] = {"HUP",  "INT",    "QUIT", "ILL",   "TRAP", "ABRT", "BUS",  "FPE",
                                        "KILL", "USR1",   "SEGV", "USR2",  "PIPE", "ALRM", "TERM", "STKFLT",
                                        "CHLD", "CONT",   "STOP", "TSTP",  "TTIN", "TTOU", "URG",  "XCPU",
                                        "XFSZ", "VTALRM", "PROF", "WINCH", "IO",   "PWR",  "SYS"};

struct PollEntry {
  int32_t fd;
  uint16_t events, revents;
};

}  // namespace

void CallPrinter::poll_set(uint64_t address, uint64_t count, bool is_result) {
  if (!is_result && (address == 0 || count == 0)) {
    out_ << (address == 0 ? "NULL" : "[]");
    return;
  }
  out_ << '[';
  uint64_t shown = 0;
  for (uint64_t i = 0; i < count; ++i) {
    PollEntry entry;
    if (!read(address + i * sizeof entry, entry)) {
      if (!is_result) out_.address(address + i * sizeof entry);
      break;
    }
    if (is_result && entry.revents == 0) continue;
    if (shown > 0) out_ << ", ";
    if (shown++ == kMostShown) {
      out_ << "...";
      break;
    }
    out_ << "{fd=" << entry.fd;
    if (is_result) {
      put_flags(out_ << ", revents=", kPollNames, entry.revents, "POLL???");
    } else if (entry.fd >= 0) {
      put_flags(out_ << ", events=", kPollNames, entry.events, "POLL???");
    }
    out_ << '}';
  }
  out_ << ']';
}

// False when it cannot be read.
bool CallPrinter::fd_set(uint64_t address, uint64_t count) {
  uint8_t bits[kMostFds / 8];
  if (count > kMostFds) count = kMostFds;
  const size_t size = static_cast<size_t>((count + 8 * word() - 1) / (8 * word()) * word());
  if (address == 0 || hal().copy_from_user(bits, address, size) != 0) return false;
  const char* separator = "";
  out_ << '[';
  for (uint64_t fd = 0; fd < count; ++fd) {
    if ((bits[fd / 8] >> (fd % 8) & 1) == 0) continue;
    out_ << separator << fd;
    separator = " ";
  }
  out_ << ']';
  return true;
}

void CallPrinter::fd_set_result() {
  constexpr const char* kNames[] = {"in ", "out ", "except "};
  const char* separator = "";
  for (int set = 0; set < 3; ++set) {
    if (arguments_[set + 1] == 0) continue;
    uint8_t bits[kMostFds / 8] = {};
    const uint64_t count = arguments_[0] < kMostFds ? arguments_[0] : kMostFds;
    const size_t size = static_cast<size_t>((count + 8 * word() - 1) / (8 * word()) * word());
    if (hal().copy_from_user(bits, arguments_[set + 1], size) != 0) continue;
    bool has_any = false;
    for (size_t i = 0; i < size; ++i) has_any |= bits[i] != 0;
    if (!has_any) continue;
    out_ << separator << kNames[set];
    fd_set(arguments_[set + 1], count);
    separator = ", ";
  }
}

void CallPrinter::time(uint64_t address, bool is_timeval, size_t width) {
  int64_t seconds = 0, fraction = 0;
  int32_t narrow[2] = {};
  bool is_readable = address != 0;
  if (width == 4) {
    is_readable = is_readable && read(address, narrow);
    seconds = narrow[0];
    fraction = narrow[1];
  } else {
    is_readable = is_readable && read(address, seconds) && read(address + 8, fraction);
  }
  if (!is_readable) {
    out_.address(address);
    return;
  }
  out_ << "{tv_sec=" << seconds << (is_timeval ? ", tv_usec=" : ", tv_nsec=") << fraction << '}';
}

// [INT TERM], or what is not in it where that is shorter.
void CallPrinter::signal_mask(uint64_t address) {
  uint64_t mask = 0;
  if (!read(address, mask)) {
    out_.address(address);
    return;
  }
  uint32_t count = 0;
  for (uint32_t bit = 0; bit < kSignals; ++bit) count += static_cast<uint32_t>(mask >> bit & 1);
  const bool is_negated = count >= kSignals * 2 / 3;
  if (is_negated) mask = ~mask;
  const char* separator = "";
  out_ << (is_negated ? "~[" : "[");
  for (uint32_t bit = 0; bit < kSignals; ++bit) {
    if ((mask >> bit & 1) == 0) continue;
    out_ << separator;
    separator = " ";
    constexpr uint32_t kNamed = sizeof kSignalNames / sizeof *kSignalNames;
    if (bit < kNamed) {
      out_ << kSignalNames[bit];
    } else if (bit == kNamed) {
      out_ << "RTMIN";
    } else {
      out_ << "RT_" << bit - kNamed;
    }
  }
  out_ << ']';
}

void CallPrinter::epoll_events(uint64_t address, uint64_t count, bool is_array) {
  const size_t data_at = context_.abi() == Abi::Generic ? 8 : 4;  // packed on x86
  const size_t size = data_at + 8;
  if (address == 0 || (!is_array && count == 0)) {
    out_.address(address);
    return;
  }
  if (is_array) out_ << '[';
  for (uint64_t i = 0; i < count; ++i) {
    uint32_t events = 0;
    uint64_t data = 0;
    if (i > 0) out_ << ", ";
    if (i == kMostShown) {
      out_ << "...";
      break;
    }
    if (!read(address + i * size, events) || !read(address + i * size + data_at, data)) {
      out_.address(address + i * size);
      break;
    }
    put_flags(out_ << "{events=", kEpollEventNames, events, "EPOLL???");
    out_ << ", data={u32=" << static_cast<uint32_t>(data) << ", u64=" << data << "}}";
  }
  if (is_array) out_ << ']';
}

void CallPrinter::outcome() {
  constexpr int64_t kFirstRestart = 512;
  if (failed()) {
    const auto error = static_cast<uint32_t>(-result_);
    put_error(out_ << (-result_ >= kFirstRestart ? "? " : "-1 "), error);
    return;
  }
  const auto command = static_cast<uint32_t>(arguments_[1]);
  const bool is_fcntl = is_named("fcntl") || is_named("fcntl64");
  constexpr uint32_t kGetFlags = 3, kGetSignal = 11;
  if (is_fcntl && command == kGetFlags) {
    constexpr const char* kModes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
    out_.hex(static_cast<uint64_t>(result_)) << " (flags " << kModes[result_ & 3];
    if ((result_ & ~int64_t{3}) != 0) put_flags(out_ << '|', kOpenFlagNames, static_cast<uint64_t>(result_) & ~uint64_t{3}, "");
    out_ << ')';
    return;
  }
  out_ << result_;
  if (is_fcntl && command == kGetSignal && result_ > 0 && result_ <= 31) out_ << " (SIG" << kSignalNames[result_ - 1] << ')';
  result_note();
}

void CallPrinter::result_note() {
  const bool is_poll = is_named("poll") || is_named("ppoll") || is_named("ppoll_time32");
  const bool is_select = is_named("select") || is_named("pselect6") || is_named("pselect6_time32");
  if (!is_poll && !is_select) return;
  if (result_ == 0) {
    out_ << " (Timeout)";
    return;
  }
  out_ << " (";
  if (is_poll) {
    poll_set(arguments_[0], static_cast<uint32_t>(arguments_[1]), true);
  } else {
    fd_set_result();
  }
  const int timeout = is_poll ? 2 : 4;
  if (!is_named("poll") && arguments_[timeout] != 0) {
    const bool is_narrow = is_named("ppoll_time32") || is_named("pselect6_time32") || (is_named("select") && context_.is_32bit());
    out_ << ", left ";
    time(arguments_[timeout], is_named("select"), is_narrow ? 4 : 8);
  }
  out_ << ')';
}

}  // namespace lxnet
