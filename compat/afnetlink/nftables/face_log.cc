// log: what programs say of it. Groups of nfnetlink_log, which is not there, fail as on a Linux without it.
#include "compat/afnetlink/nftables/face.hh"
#include "stack/nft/expression_log.hh"

namespace lxnet::nft {
namespace {

enum : uint8_t { kLogGroup = 1, kLogPrefix, kLogSnapshot, kLogThreshold, kLogLevel, kLogFlags };
constexpr NlaPolicy kLogPolicy[] = {{},
                                    {NlaKind::U16},
                                    {NlaKind::Text, sizeof(NftLog::prefix) - 1},
                                    {NlaKind::U32},
                                    {NlaKind::U16},
                                    {NlaKind::U32},
                                    {NlaKind::U32}};

Result<> read_log(Context&, NftExpression& self, const NlaTable& tb) {
  auto& own = nft_cast<NftLog>(self);
  constexpr uint32_t kKnownFlags = 0x2f;
  if (tb[kLogGroup]) return tb[kLogLevel] || tb[kLogFlags] ? Errno::EINVAL : Errno::ENOENT;
  if (tb[kLogPrefix]) {
    own.has_prefix = true;
    const ByteSpan text = tb[kLogPrefix].value();
    for (size_t i = 0; i < text.size() && i + 1 < sizeof own.prefix && text[i] != 0; ++i)
      own.prefix[i] = static_cast<char>(text[i]);
  }
  const uint32_t level = tb[kLogLevel] ? tb[kLogLevel].be32() : own.level;
  const uint32_t flags = tb[kLogFlags] ? tb[kLogFlags].be32() : 0;
  if (level > NftLog::kAudit || (flags & ~kKnownFlags) != 0) return Errno::EINVAL;
  own.level = static_cast<uint8_t>(level);
  own.flags = static_cast<uint8_t>(flags);
  return ok();
}

void write_log_face(NftTables&, MessageWriter& writer, NftExpression& self, bool) {
  const auto& own = nft_cast<NftLog>(self);
  if (own.has_prefix) writer.put_text(kLogPrefix, own.prefix);
  writer.put_be32(kLogLevel, own.level);
  if (own.flags != 0) writer.put_be32(kLogFlags, own.flags);
}

constexpr NftExpressionFace kLogFace{
    .name = "log", .make = &make_expression<NftLog>, .read = &read_log, .write = &write_log_face};
constexpr NftExpressionKind kLog{kNftSizeOf<NftLog>, &evaluate_log, nullptr, &kLogFace};
constexpr ExpressionType kTypes[] = {{.name = "log", .last = kLogFlags, .policy = kLogPolicy, .kind = &kLog}};

}  // namespace

std::span<const ExpressionType> log_types() { return kTypes; }

}  // namespace lxnet::nft
