// IPPROTO_UDP.
// lint: table
#include "compat/afinet/inet_options.hh"

namespace lxnet {

std::span<const OptionRow> udp_level_options() { return {}; }

}  // namespace lxnet
