// Expressions that ask of connections, and that translate addresses: ct, notrack, nat, masq, redir.
#pragma once

#include "stack/conntrack/connection_tracker.hh"
#include "stack/nft/expression.hh"

namespace lxnet {

// Held by an expression for whose sake connections are followed.
struct NftConnectionUses {
  ConnectionUse v4, v6;
};

enum class NftConnectionKey : uint8_t {
  State,
  Direction,
  Status,
  Mark,
  SecurityMark,
  Expiration,
  Helper,
  NetworkProtocol,
  Source,
  Destination,
  Protocol,
  SourcePart,
  DestinationPart,
  Labels,
  Packets,
  Bytes,
  AveragePacket,
  Zone,
  EventMask,
  SourceV4,
  DestinationV4,
  SourceV6,
  DestinationV6,
  Id,
};

inline constexpr uint8_t kNftEitherDirection = 2;

struct NftConnectionGet : NftExpression {
  NftConnectionUses uses;
  NftConnectionKey key = NftConnectionKey::State;
  uint8_t direction = kNftEitherDirection;
  uint8_t to = 0;
  uint8_t size = 0;
};
struct NftConnectionSet : NftExpression {
  NftConnectionUses uses;
  NftConnectionKey key = NftConnectionKey::Mark;
  uint8_t direction = kNftEitherDirection;
  uint8_t from = 0;
};
struct NftNoTrack : NftExpression {};

// Registers are zero where nothing is said.
struct NftNat : NftExpression {
  NftConnectionUses uses;
  NatSide side = NatSide::Source;
  uint8_t family = 0;  // as the program says it
  uint8_t first = 0, last = 0;
  uint8_t first_part = 0, last_part = 0;
  uint32_t flags = 0;
};
// To an address of our own.
struct NftOwnNat : NftExpression {
  NftConnectionUses uses;
  uint8_t first_part = 0, last_part = 0;
  uint32_t flags = 0;
};

void evaluate_connection_get(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_connection_set(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_no_track(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_nat(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_masquerade(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_redirect(NftExpression& self, NftRegisters& registers, const NftPacket& packet);

}  // namespace lxnet
