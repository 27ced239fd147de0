// Neighbour discovery is not implemented: nobody takes its packets.
#include "stack/ndp/ndp_input.hh"

#include "stack/drop_reason.hh"

namespace lxnet {

void ndp_receive(Entry& entry, Ref<Packet> packet) { drop(entry, std::move(packet), DropReason::IcmpIgnored); }

}  // namespace lxnet
