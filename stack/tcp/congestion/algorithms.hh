// The algorithms TCP_CONGESTION may name.
#pragma once

#include "stack/tcp/congestion/congestion_control.hh"

namespace lxnet {

extern const CongestionAlgorithm kNewReno;
extern const CongestionAlgorithm kCubic;
extern const CongestionAlgorithm kCubicPlusPlus;  // with the slow start of RFC 9406, which Linux does not have
extern const CongestionAlgorithm kBbr;

// How many segments BBR lets a device cut from one packet at least: where they are paced slowly, each leaves alone
// (bbr_min_tso_segs).
constexpr uint32_t bbr_least_burst(uint64_t pacing_rate) { return pacing_rate < 1'200'000 / 8 ? 1 : 2; }

}  // namespace lxnet
