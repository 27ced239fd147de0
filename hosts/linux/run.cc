#include "hosts/linux/run.hh"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "hosts/linux/clock.hh"
#include "hosts/linux/network_link.hh"
#include "hosts/linux/process_tree.hh"
#include "hosts/linux/program.hh"
#include "hosts/linux/signal_relay.hh"
#include "hosts/linux/supervisor.hh"
#include "hosts/linux/tunable_error.hh"

namespace lxnet::host {
namespace {

constexpr int kKilled = 128;  // and the signal's number
constexpr int64_t kGrace = 100 * kMillisecond;

class GuardianWatch : public EventSource {
 public:
  GuardianWatch(EventLoop& loop, pid_t guardian) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, guardian, 0))) {
    has_ended_ = !fd_.is_open() || ::getppid() != guardian;
    if (!has_ended_) loop.add(fd_.get(), EPOLLIN, this);
  }
  void on_event(uint32_t) override { has_ended_ = true; }
  bool has_ended() const { return has_ended_; }

 private:
  OwnedFd fd_;
  bool has_ended_ = false;
};

int fail(const absl::Status& status) {
  std::fprintf(stderr, "lxnet: %s\n", std::string(status.message()).c_str());
  return kOwnFailure;
}

int apply_tunables(const RunOptions& options, lxnet_stack* stack) {
  for (const auto& [name, value] : options.tunables) {
    int error = lxnet_tunable_set(stack, name.c_str(), value.c_str());
    if (error >= 0) continue;
    return fail(absl::InvalidArgumentError(absl::StrCat("--sysctl ", name, "=", value, ": ", tunable_error(error))));
  }
  return 0;
}

// What is wrong, or "".
std::string prepare(const RunOptions& options, NetworkLink& link) {
  std::string wrong = options.impairment.empty() ? "" : link.impair(options.impairment);
  if (!wrong.empty() || options.capture == nullptr) return wrong;
  return link.capture(std::move(*options.capture));
}

void print_statistics(const Statistics& statistics, const LinkCounts& link) {
  std::fprintf(stderr, "lxnet: %" PRIu64 " calls served, %" PRIu64 " left to the kernel, %" PRIu64 " interrupted\n",
               statistics.served, statistics.continued, statistics.interrupted);
  std::fprintf(stderr, "lxnet: %" PRIu64 " packets, %" PRIu64 " bytes", link.packets, link.bytes);
  if (link.lost > 0) std::fprintf(stderr, ", %" PRIu64 " lost", link.lost);
  std::fputc('\n', stderr);
}

int supervise(const RunOptions& options, const std::function<int()>& body, pid_t guardian, const sigset_t& program_mask) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_NAME, "lxnet-supervise");
  Supervisor supervisor(options.log_level);
  if (options.call_log != nullptr) supervisor.print_calls_to(options.call_log);
  if (absl::Status status = supervisor.create_stack(options.serves_unix); !status.ok()) return fail(status);
  if (apply_tunables(options, supervisor.default_stack()) != 0) return kOwnFailure;
  NetworkLink link(supervisor.default_stack());
  if (std::string wrong = prepare(options, link); !wrong.empty()) return fail(absl::InternalError(wrong));
  const FilterOptions filter = {.proc = options.proc,
                                .host_calls = options.host_calls,
                                .refuses_rings = options.refuses_rings,
                                .follows_landlock = options.follows_landlock};
  absl::StatusOr<Program> program = start_program(body, program_mask, filter);
  if (!program.ok()) return fail(program.status());
  Supervisor::raise_descriptor_limit();
  supervisor.add_listener(std::move(program->listener));
  SignalRelay signals(supervisor.loop(), program->pid, [&] { supervisor.signals().expect_soon(now_nanos()); });
  GuardianWatch guardian_watch(supervisor.loop(), guardian);
  signals.reap();

  auto is_over = [&] { return options.waits_for_all ? !signals.has_children() : signals.has_ended(); };
  while (!is_over() && !guardian_watch.has_ended()) {
    supervisor.turn(kNever);
    link.flush();
  }
  // What ends by itself with the program, as a child that reads the end of a stream, is let end.
  const int64_t last = signals.program_status() < kKilled ? now_nanos() + kGrace : 0;
  while (signals.has_children() && now_nanos() < last && !guardian_watch.has_ended()) {
    supervisor.turn(last);
    link.flush();
  }
  kill_descendants([&] { supervisor.turn(now_nanos() + kMillisecond); });
  supervisor.finish();
  if (options.prints_statistics) print_statistics(supervisor.statistics(), link.counts());
  return signals.program_status();
}

// Waits for the supervisor and passes signals on to it.
int guard(pid_t supervisor) {
  sigset_t set = relayed_signals();
  for (;;) {
    siginfo_t info;
    int signal = ::sigwaitinfo(&set, &info);
    if (signal > 0) {
      pass_on({.number = signal, .code = info.si_code, .sender = info.si_pid, .value = info.si_value}, supervisor);
    }
    int status;
    pid_t ended = ::waitpid(supervisor, &status, WNOHANG);
    if (ended == 0) continue;
    if (ended == supervisor && WIFEXITED(status)) return WEXITSTATUS(status);
    std::fprintf(stderr, "lxnet: the supervisor died of signal %d; ending its programs\n", WTERMSIG(status));
    kill_descendants([] { ::usleep(1000); });
    return kOwnFailure;
  }
}

}  // namespace

int run_supervised(const RunOptions& options, const std::function<int()>& body) {
  std::fflush(nullptr);
  sigset_t handled = relayed_signals(), before;
  ::sigprocmask(SIG_BLOCK, &handled, &before);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t guardian = ::getpid();
  pid_t supervisor = ::fork();
  if (supervisor < 0) return fail(absl::ErrnoToStatus(errno, "fork"));
  if (supervisor == 0) {
    int status = supervise(options, body, guardian, before);
    std::fflush(nullptr);
    ::_exit(status);
  }
  int status = guard(supervisor);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return status;
}

}  // namespace lxnet::host
