// The algorithms of a stack that serves AF_ALG, as /proc/crypto shows them.
#pragma once

#include <string>

#include "hal/lxnet.h"

namespace lxnet::host {

std::string crypto_text(lxnet_stack* stack);

}  // namespace lxnet::host
