// What a program's alarm(), setitimer() or timer_settime() is about to set, so that SignalWatch looks when it runs out.
#pragma once

#include "hosts/linux/call.hh"
#include "hosts/linux/signal_watch.hh"

namespace lxnet::host {

// Before the kernel's own call, which may still fail: then there is one look for nothing.
void note_timer(SignalWatch& signals, const Call& call);

}  // namespace lxnet::host
