// NETLINK_SOCK_DIAG: what ss asks.
#pragma once

#include "compat/afnetlink/netlink_message.hh"

namespace lxnet {

Result<> handle_sock_diag(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output);

// A family's part. ENOENT for a socket that is not there.
Result<> diag_internet(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output);
Result<> diag_tcp_of_old(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output);
Result<> diag_unix(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output);

inline constexpr uint16_t kDiagOld = 18, kDiagByFamily = 20, kDiagDestroy = 21;

}  // namespace lxnet
