// The HAL of the Linux supervisor: what the core asks of its host, answered for the program whose call is running.
#pragma once

#include "hal/hal.h"

namespace lxnet::host {

class Supervisor;
lxnet_hal make_hal(Supervisor& supervisor);
// lxnet_enable_afnetlink()'s question, with the HAL's ctx.
uint64_t inode_of_socket(void* ctx, uint64_t cookie);

}  // namespace lxnet::host
