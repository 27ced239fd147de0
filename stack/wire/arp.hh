// ARP for IPv4 over Ethernet (RFC 826, RFC 5227).
//
// Not implemented: other hardware and protocol sizes, which Linux drops on an Ethernet device as well; reverse ARP.
#pragma once

#include "stack/wire/addresses.hh"
#include "stack/wire/ethernet.hh"
#include "stack/wire/view.hh"

namespace lxnet {

enum class ArpHardware : uint16_t { Ethernet = 1, Ieee802 = 6 };

// Any value may arrive; the stack answers Request and learns from both.
enum class ArpOperation : uint16_t { Request = 1, Reply = 2 };

struct ArpPacket {
  Be16 hardware_type;
  Be16 protocol_type;
  uint8_t hardware_size;
  uint8_t protocol_size;
  Be16 operation;
  MacAddress sender_mac;
  Ipv4Address sender_address;
  MacAddress target_mac;
  Ipv4Address target_address;

  // Linux takes hardware type Ieee802 for Ethernet's (arp_process). EINVAL: too short, or not IPv4 over Ethernet.
  static Result<const ArpPacket*> parse(ByteSpan bytes) {
    const ArpPacket* packet = TRY(view_header<ArpPacket>(bytes));
    const ArpHardware hardware{packet->hardware_type.get()};
    if (hardware != ArpHardware::Ethernet && hardware != ArpHardware::Ieee802) return Errno::EINVAL;
    if (EtherType{packet->protocol_type.get()} != EtherType::Ipv4) return Errno::EINVAL;
    if (packet->hardware_size != MacAddress::kSize || packet->protocol_size != Ipv4Address::kSize) return Errno::EINVAL;
    return packet;
  }
};
static_assert(sizeof(ArpPacket) == 28 && alignof(ArpPacket) == 1);
static_assert(offsetof(ArpPacket, operation) == 6 && offsetof(ArpPacket, target_mac) == 18);

struct ArpMessage {
  ArpOperation operation = ArpOperation::Request;
  MacAddress sender_mac = {};
  Ipv4Address sender_address = {};
  MacAddress target_mac = {};
  Ipv4Address target_address = {};

  static Result<ArpMessage> parse(ByteSpan bytes) {
    const ArpPacket* packet = TRY(ArpPacket::parse(bytes));
    return ArpMessage{.operation = ArpOperation{packet->operation.get()},
                      .sender_mac = packet->sender_mac,
                      .sender_address = packet->sender_address,
                      .target_mac = packet->target_mac,
                      .target_address = packet->target_address};
  }

  // RFC 5227: the sender speaks of its own address (an announcement).
  bool is_gratuitous() const { return sender_address == target_address; }
  // RFC 5227: asks whether an address is free, without claiming it.
  bool is_probe() const { return operation == ArpOperation::Request && sender_address.is_unspecified(); }

  static constexpr size_t encoded_size() { return sizeof(ArpPacket); }
  void emit(MutableByteSpan to) const {
    ArpPacket& packet = place_header<ArpPacket>(to);
    packet.hardware_type.set(static_cast<uint16_t>(ArpHardware::Ethernet));
    packet.protocol_type.set(static_cast<uint16_t>(EtherType::Ipv4));
    packet.hardware_size = MacAddress::kSize;
    packet.protocol_size = Ipv4Address::kSize;
    packet.operation.set(static_cast<uint16_t>(operation));
    packet.sender_mac = sender_mac;
    packet.sender_address = sender_address;
    packet.target_mac = target_mac;
    packet.target_address = target_address;
  }

  bool operator==(const ArpMessage&) const = default;
};

}  // namespace lxnet
