// Whether a packet's transport checksum is right, in stack/filter/transport_sum.cc.
#pragma once

#include "stack/filter/filter_packet.hh"

namespace lxnet {

// As far as it can be told by one sum over everything (nf_checksum(), nf_reject_verify_csum()): what a device or nobody has
// to check is right.
bool is_transport_sum_sound(const FilterPacket& seen, uint8_t protocol, uint32_t transport_offset);

}  // namespace lxnet
