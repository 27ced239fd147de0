// One program, from its start until nothing of it is left: a crash, a hang and processes left behind are results.
//
// A keeper process stands between the runner and the program. It is their subreaper, passes the output on into a file, ends what
// goes on for too long, and kills what the program leaves behind, so that the next test begins on a quiet machine.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace lxnet::ltp {

struct ProcessSpec {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // NAME=VALUE, beside the runner's own
  std::string directory;
  std::string output_file;
  absl::Duration timeout = absl::Minutes(5);
  uint64_t output_limit = 16 << 20;  // what is printed beyond it is dropped
  bool is_private = false;           // in mount, network, process, IPC and host-name namespaces of its own; needs root
};

enum class Ending : uint8_t { Exited, Killed, TimedOut, NotStarted };

struct ProcessResult {
  Ending ending = Ending::NotStarted;
  int number = 0;  // the exit status, the signal, or the errno
  absl::Duration elapsed;
  int left_behind = 0;  // processes that were there when the program had ended
  bool is_cut = false;  // it printed more than the limit

  // "exit 0", "killed by SIGSEGV", "no end after 60 s".
  std::string description() const;
};

class Process {
 public:
  static absl::StatusOr<Process> start(const ProcessSpec& spec);
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  // Ends whatever still runs.
  ~Process();

  // Readable once finish() would not wait.
  int event_fd() const { return result_fd_; }
  ProcessResult finish();

 private:
  Process(pid_t keeper, int result_fd, absl::Time started) : keeper_(keeper), result_fd_(result_fd), started_(started) {}

  pid_t keeper_;
  int result_fd_;
  absl::Time started_;
};

}  // namespace lxnet::ltp
