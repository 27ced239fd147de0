// What IP calls for ICMP. Rows of stack/ip/transport.cc.
#pragma once

#include "stack/ip/transport.hh"

namespace lxnet {

// Front at the ICMP header, IpInfo in control(). Take the packet.
void icmp4_receive(Entry& entry, Ref<Packet> packet);
void icmp6_receive(Entry& entry, Ref<Packet> packet);
// About an echo request of ours: to the echo sockets.
void icmp4_receive_error(Entry& entry, const IpError& error);
void icmp6_receive_error(Entry& entry, const IpError& error);

// Gives an error to the transport whose packet it is about, and to the raw sockets. For whoever finds out without ICMP, too.
void deliver_error(Entry& entry, const IpError& error);

}  // namespace lxnet
