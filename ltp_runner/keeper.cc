#include "ltp_runner/keeper.hh"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "ltp_runner/private_world.hh"

namespace lxnet::ltp {
namespace {

// How long the dying may take; one in an uninterruptible sleep is not waited for longer.
constexpr absl::Duration kLastRites = absl::Seconds(10);

void report_to(int fd, const KeeperReport& report) {
  ssize_t written = ::write(fd, &report, sizeof report);
  (void)written;  // the runner is gone, and so is the reason to tell it
}

[[noreturn]] void become_program(const ProcessSpec& spec, int output, int error_fd) {
  ::setsid();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  for (const std::string& variable : spec.environment) ::putenv(const_cast<char*>(variable.c_str()));
  if (spec.directory.empty() || ::chdir(spec.directory.c_str()) == 0) {
    std::vector<char*> arguments;
    for (const std::string& argument : spec.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    ::close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    ::execvp(arguments[0], arguments.data());
  }
  int error = errno;
  ssize_t written = ::write(error_fd, &error, sizeof error);
  (void)written;
  ::_exit(127);
}

// Kills the present children, those of the dead included as they arrive; returns how many there were.
int kill_children_once() {
  std::FILE* children = std::fopen(absl::StrCat("/proc/self/task/", ::getpid(), "/children").c_str(), "re");
  if (children == nullptr) return 0;
  int count = 0;
  for (int pid; std::fscanf(children, "%d", &pid) == 1; count++) ::kill(pid, SIGKILL);
  std::fclose(children);
  return count;
}

void reap_all() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

// Everything below the keeper; returns how many processes there were at first.
int kill_all() {
  absl::Time deadline = absl::Now() + kLastRites;
  reap_all();
  int first = kill_children_once();
  for (int left = first; left > 0 && absl::Now() < deadline; left = kill_children_once()) {
    ::usleep(2000);
    reap_all();
  }
  return first;
}

class Keeper {
 public:
  explicit Keeper(const ProcessSpec& spec) : spec_(spec) {}

  KeeperReport run() {
    output_file_ = ::open(spec_.output_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int output[2], errors[2];
    if (output_file_ < 0 || ::pipe2(output, O_CLOEXEC) != 0 || ::pipe2(errors, O_CLOEXEC) != 0) return not_started(errno);
    pid_t program = ::fork();
    if (program < 0) return not_started(errno);
    if (program == 0) become_program(spec_, output[1], errors[1]);
    ::close(output[1]);
    ::close(errors[1]);
    output_ = output[0];
    ::fcntl(output_, F_SETFL, O_NONBLOCK);
    int error;
    if (::read(errors[0], &error, sizeof error) == sizeof error) {
      ::waitpid(program, nullptr, 0);
      return not_started(error);
    }
    ::close(errors[0]);
    return watch(program);
  }

 private:
  static KeeperReport not_started(int error) {
    return {.ending = Ending::NotStarted, .number = error, .left_behind = 0, .is_cut = false};
  }

  KeeperReport watch(pid_t program) {
    KeeperReport report = {};
    sigset_t signals = keeper_signals();
    int events = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    absl::Time deadline = absl::Now() + spec_.timeout;
    bool has_ended = false;
    while (!has_ended) {
      int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
      if (left <= 0) {
        report.ending = Ending::TimedOut;
        report.number = static_cast<int>(absl::ToInt64Seconds(spec_.timeout));
        break;
      }
      pollfd waits[] = {{.fd = events, .events = POLLIN, .revents = 0}, {.fd = output_, .events = POLLIN, .revents = 0}};
      ::poll(waits, 2, static_cast<int>(left) + 1);
      copy_output();
      signalfd_siginfo info;
      while (::read(events, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTERM) {
          kill_all();
          ::_exit(1);
        }
      }
      has_ended = reap(program, report);
    }
    // A program that hangs is not left behind by anyone.
    int left = kill_all();
    report.left_behind = has_ended ? left : 0;
    copy_output();
    report.is_cut = is_cut_;
    return report;
  }

  // True when the program has ended; its descendants may end unnoticed.
  bool reap(pid_t program, KeeperReport& report) {
    int status;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid != program) continue;
      report.ending = WIFEXITED(status) ? Ending::Exited : Ending::Killed;
      report.number = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
      return true;
    }
    return false;
  }

  void copy_output() {
    char block[65536];
    // A flood must not keep the keeper from looking at the time.
    for (int round = 0; round < 64 && output_ >= 0; round++) {
      ssize_t size = ::read(output_, block, sizeof block);
      if (size == 0) {
        ::close(output_);
        output_ = -1;  // poll() passes over it
      }
      if (size <= 0) return;
      uint64_t room = spec_.output_limit - written_;
      if (static_cast<uint64_t>(size) > room) {
        is_cut_ = true;
        size = static_cast<ssize_t>(room);
      }
      if (size > 0 && ::write(output_file_, block, static_cast<size_t>(size)) == size) written_ += static_cast<uint64_t>(size);
    }
  }

 public:
  static sigset_t keeper_signals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGCHLD);
    ::sigaddset(&signals, SIGTERM);
    return signals;
  }

 private:
  const ProcessSpec& spec_;
  int output_file_ = -1;
  int output_ = -1;
  uint64_t written_ = 0;
  bool is_cut_ = false;
};

}  // namespace

void keep(const ProcessSpec& spec, pid_t parent, int report_fd) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::prctl(PR_SET_NAME, "ltp-keeper");
  ::signal(SIGINT, SIG_IGN);  // the runner hears it, and ends us
  if (spec.is_private) {
    if (int error = enter_private_world(); error != 0) {
      report_to(report_fd, {.ending = Ending::NotStarted, .number = error, .left_behind = 0, .is_cut = false});
      ::_exit(1);
    }
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t signals = Keeper::keeper_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  report_to(report_fd, Keeper(spec).run());
  ::_exit(0);
}

}  // namespace lxnet::ltp
