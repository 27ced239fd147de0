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

constexpr uint32_t kPage = 4096, kBookkeeping = 320, kDescriptor = 256;

// Bytes of [start, ...) that lie in line before a FIN, as many as a page holds.
uint32_t measure_piece(const PacketQueue& packets, SeqNum start) {
  SeqNum end = start;
  for (Packet* packet = packets.front(); packet != nullptr; packet = packets.next(*packet)) {
    const ReceivedSegment& segment = ReceivedSegment::of(*packet);
    if (segment.fin || segment.seq.is_after(end)) break;
    end = ReceivedSegment::end(*packet);
    if (end.bytes_since(start) >= kPage - kBookkeeping) return kPage - kBookkeeping;
  }
  return end.bytes_since(start);
}

// With the room at its end that Linux's would have.
Result<Ref<Packet>> create_piece(PacketPool& pool, uint32_t size, SeqNum start) {
  uint32_t head = 576;
  while (((size + 63) & ~63u) + kBookkeeping > head) head = head == 576 ? 1024 : head * 2;
  Ref<Packet> piece = TRY(Packet::create_linear(pool, head - kBookkeeping, 0));
  piece->charge_for_frame(size, 0);
  ASSERT(piece->true_size() == head + kDescriptor);
  ReceivedSegment::of(*piece) = {.seq = start, .spare = static_cast<uint16_t>(head - kBookkeeping - size)};
  return piece;
}

// What to Linux is one: a packet, and what was joined to it.
struct Joined {
  Packet* last;
  uint32_t size = 0, cost = 0;

  explicit Joined(const PacketQueue& packets) : last(packets.front()) {
    for (Packet* packet = last; packet != nullptr && (packet == last || ReceivedSegment::of(*packet).is_joined);
         packet = packets.next(*packet)) {
      size += static_cast<uint32_t>(packet->size());
      cost += packet->true_size();
      last = packet;
    }
  }
};

// When what is packed came is forgotten (tcp_collapse() makes new packets).
uint32_t fill_piece(Packet& piece, uint32_t size, SeqNum start, PacketQueue& packets) {
  uint32_t emptied = 0;
  while (size != 0) {
    Packet& front = *packets.front();
    const uint32_t offset = start.bytes_since(ReceivedSegment::of(front).seq);
    const uint32_t part = std::min(size, static_cast<uint32_t>(front.size()) - offset);
    front.read(offset, piece.append(part));
    start = start + part;
    size -= part;
    if (start != ReceivedSegment::end(front)) continue;
    if (front.true_size() != 0) ++emptied;
    packets.take_front();
  }
  return emptied;
}

}  // namespace

uint32_t collapse_received(PacketPool& pool, PacketQueue& packets, SeqNum copied, uint32_t ratio) {
  PacketQueue kept;
  uint32_t count = 0;
  while (Packet* front = packets.front()) {
    const Joined joined(packets);
    const ReceivedSegment& segment = ReceivedSegment::of(*front);
    const bool costs_too_much = uint64_t{joined.cost} * ratio >> 8 > joined.size;
    // What was joined to something that is read and gone, begins there.
    const bool is_begun = segment.seq.is_before(copied) || segment.is_joined;
    // What is cut off it begins in the one before, to Linux.
    Packet* next = packets.next(*joined.last);
    const bool overlaps = next != nullptr && ReceivedSegment::of(*next).is_cut;
    if (!ReceivedSegment::of(*joined.last).fin && (costs_too_much || is_begun || overlaps)) break;
    while (packets.front() != joined.last) kept.push_back(packets.take_front());
    kept.push_back(packets.take_front());
  }
  while (Packet* front = packets.front()) {
    const SeqNum start = later_of(copied, ReceivedSegment::of(*front).seq);
    const uint32_t size = measure_piece(packets, start);
    if (size == 0) break;
    auto piece = create_piece(pool, size, start);
    if (!piece.is_ok()) break;
    Ref<Packet> filled = piece.take();
    count += fill_piece(*filled, size, start, packets);
    copied = start + size;
    kept.push_back(std::move(filled));
  }
  kept.append(packets);
  packets.append(kept);
  return count;
}

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
    }
    count += run.packets;
    packed.push_back(std::move(piece));
  }
  packed.append(packets);
  packets.append(packed);
  return count;
}

}  // namespace lxnet
