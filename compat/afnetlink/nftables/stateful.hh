// Which expressions are objects too, by NFT_OBJECT_*.
#pragma once

#include "compat/afnetlink/nftables/face.hh"

namespace lxnet::nft {

struct StatefulType {
  uint32_t number;
  const ExpressionType* type;
};

// Null: there is no such object.
const StatefulType* find_stateful(uint32_t number);
// A quota's new limit; what was used of it stays.
void update_quota(NftExpression& known, const NftExpression& fresh);

}  // namespace lxnet::nft
