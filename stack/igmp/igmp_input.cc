// Group membership messages.
#include "stack/igmp/igmp_input.hh"

#include "stack/drop_reason.hh"

namespace lxnet {

void igmp_receive(Entry& entry, Ref<Packet> packet) { drop(entry, std::move(packet), DropReason::IgmpHeader); }
void mld_receive(Entry& entry, Ref<Packet> packet) { drop(entry, std::move(packet), DropReason::IgmpHeader); }

}  // namespace lxnet
