// Expressions about what is known beside the packet's bytes: meta, rt, fib.
#pragma once

#include "stack/nft/expression.hh"

namespace lxnet {

// NFT_META_*
enum class NftMetaKey : uint8_t {
  Length = 0,
  Protocol = 1,
  Priority = 2,
  Mark = 3,
  InputIndex = 4,
  OutputIndex = 5,
  InputName = 6,
  OutputName = 7,
  InputType = 8,
  OutputType = 9,
  Realm = 13,
  Family = 15,
  Transport = 16,
  PacketType = 19,
  Processor = 20,
  InputGroup = 21,
  OutputGroup = 22,
  Random = 24,
  HasSecurityPath = 25,
  InputKind = 26,
  OutputKind = 27,
  TimeNanos = 30,
  TimeDay = 31,
  TimeHour = 32,
  SlaveIndex = 33,
  SlaveName = 34,
};

struct NftMeta : NftExpression {
  NftMetaKey key = NftMetaKey::Length;
  uint8_t at = 0;  // the register
};

enum class NftRouteKey : uint8_t { Realm, NextHop4, NextHop6, SegmentSize, HasTransform };
struct NftRoute : NftExpression {
  NftRouteKey key = NftRouteKey::Realm;
  uint8_t to = 0;
};

enum class NftFibResult : uint8_t { OutputIndex = 1, OutputName = 2, AddressType = 3 };
enum NftFibFlag : uint32_t {
  kNftFibSource = 1,
  kNftFibDestination = 2,
  kNftFibMark = 4,
  kNftFibInput = 8,
  kNftFibOutput = 16,
  kNftFibPresent = 32,
};
struct NftFib : NftExpression {
  NftFibResult result = NftFibResult::OutputIndex;
  uint8_t to = 0;
  uint32_t flags = 0;
};

void evaluate_meta(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_meta_set(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_route(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_fib(NftExpression& self, NftRegisters& registers, const NftPacket& packet);

}  // namespace lxnet
