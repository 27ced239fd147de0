// The connections that a stack follows, as /proc/net/nf_conntrack shows them, and what /proc/net/stat/nf_conntrack counts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hal/lxnet.h"

namespace lxnet::host {

// Absent when it is none of nf_conntrack, nf_conntrack_expect and stat/nf_conntrack.
std::optional<std::string> connection_list_text(lxnet_stack* stack, std::string_view name);

}  // namespace lxnet::host
