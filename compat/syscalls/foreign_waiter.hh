// What lxnet_poll_waiter of hal.h is: the core's end of a wait on a file of the host's.
#pragma once

#include "hal/lxnet.h"
#include "stack/poll_events.hh"

struct lxnet_poll_waiter {
  // Whether an exclusive waiter took the event.
  bool (*ready)(lxnet_poll_waiter* waiter, lxnet::PollEvents events);
  bool is_exclusive = false;
};
