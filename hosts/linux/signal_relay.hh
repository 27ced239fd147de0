// Passes signals on to the program, as if its starter were not there, and learns of the ends of children.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>

#include "hosts/linux/event_loop.hh"

namespace lxnet::host {

// What must be blocked in a process that has a relay.
sigset_t relayed_signals();

// What the terminal sends, the whole foreground group has got already.
bool is_to_pass_on(int signal, int code);

class SignalRelay : public EventSource {
 public:
  SignalRelay(EventLoop& loop, pid_t program, std::function<void()> on_signal);
  ~SignalRelay() override;

  void on_event(uint32_t events) override;
  // Also for children that ended before there was a relay.
  void reap();

  bool has_ended() const { return has_ended_; }  // the program
  bool has_children() const { return has_children_; }
  int program_status() const { return program_status_; }  // as a shell shows it

 private:
  EventLoop& loop_;
  pid_t program_;
  std::function<void()> on_signal_;
  OwnedFd fd_;
  bool has_ended_ = false;
  bool has_children_ = true;
  int program_status_;
};

}  // namespace lxnet::host
