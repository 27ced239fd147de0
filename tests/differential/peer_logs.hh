// The logs of a script that two kernels were given (peer/), and when they say the same.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/differential/two_kernels.hh"

namespace differential {

struct PeerPlay {
  uint64_t seed = 0;
  int stretch = 1000;           // permille, of every pause
  std::vector<int> steps = {};  // empty: all
  // On lxnet: steps that come before what is due less than so many microseconds before them.
  std::map<int, int> first = {};
};

// As many at once as wait without hindering each other. What came late, for the machine was busy, is played once more.
std::vector<Lines> play(TwoKernels::Kernel kernel, const std::vector<PeerPlay>& plays);

// lxnet's logs. A timer of Linux's is late by as much as its wheel's slots are apart, and so may find that a step has been where
// lxnet's came first: with the timers that are beside a step on the side where they were on Linux, as far as that brings the logs
// together. Everything else is left as it was, so that what is otherwise different stays so.
std::vector<Lines> play_beside(const std::vector<PeerPlay>& plays, const std::vector<Lines>& on_linux);

// The machine was too busy to say what Linux does.
bool is_late(const Lines& log);

// How a seed's connection is opened, and the tunables that it sets.
std::string opening_of(uint64_t seed);

// Times may differ as much as Linux's timers are coarse, and what depends on them a little. "@a/b": a microseconds after its step
// began, b after what was last sent that is to be acknowledged; "~name=n": microseconds; "%name=n": a count that follows from
// times.
bool is_same(const std::string& left, const std::string& right);
// The first line that is not the same, or -1.
int first_other(const Lines& left, const Lines& right);

}  // namespace differential
