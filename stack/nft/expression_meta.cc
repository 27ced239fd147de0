#include "stack/nft/expression_meta.hh"

#include "base/endian.hh"
#include "stack/hardware_type.hh"
#include "stack/nft/ruleset.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr int64_t kSecond = 1'000'000'000, kDaySeconds = 86'400;

// PACKET_HOST, _BROADCAST, _MULTICAST, _OTHERHOST. What we send to many and hear ourselves has been on no link.
uint8_t packet_type(const Packet& packet) {
  if (packet.is_link_broadcast) return 1;
  if (packet.is_link_multicast) return 2;
  return packet.is_for_other_host ? 3 : 0;
}

bool give_type(NftRegisters& registers, uint8_t to, const Interface* interface) {
  if (interface == nullptr) return false;
  registers.set16(to, hardware_type_of(*interface));
  return true;
}
bool give_group(NftRegisters& registers, uint8_t to, const Interface* interface) {
  registers.set32(to, 0);  // all links are in group 0
  return interface != nullptr;
}
bool give_kind(NftRegisters& registers, uint8_t to, const Interface* interface) {
  VirtualDevice* made = interface == nullptr ? nullptr : interface->device().as_virtual();
  if (made == nullptr) return false;
  registers.set_name(to, made->kind());
  return true;
}

bool give(const NftMeta& own, NftRegisters& registers, const NftPacket& packet) {
  const FilterPacket& seen = packet.seen;
  const Hal& hal = seen.entry.stack().hal();
  const uint8_t to = own.at;
  switch (own.key) {
    case NftMetaKey::Length:
      registers.set32(to, static_cast<uint32_t>(seen.packet.size()));
      return true;
    case NftMetaKey::Protocol:
      registers.set16(to, Be16(seen.family == IpFamily::V4 ? 0x0800 : 0x86dd).raw());
      return true;
    case NftMetaKey::Priority:
      registers.set32(to, seen.packet.priority);
      return true;
    case NftMetaKey::Mark:
      registers.set32(to, seen.packet.mark);
      return true;
    case NftMetaKey::InputIndex:
      registers.set32(to, seen.input == nullptr ? 0 : seen.input->index());
      return true;
    case NftMetaKey::OutputIndex:
      registers.set32(to, seen.output == nullptr ? 0 : seen.output->index());
      return true;
    case NftMetaKey::InputName:
      registers.set_name(to, seen.input_name);
      return true;
    case NftMetaKey::OutputName:
      registers.set_name(to, seen.output_name);
      return true;
    case NftMetaKey::InputType:
      return give_type(registers, to, seen.input);
    case NftMetaKey::OutputType:
      return give_type(registers, to, seen.output);
    case NftMetaKey::InputGroup:
      return give_group(registers, to, seen.input);
    case NftMetaKey::OutputGroup:
      return give_group(registers, to, seen.output);
    case NftMetaKey::InputKind:
      return give_kind(registers, to, seen.input);
    case NftMetaKey::OutputKind:
      return give_kind(registers, to, seen.output);
    case NftMetaKey::Family:
      registers.set8(to, seen.family == IpFamily::V4 ? kNftV4 : kNftV6);
      return true;
    case NftMetaKey::Transport:
      registers.set8(to, packet.protocol);
      return packet.has_transport;
    case NftMetaKey::PacketType:
      registers.set8(to, packet_type(seen.packet));
      return true;
    case NftMetaKey::Processor:
      registers.set32(to, hal.processor());
      return true;
    case NftMetaKey::Random:
      registers.set32(to, hal.random<uint32_t>());
      return true;
    case NftMetaKey::HasSecurityPath:
      registers.set8(to, 0);
      return true;
    case NftMetaKey::Realm:
    case NftMetaKey::SlaveIndex:
      registers.set32(to, 0);
      return true;
    case NftMetaKey::SlaveName:
      registers.set_name(to, "");
      return true;
    case NftMetaKey::TimeNanos:
      registers.set64(to, static_cast<uint64_t>(hal.wall_nanos()));
      return true;
    case NftMetaKey::TimeDay:  // the epoch was a Thursday
      registers.set8(to, static_cast<uint8_t>((hal.wall_nanos() / kSecond / kDaySeconds + 4) % 7));
      return true;
    case NftMetaKey::TimeHour:
      registers.set32(to, static_cast<uint32_t>(hal.wall_nanos() / kSecond % kDaySeconds));
      return true;
  }
  return false;
}

}  // namespace

void evaluate_meta(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  if (!give(nft_cast<NftMeta>(self), registers, packet)) registers.break_rule();
}

void evaluate_meta_set(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftMeta>(self);
  Packet& bytes = packet.packet();
  switch (own.key) {
    case NftMetaKey::Mark:
      bytes.mark = registers.words[own.at];
      return;
    case NftMetaKey::Priority:
      bytes.priority = registers.words[own.at];
      return;
    case NftMetaKey::PacketType: {
      const uint8_t type = registers.get8(own.at);
      if (type > 3) return;
      bytes.is_link_broadcast = type == 1;
      bytes.is_link_multicast = type == 2;
      bytes.is_for_other_host = type == 3;
      return;
    }
    default:
      return;
  }
}

}  // namespace lxnet
