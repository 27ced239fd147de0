// Measures one case: its sides in turn, several times over.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "bench/support/bench.hh"

namespace lxnet::bench {

// Of one side: the median of its runs, and half the distance between the quartiles as a share of it.
struct Figure {
  double median = 0;
  double spread = 0;
};

struct Row {
  std::string name;
  Unit unit = Unit::Nanos;
  std::array<std::optional<Figure>, kSides> figures;
  // The same in processor time of the whole process, kernel's share included: what is left of a figure on a busy machine, where a
  // side may wait for its turn. None for work that measures by itself.
  std::array<std::optional<Figure>, kSides> processor;
};

// How many times better lxnet is than that side: above 1, lxnet is faster or smaller.
std::optional<double> advantage_over(const Row& row, Side side);
std::optional<double> processor_advantage_over(const Row& row, Side side);

// Sides that are not wanted are not even set up.
using WantedSides = std::array<bool, kSides>;
// A slice is of `count` operations, or with 0 of as many as a few milliseconds hold.
Row measure(const Case& measured, int runs, const WantedSides& wanted, int64_t count);

}  // namespace lxnet::bench
