// How the layer above makes each kind of Internet socket; each is defined beside its protocol.
#pragma once

#include "stack/socket.hh"

namespace lxnet {

// ENOBUFS without memory, as Linux says of a socket.
Result<Ref<Socket>> create_tcp_socket(Entry& entry, IpFamily family);                     // stack/tcp/
Result<Ref<Socket>> create_udp_socket(Entry& entry, IpFamily family, uint8_t protocol);   // stack/udp/; UDP or UDP-Lite
Result<Ref<Socket>> create_raw_socket(Entry& entry, IpFamily family, uint16_t protocol);  // stack/raw/
// EACCES when the task's groups are outside net.ipv4.ping_group_range.
Result<Ref<Socket>> create_ping_socket(Entry& entry, IpFamily family);  // stack/ping/

}  // namespace lxnet
