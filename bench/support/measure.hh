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
};

// How many times better lxnet is than that side: above 1, lxnet is faster or smaller.
std::optional<double> advantage_over(const Row& row, Side side);

Row measure(const Case& measured, int runs);

}  // namespace lxnet::bench
