// SOL_RAW and SOL_ICMPV6.
// lint: table
#include "compat/afinet/inet_options.hh"

namespace lxnet {

std::span<const OptionRow> raw_level_options() { return {}; }

}  // namespace lxnet
