#include "compat/xtables/table_image.hh"

#include "compat/xtables/narrow_sizes.hh"

namespace lxnet::xtables {

Result<> TableImage::measure(const Hal& hal) {
  const std::span<const FilterRule> rules = table_.rules();
  if (width_ == Width::Narrow) {
    shrinkage_ = TRY(HeapArray<uint32_t>::create(hal, rules.size()));
    size_t sum = 0;
    for (size_t i = 0; i < rules.size(); ++i) {
      sum += growth_of_head(family_) + growth_of(rules[i].target->shape);
      for (uint32_t j = 0; j < rules[i].match_count; ++j) {
        sum += growth_of(table_.matches()[rules[i].first_match + j].kind->shape);
      }
      shrinkage_[i] = static_cast<uint32_t>(sum);
    }
  }
  const size_t shrunk = width_ == Width::Narrow && !rules.empty() ? shrinkage_[rules.size() - 1] : 0;
  shape_.size = static_cast<uint32_t>(table_.bytes().size() - shrunk);
  // What Linux keeps for a hook without rules, moved like the others.
  const auto nowhere = static_cast<uint32_t>(UINT32_MAX - shrunk);
  for (size_t hook = 0; hook < kFilterHookCount; ++hook) {
    const bool is_valid = (table_.hooks() & 1u << hook) != 0;
    shape_.entry_at[hook] = is_valid ? offset_of(rules[table_.entry_rule(hook)]) : nowhere;
    shape_.underflow_at[hook] = is_valid ? offset_of(rules[table_.underflow_rule(hook)]) : nowhere;
  }
  return ok();
}

uint32_t TableImage::offset_of(const FilterRule& rule) const {
  const auto index = static_cast<size_t>(&rule - table_.rules().data());
  return width_ == Width::Wide || index == 0 ? rule.offset : rule.offset - shrinkage_[index - 1];
}

Result<HeapArray<uint8_t>> TableImage::write(const Hal& hal, std::span<const FilterCounters> counters) const {
  HeapArray<uint8_t> image = TRY(HeapArray<uint8_t>::create(hal, shape_.size));
  for (size_t i = 0; i < table_.rules().size(); ++i) write_rule({image.data(), image.size()}, i, counters[i]);
  return image;
}

void TableImage::write_rule(MutableByteSpan image, size_t index, const FilterCounters& counters) const {
  const FilterRule& rule = table_.rules()[index];
  const EntryLayout& own = native_layout(family_);
  const EntryLayout& theirs = width_ == Width::Wide ? own : narrow_layout(family_);
  const ByteSpan bytes = table_.bytes();
  const size_t begin = offset_of(rule);
  copy_bytes(image.subspan(begin, theirs.counters_at), bytes.subspan(rule.offset));
  write_at(image, begin + theirs.came_from_at, uint32_t{rule.hooks});
  write_at(image, begin + theirs.counters_at, counters);
  size_t to = begin + theirs.size, from = rule.offset + own.size;
  for (uint32_t i = 0; i < rule.match_count; ++i) {
    to += write_extension(image, to, from, table_.matches()[rule.first_match + i].kind->shape);
    from += read_at<uint16_t>(bytes, from);
  }
  write_at(image, begin + theirs.target_offset_at, static_cast<uint16_t>(to - begin));
  write_extension(image, to, from, rule.target->shape);
  const bool is_jump = rule.target->apply == nullptr && read_at<int32_t>(bytes, from + kHeadSize) > 0;
  if (is_jump && rule.next < table_.rules().size()) write_at(image, to + kHeadSize, offset_of(table_.rules()[rule.next]));
  const size_t end = index + 1 < table_.rules().size() ? offset_of(table_.rules()[index + 1]) : shape_.size;
  write_at(image, begin + theirs.next_offset_at, static_cast<uint16_t>(end - begin));
}

// Its size, the head included. Of the settings a program gets back what is its own, but for what was laid out for it.
size_t TableImage::write_extension(MutableByteSpan image, size_t to, size_t from, const ExtensionShape& shape) const {
  const size_t size = read_at<uint16_t>(table_.bytes(), from) - (width_ == Width::Narrow ? growth_of(shape) : 0);
  copy_bytes(image.subspan(to, kHeadSize), table_.bytes().subspan(from, kHeadSize));
  write_at(image, to, static_cast<uint16_t>(size));
  const ByteSpan settings = table_.bytes().subspan(from + kHeadSize, shape.size);
  const MutableByteSpan room = image.subspan(to + kHeadSize, size - kHeadSize);
  if (width_ == Width::Narrow && shape.narrow != nullptr) {
    shape.narrow(room, settings);
    return size;
  }
  copy_bytes(room, settings);
  const size_t told = shape.user_size != 0 ? shape.user_size : shape.size;
  for (size_t i = told; i < room.size(); ++i) room[i] = 0;
  return size;
}

}  // namespace lxnet::xtables
