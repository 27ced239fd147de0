// The packet filter of a stack, as /proc/net/ip_tables_names and its kin show it: what iptables-save asks before it asks for
// rules.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hal/lxnet.h"

namespace lxnet::host {

// Absent when it is none of ip_tables_names, _matches, _targets and the same of ip6_tables.
std::optional<std::string> filter_list_text(lxnet_stack* stack, std::string_view name);

}  // namespace lxnet::host
