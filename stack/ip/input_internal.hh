// What the parts of IP input share.
#pragma once

#include "stack/ip/fragment_queue.hh"
#include "stack/ip/ip_info.hh"
#include "stack/ip/ip_state.hh"
#include "stack/ip/options4.hh"
#include "stack/mib.hh"

namespace lxnet {

// Front at the IP header, which is checked and trimmed to; IpInfo filled. A packet for us.
void ip4_deliver(Entry& entry, Ref<Packet> packet);
void ip6_deliver(Entry& entry, Ref<Packet> packet);

// Front at the IP header. A packet that goes on through `route`, whose kind is Unicast.
void ip4_forward(Entry& entry, Ref<Packet> packet, const Route& route, Interface& input);
void ip6_forward(Entry& entry, Ref<Packet> packet, const Route& route, Interface& input);

// A packet that has just been routed and names the hops it is to go (RFC 791, 3.1): past those that are ours, and `route` is
// where to then. EINVAL: it must go, and whoever sent it has been told.
Result<> ip4_follow_source_route(Entry& entry, Packet& packet, const Ipv4Options& options, Interface& input, Route& route);

// Whether what comes in on the interface may be forwarded.
bool forwards4(Entry& entry, const Interface& input);
bool forwards6(Entry& entry, const Interface& input);

// IpInfo from the header at the front.
void ip4_fill_info(Packet& packet);
void ip6_fill_info(Packet& packet);

// What every packet that arrives is counted as, by the mark that congestion leaves in its service field too.
inline void ip4_count_received(Entry& entry, size_t size, uint8_t tos) {
  static constexpr Mib kByEcn[] = {Mib::IpExtInNoECTPkts, Mib::IpExtInECT1Pkts, Mib::IpExtInECT0Pkts, Mib::IpExtInCEPkts};
  count(entry, Mib::IpInReceives);
  count(entry, Mib::IpExtInOctets, size);
  count(entry, kByEcn[tos & 3]);
}
inline void ip6_count_received(Entry& entry, size_t size, uint8_t tos) {
  static constexpr Mib kByEcn[] = {Mib::Ip6InNoECTPkts, Mib::Ip6InECT1Pkts, Mib::Ip6InECT0Pkts, Mib::Ip6InCEPkts};
  count(entry, Mib::Ip6InReceives);
  count(entry, Mib::Ip6InOctets, size);
  count(entry, kByEcn[tos & 3]);
}

// While connections are followed: a fragment is kept until its packet is whole, and null comes back; anything else goes through.
// What comes back of IPv6 begins anew: of its headers IpInfo knows the first alone. In stack/ip/gather.cc.
Ref<Packet> ip4_gather(Entry& entry, Ref<Packet> packet);
Ref<Packet> ip6_gather(Entry& entry, Ref<Packet> packet);
// The same of what we send.
Ref<Packet> ip4_gather_sent(Entry& entry, Ref<Packet> packet);

// Takes a fragment, its front at the IP header; gives the whole packet back when it completes it, and null while it does not.
Ref<Packet> ip4_reassemble(Entry& entry, Ref<Packet> fragment, FragmentUser user = FragmentUser::Stack);
// The fragment header stands at `offset`. The whole packet has none, and what stands before it is the first fragment's, which has
// been obeyed already: its IpInfo says where to go on, and `next_header_at` where that header is named.
Ref<Packet> ip6_reassemble(Entry& entry, Ref<Packet> fragment, size_t offset, size_t& next_header_at);

}  // namespace lxnet
