// Group records: what an IGMPv3 and an MLDv2 report are made of (RFC 3376 4.2.4, RFC 3810 5.2.4). The two differ in the address.
#pragma once

#include <optional>

#include "base/endian.hh"
#include "stack/wire/view.hh"

namespace lxnet {

// Any value may arrive.
enum class GroupRecordType : uint8_t {
  ModeIsInclude = 1,
  ModeIsExclude = 2,
  ChangeToIncludeMode = 3,
  ChangeToExcludeMode = 4,
  AllowNewSources = 5,
  BlockOldSources = 6,
};

template <typename Address>
struct GroupRecordHeader {
  uint8_t type;
  uint8_t auxiliary_words;  // of data behind the sources; no version of either protocol defines any
  Be16 source_count;
  Address group;
};

template <typename Address>
struct GroupRecord {
  GroupRecordType type = GroupRecordType::ModeIsInclude;
  Address group = {};
  std::span<const Address> sources = {};  // at most 65535

  size_t encoded_size() const { return sizeof(GroupRecordHeader<Address>) + sources.size_bytes(); }
  void emit(MutableByteSpan to) const {
    ASSERT(to.size() >= encoded_size());
    auto& header = place_header<GroupRecordHeader<Address>>(to);
    header.type = static_cast<uint8_t>(type);
    header.source_count.set(static_cast<uint16_t>(sources.size()));
    header.group = group;
    copy_bytes(to.subspan(sizeof(header)), ByteSpan(reinterpret_cast<const uint8_t*>(sources.data()), sources.size_bytes()));
  }
};

// Addresses in a message, which have no alignment to keep. EINVAL: they do not all fit.
template <typename Address>
Result<std::span<const Address>> view_addresses(ByteSpan bytes, size_t count) {
  static_assert(alignof(Address) == 1);
  if (bytes.size() / sizeof(Address) < count) return Errno::EINVAL;
  return std::span<const Address>(reinterpret_cast<const Address*>(bytes.data()), count);
}

// Reads the records of a report one by one.
template <typename Address>
class GroupRecordReader {
 public:
  GroupRecordReader(ByteSpan records, uint16_t count) : rest_(records), left_(count) {}

  bool is_at_end() const { return left_ == 0; }
  // EINVAL: the record does not fit; nothing can be read after it.
  Result<GroupRecord<Address>> next() {
    using Header = GroupRecordHeader<Address>;
    ASSERT(!is_at_end());
    const Header* header = TRY(view_header<Header>(rest_));
    const ByteSpan body = rest_.subspan(sizeof(Header));
    const std::span<const Address> sources = TRY(view_addresses<Address>(body, header->source_count.get()));
    const size_t size = sources.size_bytes() + size_t{header->auxiliary_words} * 4;
    if (size > body.size()) return Errno::EINVAL;
    rest_ = body.subspan(size);
    --left_;
    return GroupRecord<Address>{.type = GroupRecordType{header->type}, .group = header->group, .sources = sources};
  }

 private:
  ByteSpan rest_;
  uint16_t left_;
};

// RFC 3376 4.1.1 and 4.1.7: a number of eight bits that grows exponentially from 128 on.
constexpr uint32_t decode_group_interval(uint8_t code) {
  if (code < 128) return code;
  return static_cast<uint32_t>((code & 0xf) | 0x10) << ((code >> 4 & 7) + 3);
}

}  // namespace lxnet
