#include "stack/wire/ethernet.hh"

namespace lxnet {
namespace {

constexpr uint16_t kFirstType = 0x600;  // a smaller number is a length

bool is_vlan(uint16_t type) {
  return type == static_cast<uint16_t>(EtherType::Vlan) || type == static_cast<uint16_t>(EtherType::ServiceVlan);
}

VlanTag tag_from(uint16_t protocol, uint16_t control) {
  return {.protocol = EtherType{protocol},
          .priority = static_cast<uint8_t>(control >> 13),
          .id = static_cast<uint16_t>(control & 0xfff),
          .drop_eligible = static_cast<uint8_t>(control >> 12 & 1)};
}

}  // namespace

EtherType ether_type(Be16 field, ByteSpan payload) {
  const uint16_t type = field.get();
  if (type >= kFirstType) return EtherType{type};
  // Novell's raw 802.3: IPX without LLC begins with a checksum of all ones.
  if (payload.size() >= 2 && payload[0] == 0xff && payload[1] == 0xff) return EtherType::Ieee8023;
  return EtherType::Ieee8022;
}

Result<EthernetFrameHeader> EthernetFrameHeader::parse(ByteSpan frame) {
  const EthernetHeader* ethernet = TRY(EthernetHeader::parse(frame));
  EthernetFrameHeader header;
  header.destination = ethernet->destination;
  header.source = ethernet->source;
  Be16 type = ethernet->type;
  ByteSpan rest = frame.subspan(sizeof(EthernetHeader));
  while (is_vlan(type.get()) && header.tag_count < kMaxTags) {
    const VlanHeader* vlan = TRY(VlanHeader::parse(rest));
    header.tags[header.tag_count++] = tag_from(type.get(), vlan->control.get());
    type = vlan->type;
    rest = rest.subspan(sizeof(VlanHeader));
  }
  header.type = ether_type(type, rest);
  return header;
}

void EthernetFrameHeader::emit(MutableByteSpan to) const {
  EthernetHeader& ethernet = place_header<EthernetHeader>(to);
  ethernet.destination = destination;
  ethernet.source = source;
  Be16* type_field = &ethernet.type;
  MutableByteSpan rest = to.subspan(sizeof(EthernetHeader));
  for (size_t i = 0; i < tag_count; ++i) {
    const VlanTag& tag = tags[i];
    type_field->set(static_cast<uint16_t>(tag.protocol));
    VlanHeader& vlan = place_header<VlanHeader>(rest);
    vlan.control.set(static_cast<uint16_t>(tag.priority << 13 | tag.drop_eligible << 12 | tag.id));
    type_field = &vlan.type;
    rest = rest.subspan(sizeof(VlanHeader));
  }
  type_field->set(static_cast<uint16_t>(type));
}

}  // namespace lxnet
