// prefetch(): asks memory for a cache line, without waiting for it.
#pragma once

namespace lxnet {

inline void prefetch(const void* address) {
  __builtin_prefetch(address);
  // g++ 12 takes a function that only fetches for one without effect and drops its calls; this is one.
  __asm__ volatile("");
}

}  // namespace lxnet
