// SIOCADDRT, SIOCDELRT and the ARP table's ioctls; on AF_INET6 sockets also the addresses that are set with them.
#pragma once

#include "compat/syscalls/context.hh"

namespace lxnet {

Result<int64_t> route4_ioctl(SyscallContext& context, uint32_t command, UserAddress argument);    // struct rtentry
Result<int64_t> arp_ioctl(SyscallContext& context, uint32_t command, UserAddress argument);       // struct arpreq
Result<int64_t> route6_ioctl(SyscallContext& context, uint32_t command, UserAddress argument);    // struct in6_rtmsg
Result<int64_t> address6_ioctl(SyscallContext& context, uint32_t command, UserAddress argument);  // struct in6_ifreq

inline constexpr uint32_t kAddRoute = 0x890b, kDeleteRoute = 0x890c, kRouteMessage = 0x890d;
inline constexpr uint32_t kDeleteArp = 0x8953, kGetArp = 0x8954, kSetArp = 0x8955;
inline constexpr uint32_t kAddAddress6 = 0x8916, kSetDestination6 = 0x8918, kDeleteAddress6 = 0x8936;

}  // namespace lxnet
