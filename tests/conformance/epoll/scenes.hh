// What the table of transitions is made of: a pair of endpoints of some kind, something that happens to it, and the poll bits of
// the watched end before and after, as Linux has them.
#pragma once

#include <cstdint>
#include <span>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {

// The watched end, its peer, and what else must stay open meanwhile.
struct Scene {
  Fd watched, peer, third;
};

enum class Steps : uint8_t { One, Many };

struct Transition {
  const char* name;
  Scene (*make)();
  void (*happen)(Scene& scene);
  uint32_t before, after;    // with every bit asked for
  Steps steps = Steps::One;  // many: there may be several edges in it
};

std::span<const Transition> transitions();

// Another processor may carry the news: until the file itself says so.
void settle(const Scene& scene, const Transition& transition);

}  // namespace conformance
