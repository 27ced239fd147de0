// The HAL table of a simulated host.
#pragma once

#include "hal/hal.h"

namespace lxnet::sim {

class Host;
lxnet_hal make_hal_table(Host& host);

}  // namespace lxnet::sim
