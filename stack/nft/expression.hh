// Expressions: what a rule is made of. Each reads and writes registers, and may end its rule or decide over the packet.
//
// They lie one behind the other in the memory of what they belong to (a rule, an element of a set, an object), each as long as
// its kind says. What programs say of them and are told of them is its face (compat/afnetlink/nftables); here it is evaluated.
#pragma once

#include "base/list.hh"
#include "base/time.hh"
#include "hal/hal.hh"
#include "stack/nft/nft_packet.hh"
#include "stack/nft/registers.hh"

namespace lxnet {

struct NftExpression;
struct NftExpressionFace;

struct NftExpressionKind {
  uint16_t size;  // of the whole, a multiple of eight
  void (*evaluate)(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
  // What begins anew in a copy of one that remembers. Null: a copy of its bytes is a copy.
  void (*begin)(NftExpression& self, Instant now) = nullptr;
  const NftExpressionFace* face = nullptr;
};

struct alignas(8) NftExpression {
  const NftExpressionKind* kind = nullptr;
};

template <typename T>
inline constexpr uint16_t kNftSizeOf = static_cast<uint16_t>((sizeof(T) + 7) / 8 * 8);

template <typename T>
T& nft_cast(NftExpression& expression) {
  return static_cast<T&>(expression);
}
template <typename T>
const T& nft_cast(const NftExpression& expression) {
  return static_cast<const T&>(expression);
}

// A run of expressions in memory.
class NftExpressionRun {
 public:
  NftExpressionRun(uint8_t* begin, size_t size) : begin_(begin), end_(begin + size) {}

  class Iterator {
   public:
    explicit Iterator(uint8_t* at) : at_(at) {}
    NftExpression& operator*() const { return *reinterpret_cast<NftExpression*>(at_); }
    Iterator& operator++() {
      at_ += reinterpret_cast<NftExpression*>(at_)->kind->size;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    uint8_t* at_;
  };
  Iterator begin() const { return Iterator(begin_); }
  Iterator end() const { return Iterator(end_); }
  bool is_empty() const { return begin_ == end_; }

 private:
  uint8_t* begin_;
  uint8_t* end_;
};

// The expression and what it remembers, into room of its kind's size.
inline NftExpression& copy_expression(uint8_t* room, const NftExpression& from, Instant now) {
  memcpy(room, static_cast<const void*>(&from), from.kind->size);
  auto& copy = *reinterpret_cast<NftExpression*>(room);
  if (copy.kind->begin != nullptr) copy.kind->begin(copy, now);
  return copy;
}

}  // namespace lxnet
