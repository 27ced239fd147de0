// What IP and ICMPv6 call for group membership protocols.
#pragma once

#include "stack/ip/transport.hh"

namespace lxnet {

// Front at the IGMP or MLD header, IpInfo in control(); of MLD the checksum is verified. Take the packet.
void igmp_receive(Entry& entry, Ref<Packet> packet);
void mld_receive(Entry& entry, Ref<Packet> packet);

}  // namespace lxnet
