// RouteMetrics: what a route says of the path beside its MTU and hop limit, for transports (RTAX_*, Linux's numbers).
#pragma once

#include <cstddef>
#include <cstdint>

namespace lxnet {

struct CongestionAlgorithm;

enum class RouteMetric : uint8_t {
  Lock = 1,  // a bit for each of the others: not to be learnt better
  Mtu = 2,
  Window = 3,
  Rtt = 4,
  RttVariance = 5,
  SlowStartThreshold = 6,
  CongestionWindow = 7,
  AdvertisedSegment = 8,
  Reordering = 9,
  HopLimit = 10,
  InitialCongestionWindow = 11,
  Features = 12,
  LeastRto = 13,  // milliseconds
  InitialReceiveWindow = 14,
  QuickAck = 15,
  CongestionControl = 16,
  FastOpenWithoutCookie = 17,
};

class RouteMetrics {
 public:
  static constexpr size_t kLast = 17;
  static constexpr uint32_t kFeatureEcn = 1;  // RTAX_FEATURE_ECN

  // 0: it does not say. Of the MTU and the hop limit a route knows elsewhere.
  uint32_t get(RouteMetric metric) const { return values_[static_cast<size_t>(metric)]; }
  // Cut to what a segment can be.
  void set(RouteMetric metric, uint32_t value) {
    if (metric == RouteMetric::AdvertisedSegment && value > kLongestSegment) value = kLongestSegment;
    values_[static_cast<size_t>(metric)] = value;
  }
  bool is_locked(RouteMetric metric) const { return (get(RouteMetric::Lock) >> static_cast<unsigned>(metric) & 1) != 0; }
  bool wants_ecn() const { return (get(RouteMetric::Features) & kFeatureEcn) != 0; }
  bool is_empty() const {
    uint32_t any = 0;
    for (const uint32_t value : values_) any |= value;
    return any == 0 && congestion == nullptr;
  }

  bool operator==(const RouteMetrics&) const = default;

  const CongestionAlgorithm* congestion = nullptr;

 private:
  static constexpr uint32_t kLongestSegment = 65535 - 40;

  uint32_t values_[kLast + 1] = {};
};

}  // namespace lxnet
