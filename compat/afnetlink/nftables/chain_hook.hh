// Where a base chain stands: NFTA_CHAIN_HOOK, and the types of chains with the hooks that each may be at.
#pragma once

#include "compat/afnetlink/nftables/nft_tables.hh"

namespace lxnet::nft {

struct ChainTypeRow {
  uint8_t family;
  NftChainType type;
  const char* name;
  uint32_t hooks;
};

struct ChainHook {
  uint32_t number = 0;
  int32_t priority = 0;
  const ChainTypeRow* type = nullptr;
};

// Of a new chain, or what is said of one that is there. ENOENT: something is missing, or there is no such type; EOPNOTSUPP.
Result<ChainHook> read_chain_hook(Context& context, const NftChain* chain);
const char* chain_type_name(NftChainType type);
// At devices and not at the hooks of a protocol.
bool is_device_hook(uint8_t family, uint8_t number);

}  // namespace lxnet::nft
