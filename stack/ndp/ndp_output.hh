// The messages of neighbour discovery we send. any lock below rank Interfaces.
#pragma once

#include "stack/interface.hh"
#include "stack/wire/ndp.hh"

namespace lxnet {

// Asks who has `target`: its solicited-node group, or only whoever has it by what we knew. `wanted_source` is that of the packet
// that waits.
void ndp_solicit(Entry& entry, Interface& interface, const Ipv6Address& target, const MacAddress* known,
                 const IpAddress& wanted_source);
// Duplicate address detection asks from nobody (RFC 4862, 5.4.2), with a nonce to know its own echo by (RFC 7527).
void ndp_send_probe(Entry& entry, Interface& interface, const Ipv6Address& target, const NdpNonce& nonce);
enum class NdpAnswer : uint8_t { Unsolicited, Solicited };
void ndp_advertise(Entry& entry, Interface& interface, const Ipv6Address& destination, const Ipv6Address& target,
                   NdpAnswer answer, bool overrides, bool with_link_address);
void ndp_solicit_router(Entry& entry, Interface& interface, const Ipv6Address& source);
// `message` without its checksum, hop limit 255. Takes the packet.
void ndp_send(Entry& entry, Interface& interface, const Ipv6Address& source, const Ipv6Address& destination, Ref<Packet> message);

}  // namespace lxnet
