// What REJECT sends back, in stack/filter/answer.cc.
#pragma once

#include "stack/filter/filter_packet.hh"

namespace lxnet {

// no lock of rank PacketFilter or above. By the packet's family and `answer`, which a rule set.
void answer_refused(FilterPacket& packet);

}  // namespace lxnet
