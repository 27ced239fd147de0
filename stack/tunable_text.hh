// Numbers as /proc/sys reads and writes them (Linux's proc_dointvec and proc_get_long).
#pragma once

#include "base/bytes.hh"
#include "base/result.hh"

namespace lxnet {

// Reads numbers one after another: decimal, 0x hexadecimal or 0 octal, signed, with white space between them.
class NumberReader {
 public:
  explicit NumberReader(const char* text) : at_(text) { skip_space(); }

  bool is_at_end() const { return *at_ == 0; }
  // EINVAL: no number, something behind it that is no space, or none that fits 64 bits.
  Result<int64_t> next();

 private:
  void skip_space();
  const char* at_;
};

// Writes into a span, counting what does not fit.
class TextWriter {
 public:
  explicit TextWriter(std::span<char> out) : out_(out) {}

  void put(char character) {
    if (size_ < out_.size()) out_[size_] = character;
    ++size_;
  }
  void put_number(int64_t number);
  // The size of the whole text; a zero follows it where there is room.
  size_t finish() {
    if (!out_.empty()) out_[size_ < out_.size() ? size_ : out_.size() - 1] = 0;
    return size_;
  }

 private:
  std::span<char> out_;
  size_t size_ = 0;
};

}  // namespace lxnet
