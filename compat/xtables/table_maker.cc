#include "compat/xtables/table_maker.hh"

#include "compat/xtables/blob_entry.hh"
#include "stack/stack.hh"

namespace lxnet::xtables {
namespace {

constexpr uint32_t kUnset = UINT32_MAX;
// xt_alloc_entry_offsets(): more entries than that are not even counted.
constexpr uint64_t kMaxEntries = kMaxTableSize / sizeof(uint32_t);

// A policy: where a packet ends that no rule of its chain wanted.
bool is_policy(ByteSpan blob, const BlobEntry& entry, const EntryLayout& layout) {
  if (!is_unconditional(blob, entry, layout) || !is_standard(blob, entry)) return false;
  const int32_t verdict = verdict_of(blob, entry);
  return verdict == kVerdictDrop || verdict == kVerdictAccept;
}

class TableMaker {
 public:
  TableMaker(Entry& entry, Request&& request)
      : entry_(entry), hal_(entry.stack().hal()), request_(std::move(request)), layout_(native_layout(request_.family)) {
    parts_.bytes = std::move(request_.blob);
    for (size_t hook = 0; hook < kFilterHookCount; ++hook) parts_.entry[hook] = parts_.underflow[hook] = kUnset;
  }

  Result<Ref<FilterTable>> make() {
    if (request_.entries > kMaxEntries) return Errno::ENOMEM;
    TRY(check_entries());
    TRY(check_hooks());
    TRY(read_entries());
    TRY(mark_all());
    TRY(check_extensions());
    parts_.jumps = TRY(HeapArray<uint32_t>::create(hal_, chains_));
    return FilterTable::create(hal_, std::move(parts_));
  }

 private:
  ByteSpan blob() const { return {parts_.bytes.data(), parts_.bytes.size()}; }
  bool is_valid_hook(size_t hook) const { return (request_.hooks & 1u << hook) != 0; }

  // Sizes and offsets of all, and which entries the hooks name.
  Result<> check_entries() {
    uint64_t count = 0;
    for (size_t at = 0; at < blob().size(); ++count) {
      const BlobEntry entry = TRY(check_entry(blob(), at, layout_));
      TRY(note_hooks(entry, static_cast<uint32_t>(count)));
      if (is_error(blob(), entry)) ++chains_;
      for (size_t match = at + layout_.size; match < entry.target_at(); match += size_at(blob(), match)) ++matches_;
      at = entry.end();
    }
    return count == request_.entries ? Result<>(ok()) : Errno::EINVAL;
  }

  Result<> note_hooks(const BlobEntry& entry, uint32_t rule) {
    for (size_t hook = 0; hook < kFilterHookCount; ++hook) {
      if (!is_valid_hook(hook)) continue;
      if (entry.at == request_.entry_at[hook]) parts_.entry[hook] = rule;
      if (entry.at != request_.underflow_at[hook]) continue;
      if (!is_policy(blob(), entry, layout_)) return Errno::EINVAL;
      parts_.underflow[hook] = rule;
    }
    return ok();
  }

  // xt_check_table_hooks(): all are there, in the order of the hooks, no two the same.
  Result<> check_hooks() {
    const uint32_t *entry = nullptr, *underflow = nullptr;
    for (size_t hook = 0; hook < kFilterHookCount; ++hook) {
      if (!is_valid_hook(hook)) continue;
      parts_.hooks = static_cast<uint8_t>(parts_.hooks | 1u << hook);
      if (parts_.entry[hook] == kUnset || parts_.underflow[hook] == kUnset) return Errno::EINVAL;
      if (entry != nullptr && (*underflow >= parts_.underflow[hook] || *entry >= parts_.entry[hook])) return Errno::EINVAL;
      entry = &parts_.entry[hook];
      underflow = &parts_.underflow[hook];
    }
    return ok();
  }

  Result<> read_entries() {
    parts_.rules = TRY(HeapArray<FilterRule>::create(hal_, request_.entries));
    marks_ = TRY(HeapArray<ChainMark>::create(hal_, request_.entries));
    size_t at = 0;
    for (size_t i = 0; i < parts_.rules.size(); ++i) {
      parts_.rules[i].offset = static_cast<uint32_t>(at);
      at += read_at<uint16_t>(blob(), at + layout_.next_offset_at);
    }
    for (size_t i = 0; i < parts_.rules.size(); ++i) {
      read_rule(parts_.rules[i]);
      read_action(parts_.rules[i], marks_[i]);
    }
    return ok();
  }

  BlobEntry entry_of(const FilterRule& rule) const {
    return {.at = rule.offset,
            .target_offset = read_at<uint16_t>(blob(), rule.offset + layout_.target_offset_at),
            .next_offset = read_at<uint16_t>(blob(), rule.offset + layout_.next_offset_at)};
  }

  void read_rule(FilterRule& rule) {
    const RuleLayout& at = rule_layout(request_.family);
    const ByteSpan bytes = blob().subspan(rule.offset, layout_.rule_size);
    const auto copy_address = [&](uint32_t(&to)[4], size_t from) {
      copy_bytes(mutable_bytes_of(to), bytes.subspan(from, at.address_size));
    };
    const auto copy_name = [&](char(&to)[Interface::kNameSize], size_t from) {
      copy_bytes(mutable_bytes_of(to), bytes.subspan(from));
    };
    copy_address(rule.source, at.source);
    copy_address(rule.destination, at.destination);
    copy_address(rule.source_mask, at.source_mask);
    copy_address(rule.destination_mask, at.destination_mask);
    copy_name(rule.input_name, at.input_name);
    copy_name(rule.output_name, at.output_name);
    copy_name(rule.input_mask, at.input_mask);
    copy_name(rule.output_mask, at.output_mask);
    rule.protocol = read_at<uint16_t>(bytes, at.protocol);
    rule.inverted = bytes[at.inverted];
    rule.later_fragments = request_.family == IpFamily::V4 && (bytes[at.flags] & kFlagFragment4) != 0;
    rule.looks_behind = request_.family == IpFamily::V6 && (bytes[at.flags] & kFlagProtocol6) != 0;
  }

  void read_action(FilterRule& rule, ChainMark& mark) {
    const BlobEntry entry = entry_of(rule);
    rule.target_data = static_cast<uint32_t>(entry.target_at() + kHeadSize);
    rule.action = is_error(blob(), entry) ? FilterRule::Action::Error : FilterRule::Action::Extension;
    if (!is_standard(blob(), entry)) return;
    const int32_t verdict = verdict_of(blob(), entry);
    if (verdict >= 0) {
      const bool is_goto =
          (blob()[rule.offset + rule_layout(request_.family).flags] & rule_layout(request_.family).goto_flag) != 0;
      rule.action = is_goto ? FilterRule::Action::Goto : FilterRule::Action::Jump;
      rule.next = mark.next = find_rule(static_cast<uint32_t>(verdict));
      mark.jumps = true;
      return;
    }
    mark.ends = is_unconditional(blob(), entry, layout_);
    rule.action = verdict == kVerdictReturn ? FilterRule::Action::Return : FilterRule::Action::Verdict;
    rule.verdict = verdict == kVerdictAccept  ? FilterVerdict::Accept
                   : verdict == kVerdictQueue ? FilterVerdict::Queue
                                              : FilterVerdict::Drop;
  }

  uint32_t find_rule(uint32_t offset) const {
    size_t low = 0, high = parts_.rules.size();
    while (low < high) {
      const size_t middle = low + (high - low) / 2;
      if (parts_.rules[middle].offset == offset) return static_cast<uint32_t>(middle);
      if (parts_.rules[middle].offset < offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return ChainMark::kNowhere;
  }

  Result<> mark_all() {
    const std::span<ChainMark> marks(marks_.data(), marks_.size());
    for (size_t hook = 0; hook < kFilterHookCount; ++hook) {
      if (is_valid_hook(hook) && !mark_chains(marks, FilterHook{static_cast<uint8_t>(hook)}, parts_.entry[hook]))
        return Errno::ELOOP;
    }
    for (size_t i = 0; i < marks.size(); ++i) parts_.rules[i].hooks = marks[i].came_from;
    return ok();
  }

  Result<> check_extensions() {
    parts_.matches = TRY(HeapArray<FilterMatch>::create(hal_, matches_));
    uint32_t next_match = 0;
    for (FilterRule& rule : parts_.rules) {
      const BlobEntry entry = entry_of(rule);
      rule.first_match = next_match;
      for (size_t at = entry.at + layout_.size; at < entry.target_at(); at += size_at(blob(), at)) {
        const MatchKind* kind = TRY(find_match_at(blob(), at, request_.family));
        TRY(check_shape(kind->shape, rule, at));
        FilterMatch& match = parts_.matches[next_match++];
        match.kind = kind;
        match.data = blob().subspan(at + kHeadSize, kind->shape.size);
        if (kind->prepare != nullptr) kind->prepare(entry_, match, {parts_.bytes.data() + at + kHeadSize, kind->shape.size});
      }
      rule.match_count = next_match - rule.first_match;
      rule.target = TRY(find_target_at(blob(), entry.target_at(), request_.family));
      TRY(check_shape(rule.target->shape, rule, entry.target_at()));
    }
    return ok();
  }

  // xt_check_match(), xt_check_target().
  Result<> check_shape(const ExtensionShape& shape, const FilterRule& rule, size_t at) {
    if (align_up(shape.size, layout_.alignment) != size_at(blob(), at) - kHeadSize) return Errno::EINVAL;
    if (shape.table != nullptr && !same_name(request_.table, shape.table)) return Errno::EINVAL;
    if (shape.hooks != 0 && (rule.hooks & ~shape.hooks) != 0) return Errno::EINVAL;
    const bool inverts_protocol = (rule.inverted & kInvertProtocol) != 0;
    if (shape.protocol != 0 && (rule.protocol != shape.protocol || inverts_protocol)) return Errno::EINVAL;
    const ByteSpan settings = blob().subspan(at + kHeadSize, shape.size);
    if (shape.check != nullptr) {
      TRY(shape.check({.entry = entry_,
                       .family = request_.family,
                       .hooks = rule.hooks,
                       .protocol = rule.protocol,
                       .asks_protocol = request_.family == IpFamily::V4 || rule.looks_behind,
                       .inverts_protocol = inverts_protocol},
                      settings));
    }
    const bool needs_connections = shape.needs_connections != nullptr && shape.needs_connections(settings);
    if (needs_connections && !parts_.connections)
      parts_.connections = TRY(ConnectionUse::create(entry_.stack(), request_.family));
    return ok();
  }

  Entry& entry_;
  const Hal& hal_;
  Request request_;
  const EntryLayout& layout_;
  FilterTable::Parts parts_;
  HeapArray<ChainMark> marks_;
  size_t matches_ = 0, chains_ = 0;
};

}  // namespace

Result<Ref<FilterTable>> make_table(Entry& entry, Request&& request) { return TableMaker(entry, std::move(request)).make(); }

}  // namespace lxnet::xtables
