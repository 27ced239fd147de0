#include "netdev/loopback/loopback.hh"

namespace lxnet {

void Loopback::transmit(Entry& entry, Instant, PacketQueue& batch) {
  size_t bytes = 0;
  for (Packet* packet = batch.front(); packet != nullptr; packet = batch.next(*packet)) {
    turn(*packet);
    bytes += packet->size();
  }
  counters_.count_sent(batch.count(), bytes);
  client().receive(client().owner, entry, batch);
}

// What was sent was received.
DeviceStatistics Loopback::statistics() const {
  DeviceStatistics statistics = counters_.read();
  statistics.rx_packets = statistics.tx_packets;
  statistics.rx_bytes = statistics.tx_bytes;
  return statistics;
}

Result<> Loopback::set_mtu(uint32_t mtu) {
  capabilities_.mtu = mtu;
  return ok();
}

}  // namespace lxnet
