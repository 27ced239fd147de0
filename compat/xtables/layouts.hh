// How programs lay out rules: Linux's struct ipt_entry, ip6t_entry and what stands in them, for 64-bit programs and for 32-bit
// ones.
//
// A blob of rules is one entry after another; an entry is its fixed part, its matches, its target:
//
//     [ipt_ip | nfcache | target_offset | next_offset | comefrom | counters][match | data]...[target | data]
//
// 32-bit programs align 64-bit numbers to four bytes, and so every size is rounded to four and not to eight.
#pragma once

#include "base/bytes.hh"
#include "stack/ip_address.hh"

namespace lxnet::xtables {

struct EntryLayout {
  IpFamily family;
  uint16_t rule_size;  // struct ipt_ip, struct ip6t_ip6: what the packet itself is to be
  uint16_t target_offset_at, next_offset_at, came_from_at, counters_at;
  uint16_t size;  // of the fixed part
  uint16_t alignment;
};

inline constexpr EntryLayout kNative4{IpFamily::V4, 84, 88, 90, 92, 96, 112, 8};
inline constexpr EntryLayout kNarrow4{IpFamily::V4, 84, 88, 90, 92, 96, 112, 4};
inline constexpr EntryLayout kNative6{IpFamily::V6, 136, 140, 142, 144, 152, 168, 8};
inline constexpr EntryLayout kNarrow6{IpFamily::V6, 136, 140, 142, 144, 148, 164, 4};

constexpr const EntryLayout& native_layout(IpFamily family) { return family == IpFamily::V4 ? kNative4 : kNative6; }
constexpr const EntryLayout& narrow_layout(IpFamily family) { return family == IpFamily::V4 ? kNarrow4 : kNarrow6; }

// Where things stand in struct ipt_ip and in struct ip6t_ip6.
struct RuleLayout {
  uint16_t address_size, source, destination, source_mask, destination_mask;
  uint16_t input_name, output_name, input_mask, output_mask, protocol, flags, inverted;
  uint8_t known_flags, goto_flag;
};
inline constexpr RuleLayout kRule4{4, 0, 4, 8, 12, 16, 32, 48, 64, 80, 82, 83, 0x03, 0x02};
inline constexpr RuleLayout kRule6{16, 0, 16, 32, 48, 64, 80, 96, 112, 128, 131, 132, 0x07, 0x04};
inline constexpr uint8_t kKnownInversions = 0x7f;
inline constexpr uint8_t kFlagFragment4 = 0x01, kFlagProtocol6 = 0x01;

constexpr const RuleLayout& rule_layout(IpFamily family) { return family == IpFamily::V4 ? kRule4 : kRule6; }

// struct xt_entry_match and xt_entry_target: a size, a name, a revision.
inline constexpr size_t kHeadSize = 32, kHeadNameAt = 2, kHeadRevisionAt = 31;
inline constexpr size_t kErrorTargetSize = 64;  // with its name

// Verdicts of the standard target: -1 - NF_*, or where to jump.
inline constexpr int32_t kVerdictDrop = -1, kVerdictAccept = -2, kVerdictQueue = -4, kVerdictReturn = -5;

inline constexpr size_t kTableNameSize = 32, kCountersSize = 16;
inline constexpr uint64_t kMaxTableSize = uint64_t{512} << 20;  // XT_MAX_TABLE_SIZE

constexpr size_t align_up(size_t size, size_t alignment) { return (size + alignment - 1) / alignment * alignment; }

template <typename T>
T read_at(ByteSpan bytes, size_t at) {
  T value{};
  copy_bytes(mutable_bytes_of(value), bytes.subspan(at, sizeof value));
  return value;
}

template <typename T>
void write_at(MutableByteSpan bytes, size_t at, const T& value) {
  copy_bytes(bytes.subspan(at, sizeof value), bytes_of(value));
}

// The name in a match or target that stands at `at`. It ends before the revision, or it is none: kHeadNameAt + 29 bytes.
inline const char* name_at(ByteSpan bytes, size_t at) { return reinterpret_cast<const char*>(bytes.data() + at + kHeadNameAt); }

}  // namespace lxnet::xtables
