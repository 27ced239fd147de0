// UDP is not implemented: nobody takes its packets.
#include "stack/udp/udp_input.hh"

#include "stack/drop_reason.hh"

namespace lxnet {

void udp_receive(Entry& entry, Ref<Packet> packet) { drop(entry, std::move(packet), DropReason::UdpNoSocket); }

void udp_receive_error(Entry&, const IpError&) {}

}  // namespace lxnet
