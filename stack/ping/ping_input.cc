// The ICMP echo socket is not implemented: nobody takes its packets.
#include "stack/ping/ping_input.hh"

#include "stack/drop_reason.hh"

namespace lxnet {

void ping_receive(Entry& entry, Ref<Packet> packet) { drop(entry, std::move(packet), DropReason::IcmpIgnored); }

void ping_receive_error(Entry&, const IpError&) {}

}  // namespace lxnet
