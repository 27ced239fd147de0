// What IP calls when a packet for UDP has come in, or an error about one we sent. Rows of stack/ip/transport.cc.
#pragma once

#include "stack/ip/transport.hh"

namespace lxnet {

// Front at the UDP header, IpInfo in control(); IPv4 and IPv6. Takes the packet, also when nobody wants it: the answer of ICMP is
// sent from here.
void udp_receive(Entry& entry, Ref<Packet> packet);
void udp_receive_error(Entry& entry, const IpError& error);
// The same for UDP-Lite.
void udp_lite_receive(Entry& entry, Ref<Packet> packet);
void udp_lite_receive_error(Entry& entry, const IpError& error);

}  // namespace lxnet
