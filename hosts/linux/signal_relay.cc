#include "hosts/linux/signal_relay.hh"

#include <errno.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "hosts/linux/process_tree.hh"

namespace lxnet::host {
namespace {
constexpr int kPassedOn[] = {SIGINT,    SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM,
                             SIGVTALRM, SIGPROF, SIGIO,   SIGPWR, SIGPIPE, SIGXCPU, SIGXFSZ,  SIGSTKFLT};

bool is_to_pass_on(const HeardSignal& signal) {
  // What the terminal sends, the whole foreground group has got already.
  if (signal.number == SIGCHLD || signal.code == SI_KERNEL) return false;
  return signal.sender != ::getpid() && !is_descendant(signal.sender);
}

}  // namespace

sigset_t relayed_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  for (int signal : kPassedOn) ::sigaddset(&set, signal);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++) ::sigaddset(&set, signal);
  return set;
}

void pass_on(const HeardSignal& signal, pid_t to) {
  if (!is_to_pass_on(signal)) return;
  if (signal.code == SI_QUEUE) {
    ::sigqueue(to, signal.number, signal.value);
  } else {
    ::kill(to, signal.number);
  }
}

SignalRelay::SignalRelay(EventLoop& loop, pid_t program, std::function<void()> on_signal)
    : loop_(loop), program_(program), on_signal_(std::move(on_signal)), program_status_(kOwnFailure) {
  sigset_t set = relayed_signals();
  fd_ = OwnedFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  loop_.add(fd_.get(), EPOLLIN, this);
}

SignalRelay::~SignalRelay() { loop_.remove(fd_.get(), this); }

void SignalRelay::on_event(uint32_t) {
  signalfd_siginfo info;
  while (::read(fd_.get(), &info, sizeof info) == sizeof info) {
    on_signal_();
    pass_on({.number = static_cast<int>(info.ssi_signo),
             .code = info.ssi_code,
             .sender = static_cast<pid_t>(info.ssi_pid),
             .value = {.sival_ptr = reinterpret_cast<void*>(info.ssi_ptr)}},
            program_);
  }
  reap();
}

void SignalRelay::reap() {
  int status;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) != 0;) {
    if (pid < 0) {
      if (errno == ECHILD) has_children_ = false;
      return;
    }
    if (pid == program_) {
      program_status_ = shell_status(status);
      has_ended_ = true;
    }
  }
}

}  // namespace lxnet::host
