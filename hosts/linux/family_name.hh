// "AF_NETLINK" for 16; for messages.
#pragma once

#include <string>

namespace lxnet::host {

std::string family_name(int family);

}  // namespace lxnet::host
