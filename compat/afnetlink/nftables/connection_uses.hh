// Expressions that need connections to be followed hold on to that.
#pragma once

#include "compat/afnetlink/nftables/nft_tables.hh"
#include "stack/nft/expression_connection.hh"

namespace lxnet::nft {

// Of a table's family. EPROTO: nothing is followed there; ENOMEM.
Result<> use_connections(Context& context, uint8_t family, NftConnectionUses& uses);

}  // namespace lxnet::nft
