// NETLINK_CRYPTO: what libkcapi asks about the algorithms of AF_ALG.
#pragma once

#include "compat/afnetlink/netlink_message.hh"

namespace lxnet {

// ENOENT for an algorithm nobody has asked for yet and where AF_ALG is not served; EOPNOTSUPP for changes, which Linux lets an
// administrator make.
Result<> handle_crypto_user(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output);

}  // namespace lxnet
