// As Linux's check_entry_size_and_hooks() and xt_check_entry_offsets(), and their counterparts for 32-bit programs.
#include "compat/xtables/blob_entry.hh"

namespace lxnet::xtables {
namespace {

bool has_name(ByteSpan blob, size_t at, const char* name) {
  const char* own = name_at(blob, at);
  for (size_t i = 0; i < kExtensionNameSize; ++i) {
    if (own[i] != name[i]) return false;
    if (name[i] == 0) return true;
  }
  return false;
}

bool is_terminated(ByteSpan bytes) {
  for (const uint8_t byte : bytes) {
    if (byte == 0) return true;
  }
  return false;
}

bool is_verdict(int32_t verdict) {
  return verdict > 0 || verdict == kVerdictReturn || verdict == kVerdictAccept || verdict == kVerdictDrop ||
         verdict == kVerdictQueue;
}

bool has_known_flags(ByteSpan blob, size_t at, const EntryLayout& layout) {
  const RuleLayout& rule = rule_layout(layout.family);
  const auto flags = read_at<uint8_t>(blob, at + rule.flags), inverted = read_at<uint8_t>(blob, at + rule.inverted);
  return (flags & ~rule.known_flags) == 0 && (inverted & ~kKnownInversions) == 0;
}

// The targets that every table knows must say what they are to do in so many bytes.
Result<> check_target(ByteSpan blob, const BlobEntry& entry, const EntryLayout& layout) {
  if (entry.target_offset + kHeadSize > entry.next_offset) return Errno::EINVAL;
  const size_t size = size_at(blob, entry.target_at());
  if (size < kHeadSize || entry.target_offset + size > entry.next_offset) return Errno::EINVAL;
  if (is_standard(blob, entry)) {
    const size_t whole = align_up(kHeadSize + sizeof(int32_t), layout.alignment);
    if (align_up(entry.target_offset + whole, layout.alignment) != entry.next_offset) return Errno::EINVAL;
    if (!is_verdict(verdict_of(blob, entry))) return Errno::EINVAL;
  } else if (is_error(blob, entry)) {
    const ByteSpan text = blob.subspan(entry.target_at() + kHeadSize);
    constexpr size_t kNameSize = 30;
    if (size != kErrorTargetSize || !is_terminated(text.first(kNameSize))) return Errno::EINVAL;
  }
  return ok();
}

Result<> check_matches(ByteSpan blob, const BlobEntry& entry, const EntryLayout& layout) {
  size_t at = entry.at + layout.size;
  while (at < entry.target_at()) {
    const size_t left = entry.target_at() - at;
    if (at % layout.alignment != 0 || left < kHeadSize) return Errno::EINVAL;
    const size_t size = size_at(blob, at);
    if (size < kHeadSize || size > left) return Errno::EINVAL;
    at += size;
  }
  return ok();
}

template <typename Find>
auto find_at(ByteSpan blob, size_t at, IpFamily family, Find find) -> decltype(find(family, "", 0)) {
  if (!is_terminated(blob.subspan(at + kHeadNameAt, kExtensionNameSize))) return Errno::EINVAL;
  return find(family, name_at(blob, at), read_at<uint8_t>(blob, at + kHeadRevisionAt));
}

}  // namespace

Result<BlobEntry> check_entry(ByteSpan blob, size_t at, const EntryLayout& layout) {
  if (at % layout.alignment != 0 || at + layout.size >= blob.size()) return Errno::EINVAL;
  const BlobEntry entry{.at = at,
                        .target_offset = read_at<uint16_t>(blob, at + layout.target_offset_at),
                        .next_offset = read_at<uint16_t>(blob, at + layout.next_offset_at)};
  if (entry.end() > blob.size() || entry.next_offset < layout.size + kHeadSize) return Errno::EINVAL;
  if (!has_known_flags(blob, at, layout) || entry.target_offset < layout.size) return Errno::EINVAL;
  TRY(check_target(blob, entry, layout));
  TRY(check_matches(blob, entry, layout));
  return entry;
}

bool is_error(ByteSpan blob, const BlobEntry& entry) { return has_name(blob, entry.target_at(), kErrorTarget); }

bool is_unconditional(ByteSpan blob, const BlobEntry& entry, const EntryLayout& layout) {
  if (entry.target_offset != layout.size) return false;
  for (const uint8_t byte : blob.subspan(entry.at, layout.rule_size)) {
    if (byte != 0) return false;
  }
  return true;
}

Result<const MatchKind*> find_match_at(ByteSpan blob, size_t at, IpFamily family) {
  return find_at(blob, at, family, &find_match);
}

Result<const TargetKind*> find_target_at(ByteSpan blob, size_t at, IpFamily family) {
  return find_at(blob, at, family, &find_target);
}

}  // namespace lxnet::xtables
