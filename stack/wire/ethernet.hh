// Ethernet II frames, 802.3 length frames as far as Linux tells them apart, and VLAN tags (IEEE 802.1Q, 802.1ad).
//
// Not implemented: LLC and SNAP behind a length field; such a frame is given its pseudo EtherType and left alone.
#pragma once

#include "stack/wire/addresses.hh"
#include "stack/wire/view.hh"

namespace lxnet {

// Any value may arrive. The ones below 0x600 are Linux's names for frames that carry a length instead of a type (ETH_P_802_2).
enum class EtherType : uint16_t {
  Ieee8023 = 0x0001,
  All = 0x0003,
  Ieee8022 = 0x0004,
  Ipv4 = 0x0800,
  Arp = 0x0806,
  Vlan = 0x8100,
  Ipv6 = 0x86dd,
  ServiceVlan = 0x88a8,
};

struct EthernetHeader {
  MacAddress destination;
  MacAddress source;
  Be16 type;  // or, below 0x600, the length of an 802.3 frame

  // EINVAL: shorter than 14 bytes.
  static Result<const EthernetHeader*> parse(ByteSpan frame) { return view_header<EthernetHeader>(frame); }
};
static_assert(sizeof(EthernetHeader) == 14 && alignof(EthernetHeader) == 1);
static_assert(offsetof(EthernetHeader, source) == 6 && offsetof(EthernetHeader, type) == 12);

// What stands between a tag's EtherType and the next one.
struct VlanHeader {
  Be16 control;  // priority 3 bits, drop eligible 1 bit, VLAN id 12 bits
  Be16 type;

  static Result<const VlanHeader*> parse(ByteSpan bytes) { return view_header<VlanHeader>(bytes); }
};
static_assert(sizeof(VlanHeader) == 4 && alignof(VlanHeader) == 1 && offsetof(VlanHeader, type) == 2);

struct VlanTag {
  EtherType protocol = EtherType::Vlan;  // Vlan or ServiceVlan
  uint8_t priority = 0;                  // 0 to 7
  uint16_t id = 0;                       // 0 to 4095; 0 means a priority tag only
  uint8_t drop_eligible = 0;             // 0 or 1

  bool operator==(const VlanTag&) const = default;
};

// A frame's header with its tags: none, one, or a service tag and a customer tag.
struct EthernetFrameHeader {
  static constexpr size_t kMaxTags = 2;
  static constexpr size_t kMinFrameSize = 60;  // on an Ethernet wire, without the frame check sequence

  MacAddress destination = {};
  MacAddress source = {};
  EtherType type = EtherType::Ipv4;  // of the payload; of a third tag, if there is one
  uint8_t tag_count = 0;
  VlanTag tags[kMaxTags];  // outermost first

  // EINVAL: the frame ends inside its header or a tag.
  static Result<EthernetFrameHeader> parse(ByteSpan frame);

  size_t encoded_size() const { return sizeof(EthernetHeader) + tag_count * sizeof(VlanHeader); }
  void emit(MutableByteSpan to) const;
};

// What the type field means to Linux: itself, or Ieee8022/Ieee8023 where it is a length. `payload` follows the field.
EtherType ether_type(Be16 field, ByteSpan payload);

}  // namespace lxnet
