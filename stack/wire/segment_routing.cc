#include "stack/wire/segment_routing.hh"

namespace lxnet {

bool is_segment_routing_header(ByteSpan header) {
  constexpr size_t kTlvHeader = 2;
  if (header.size() < SegmentRoutingHeader::kSize) return false;
  const auto& fields = *reinterpret_cast<const SegmentRoutingHeader*>(header.data());
  if (fields.type != SegmentRoutingHeader::kType || (size_t{fields.units_after_first} + 1) * 8 != header.size()) return false;
  if (fields.segments_left > fields.last_entry || fields.last_entry > fields.units_after_first / 2 - 1) return false;
  const size_t segments = (size_t{fields.last_entry} + 1) * sizeof(Ipv6Address);
  if (SegmentRoutingHeader::kSize + segments > header.size()) return false;
  // What follows the segments are types, lengths and values that fit.
  for (ByteSpan rest = header.subspan(SegmentRoutingHeader::kSize + segments); !rest.empty();) {
    if (rest.size() < kTlvHeader || rest.size() < kTlvHeader + rest[1]) return false;
    rest = rest.subspan(kTlvHeader + rest[1]);
  }
  return true;
}

Ipv6Address first_segment(ByteSpan header) {
  const auto& fields = *reinterpret_cast<const SegmentRoutingHeader*>(header.data());
  Ipv6Address segment;
  copy_bytes(mutable_bytes_of(segment),
             header.subspan(SegmentRoutingHeader::kSize + fields.segments_left * sizeof segment, sizeof segment));
  return segment;
}

void set_last_segment(MutableByteSpan chain, uint8_t first_header, const Ipv6Address& destination) {
  IpProtocol next{first_header};
  for (size_t at = 0; at + SegmentRoutingHeader::kSize + sizeof destination <= chain.size();) {
    const size_t size = (size_t{chain[at + 1]} + 1) * 8;
    if (next == IpProtocol::Routing && chain[at + 2] == SegmentRoutingHeader::kType) {
      copy_bytes(chain.subspan(at + SegmentRoutingHeader::kSize, sizeof destination), bytes_of(destination));
      return;
    }
    next = IpProtocol{chain[at]};
    at += size;
  }
}

}  // namespace lxnet
