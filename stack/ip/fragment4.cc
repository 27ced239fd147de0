// Cutting IPv4 packets (RFC 791, section 3.2), our own and forwarded ones.
//
// The payload is cited, not copied. Options without the copied flag are in the first fragment only; in the others no-operations
// stand in their place, as in Linux, so that all headers have one size.
#include <algorithm>

#include "stack/drop_reason.hh"
#include "stack/ip/offload.hh"
#include "stack/ip/output_internal.hh"
#include "stack/stack.hh"
#include "stack/wire/ipv4.hh"

namespace lxnet {

namespace {

constexpr uint8_t kOptionEnd = 0, kOptionNoOperation = 1, kOptionCopied = 0x80;

void erase_uncopied_options(MutableByteSpan options) {
  for (size_t at = 0; at < options.size();) {
    const uint8_t kind = options[at];
    if (kind == kOptionEnd) return;
    size_t size = 1;
    if (kind != kOptionNoOperation) size = at + 1 < options.size() ? options[at + 1] : 0;
    if (size == 0 || (size == 1 && kind != kOptionNoOperation) || at + size > options.size()) return;
    if ((kind & kOptionCopied) == 0) std::fill_n(options.data() + at, size, kOptionNoOperation);
    at += size;
  }
}

// Bytes [offset, offset + size) of the payload behind a header of their own.
Result<Ref<Packet>> cut_fragment(const Packet& whole, size_t header_size, size_t offset, size_t size) {
  Ref<Packet> fragment = TRY(Packet::create_linear(whole.pool(), header_size));
  const MutableByteSpan bytes = fragment->append(header_size);
  copy_bytes(bytes, whole.linear());
  TRY(fragment->append_from(whole, header_size + offset, size));
  auto& header = *reinterpret_cast<Ipv4Header*>(bytes.data());
  const uint16_t before = header.flags_and_offset.get();
  const bool is_last = header_size + offset + size == whole.size();
  const size_t units = (before & Ipv4Header::kOffsetMask) + offset / 8;
  const bool more = !is_last || (before & Ipv4Header::kMoreFragments) != 0;
  header.flags_and_offset.set(static_cast<uint16_t>((before & Ipv4Header::kDontFragment) |
                                                    (more ? Ipv4Header::kMoreFragments : 0) | (units & Ipv4Header::kOffsetMask)));
  header.total_length.set(static_cast<uint16_t>(header_size + size));
  if (offset != 0) erase_uncopied_options(bytes.subspan(sizeof(Ipv4Header)));
  header.update_header_checksum();

  constexpr size_t kSpare = 31;  // for the link's header and alignment
  fragment->set_true_size(Packet::charge_of(fragment->size() + kSpare));
  fragment->mark_network_header();
  fragment->link_protocol = whole.link_protocol;
  fragment->mark = whole.mark;
  fragment->priority = whole.priority;
  fragment->flow = whole.flow;
  fragment->flow_state = whole.flow_state;
  fragment->flow_hash = whole.flow_hash;
  fragment->is_routed_to_us = whole.is_routed_to_us;
  fragment->is_routed_to_many = whole.is_routed_to_many;
  fragment->is_routed_to_group = whole.is_routed_to_group;
  return fragment;
}

}  // namespace

Result<> ip4_fragment(Entry& entry, Ref<Packet> packet, const Route& route, uint32_t mtu) {
  const size_t header_size = reinterpret_cast<const Ipv4Header*>(packet->linear().data())->header_size();
  if (mtu < header_size + 8) {
    count(entry, Mib::IpFragFails);
    return Errno::EINVAL;
  }
  if (packet->checksum == ChecksumState::Partial) complete_checksum(*packet);
  const size_t room = (mtu - header_size) & ~size_t{7};
  const size_t payload = packet->size() - header_size;
  PacketQueue fragments;
  for (size_t offset = 0; offset < payload; offset += room) {
    auto fragment = cut_fragment(*packet, header_size, offset, std::min(room, payload - offset));
    if (!fragment.is_ok()) {
      count(entry, Mib::IpFragFails);
      return fragment.error();
    }
    fragments.push_back(fragment.take());
    if (offset == 0 && packet->transmit_stamps != 0) packet->give_owner_to(*fragments.front());
  }
  count(entry, Mib::IpFragOKs);
  while (!fragments.is_empty()) {
    count(entry, Mib::IpFragCreates);
    count(entry, Mib::IpOutTransmits);
    count(entry, Mib::IpExtOutOctets, fragments.front()->size());
    route.output->output(entry, fragments.take_front(), route.next_hop);
  }
  return ok();
}

}  // namespace lxnet
