// PortSet: a bit per port, read without a lock: a hint where to look, which the bucket itself confirms.
#pragma once

#include <bit>
#include <cstdint>

namespace lxnet {

class PortSet {
 public:
  void add(uint16_t port) { __atomic_fetch_or(&words_[port / 64], uint64_t{1} << port % 64, __ATOMIC_RELAXED); }
  void remove(uint16_t port) { __atomic_fetch_and(&words_[port / 64], ~(uint64_t{1} << port % 64), __ATOMIC_RELAXED); }

  // The first port in [from, end) that is not in the set; of those with from's parity alone when step is 2. `end` when there is
  // none.
  uint32_t find_missing(uint32_t from, uint32_t end, uint32_t step) const {
    const uint64_t parity = step == 1 ? ~uint64_t{0} : from % 2 == 0 ? kEven : ~kEven;
    for (uint32_t at = from; at < end; at = (at / 64 + 1) * 64) {
      const uint64_t missing = ~__atomic_load_n(&words_[at / 64], __ATOMIC_RELAXED) & parity & (~uint64_t{0} << at % 64);
      if (missing == 0) continue;
      const uint32_t found = at / 64 * 64 + static_cast<uint32_t>(std::countr_zero(missing));
      return found < end ? found : end;
    }
    return end;
  }

 private:
  static constexpr uint64_t kEven = 0x5555'5555'5555'5555;

  uint64_t words_[65536 / 64] = {};
};

}  // namespace lxnet
