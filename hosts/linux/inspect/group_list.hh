// /proc/net/igmp, igmp6, mcfilter, mcfilter6 and dev_mcast: the multicast groups that interfaces listen to.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hal/lxnet.h"

namespace lxnet::host {

// `name` is the file's below /proc/net. Nothing: it is no file of these.
std::optional<std::string> group_list_text(lxnet_stack* stack, std::string_view name);

}  // namespace lxnet::host
