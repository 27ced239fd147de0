// Which of two generations an object is in.
//
// One is the generation that packets and questions see, the other is what a program's batch is making. An object says in which of
// the two it is not there; turning one number makes the new one current at once. Linux's genmask and gencursor.
#pragma once

#include "hal/memory.hh"

namespace lxnet {

// A bit for each generation in which the object is not there.
struct NftLife {
  uint8_t absent = 0;
  bool is_in(uint8_t generation) const { return (absent & generation) == 0; }
};

class NftGenerations {
 public:
  uint8_t current() const { return static_cast<uint8_t>(1u << cursor_); }
  uint8_t next() const { return static_cast<uint8_t>(1u << (cursor_ ^ 1)); }
  void turn() { cursor_ ^= 1; }

  void appear_next(NftLife& life) const { life.absent = current(); }
  void vanish_next(NftLife& life) const { life.absent = next(); }
  // What the other generation said is forgotten: of what appears after the turn, of what was to vanish before it.
  void clear(NftLife& life) const { life.absent = static_cast<uint8_t>(life.absent & ~next()); }
  bool is_current(const NftLife& life) const { return life.is_in(current()); }
  bool is_next(const NftLife& life) const { return life.is_in(next()); }

 private:
  uint8_t cursor_ = 0;
};

using NftName = HeapArray<char>;         // with its end
using NftUserData = HeapArray<uint8_t>;  // what programs keep there and nobody reads

}  // namespace lxnet
