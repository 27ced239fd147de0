// What IP calls when a packet for ICMP echo sockets has come in, or an error about one we sent. Rows of stack/ip/transport.cc.
#pragma once

#include "stack/ip/transport.hh"

namespace lxnet {

// An echo reply that ICMP input has checked: front at the ICMP header, IpInfo in control(). Takes the packet.
void ping_receive(Entry& entry, Ref<Packet> packet);
// error.cited has its front at the ICMP header of the echo request we had sent.
void ping_receive_error(Entry& entry, const IpError& error);

}  // namespace lxnet
