#include "stack/nft/expression_connection.hh"

#include "stack/nat/nat_sources.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

// NF_CT_STATE_*.
constexpr uint32_t kInvalid = 1u << 0, kUntracked = 1u << 6;
constexpr uint8_t kFamilyV4 = 2, kFamilyV6 = 10, kFamilyInet = 1;

uint32_t state_of(const Packet& packet) {
  const FlowState state = flow_state_of(packet);
  if (connection_of(packet) == nullptr) return state == FlowState::Untracked ? kUntracked : kInvalid;
  return 1u << (static_cast<uint32_t>(state) % static_cast<uint32_t>(FlowState::EstablishedReply) + 1);
}

uint64_t count_of(const NftConnectionGet& own, const Connection& connection, bool bytes) {
  uint64_t sum = 0;
  for (uint8_t i = 0; i < 2; ++i) {
    if (own.direction != kNftEitherDirection && own.direction != i) continue;
    sum += bytes ? connection.counters[i].bytes : connection.counters[i].packets;
  }
  return sum;
}

// As many bytes as the register is to have; of IPv4 the address, and zeros.
void store_address(NftRegisters& registers, const NftConnectionGet& own, const IpAddress& address, IpFamily family) {
  memset(registers.bytes(own.to), 0, own.size);
  if (family == IpFamily::V4) {
    const Be32 word = address.v4().wire();
    memcpy(registers.bytes(own.to), &word, sizeof word);
  } else {
    memcpy(registers.bytes(own.to), address.v6().bytes().data(), own.size);
  }
}

uint32_t millis_left(const Connection& connection, Instant now) {
  const Duration left = connection.is(kConfirmed) ? connection.deadline - now : connection.timeout;
  return left.in_nanos() < 0 ? 0 : static_cast<uint32_t>(left.in_millis());
}

// What a direction's tuple says. False: not this.
bool store_of_tuple(NftRegisters& registers, const NftConnectionGet& own, const Connection& connection) {
  const FlowTuple& tuple = connection.tuple(own.direction == kReply ? kReply : kOriginal);
  const auto store = [&](const IpAddress& address) { store_address(registers, own, address, tuple.family); };
  switch (own.key) {
    case NftConnectionKey::SourceV4:
    case NftConnectionKey::SourceV6:
      if (tuple.family != (own.key == NftConnectionKey::SourceV4 ? IpFamily::V4 : IpFamily::V6)) return false;
      [[fallthrough]];
    case NftConnectionKey::Source:
      store(tuple.source);
      return true;
    case NftConnectionKey::DestinationV4:
    case NftConnectionKey::DestinationV6:
      if (tuple.family != (own.key == NftConnectionKey::DestinationV4 ? IpFamily::V4 : IpFamily::V6)) return false;
      [[fallthrough]];
    case NftConnectionKey::Destination:
      store(tuple.destination);
      return true;
    case NftConnectionKey::SourcePart:
      registers.set16(own.to, tuple.source_part.raw());
      return true;
    case NftConnectionKey::DestinationPart:
      registers.set16(own.to, tuple.destination_part.raw());
      return true;
    default:
      return false;
  }
}

}  // namespace

void evaluate_connection_get(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftConnectionGet>(self);
  const Packet& bytes = packet.packet();
  if (own.key == NftConnectionKey::State) return registers.set32(own.to, state_of(bytes));
  const Connection* connection = connection_of(bytes);
  if (connection == nullptr) return registers.break_rule();
  switch (own.key) {
    case NftConnectionKey::Direction:
      return registers.set8(own.to, direction_of(flow_state_of(bytes)));
    case NftConnectionKey::Status:
      return registers.set32(own.to, connection->status);
    case NftConnectionKey::Mark:
      return registers.set32(own.to, connection->mark);
    case NftConnectionKey::Expiration:
      return registers.set32(own.to, millis_left(*connection, packet.seen.entry.now()));
    case NftConnectionKey::NetworkProtocol:
      return registers.set8(own.to, connection->family() == IpFamily::V4 ? kFamilyV4 : kFamilyV6);
    case NftConnectionKey::Protocol:
      return registers.set8(own.to, connection->protocol());
    case NftConnectionKey::Packets:
      return registers.set64(own.to, count_of(own, *connection, false));
    case NftConnectionKey::Bytes:
      return registers.set64(own.to, count_of(own, *connection, true));
    case NftConnectionKey::AveragePacket: {
      const uint64_t packets = count_of(own, *connection, false);
      return registers.set64(own.to, packets == 0 ? 0 : count_of(own, *connection, true) / packets);
    }
    case NftConnectionKey::Zone:
      return registers.set16(own.to, connection->tuple(own.direction == kReply ? kReply : kOriginal).zone);
    default:
      if (!store_of_tuple(registers, own, *connection)) registers.break_rule();
  }
}

void evaluate_connection_set(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftConnectionSet>(self);
  Connection* connection = connection_of(packet.packet());
  if (own.key == NftConnectionKey::Mark) {
    if (connection != nullptr) connection->mark = registers.words[own.from];
    return;
  }
  if (connection != nullptr) return;
  packet.seen.zone = registers.get16(own.from);
  packet.seen.zone_directions = own.direction == kOriginal ? FilterPacket::kZoneOriginal
                                : own.direction == kReply  ? FilterPacket::kZoneReply
                                                           : FilterPacket::kZoneOriginal | FilterPacket::kZoneReply;
}

void evaluate_no_track(NftExpression&, NftRegisters&, const NftPacket& packet) {
  Packet& bytes = packet.packet();
  if (!bytes.flow) bytes.flow_state = static_cast<uint8_t>(FlowState::Untracked);
}

namespace {

uint16_t part_in(const NftRegisters& registers, uint8_t at) {
  Be16 part;
  memcpy(&part, registers.bytes(at), sizeof part);
  return part.get();
}

IpAddress address_in(const NftRegisters& registers, uint8_t at, IpFamily family) {
  if (family == IpFamily::V4) {
    Ipv4Address address;
    memcpy(static_cast<void*>(&address), registers.bytes(at), sizeof address);
    return address;
  }
  return Ipv6Address::from_bytes(ByteSpan(registers.bytes(at), Ipv6Address::kSize).first<Ipv6Address::kSize>());
}

template <typename T>
NatRange parts_of(const T& own, const NftRegisters& registers) {
  NatRange range{.flags = own.flags};
  if (own.first_part == 0) return range;
  range.first_part = part_in(registers, own.first_part);
  range.last_part = part_in(registers, own.last_part);
  return range;
}

// The network of the range, the host of the packet.
IpAddress netmapped(const NatRange& range, const IpAddress& present, IpFamily family) {
  uint32_t words[3][4] = {};
  const IpAddress* addresses[] = {&range.first, &range.last, &present};
  for (size_t i = 0; i < 3; ++i) {
    if (family == IpFamily::V4) {
      words[i][0] = addresses[i]->v4().wire().raw();
    } else {
      memcpy(words[i], addresses[i]->v6().bytes().data(), sizeof words[i]);
    }
  }
  NftRegisters mixed;
  for (uint8_t i = 0; i < 4; ++i) {
    const uint32_t network = ~(words[0][i] ^ words[1][i]);
    mixed.words[kNftFirstRegister + i] = (words[2][i] & ~network) | (words[0][i] & network);
  }
  return address_in(mixed, kNftFirstRegister, family);
}

void decide(NftRegisters& registers, FilterVerdict verdict) {
  registers.verdict.code = verdict == FilterVerdict::Accept ? kNftAccept : kNftDrop;
}

}  // namespace

void evaluate_nat(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftNat>(self);
  FilterPacket& seen = packet.seen;
  const bool is_v4 = seen.family == IpFamily::V4;
  if (own.family != kFamilyInet && own.family != (is_v4 ? kFamilyV4 : kFamilyV6)) return;
  ConnectionTracker* tracker = seen.entry.stack().connections().tracker();
  if (tracker == nullptr || connection_of(seen.packet) == nullptr) return decide(registers, FilterVerdict::Drop);
  NatRange range = parts_of(own, registers);
  if (own.first != 0) {
    range.first = address_in(registers, own.first, seen.family);
    range.last = address_in(registers, own.last, seen.family);
    if ((own.flags & kNatNetmap) != 0) {
      const IpAddress present = own.side == NatSide::Source ? seen.source_address() : seen.destination_address();
      range.first = range.last = netmapped(range, present, seen.family);
    }
  }
  decide(registers, tracker->nat().decide(seen, range, own.side));
}

void evaluate_masquerade(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const bool is_followed = connection_of(packet.packet()) != nullptr;
  decide(registers, is_followed ? masquerade(packet.seen, parts_of(nft_cast<NftOwnNat>(self), registers)) : FilterVerdict::Drop);
}

void evaluate_redirect(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const bool is_followed = connection_of(packet.packet()) != nullptr;
  decide(registers, is_followed ? redirect(packet.seen, parts_of(nft_cast<NftOwnNat>(self), registers)) : FilterVerdict::Drop);
}

}  // namespace lxnet
