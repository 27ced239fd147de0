// Redirects (RFC 792; RFC 1122, 3.2.2.2; RFC 4861, section 8): a router says which neighbour would have been the better next hop.
#pragma once

#include "stack/entry.hh"
#include "stack/route/route.hh"
#include "stack/wire/ndp.hh"

namespace lxnet {

struct RedirectNotice {
  uint32_t interface_index = 0;  // where it came in
  IpAddress old_gateway;         // who says so
  IpAddress new_gateway;
  IpAddress source, destination;  // of the packet of ours it is about
};

// An IPv4 redirect has come: to be believed or not.
void receive_redirect4(Entry& entry, const RedirectNotice& notice);

// An IPv6 one, by a link-local router; NDP has checked the message itself.
void receive_redirect6(Entry& entry, Interface& interface, const Ipv6Address& router, const NdpRedirect& redirect);

// Whether a forwarded packet's sender is to be told of route.next_hop (send_redirects, shared_media, rate).
bool is_redirect_due(Entry& entry, const Packet& packet, const Route& route, const Interface& input);
// The IPv6 one, which NDP composes. The packet's front is at its IPv6 header.
void send_redirect6(Entry& entry, const Packet& packet, const Route& route, Interface& input);

}  // namespace lxnet
