// One element as a program gives it: NFTA_SET_ELEM_*.
#pragma once

#include "compat/afnetlink/nftables/face.hh"

namespace lxnet::nft {

extern const NlaPolicy kElementPolicy[kElementExpressions + 1];

// EOPNOTSUPP, EINVAL.
Result<uint8_t> read_element_flags(const NftSet& set, Nla attribute);
Result<> read_element_key(Context& context, const NftSet& set, NftData& key, Nla attribute);
// Whether the end of a range may be said here.
bool may_have_end(const NftSet& set, const NlaTable& attributes, uint8_t flags);
// A new element, with all it holds on to. What fails lets go of it.
Result<NftElement*> read_element(Context& context, NftSet& set, const NlaTable& attributes);

}  // namespace lxnet::nft
