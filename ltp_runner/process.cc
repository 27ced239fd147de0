#include "ltp_runner/process.hh"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "ltp_runner/keeper.hh"

namespace lxnet::ltp {

std::string ProcessResult::description() const {
  switch (ending) {
    case Ending::Exited:
      return absl::StrCat("exit ", number);
    case Ending::Killed: {
      const char* name = ::sigabbrev_np(number);
      return name != nullptr ? absl::StrCat("killed by SIG", name) : absl::StrCat("killed by signal ", number);
    }
    case Ending::TimedOut:
      return absl::StrCat("no end after ", number, " s");
    case Ending::NotStarted:
      break;
  }
  return absl::StrCat("not started: ", ::strerror(number));
}

absl::StatusOr<Process> Process::start(const ProcessSpec& spec) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  pid_t parent = ::getpid();
  absl::Time started = absl::Now();
  pid_t keeper = ::fork();
  if (keeper == 0) {
    ::close(ends[0]);
    keep(spec, parent, ends[1]);
  }
  int error = errno;
  ::close(ends[1]);
  if (keeper < 0) {
    ::close(ends[0]);
    return absl::ErrnoToStatus(error, "fork");
  }
  return Process(keeper, ends[0], started);
}

Process::Process(Process&& other) noexcept
    : keeper_(std::exchange(other.keeper_, 0)), result_fd_(std::exchange(other.result_fd_, -1)), started_(other.started_) {}

Process::~Process() {
  if (keeper_ > 0) {
    ::kill(keeper_, SIGTERM);
    ::waitpid(keeper_, nullptr, 0);
  }
  if (result_fd_ >= 0) ::close(result_fd_);
}

ProcessResult Process::finish() {
  KeeperReport report = {};
  ssize_t size;
  do {
    size = ::read(result_fd_, &report, sizeof report);
  } while (size < 0 && errno == EINTR);
  int status = 0;
  while (::waitpid(keeper_, &status, 0) < 0 && errno == EINTR) {
  }
  keeper_ = 0;
  ProcessResult result;
  result.elapsed = absl::Now() - started_;
  if (size != sizeof report) {
    // The keeper itself was ended from outside, by whoever ends everything.
    result.ending = Ending::Killed;
    result.number = WIFSIGNALED(status) ? WTERMSIG(status) : SIGKILL;
    return result;
  }
  result.ending = report.ending;
  result.number = report.number;
  result.left_behind = report.left_behind;
  result.is_cut = report.is_cut;
  return result;
}

}  // namespace lxnet::ltp
