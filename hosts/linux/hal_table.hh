// The HAL of the Linux supervisor: what the core asks of its host, answered for the program whose call is running.
#pragma once

#include "hal/hal.h"

namespace lxnet::host {

class Supervisor;
lxnet_hal make_hal(Supervisor& supervisor);

}  // namespace lxnet::host
