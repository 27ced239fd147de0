#include "stack/wire/tcp_options.hh"

#include <algorithm>

namespace lxnet {
namespace {

constexpr uint8_t kKindAndLength = 2;
constexpr uint8_t kMssLength = 4;
constexpr uint8_t kWindowScaleLength = 3;
constexpr uint8_t kSackPermittedLength = 2;
constexpr uint8_t kSackBlockLength = 8;
constexpr uint8_t kTimestampsLength = 10;
constexpr uint8_t kMd5Length = 18;
constexpr uint8_t kUserTimeoutLength = 4;
constexpr uint8_t kAuthenticationBaseLength = 4;
constexpr uint8_t kExperimentalBaseLength = 4;
constexpr uint16_t kFastOpenMagic = 0xf989;

uint16_t read_u16(ByteSpan bytes) { return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]); }
uint32_t read_u32(ByteSpan bytes) { return uint32_t{read_u16(bytes)} << 16 | read_u16(bytes.subspan(2)); }

TcpTimestamps read_timestamps(ByteSpan value) { return {.value = read_u32(value), .echo_reply = read_u32(value.subspan(4))}; }

struct RawOption {
  TcpOptionKind kind;
  ByteSpan value;  // without kind and length
};

enum class Listing : uint8_t { Option, End, Malformed };

void skip_padding(ByteSpan& options) {
  while (!options.empty() && TcpOptionKind{options[0]} == TcpOptionKind::NoOperation) options = options.subspan(1);
}

// Takes the next option that is not padding off the front.
Listing next_option(ByteSpan& options, RawOption& option) {
  skip_padding(options);
  if (options.empty() || TcpOptionKind{options[0]} == TcpOptionKind::EndOfList) return Listing::End;
  if (options.size() < kKindAndLength) return Listing::Malformed;
  const size_t length = options[1];
  if (length < kKindAndLength || length > options.size()) return Listing::Malformed;
  option = {TcpOptionKind{options[0]}, options.subspan(kKindAndLength, length - kKindAndLength)};
  options = options.subspan(length);
  return Listing::Option;
}

void read_sack(ByteSpan value, TcpOptions& out) {
  if (value.empty() || value.size() % kSackBlockLength != 0) return;
  // Forty bytes of options hold at most four blocks, so none is cut off here.
  out.sack_count = static_cast<uint8_t>(std::min(value.size() / kSackBlockLength, TcpOptions::kMaxSackBlocks));
  for (size_t i = 0; i < out.sack_count; ++i) {
    const ByteSpan block = value.subspan(i * kSackBlockLength, kSackBlockLength);
    out.sack[i] = {.left = SeqNum(read_u32(block)), .right = SeqNum(read_u32(block.subspan(4)))};
  }
}

// An odd length is ignored; an even one that no cookie has takes back a cookie read before it.
void read_fast_open(ByteSpan cookie, TcpFastOpenCookie::Form form, TcpOptions& out) {
  if (cookie.size() % 2 != 0) return;
  out.fast_open.reset();
  const bool is_cookie = cookie.size() >= TcpFastOpenCookie::kMinSize && cookie.size() <= TcpFastOpenCookie::kMaxSize;
  if (!cookie.empty() && !is_cookie) return;
  TcpFastOpenCookie& found = out.fast_open.emplace();
  found.form = form;
  found.size = static_cast<uint8_t>(cookie.size());
  copy_bytes(found.bytes, cookie);
}

TcpAuthentication read_authentication(ByteSpan value) {
  return {.key_id = value[0], .receive_next_key_id = value[1], .mac = value.subspan(2)};
}

// The options only a SYN may carry.
void read_syn_option(const RawOption& option, TcpOptions& out) {
  const ByteSpan value = option.value;
  switch (option.kind) {
    case TcpOptionKind::MaximumSegmentSize:
      if (value.size() + kKindAndLength == kMssLength && read_u16(value) != 0) out.maximum_segment_size = read_u16(value);
      break;
    case TcpOptionKind::WindowScale:
      if (value.size() + kKindAndLength == kWindowScaleLength) out.window_scale = std::min(value[0], TcpOptions::kMaxWindowScale);
      break;
    case TcpOptionKind::SackPermitted:
      if (value.size() + kKindAndLength == kSackPermittedLength) out.sack_permitted = true;
      break;
    case TcpOptionKind::FastOpenCookie:
      read_fast_open(value, TcpFastOpenCookie::Form::Assigned, out);
      break;
    case TcpOptionKind::Experimental:
      if (value.size() + kKindAndLength >= kExperimentalBaseLength && read_u16(value) == kFastOpenMagic) {
        read_fast_open(value.subspan(2), TcpFastOpenCookie::Form::Experimental, out);
      }
      break;
    default:
      break;
  }
}

void read_option(const RawOption& option, TcpFlags flags, TcpOptions& out) {
  const ByteSpan value = option.value;
  const size_t length = value.size() + kKindAndLength;
  switch (option.kind) {
    case TcpOptionKind::Timestamps:
      if (length == kTimestampsLength) out.timestamps = read_timestamps(value);
      break;
    case TcpOptionKind::Sack:
      read_sack(value, out);
      break;
    case TcpOptionKind::Md5Signature:
      if (length == kMd5Length) out.md5_signature = value;
      break;
    case TcpOptionKind::Authentication:
      if (length > kAuthenticationBaseLength) out.authentication = read_authentication(value);
      break;
    case TcpOptionKind::UserTimeout:
      if (length == kUserTimeoutLength) {
        const uint16_t bits = read_u16(value);
        out.user_timeout = {.unit = bits >> 15 != 0 ? TcpUserTimeout::Unit::Minutes : TcpUserTimeout::Unit::Seconds,
                            .value = static_cast<uint16_t>(bits & 0x7fff)};
      }
      break;
    default:
      if (flags.syn()) read_syn_option(option, out);
  }
}

// Writes options front to back into a span known to be large enough.
class OptionWriter {
 public:
  explicit OptionWriter(MutableByteSpan to) : to_(to) {}

  void u8(uint8_t value) { to_[at_++] = value; }
  void u16(uint16_t value) {
    u8(static_cast<uint8_t>(value >> 8));
    u8(static_cast<uint8_t>(value));
  }
  void u32(uint32_t value) {
    u16(static_cast<uint16_t>(value >> 16));
    u16(static_cast<uint16_t>(value));
  }
  void begin(TcpOptionKind kind, size_t length) {
    u8(static_cast<uint8_t>(kind));
    u8(static_cast<uint8_t>(length));
  }
  void nop() { u8(static_cast<uint8_t>(TcpOptionKind::NoOperation)); }
  void bytes(ByteSpan from) { at_ += copy_bytes(to_.subspan(at_), from); }
  size_t size() const { return at_; }

 private:
  MutableByteSpan to_;
  size_t at_ = 0;
};

size_t padded(size_t size) { return (size + 3) / 4 * 4; }

size_t fast_open_length(const TcpFastOpenCookie& cookie) {
  return cookie.size + (cookie.form == TcpFastOpenCookie::Form::Experimental ? kExperimentalBaseLength : kKindAndLength);
}

void emit_timestamps(const TcpOptions& options, OptionWriter& out) {
  if (options.sack_permitted) {
    out.begin(TcpOptionKind::SackPermitted, kSackPermittedLength);
  } else {
    out.nop();
    out.nop();
  }
  out.begin(TcpOptionKind::Timestamps, kTimestampsLength);
  out.u32(options.timestamps->value);
  out.u32(options.timestamps->echo_reply);
}

void emit_fast_open(const TcpFastOpenCookie& cookie, OptionWriter& out) {
  if (cookie.form == TcpFastOpenCookie::Form::Experimental) {
    out.begin(TcpOptionKind::Experimental, fast_open_length(cookie));
    out.u16(kFastOpenMagic);
  } else {
    out.begin(TcpOptionKind::FastOpenCookie, fast_open_length(cookie));
  }
  out.bytes(cookie.span());
  while (out.size() % 4 != 0) out.nop();
}

}  // namespace

bool TcpFastOpenCookie::operator==(const TcpFastOpenCookie& other) const {
  return form == other.form && std::ranges::equal(span(), other.span());
}

TcpOptions TcpOptions::parse(ByteSpan options, TcpFlags flags) {
  TcpOptions parsed;
  RawOption option;
  while (next_option(options, option) == Listing::Option) read_option(option, flags, parsed);
  return parsed;
}

size_t TcpOptions::encoded_size() const {
  size_t size = md5_signature.empty() ? 0 : padded(kMd5Length);
  if (maximum_segment_size) size += kMssLength;
  if (timestamps) size += padded(kTimestampsLength);
  if (sack_permitted && !timestamps) size += padded(kSackPermittedLength);
  if (window_scale) size += padded(kWindowScaleLength);
  if (sack_count != 0) size += padded(kKindAndLength + sack_count * size_t{kSackBlockLength});
  if (fast_open) size += padded(fast_open_length(*fast_open));
  return size;
}

void TcpOptions::emit(MutableByteSpan to) const {
  ASSERT(to.size() >= encoded_size() && sack_count <= kMaxSackBlocks);
  OptionWriter out(to);
  if (!md5_signature.empty()) {
    ASSERT(md5_signature.size() == kMd5Size);
    out.nop();
    out.nop();
    out.begin(TcpOptionKind::Md5Signature, kMd5Length);
    out.bytes(md5_signature);
  }
  if (maximum_segment_size) {
    out.begin(TcpOptionKind::MaximumSegmentSize, kMssLength);
    out.u16(*maximum_segment_size);
  }
  if (timestamps) emit_timestamps(*this, out);
  if (sack_permitted && !timestamps) {
    out.nop();
    out.nop();
    out.begin(TcpOptionKind::SackPermitted, kSackPermittedLength);
  }
  if (window_scale) {
    out.nop();
    out.begin(TcpOptionKind::WindowScale, kWindowScaleLength);
    out.u8(*window_scale);
  }
  if (sack_count != 0) {
    out.nop();
    out.nop();
    out.begin(TcpOptionKind::Sack, kKindAndLength + sack_count * size_t{kSackBlockLength});
    for (const SackBlock& block : sack_blocks()) {
      out.u32(block.left.value());
      out.u32(block.right.value());
    }
  }
  if (fast_open) emit_fast_open(*fast_open, out);
}

std::optional<TcpTimestamps> parse_aligned_timestamps(ByteSpan options) {
  constexpr uint32_t kNopNopTimestamps = 0x01'01'08'0a;
  if (options.size() != 12 || read_u32(options) != kNopNopTimestamps) return std::nullopt;
  return read_timestamps(options.subspan(4));
}

Result<TcpSignatures> parse_tcp_signatures(ByteSpan options) {
  TcpSignatures found;
  RawOption option;
  // Linux stops where no signature can follow, and so does not mind what is malformed there.
  for (skip_padding(options); options.size() >= kMd5Length; skip_padding(options)) {
    const Listing listing = next_option(options, option);
    if (listing == Listing::Malformed) return Errno::EINVAL;
    if (listing == Listing::End) break;
    const bool is_md5 = option.kind == TcpOptionKind::Md5Signature;
    if (!is_md5 && option.kind != TcpOptionKind::Authentication) continue;
    const size_t length = option.value.size() + kKindAndLength;
    if (is_md5 ? length != kMd5Length : length <= kAuthenticationBaseLength) return Errno::EINVAL;
    if (!found.md5.empty() || found.authentication) return Errno::EEXIST;
    if (is_md5) {
      found.md5 = option.value;
    } else {
      found.authentication = read_authentication(option.value);
    }
  }
  return found;
}

}  // namespace lxnet
