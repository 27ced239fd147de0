// What the parts of ICMP share.
#pragma once

#include "stack/icmp/icmp_state.hh"
#include "stack/ip/transport.hh"
#include "stack/route/route.hh"

namespace lxnet {

// At most `limit` bytes of the packet from its network header on, by reference.
Result<Ref<Packet>> cite_packet(const Packet& packet, size_t limit);

// Whether a message of this type may be sent to `destination` now, and pays for it.
bool icmp4_may_send(Entry& entry, const Route& route, const IpAddress& destination, uint8_t type, uint8_t code);
bool icmp6_may_send(Entry& entry, const Route& route, const IpAddress& destination, uint8_t type);

// What Linux charges for the message, whoever receives it; IPv4 options included.
void charge_message(Packet& message, IpFamily family, size_t options_size = 0);

// Front at the ICMP header, checksum verified: the message types that cite a packet of ours.
void icmp4_receive_unreachable(Entry& entry, Ref<Packet> packet);
void icmp4_receive_redirect(Entry& entry, Ref<Packet> packet);
void icmp6_receive_citation(Entry& entry, Ref<Packet> packet);

}  // namespace lxnet
