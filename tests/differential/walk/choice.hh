// Random numbers of a walk: the same on every machine for the same seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace walk {

class Choice {
 public:
  // Scrambled twice: the streams of neighbouring seeds would else be the same one, a step apart.
  explicit Choice(uint64_t seed) : state_(seed) { state_ = next() ^ seed << 32; }

  uint64_t next() {  // splitmix64
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }
  int below(int limit) { return static_cast<int>(next() % static_cast<uint64_t>(limit)); }
  bool one_in(int n) { return below(n) == 0; }
  template <typename T>
  T of(std::initializer_list<T> list) {
    return list.begin()[below(static_cast<int>(list.size()))];
  }
  template <typename T, size_t kSize>
  const T& of(const T (&list)[kSize]) {
    return list[below(static_cast<int>(kSize))];
  }

 private:
  uint64_t state_;
};

}  // namespace walk
