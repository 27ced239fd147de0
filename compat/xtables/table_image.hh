// From a table to what programs read: its rules with their counters, and where its hooks are, in the layout that the program has.
#pragma once

#include "compat/xtables/layouts.hh"
#include "stack/filter/filter_table.hh"

namespace lxnet::xtables {

enum class Width : uint8_t { Wide, Narrow };

struct TableShape {
  uint32_t size = 0;
  uint32_t entry_at[kFilterHookCount] = {}, underflow_at[kFilterHookCount] = {};
};

class TableImage {
 public:
  TableImage(const FilterTable& table, IpFamily family, Width width) : table_(table), family_(family), width_(width) {}

  // ENOMEM: a 32-bit program's offsets are added up first.
  Result<> measure(const Hal& hal);
  // After measure().
  const TableShape& shape() const { return shape_; }
  // All entries; `counters` are those of all rules.
  Result<HeapArray<uint8_t>> write(const Hal& hal, std::span<const FilterCounters> counters) const;

 private:
  uint32_t offset_of(const FilterRule& rule) const;
  void write_rule(MutableByteSpan image, size_t rule, const FilterCounters& counters) const;
  size_t write_extension(MutableByteSpan image, size_t to, size_t from, const ExtensionShape& shape) const;

  const FilterTable& table_;
  const IpFamily family_;
  const Width width_;
  TableShape shape_;
  // Narrow: by how much each rule and all before it shrink.
  HeapArray<uint32_t> shrinkage_;
};

}  // namespace lxnet::xtables
