#include "hosts/linux/program.hh"

#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdio>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "hosts/linux/filter.hh"

namespace lxnet::host {
namespace {

// Shared with the child: once its filter stands it cannot send us anything, since nobody answers its calls yet.
struct Handshake {
  std::atomic<int> stage{0};
  int listener = -1;  // the child's number, or a negative errno

  static constexpr int kFilterStands = 1;
  static constexpr int kListenerTaken = 2;

  void advance(int to) {
    stage.store(to);
    ::syscall(SYS_futex, &stage, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }
  // False when `still_there` says that the other side is gone.
  template <typename StillThere>
  bool wait_for(int wanted, StillThere still_there) {
    for (int seen = stage.load(); seen < wanted; seen = stage.load()) {
      timespec patience = {.tv_sec = 0, .tv_nsec = 50'000'000};
      ::syscall(SYS_futex, &stage, FUTEX_WAIT, seen, &patience, nullptr, 0);
      if (stage.load() < wanted && !still_there()) return false;
    }
    return true;
  }
};

absl::Status refused(int error) {
  std::string message = absl::StrCat("the seccomp filter cannot be installed: ", std::strerror(error));
  if (error == EINVAL) absl::StrAppend(&message, " (Linux 5.19 or newer with CONFIG_SECCOMP_FILTER is needed)");
  if (error == EBUSY) absl::StrAppend(&message, " (a supervisor, perhaps another lxnet run, already serves this process)");
  return absl::FailedPreconditionError(message);
}

[[noreturn]] void run_child(Handshake& handshake, const std::vector<sock_filter>& filter, pid_t parent,
                            const std::function<int()>& body, const sigset_t& signal_mask) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(125);
  // A filter without privilege demands that nothing below it gains any; as root, setuid programs go on to work.
  if (::geteuid() != 0) ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  int listener = install_filter(filter);
  // Without CAP_SYS_ADMIN even root needs it.
  if (listener == -EACCES && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) listener = install_filter(filter);
  handshake.listener = listener;
  handshake.advance(Handshake::kFilterStands);
  if (listener < 0 || !handshake.wait_for(Handshake::kListenerTaken, [&] { return ::getppid() == parent; })) ::_exit(125);
  ::close(listener);
  ::sigprocmask(SIG_SETMASK, &signal_mask, nullptr);
  int status = body();
  std::fflush(nullptr);
  ::_exit(status);
}

}  // namespace

absl::StatusOr<Program> start_program(const std::function<int()>& body, const sigset_t& signal_mask,
                                      const FilterOptions& filter_options) {
  absl::StatusOr<std::vector<sock_filter>> filter = build_filter(filter_options);
  if (!filter.ok()) return filter.status();
  void* page = ::mmap(nullptr, sizeof(Handshake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return absl::ErrnoToStatus(errno, "mmap");
  auto* handshake = new (page) Handshake;
  std::fflush(nullptr);
  pid_t parent = ::getpid();
  pid_t child = ::fork();
  if (child < 0) return absl::ErrnoToStatus(errno, "fork");
  if (child == 0) run_child(*handshake, *filter, parent, body, signal_mask);

  siginfo_t info = {};
  auto is_alive = [&] {
    return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
  };
  bool stands = handshake->wait_for(Handshake::kFilterStands, is_alive);
  int number = stands ? handshake->listener : -ECHILD;
  OwnedFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  OwnedFd listener(number >= 0 ? static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), number, 0)) : -1);
  if (!listener.is_open()) {
    int error = number < 0 ? -number : errno;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::munmap(page, sizeof(Handshake));
    return refused(error);
  }
  handshake->advance(Handshake::kListenerTaken);
  ::munmap(page, sizeof(Handshake));
  return Program{.pid = child, .listener = std::move(listener)};
}

int exec_program(char* const arguments[]) {
  ::execvp(arguments[0], arguments);
  int error = errno;
  std::fprintf(stderr, "lxnet: %s: %s\n", arguments[0], std::strerror(error));
  return error == ENOENT ? 127 : 126;
}

}  // namespace lxnet::host
