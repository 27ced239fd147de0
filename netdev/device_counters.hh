// DeviceCounters: a device's statistics as several processors add to them.
#pragma once

#include "base/sharing.hh"
#include "netdev/net_device.hh"

namespace lxnet {

class DeviceCounters {
 public:
  explicit DeviceCounters(Sharing sharing = Sharing::SeveralProcessors) : sharing_(sharing) {}

  void count_received(const Packet& packet) {
    add(counters_.rx_packets, 1);
    add(counters_.rx_bytes, packet.size());
  }
  void count_sent(const Packet& packet) {
    add(counters_.tx_packets, 1);
    add(counters_.tx_bytes, packet.size());
  }
  void count_sent(size_t packets, size_t bytes) {
    add(counters_.tx_packets, packets);
    add(counters_.tx_bytes, bytes);
  }
  void count_receive_drop() { add(counters_.rx_dropped, 1); }
  void count_send_drop() { add(counters_.tx_dropped, 1); }

  DeviceStatistics read() const {
    const auto get = [](const uint64_t& counter) { return __atomic_load_n(&counter, __ATOMIC_RELAXED); };
    return {.rx_packets = get(counters_.rx_packets),
            .rx_bytes = get(counters_.rx_bytes),
            .rx_dropped = get(counters_.rx_dropped),
            .rx_errors = get(counters_.rx_errors),
            .multicast = get(counters_.multicast),
            .tx_packets = get(counters_.tx_packets),
            .tx_bytes = get(counters_.tx_bytes),
            .tx_dropped = get(counters_.tx_dropped),
            .tx_errors = get(counters_.tx_errors)};
  }

 private:
  void add(uint64_t& counter, uint64_t amount) { add_to_statistic(counter, amount, sharing_); }

  const Sharing sharing_;
  DeviceStatistics counters_;
};

}  // namespace lxnet
