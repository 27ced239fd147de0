// ARP (RFC 826, RFC 5227) as Linux speaks it, with its switches arp_ignore, arp_announce, arp_filter, arp_accept and arp_notify.
//
// Not implemented: proxy ARP, RARP.
#pragma once

#include "stack/interface.hh"

namespace lxnet {

// Front at the ARP header. Takes the packet.
void arp_receive(Entry& entry, Ref<Packet> packet, Interface& interface);

// Asks who has `target`: everybody, or only whoever has it by what we knew. `wanted_source` is that of the packet that waits.
void arp_solicit(Entry& entry, Interface& interface, Ipv4Address target, const MacAddress* known, const IpAddress& wanted_source);

// The interface came up or has another hardware address: gratuitous requests for its addresses, if arp_notify asks for them.
void arp_interface_changed(Entry& entry, Interface& interface);

// Tells everybody that the address is here (a failover's gratuitous ARP).
void arp_announce(Entry& entry, Interface& interface, Ipv4Address address);

}  // namespace lxnet
