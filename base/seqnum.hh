// SeqNum: a TCP sequence number. Its order is modular, so it has names instead of `<`.
#pragma once

#include <cstdint>

namespace lxnet {

class SeqNum {
 public:
  constexpr SeqNum() = default;
  constexpr explicit SeqNum(uint32_t value) : value_(value) {}

  constexpr uint32_t value() const { return value_; }
  constexpr bool is_before(SeqNum other) const { return static_cast<int32_t>(value_ - other.value_) < 0; }
  constexpr bool is_after(SeqNum other) const { return other.is_before(*this); }
  constexpr bool is_at_or_before(SeqNum other) const { return !other.is_before(*this); }
  constexpr bool is_at_or_after(SeqNum other) const { return !is_before(other); }
  // first <= this < first + size
  constexpr bool is_in_window(SeqNum first, uint32_t size) const { return value_ - first.value_ < size; }
  constexpr uint32_t bytes_since(SeqNum earlier) const { return value_ - earlier.value_; }

  constexpr SeqNum operator+(uint32_t bytes) const { return SeqNum(value_ + bytes); }
  constexpr SeqNum operator-(uint32_t bytes) const { return SeqNum(value_ - bytes); }
  constexpr SeqNum& operator+=(uint32_t bytes) {
    value_ += bytes;
    return *this;
  }
  constexpr bool operator==(const SeqNum&) const = default;
  bool operator<(SeqNum) const = delete;
  bool operator>(SeqNum) const = delete;

 private:
  uint32_t value_ = 0;
};

constexpr SeqNum earlier_of(SeqNum a, SeqNum b) { return a.is_before(b) ? a : b; }
constexpr SeqNum later_of(SeqNum a, SeqNum b) { return a.is_before(b) ? b : a; }

static_assert(SeqNum(0xffff'fff0u).is_before(SeqNum(0x10)));

}  // namespace lxnet
