// A 32-bit program's rules, as a 64-bit program would have written them: Linux's translate_compat_table().
//
// What a program says of sizes is believed only as far as check_entry() goes. Where a target is shorter than the room before the
// next entry, the entries behind it do not come to stand where they are looked for: make_table() finds that out, as Linux does.
#include "compat/xtables/narrow_sizes.hh"
#include "compat/xtables/table_maker.hh"

namespace lxnet::xtables {
namespace {

class Widener {
 public:
  Widener(const Hal& hal, Request& request)
      : hal_(hal), request_(request), narrow_(narrow_layout(request.family)), wide_(native_layout(request.family)) {}

  Result<> run() {
    // xt_compat_init_offsets().
    if (request_.entries == 0 || request_.entries > INT32_MAX / sizeof(Displacement)) return Errno::EINVAL;
    if (request_.entries * sizeof(Displacement) > kMaxTableSize) return Errno::ENOMEM;
    const size_t most = blob().size() / (narrow_.size + kHeadSize);
    entries_ = TRY(HeapArray<Displacement>::create(hal_, request_.entries < most ? request_.entries : most));
    TRY(measure());
    const size_t size = blob().size() + sum_;
    constexpr size_t kTableHead = 64;
    if (size + kTableHead >= kMaxTableSize) return Errno::ENOMEM;
    wide_blob_ = TRY(HeapArray<uint8_t>::create(hal_, size));
    for (size_t at = 0; at < blob().size(); at = entry_at(at).end()) copy_entry(entry_at(at));
    request_.blob = std::move(wide_blob_);
    return ok();
  }

 private:
  ByteSpan blob() const { return {request_.blob.data(), request_.blob.size()}; }
  MutableByteSpan wide() const { return {wide_blob_.data(), wide_blob_.size()}; }

  BlobEntry entry_at(size_t at) const {
    return {.at = at,
            .target_offset = read_at<uint16_t>(blob(), at + narrow_.target_offset_at),
            .next_offset = read_at<uint16_t>(blob(), at + narrow_.next_offset_at)};
  }

  Result<> measure() {
    size_t count = 0;
    for (size_t at = 0; at < blob().size();) {
      const BlobEntry entry = TRY(check_entry(blob(), at, narrow_));
      size_t growth = growth_of_head(request_.family);
      for (size_t match = at + narrow_.size; match < entry.target_at(); match += size_at(blob(), match)) {
        growth += growth_of(TRY(find_match_at(blob(), match, request_.family))->shape);
      }
      growth += growth_of(TRY(find_target_at(blob(), entry.target_at(), request_.family))->shape);
      if (count == entries_.size()) return Errno::EINVAL;
      sum_ += static_cast<uint32_t>(growth);
      entries_[count++] = {.at = static_cast<uint32_t>(at), .sum = sum_};
      at = entry.end();
    }
    return count == request_.entries ? Result<>(ok()) : Errno::EINVAL;
  }

  // A match or a target, to `to_`. By how much it grew.
  size_t copy_extension(size_t at, const ExtensionShape& shape) {
    const size_t size = size_at(blob(), at), growth = growth_of(shape);
    const ByteSpan from = blob().subspan(at + kHeadSize, size - kHeadSize);
    copy_bytes(wide().subspan(to_), blob().subspan(at, kHeadSize));
    write_at(wide(), to_, static_cast<uint16_t>(size + growth));
    const MutableByteSpan to = wide().subspan(to_ + kHeadSize, size + growth - kHeadSize);
    if (shape.widen != nullptr) {
      shape.widen(to, from);
    } else {
      copy_bytes(to, from);
      // What pads the settings says nothing.
      for (size_t i = shape.size; i < to.size() && i < align_up(shape.size, 8); ++i) to[i] = 0;
    }
    to_ += size + growth;
    return growth;
  }

  void copy_entry(const BlobEntry& entry) {
    const size_t begin = to_;
    size_t growth = growth_of_head(request_.family);
    copy_bytes(wide().subspan(begin), blob().subspan(entry.at, narrow_.counters_at));
    to_ += wide_.size;
    for (size_t match = entry.at + narrow_.size; match < entry.target_at(); match += size_at(blob(), match)) {
      growth += copy_extension(match, find_match_at(blob(), match, request_.family).take()->shape);
    }
    write_at(wide(), begin + wide_.target_offset_at, static_cast<uint16_t>(entry.target_offset + growth));
    const size_t target = to_;
    growth += copy_extension(entry.target_at(), find_target_at(blob(), entry.target_at(), request_.family).take()->shape);
    if (is_standard(blob(), entry)) move_jump(entry, target);
    write_at(wide(), begin + wide_.next_offset_at, static_cast<uint16_t>(entry.next_offset + growth));
    for (size_t hook = 0; hook < kFilterHookCount; ++hook) {
      if (begin < request_.entry_at[hook]) request_.entry_at[hook] += static_cast<uint32_t>(growth);
      if (begin < request_.underflow_at[hook]) request_.underflow_at[hook] += static_cast<uint32_t>(growth);
    }
  }

  void move_jump(const BlobEntry& entry, size_t target) {
    int32_t verdict = verdict_of(blob(), entry);
    if (verdict <= 0 || target + kHeadSize + sizeof verdict > wide().size()) return;
    verdict = static_cast<int32_t>(static_cast<uint32_t>(verdict) +
                                   displacement_before({entries_.data(), entries_.size()}, static_cast<uint32_t>(verdict)));
    write_at(wide(), target + kHeadSize, verdict);
  }

  const Hal& hal_;
  Request& request_;
  const EntryLayout &narrow_, &wide_;
  HeapArray<Displacement> entries_;
  uint32_t sum_ = 0;  // by how much all of it grows
  HeapArray<uint8_t> wide_blob_;
  size_t to_ = 0;
};

}  // namespace

Result<> widen(const Hal& hal, Request& request) { return Widener(hal, request).run(); }

}  // namespace lxnet::xtables
