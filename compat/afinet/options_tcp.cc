// IPPROTO_TCP.
// lint: table
#include "compat/afinet/inet_options.hh"

namespace lxnet {

std::span<const OptionRow> tcp_level_options() { return {}; }

}  // namespace lxnet
