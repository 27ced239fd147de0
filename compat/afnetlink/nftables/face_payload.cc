// payload and exthdr: what programs say of them.
#include "compat/afnetlink/nftables/face.hh"
#include "stack/nft/expression_payload.hh"

namespace lxnet::nft {
namespace {

enum : uint8_t {
  kPayloadTo = 1,
  kPayloadBase,
  kPayloadOffset,
  kPayloadLength,
  kPayloadFrom,
  kPayloadChecksumType,
  kPayloadChecksumOffset,
  kPayloadChecksumFlags,
};
enum : uint8_t { kHeaderTo = 1, kHeaderType, kHeaderOffset, kHeaderLength, kHeaderFlags, kHeaderOp, kHeaderFrom };

constexpr NlaPolicy kU32{NlaKind::U32}, kByte{.kind = NlaKind::U32, .most = 255};
constexpr NlaPolicy kPayloadPolicy[] = {{}, kU32, kU32, kU32, kByte, kU32, kU32, kByte, kU32};
constexpr NlaPolicy kHeaderPolicy[] = {{}, kU32, {NlaKind::U8}, kU32, kByte, kU32, kByte, kU32};

// ---- payload

Result<> read_payload(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftPayload>(self);
  own.base = NftBase{static_cast<uint8_t>(tb[kPayloadBase].be32())};
  own.size = static_cast<uint8_t>(tb[kPayloadLength].be32());
  own.offset = static_cast<uint16_t>(TRY(read_up_to(tb[kPayloadOffset], UINT16_MAX)));
  own.to = TRY(store_register(context, tb[kPayloadTo], DataType::Value, own.size));
  return ok();
}

void write_payload(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftPayload>(self);
  write_register(writer, kPayloadTo, own.to);
  writer.put_be32(kPayloadBase, static_cast<uint32_t>(own.base));
  writer.put_be32(kPayloadOffset, own.offset);
  writer.put_be32(kPayloadLength, own.size);
}

Result<> read_payload_set(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftPayloadSet>(self);
  own.base = NftBase{static_cast<uint8_t>(tb[kPayloadBase].be32())};
  own.size = static_cast<uint8_t>(tb[kPayloadLength].be32());
  own.offset = static_cast<uint16_t>(TRY(read_up_to(tb[kPayloadOffset], UINT16_MAX)));
  const uint32_t type = tb[kPayloadChecksumType] ? tb[kPayloadChecksumType].be32() : 0;
  if (tb[kPayloadChecksumOffset]) {
    own.checksum_offset = static_cast<uint8_t>(TRY(read_up_to(tb[kPayloadChecksumOffset], UINT8_MAX)));
  }
  if (tb[kPayloadChecksumFlags]) {
    const uint32_t flags = tb[kPayloadChecksumFlags].be32();
    if (flags > 1) return Errno::EINVAL;
    own.has_pseudo_header = flags == 1;
  }
  constexpr uint32_t kSctp = static_cast<uint32_t>(NftChecksum::Sctp);
  constexpr uint8_t kSctpField = 8;
  if (type > kSctp) return Errno::EOPNOTSUPP;
  if (type == kSctp && (own.base != NftBase::Transport || own.checksum_offset != kSctpField)) return Errno::EINVAL;
  own.checksum = NftChecksum{static_cast<uint8_t>(type)};
  own.from = TRY(load_register(context, tb[kPayloadFrom], own.size));
  return ok();
}

void write_payload_set(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftPayloadSet>(self);
  write_register(writer, kPayloadFrom, own.from);
  writer.put_be32(kPayloadBase, static_cast<uint32_t>(own.base));
  writer.put_be32(kPayloadOffset, own.offset);
  writer.put_be32(kPayloadLength, own.size);
  writer.put_be32(kPayloadChecksumType, static_cast<uint32_t>(own.checksum));
  writer.put_be32(kPayloadChecksumOffset, own.checksum_offset);
  writer.put_be32(kPayloadChecksumFlags, own.has_pseudo_header ? 1 : 0);
}

constexpr NftExpressionFace kPayloadFace{
    .name = "payload", .make = &make_expression<NftPayload>, .read = &read_payload, .write = &write_payload};
constexpr NftExpressionFace kPayloadSetFace{
    .name = "payload", .make = &make_expression<NftPayloadSet>, .read = &read_payload_set, .write = &write_payload_set};
constexpr NftExpressionKind kPayload{kNftSizeOf<NftPayload>, &evaluate_payload, nullptr, &kPayloadFace};
constexpr NftExpressionKind kPayloadSet{kNftSizeOf<NftPayloadSet>, &evaluate_payload_set, nullptr, &kPayloadSetFace};

Result<const NftExpressionKind*> choose_payload(Context&, const NlaTable& tb) {
  if (!tb[kPayloadBase] || !tb[kPayloadOffset] || !tb[kPayloadLength]) return Errno::EINVAL;
  if (tb[kPayloadBase].be32() > static_cast<uint32_t>(NftBase::Inner)) return Errno::EOPNOTSUPP;
  if (tb[kPayloadFrom]) return tb[kPayloadTo] ? Result<const NftExpressionKind*>(Errno::EINVAL) : &kPayloadSet;
  if (!tb[kPayloadTo]) return Errno::EINVAL;
  TRY(read_up_to(tb[kPayloadOffset], UINT16_MAX));
  TRY(read_up_to(tb[kPayloadLength], UINT8_MAX));
  return &kPayload;
}

// ---- exthdr

constexpr uint8_t kPresent = 1;

Result<> read_header(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftHeaderOption>(self);
  if (!tb[kHeaderTo] || !tb[kHeaderType] || !tb[kHeaderOffset] || !tb[kHeaderLength]) return Errno::EINVAL;
  own.offset = static_cast<uint8_t>(TRY(read_up_to(tb[kHeaderOffset], UINT8_MAX)));
  own.size = static_cast<uint8_t>(TRY(read_up_to(tb[kHeaderLength], UINT8_MAX)));
  if (tb[kHeaderFlags]) {
    own.flags = static_cast<uint8_t>(TRY(read_up_to(tb[kHeaderFlags], UINT8_MAX)));
    if ((own.flags & ~kPresent) != 0) return Errno::EINVAL;
  }
  if (tb[kHeaderOp]) own.op = NftHeaderOp{static_cast<uint8_t>(TRY(read_up_to(tb[kHeaderOp], UINT8_MAX)))};
  if ((own.flags & kPresent) != 0 && own.size != 1) return Errno::EINVAL;
  own.type = tb[kHeaderType].u8();
  own.to = TRY(store_register(context, tb[kHeaderTo], DataType::Value, own.size));
  return ok();
}

Result<> read_ipv4_option(Context& context, NftExpression& self, const NlaTable& tb) {
  constexpr uint8_t kStrictRoute = 137, kLooseRoute = 131, kRecordRoute = 7, kRouterAlert = 148;
  TRY(read_header(context, self, tb));
  const uint8_t type = nft_cast<NftHeaderOption>(self).type;
  if (type == kStrictRoute || type == kLooseRoute || type == kRecordRoute || type == kRouterAlert) return ok();
  return Errno::EOPNOTSUPP;
}

Result<> read_tcp_set(Context& context, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftHeaderOption>(self);
  if (!tb[kHeaderFrom] || !tb[kHeaderType] || !tb[kHeaderOffset] || !tb[kHeaderLength]) return Errno::EINVAL;
  if (tb[kHeaderTo] || tb[kHeaderFlags]) return Errno::EINVAL;
  own.offset = static_cast<uint8_t>(TRY(read_up_to(tb[kHeaderOffset], UINT8_MAX)));
  own.size = static_cast<uint8_t>(TRY(read_up_to(tb[kHeaderLength], UINT8_MAX)));
  if (own.offset < 2 || (own.size != 2 && own.size != 4)) return Errno::EOPNOTSUPP;
  own.op = NftHeaderOp::TcpOption;
  own.type = tb[kHeaderType].u8();
  own.from = TRY(load_register(context, tb[kHeaderFrom], own.size));
  return ok();
}

Result<> read_tcp_strip(Context&, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftHeaderOption>(self);
  for (const uint8_t other : {kHeaderFrom, kHeaderTo, kHeaderFlags, kHeaderOffset, kHeaderLength}) {
    if (tb[other]) return Errno::EINVAL;
  }
  if (!tb[kHeaderType]) return Errno::EINVAL;
  own.type = tb[kHeaderType].u8();
  own.op = NftHeaderOp::TcpOption;
  return ok();
}

void write_header(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftHeaderOption>(self);
  if (own.to != 0) write_register(writer, kHeaderTo, own.to);
  if (own.from != 0) write_register(writer, kHeaderFrom, own.from);
  writer.put_u8(kHeaderType, own.type);
  writer.put_be32(kHeaderOffset, own.offset);
  writer.put_be32(kHeaderLength, own.size);
  writer.put_be32(kHeaderFlags, own.flags);
  writer.put_be32(kHeaderOp, static_cast<uint32_t>(own.op));
}

using Read = Result<> (*)(Context&, NftExpression&, const NlaTable&);
constexpr NftExpressionFace header_face(Read read) {
  return {.name = "exthdr", .make = &make_expression<NftHeaderOption>, .read = read, .write = &write_header};
}
constexpr NftExpressionFace kHeaderFace = header_face(&read_header), kIpv4Face = header_face(&read_ipv4_option),
                            kTcpSetFace = header_face(&read_tcp_set), kTcpStripFace = header_face(&read_tcp_strip);
constexpr uint16_t kHeaderSize = kNftSizeOf<NftHeaderOption>;
constexpr NftExpressionKind kIpv6{kHeaderSize, &evaluate_ipv6_header, nullptr, &kHeaderFace};
constexpr NftExpressionKind kIpv4{kHeaderSize, &evaluate_ipv4_option, nullptr, &kIpv4Face};
constexpr NftExpressionKind kTcp{kHeaderSize, &evaluate_tcp_option, nullptr, &kHeaderFace};
constexpr NftExpressionKind kTcpSet{kHeaderSize, &evaluate_tcp_option_set, nullptr, &kTcpSetFace};
constexpr NftExpressionKind kTcpStrip{kHeaderSize, &evaluate_tcp_option_strip, nullptr, &kTcpStripFace};
constexpr NftExpressionKind kSctp{kHeaderSize, &evaluate_sctp_chunk, nullptr, &kHeaderFace};

Result<const NftExpressionKind*> choose_header(Context& context, const NlaTable& tb) {
  if (!tb[kHeaderOp]) return &kIpv6;
  if (tb[kHeaderFrom] && tb[kHeaderTo]) return Errno::EOPNOTSUPP;
  const uint32_t op = tb[kHeaderOp].be32();
  if (op == static_cast<uint32_t>(NftHeaderOp::TcpOption)) {
    if (tb[kHeaderFrom]) return &kTcpSet;
    return tb[kHeaderTo] ? &kTcp : &kTcpStrip;
  }
  if (!tb[kHeaderTo]) return Errno::EOPNOTSUPP;
  if (op == static_cast<uint32_t>(NftHeaderOp::Ipv6)) return &kIpv6;
  if (op == static_cast<uint32_t>(NftHeaderOp::Ipv4Option) && context.family != kNftV6) return &kIpv4;
  if (op == static_cast<uint32_t>(NftHeaderOp::SctpChunk)) return &kSctp;
  return Errno::EOPNOTSUPP;
}

constexpr ExpressionType kTypes[] = {
    {.name = "payload", .last = kPayloadChecksumFlags, .policy = kPayloadPolicy, .choose = &choose_payload},
    {.name = "exthdr", .last = kHeaderFrom, .policy = kHeaderPolicy, .choose = &choose_header},
};

}  // namespace

std::span<const ExpressionType> payload_types() { return kTypes; }

}  // namespace lxnet::nft
