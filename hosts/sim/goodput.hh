// Goodput: what one TCP transfer carries over a simulated path, every byte checked; and the grid of paths that
// docs/tcp_goodput.md shows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lxnet::sim {

struct Path {
  double loss_percent = 0;  // of the data's direction
  double rtt_millis = 10;
  std::string congestion = "cubic";
  std::string impairment = "clean";  // clean, reorder (2 %), duplicate (2 %)
};

struct Goodput {
  double megabits_per_second = 0;
  uint64_t bytes = 0;
  double seconds = 0;     // of virtual time
  bool is_whole = false;  // what was received hashes to what was sent
};

struct TransferLimits {
  uint64_t bytes = 24'000'000;
  double seconds = 30;  // the sender stops then
};

Goodput measure_goodput(const Path& path, const TransferLimits& limits, uint64_t seed);

// Every combination, congestion control last.
std::vector<Path> goodput_grid();

// The average rate of CUBIC by RFC 9438, figure 5 (C = 0.4, beta = 0.7), in megabits per second of payload.
double cubic_formula(double loss_percent, double rtt_millis, double segment_bytes);

}  // namespace lxnet::sim
