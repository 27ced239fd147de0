// Routes and neighbours of a stack, as /proc/net/route, ipv6_route and arp show them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hal/lxnet.h"

namespace lxnet::host {

// Absent for names that are none of these.
std::optional<std::string> route_list_text(lxnet_stack* stack, std::string_view name);

}  // namespace lxnet::host
