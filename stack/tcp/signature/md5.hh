// MD5 (RFC 1321), for RFC 2385's signatures alone: it protects nothing else, and should not.
#pragma once

#include "base/bytes.hh"

namespace lxnet {

class Md5 {
 public:
  static constexpr size_t kSize = 16;

  void add(ByteSpan bytes);
  void finish(std::span<uint8_t, kSize> out);

 private:
  static constexpr size_t kBlock = 64;
  void add_block(const uint8_t* block);

  uint32_t state_[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  uint64_t size_ = 0;
  uint8_t pending_[kBlock] = {};
};

}  // namespace lxnet
