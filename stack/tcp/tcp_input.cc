// TCP is not implemented: nobody takes its packets.
#include "stack/tcp/tcp_input.hh"

#include "stack/drop_reason.hh"

namespace lxnet {

void tcp_receive(Entry& entry, Ref<Packet> packet) { drop(entry, std::move(packet), DropReason::TcpNoSocket); }

void tcp_receive_error(Entry&, const IpError&) {}

}  // namespace lxnet
