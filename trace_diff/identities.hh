// What stands for what: descriptor 3 of one run may be 5 of the other, port 40001 be 51234. Two values are the same when they
// have always stood for each other.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/container/flat_hash_map.h"

namespace lxnet::trace {

class Bijection {
 public:
  // True when a and b stand for each other or neither stood for anything yet. `tick` counts comparisons: a pair that was not seen
  // for kStale of them may be taken apart, since ports and numbers are used again.
  bool match(int64_t a, int64_t b, uint64_t tick);
  // From now on.
  void bind(int64_t a, int64_t b, uint64_t tick);
  void forget(int64_t a, int64_t b);

 private:
  static constexpr uint64_t kStale = 5000;
  struct Partner {
    int64_t value;
    uint64_t tick;
  };
  absl::flat_hash_map<int64_t, Partner> forward_, backward_;
};

// Everything but descriptors, which belong to a process.
struct Identities {
  Bijection pids, ports, others;
  uint64_t tick = 0;
};

}  // namespace lxnet::trace
