// Which system calls the supervisor hears of, and what it does before the core sees them. Everything else runs natively,
// untouched.
//
// Rows go by name: the numbers of each ABI come from libseccomp, so another architecture is a rebuild.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>

namespace lxnet::host {

enum class Shape : uint8_t {
  FirstFd,     // acts on the descriptor in argument 0: continued natively when it is not ours
  Splice,      // on the descriptors in arguments 0 and 2
  Core,        // the core says itself whether it is its own
  Open,        // opens a path, which may show the network (optional)
  AsyncIo,     // io_submit and its kin, whose requests may be for sockets
  Ring,        // io_uring_setup and its kin: the same
  Map,         // maps the file in argument 4, natively: the ring of a packet socket has to stand there then
  Signal,      // sends a signal, natively: somebody may have to be interrupted soon after
  Timer,       // will send one, natively: the same, then
  SignalFile,  // gives a signalfd another mask, natively
  Namespace,   // changes the caller's network namespace, natively
  Creation,    // creates a thread or process, natively: it is born with what confines the caller
  Ruleset,     // landlock_create_ruleset
  Restrict,    // landlock_restrict_self: holds at our sockets too
  Restart,     // restart_syscall: goes on with what a signal interrupted
  Refused,     // ENOSYS, as of a kernel built without it: a way around the filter, or a way to stall the supervisor
};

// A notice only when (argument & mask) == value; an index of -1: always.
struct ArgumentRule {
  int8_t index = -1;
  uint32_t mask = 0;
  uint32_t value = 0;
};

struct CallRow {
  const char* name;
  Shape shape;
  std::span<const ArgumentRule> rules = {};
  // Linux looks at the descriptor before anything else, so that a bad one may be answered at once: continued, the call could meet
  // one that another thread has just put there. AfterBuffer: but for the buffer in argument 1, which may not be the kernel's.
  enum class BadFd : uint8_t { KernelSays, IsFirst, AfterBuffer } bad_fd = BadFd::KernelSays;
};

std::span<const CallRow> call_rows();

// The rows of one ABI by number.
class CallTable {
 public:
  explicit CallTable(uint32_t seccomp_arch) : seccomp_arch_(seccomp_arch) {}
  const CallRow* find(int number);

 private:
  uint32_t seccomp_arch_;
  std::unordered_map<int, const CallRow*> rows_;  // filled as numbers come
};

}  // namespace lxnet::host
