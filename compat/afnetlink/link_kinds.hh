// The kinds of links that RTM_NEWLINK makes: rows, as Linux's rtnl_link_ops.
#pragma once

#include "compat/afnetlink/link_request.hh"
#include "stack/virtual_link.hh"

namespace lxnet {

// A link to be made, its attributes checked.
struct LinkRequest {
  const LinkMessage& asked;
  const NetlinkAttributes& attributes;
  Stack& target;
  const NetlinkAttributes* data = nullptr;  // IFLA_INFO_DATA
  Stack* peer_target = nullptr;             // where the other end is to be; null: not said
};

struct LinkKindRow {
  const char* name;
  uint32_t min_mtu, max_mtu;  // 0: any
  // Of the link's attributes, or of its peer's. EINVAL, EADDRNOTAVAIL, EOPNOTSUPP.
  Result<> (*validate)(const NetlinkAttributes& attributes);
  bool has_peer = false;
  Result<Ref<Interface>> (*create)(SyscallContext& context, const LinkRequest& request, const LinkKindRow& row) = nullptr;
};

// Null for a kind that is none.
const LinkKindRow* find_link_kind(const char* name);

}  // namespace lxnet
