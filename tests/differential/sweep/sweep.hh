// What the sweeps share: a log of "subject<TAB>answers", sockets of every kind and state, and numbers as text.
//
// A sweep makes every call of a kind there is: each option with each length, each flag on each call, each number of a control
// request. It knows only the C library; the same program runs on Linux and on lxnet, and tests/differential compares the logs.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/conformance/any_name.hh"

namespace sweep {

// Which of the subjects are tried: every `of`th, from `index` on.
struct Part {
  unsigned index = 0, of = 1;
};

class Log {
 public:
  Log(Part part, std::string prefix) : part_(part), prefix_(std::move(prefix)) {}
  ~Log() { flush(); }
  // Whether the next subject is in this part.
  bool wants() { return count_++ % part_.of == part_.index; }
  void put(const std::string& subject, const std::string& answers);
  void flush();

 private:
  Part part_;
  std::string prefix_, text_;
  unsigned count_ = 0;
};

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  void reset() { *this = Fd(); }
  operator int() const { return fd_; }

 private:
  int fd_;
};

// A socket in some state, and what it needs to be in it.
struct Subject {
  Fd socket;
  int family = 0, type = 0;
  std::vector<Fd> others = {};  // the first is the peer
};
struct Kind {
  std::string name;
  Subject (*make)();
  bool is_fresh;  // nothing has been done to it
};
// All of them non-blocking.
const std::vector<Kind>& kinds();

using conformance::loopback;
using conformance::Name;
using conformance::own_name;

// While one lives the program has no privileges.
class Unprivileged {
 public:
  explicit Unprivileged(bool is_wanted);
  ~Unprivileged();

 private:
  bool is_wanted_;
};

// "3", or "EINVAL".
std::string answer(long result);
std::string hex(const void* bytes, size_t size);
// Counts SIGPIPE and SIGURG: " SIGPIPE" if one came since it was last asked.
std::string signals();
void watch_signals();

// Memory of which the page after the end is not there.
class Edge {
 public:
  static constexpr size_t kSize = 1 << 16;
  Edge();
  // The last `size` bytes.
  uint8_t* last(size_t size) const { return end_ - size; }

 private:
  uint8_t* end_;
};

using Sweep = void (*)(Log& log, bool is_unprivileged);
// LEVEL:NAME,...
void leave_out_options(const char* list);
void sweep_options(Log& log, bool is_unprivileged);
void sweep_flags(Log& log, bool is_unprivileged);
void sweep_sockets(Log& log, bool is_unprivileged);
void sweep_shutdowns(Log& log, bool is_unprivileged);
void sweep_ioctls(Log& log, bool is_unprivileged);
void sweep_fcntls(Log& log, bool is_unprivileged);
void sweep_controls(Log& log, bool is_unprivileged);
void sweep_reports(Log& log, bool is_unprivileged);
void sweep_windows(Log& log, bool is_unprivileged);
void sweep_unconfigured(Log& log, bool is_unprivileged);
void sweep_pointers(Log& log, bool is_unprivileged);

}  // namespace sweep
