// One entry of a blob, checked: every size and offset in it is good, and nothing in it points out of it.
#pragma once

#include "base/result.hh"
#include "compat/xtables/layouts.hh"
#include "stack/filter/extension.hh"

namespace lxnet::xtables {

struct BlobEntry {
  size_t at = 0;             // in the blob
  size_t target_offset = 0;  // from `at`
  size_t next_offset = 0;

  size_t target_at() const { return at + target_offset; }
  size_t end() const { return at + next_offset; }
};

// The entry that stands at `at`, whose sizes are whatever a program wrote. EINVAL: nothing of it may be used.
Result<BlobEntry> check_entry(ByteSpan blob, size_t at, const EntryLayout& layout);

// Of a checked entry.
inline bool is_standard(ByteSpan blob, const BlobEntry& entry) { return *name_at(blob, entry.target_at()) == 0; }
bool is_error(ByteSpan blob, const BlobEntry& entry);
inline int32_t verdict_of(ByteSpan blob, const BlobEntry& entry) { return read_at<int32_t>(blob, entry.target_at() + kHeadSize); }
// A rule that every packet agrees with.
bool is_unconditional(ByteSpan blob, const BlobEntry& entry, const EntryLayout& layout);

// The size of what stands at `at`, its head included: of a match or a target.
inline size_t size_at(ByteSpan blob, size_t at) { return read_at<uint16_t>(blob, at); }
// EINVAL where the name has no end; ENOENT, EPROTOTYPE.
Result<const MatchKind*> find_match_at(ByteSpan blob, size_t at, IpFamily family);
Result<const TargetKind*> find_target_at(ByteSpan blob, size_t at, IpFamily family);

}  // namespace lxnet::xtables
