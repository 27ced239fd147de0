// Passes signals on to the program, as if its starter were not there, and learns of the ends of children.
//
// What a process of the program sends does not come back to it: not what it sends to its process group, which we are in, nor what
// it sends to its parent, which we become when that has ended (as init, which hears none of it).
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>

#include "hosts/linux/event_loop.hh"

namespace lxnet::host {

// What must be blocked in a process that has a relay: all that would end it, but faults of its own.
sigset_t relayed_signals();

struct HeardSignal {
  int number = 0, code = 0;
  pid_t sender = 0;
  sigval value = {};
};
// To the process that stands for the program, if it is for that.
void pass_on(const HeardSignal& signal, pid_t to);

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
