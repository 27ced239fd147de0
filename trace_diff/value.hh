// The arguments of a call as strace prints them: words, strings, structures, arrays, `htons(80)`, `[28 => 16]`, `3<socket:[7]>`.
//
// Values cite the line they were read from, and live in a tree of indexes that is used again for the next line: comparing a
// million lines allocates nothing per line.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace lxnet::trace {

enum class ValueKind : uint8_t {
  Word,       // a number, a constant, flags joined by |, whatever else has no structure
  String,     // text is what stands between the quotes, escapes as printed
  Struct,     // {...}
  Array,      // [...], also of words that spaces separate
  Call,       // htons(80): text is the name
  Change,     // before => after, two children
  Decorated,  // 3<TCP:[...]>: one child, the value; text is what stands between < and >
};

using ValueIndex = uint32_t;
inline constexpr ValueIndex kNoValue = UINT32_MAX;

struct Value {
  ValueKind kind = ValueKind::Word;
  bool is_cut = false;         // a string that ends in ..., a structure or array that says so
  bool is_negated = false;     // ~[...]
  std::string_view text = {};  // see ValueKind; for Struct and Array the whole
  std::string_view key = {};   // of a structure's member or a named argument
  ValueIndex first = kNoValue, next = kNoValue;
};

class ValueTree {
 public:
  void clear() { values_.clear(); }
  const Value& at(ValueIndex index) const { return values_[index]; }
  ValueIndex add(const Value& value) {
    values_.push_back(value);
    return static_cast<ValueIndex>(values_.size() - 1);
  }
  Value& edit(ValueIndex index) { return values_[index]; }
  uint32_t child_count(ValueIndex index) const;
  // The member of that name, or kNoValue.
  ValueIndex find_member(ValueIndex structure, std::string_view key) const;

 private:
  std::vector<Value> values_;
};

// Reads `a, b, c` up to the closing character, which is consumed. Returns the position after it, or npos when the text ends first
// or the brackets do not match. `first` is the first of the list, kNoValue when there is none.
size_t parse_values(std::string_view text, size_t position, char closing, ValueTree& tree, ValueIndex& first);

// One value that ends at a space, at `)` or at the end: what stands after `= `.
size_t parse_result(std::string_view text, size_t position, ValueTree& tree, ValueIndex& result);

}  // namespace lxnet::trace
