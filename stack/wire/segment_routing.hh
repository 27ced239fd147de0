// The segment routing header (RFC 8754, 2): a list of addresses to be passed, the last first.
//
// Sent as a program gave it; packets that come with one are refused, as by a Linux whose net.ipv6.conf.*.seg6_enabled is 0. Not
// implemented: passing it on, and its HMAC.
#pragma once

#include "base/bytes.hh"
#include "stack/wire/addresses.hh"
#include "stack/wire/ipv6_extensions.hh"

namespace lxnet {

struct SegmentRoutingHeader {
  static constexpr uint8_t kType = 4;
  static constexpr size_t kSize = 8;  // before the segments

  uint8_t next_header, units_after_first, type, segments_left, last_entry, flags;
  Be16 tag;
};
static_assert(sizeof(SegmentRoutingHeader) == SegmentRoutingHeader::kSize && alignof(SegmentRoutingHeader) == 1);

// Whether `header`, all of it, is one that can be sent (Linux's seg6_validate_srh()).
bool is_segment_routing_header(ByteSpan header);
// Of one that can be sent: the address that a packet goes to first.
Ipv6Address first_segment(ByteSpan header);
// Writes where the packet goes last into the headers at the front of `chain`, if one of them routes by segments.
void set_last_segment(MutableByteSpan chain, uint8_t first_header, const Ipv6Address& destination);

}  // namespace lxnet
