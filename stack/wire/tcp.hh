// The TCP header (RFC 9293, 3.1). Options are in tcp_options.hh. The checksum is the caller's: it covers a pseudo-header and the
// payload.
#pragma once

#include "base/endian.hh"
#include "base/seqnum.hh"
#include "stack/wire/view.hh"

namespace lxnet {

// The control bits, as a set. Twelve bits are kept, the reserved ones included, because a segment is forwarded and quoted as it
// came.
class TcpFlags {
 public:
  static constexpr uint16_t kMask = 0xfff;

  constexpr TcpFlags() = default;
  constexpr explicit TcpFlags(uint16_t bits) : bits_(bits & kMask) {}

  constexpr uint16_t bits() const { return bits_; }
  constexpr bool has_all(TcpFlags flags) const { return (bits_ & flags.bits_) == flags.bits_; }
  constexpr bool has_any(TcpFlags flags) const { return (bits_ & flags.bits_) != 0; }
  constexpr TcpFlags without(TcpFlags flags) const { return TcpFlags(static_cast<uint16_t>(bits_ & ~flags.bits_)); }

  constexpr bool fin() const { return (bits_ & 0x001) != 0; }
  constexpr bool syn() const { return (bits_ & 0x002) != 0; }
  constexpr bool rst() const { return (bits_ & 0x004) != 0; }
  constexpr bool psh() const { return (bits_ & 0x008) != 0; }
  constexpr bool ack() const { return (bits_ & 0x010) != 0; }
  constexpr bool urg() const { return (bits_ & 0x020) != 0; }
  constexpr bool ece() const { return (bits_ & 0x040) != 0; }
  constexpr bool cwr() const { return (bits_ & 0x080) != 0; }
  constexpr bool ae() const { return (bits_ & 0x100) != 0; }

  constexpr TcpFlags operator|(TcpFlags other) const { return TcpFlags(static_cast<uint16_t>(bits_ | other.bits_)); }
  constexpr TcpFlags operator&(TcpFlags other) const { return TcpFlags(static_cast<uint16_t>(bits_ & other.bits_)); }
  constexpr TcpFlags& operator|=(TcpFlags other) { return *this = *this | other; }
  constexpr bool operator==(const TcpFlags&) const = default;

 private:
  uint16_t bits_ = 0;
};

inline constexpr TcpFlags kTcpFin{0x001};
inline constexpr TcpFlags kTcpSyn{0x002};
inline constexpr TcpFlags kTcpRst{0x004};
inline constexpr TcpFlags kTcpPsh{0x008};
inline constexpr TcpFlags kTcpAck{0x010};
inline constexpr TcpFlags kTcpUrg{0x020};
inline constexpr TcpFlags kTcpEce{0x040};
inline constexpr TcpFlags kTcpCwr{0x080};
inline constexpr TcpFlags kTcpAe{0x100};

struct TcpHeader {
  static constexpr size_t kMaxSize = 60;
  static constexpr size_t kMaxOptionsSize = 40;

  Be16 source_port;
  Be16 destination_port;
  Be32 sequence_number;
  Be32 acknowledgment_number;
  Be16 offset_and_flags;  // data offset in words 4 bits, reserved 3, flags 9
  Be16 window;
  Be16 checksum;
  Be16 urgent_pointer;

  // EINVAL: shorter than 20 bytes, or a data offset below 5. The options may lie beyond the bytes: options_in() checks.
  static Result<const TcpHeader*> parse(ByteSpan bytes) {
    const TcpHeader* header = TRY(view_header<TcpHeader>(bytes));
    if (header->header_size() < sizeof(TcpHeader)) return Errno::EINVAL;
    return header;
  }
  // The options of a segment whose fixed part parse() has accepted. EINVAL: the segment ends before them.
  static Result<ByteSpan> options_in(ByteSpan segment) {
    const size_t size = TRY(parse(segment))->header_size();
    if (segment.size() < size) return Errno::EINVAL;
    return segment.subspan(sizeof(TcpHeader), size - sizeof(TcpHeader));
  }

  size_t header_size() const { return static_cast<size_t>(offset_and_flags.get() >> 12) * 4; }
  TcpFlags flags() const { return TcpFlags(offset_and_flags.get()); }
};
static_assert(sizeof(TcpHeader) == 20 && alignof(TcpHeader) == 1);
static_assert(offsetof(TcpHeader, sequence_number) == 4 && offsetof(TcpHeader, offset_and_flags) == 12);
static_assert(offsetof(TcpHeader, checksum) == 16 && offsetof(TcpHeader, urgent_pointer) == 18);

// The header in host order. The window is the field's number: scaling is the connection's.
struct TcpSegmentHeader {
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  SeqNum seq = {};
  SeqNum ack = {};
  TcpFlags flags = {};
  uint8_t header_size = sizeof(TcpHeader);  // 20 to 60, options included
  uint16_t window = 0;
  uint16_t checksum = 0;
  uint16_t urgent_pointer = 0;

  static TcpSegmentHeader from(const TcpHeader& header) {
    return {.source_port = header.source_port.get(),
            .destination_port = header.destination_port.get(),
            .seq = SeqNum(header.sequence_number.get()),
            .ack = SeqNum(header.acknowledgment_number.get()),
            .flags = header.flags(),
            .header_size = static_cast<uint8_t>(header.header_size()),
            .window = header.window.get(),
            .checksum = header.checksum.get(),
            .urgent_pointer = header.urgent_pointer.get()};
  }

  // The fixed part only; the options are emitted behind it, and header_size says how much they take.
  static constexpr size_t encoded_size() { return sizeof(TcpHeader); }
  void emit(MutableByteSpan to) const {
    ASSERT(header_size % 4 == 0 && header_size >= sizeof(TcpHeader) && header_size <= TcpHeader::kMaxSize);
    TcpHeader& header = place_header<TcpHeader>(to);
    header.source_port.set(source_port);
    header.destination_port.set(destination_port);
    header.sequence_number.set(seq.value());
    header.acknowledgment_number.set(ack.value());
    header.offset_and_flags.set(static_cast<uint16_t>(header_size / 4 << 12 | flags.bits()));
    header.window.set(window);
    header.checksum.set(checksum);
    header.urgent_pointer.set(urgent_pointer);
  }

  bool operator==(const TcpSegmentHeader&) const = default;
};

}  // namespace lxnet
