// NETLINK_NETFILTER: messages to the parts of the packet filter, alone or in batches. net/netfilter/nfnetlink.c of Linux 6.18.
//
// Of its subsystems nf_tables is served, and what iptables asks of it (nft_compat).
#pragma once

#include "compat/afnetlink/netlink_domain.hh"

namespace lxnet {

// One datagram of a program's. What is wrong with it is told to the socket, as acknowledgements.
void receive_netfilter(SyscallContext& context, ByteSpan datagram, NetlinkPeer& peer);
// A socket of that port is gone.
void close_netfilter(NetlinkDomain& domain, Entry& entry, uint32_t port);

// With the stack.
void destroy_netfilter(NetlinkDomain& domain);

}  // namespace lxnet
