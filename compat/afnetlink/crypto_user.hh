// NETLINK_CRYPTO: what libkcapi asks about the algorithms of AF_ALG, and what an administrator may do with them.
#pragma once

#include "compat/afnetlink/netlink_message.hh"

namespace lxnet {

// ENOENT for an algorithm nobody has asked for yet and where AF_ALG is not served; EPERM for changes by others.
bool is_crypto_question(uint16_t type);
Result<> handle_crypto_user(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output);

}  // namespace lxnet
