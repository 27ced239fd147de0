#include "stack/tcp/collapse.hh"

#include <algorithm>

#include "stack/tcp/out_of_order_queue.hh"

namespace lxnet {
namespace {

constexpr uint32_t kPieceSize = 32768;

bool is_sparse(Packet& packet) {
  return !ReceivedSegment::of(packet).fin && packet.size() != 0 && packet.size() * 2 < packet.true_size();
}

// How many bytes the sparse packets at the queue's front hold that one piece can take, and how many packets they are.
struct Run {
  uint32_t size = 0, packets = 0;
};
Run measure_run(const PacketQueue& packets) {
  Run run;
  SeqNum next;
  for (Packet* packet = packets.front(); packet != nullptr && is_sparse(*packet); packet = packets.next(*packet)) {
    if (run.packets != 0 && ReceivedSegment::of(*packet).seq != next) break;
    if (run.size + packet->size() > kPieceSize) break;
    run.size += static_cast<uint32_t>(packet->size());
    ++run.packets;
    next = ReceivedSegment::end(*packet);
  }
  return run;
}

}  // namespace

uint32_t collapse_packets(PacketPool& pool, PacketQueue& packets) {
  PacketQueue packed;
  uint32_t count = 0;
  while (!packets.is_empty()) {
    const Run run = measure_run(packets);
    if (run.packets < 2) {
      packed.push_back(packets.take_front());
      continue;
    }
    auto created = Packet::create_linear(pool, run.size, 0);
    if (!created.is_ok()) break;
    Ref<Packet> piece = created.take();
    ReceivedSegment::of(*piece) = {.seq = ReceivedSegment::of(*packets.front()).seq, .fin = false};
    for (uint32_t i = 0; i < run.packets; ++i) {
      const Ref<Packet> packet = packets.take_front();
      packet->read(0, piece->append(packet->size()));
      piece->wall_nanos = packet->wall_nanos;
    }
    count += run.packets;
    packed.push_back(std::move(piece));
  }
  packed.append(packets);
  packets.append(packed);
  return count;
}

}  // namespace lxnet
