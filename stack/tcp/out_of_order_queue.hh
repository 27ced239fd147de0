// OutOfOrderQueue: what arrived ahead of rcv.nxt, as disjoint runs of contiguous packets in sequence order.
//
// Rules kept: a new packet is cut to what is missing at its ends, and replaces runs that it covers whole. The number of runs is
// bounded, so that a peer who sends every other byte cannot make insertion slow: a run that would be one too many is refused,
// which a sender may always be.
#pragma once

#include "hal/memory.hh"
#include "netdev/packet_pool.hh"
#include "stack/wire/tcp_options.hh"

namespace lxnet {

// What the receive queues keep of a segment, in its packet's control block. The packet's bytes are [seq, seq + size()).
struct ReceivedSegment {
  SeqNum seq;
  bool fin = false;

  static ReceivedSegment& of(Packet& packet) { return packet.control<ReceivedSegment>(); }
  static SeqNum end(Packet& packet) {
    const ReceivedSegment& received = of(packet);
    return received.seq + static_cast<uint32_t>(packet.size()) + uint32_t{received.fin};
  }
};

class OutOfOrderQueue {
 public:
  static constexpr uint32_t kMaxRuns = 1024;

  explicit OutOfOrderQueue(const Hal& hal) : hal_(hal) {}
  ~OutOfOrderQueue() { clear(); }

  bool is_empty() const { return runs_.is_empty(); }
  // What the held packets cost (true_size).
  size_t charge() const { return charge_; }

  enum class Outcome : uint8_t { Inserted, Duplicate, Refused };
  struct Insertion {
    Outcome outcome;
    SackBlock run;        // Inserted: the run the packet is now part of
    SackBlock duplicate;  // what of the packet was there already, for DSACK; left == right: nothing
  };
  // Takes the packet in every case; ReceivedSegment is filled in.
  Insertion insert(Ref<Packet> packet);
  // What of the first run lies before rcv.nxt, and so has come twice; left == right: nothing.
  SackBlock passed(SeqNum next) const;
  // The packets that rcv.nxt has reached, cut to begin there; an empty queue when there is still a gap.
  bool take_reached(SeqNum next, PacketQueue& out);
  // Packs what costs much more than it carries; how many packets.
  uint32_t collapse(PacketPool& pool);
  // Frees the run farthest ahead; its cost, 0 when there is none.
  size_t prune_last();
  SeqNum last_begin() const { return runs_.back()->begin; }
  SeqNum last_end() const { return runs_.back()->end; }
  // One packet, and it ends the stream.
  bool holds_only_fin() const;
  void clear();

 private:
  struct Run {
    ListLink order_link;
    SeqNum begin, end;
    PacketQueue packets;
  };

  Run* find_at_or_before(SeqNum seq) const;
  void swallow_covered(Run* first, SeqNum end, Insertion& result);
  Run* join_or_create(Run* before, Run* after, Ref<Packet> packet, SeqNum begin, SeqNum end);
  void free_run(Run& run);

  const Hal& hal_;
  List<Run, &Run::order_link> runs_;
  uint32_t run_count_ = 0;
  size_t charge_ = 0;
};

}  // namespace lxnet
