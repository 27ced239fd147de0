// TraceText: a line under construction, in the host's memory. What cannot be had any more is left out and the line ends in `...`.
#pragma once

#include <concepts>

#include "base/bytes.hh"
#include "compat/trace/text_view.hh"
#include "hal/hal.hh"

namespace lxnet {

class TraceText {
 public:
  explicit TraceText(const Hal& hal) : hal_(hal) {}
  TraceText(const TraceText&) = delete;
  TraceText& operator=(const TraceText&) = delete;
  ~TraceText();

  TraceText& operator<<(TextView text);
  TraceText& operator<<(char c);
  template <std::integral Number>
  TraceText& operator<<(Number number) {
    if constexpr (std::is_signed_v<Number>) {
      return put_signed(number);
    } else {
      return put_unsigned(number, 10);
    }
  }
  // 0x1f, and 0 for zero, as C's %#x.
  TraceText& hex(uint64_t number);
  TraceText& plain_hex(uint64_t number, uint32_t digits);
  // A pointer: NULL or 0x7ffe1234.
  TraceText& address(uint64_t value);
  // "bytes" with strace's escapes; `...` behind them when they are cut at the limit.
  TraceText& quoted(ByteSpan bytes, bool is_cut = false);
  // Spaces up to a column.
  TraceText& pad(uint32_t column);

  TextView text() const { return {data_, size_}; }

 private:
  TraceText& put_signed(int64_t number);
  TraceText& put_unsigned(uint64_t number, uint32_t base);
  bool grow(size_t size);

  const Hal& hal_;
  char* data_ = nullptr;
  size_t size_ = 0, room_ = 0;
};

}  // namespace lxnet
