#include "netdev/loopback/loopback.hh"

namespace lxnet {

void Loopback::transmit(Entry& entry, Instant, PacketQueue& batch) {
  for (Packet* packet = batch.front(); packet != nullptr; packet = batch.next(*packet)) {
    packet->orphan();
    packet->is_looped = true;
    if (packet->checksum != ChecksumState::Unknown) packet->checksum = ChecksumState::Verified;
    counters_.count_sent(*packet);
    counters_.count_received(*packet);
  }
  client().receive(client().owner, entry, batch);
}

Result<> Loopback::set_mtu(uint32_t mtu) {
  capabilities_.mtu = mtu;
  return ok();
}

}  // namespace lxnet
