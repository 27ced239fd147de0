// OutOfOrderQueue: what arrived ahead of rcv.nxt, as disjoint runs of contiguous packets in sequence order.
//
// Rules kept: a new packet replaces those that it covers whole, and is cut where it covers others in part. The number of runs is
// bounded, so that a peer who sends every other byte cannot make insertion slow: a run that would be one too many is refused,
// which a sender may always be. Nor is a long run walked through for what overlaps it in part.
#pragma once

#include <span>
#include <utility>

#include "hal/memory.hh"
#include "netdev/packet_pool.hh"
#include "stack/wire/tcp_options.hh"

namespace lxnet {

// What the receive queues keep of a segment, in its packet's control block. The packet's bytes are [seq, seq + size()).
struct ReceivedSegment {
  SeqNum seq;
  bool fin = false;
  bool is_cut : 1 = false;     // what it began with was here already, and is gone
  bool is_joined : 1 = false;  // its charge, and that of the one before, are one
  uint16_t spare = 0;          // bytes of what follows that its memory, as it is charged, has room for

  static ReceivedSegment& of(Packet& packet) { return packet.control<ReceivedSegment>(); }
  static SeqNum end(Packet& packet) {
    const ReceivedSegment& received = of(packet);
    return received.seq + static_cast<uint32_t>(packet.size()) + uint32_t{received.fin};
  }
  // What goes on behind a packet of the same queue is copied to its end where there is room, and costs nothing
  // (tcp_try_coalesce).
  static bool absorb(Packet& before, Packet& packet) {
    ReceivedSegment& ahead = of(before);
    const ReceivedSegment& behind = of(packet);
    if (packet.size() > before.tailroom() || !is_spared(before, packet)) return false;
    packet.read(0, before.append(packet.size()));
    before.wall_nanos = packet.wall_nanos;
    ahead.spare = static_cast<uint16_t>(ahead.spare - packet.size());
    ahead.fin = behind.fin;
    return true;
  }
  // Where the charge has room for it and the memory has not, both stay, and the latter has the charge of both.
  static bool take_over_charge(Packet& before, Packet& packet) {
    if (!is_spared(before, packet) || !packet.fragments().empty()) return false;
    packet.set_true_size(before.true_size());
    before.set_true_size(0);
    of(packet).spare = static_cast<uint16_t>(std::exchange(of(before).spare, uint16_t{0}) - packet.size());
    of(packet).is_joined = true;
    return true;
  }

 private:
  static bool is_spared(Packet& before, Packet& packet) {
    const ReceivedSegment& ahead = of(before);
    const ReceivedSegment& behind = of(packet);
    return !behind.is_cut && !ahead.fin && packet.size() != 0 && packet.size() <= ahead.spare && before.fragments().empty() &&
           end(before) == behind.seq;
  }
};

class OutOfOrderQueue {
 public:
  static constexpr uint32_t kMaxRuns = 1024;
  static constexpr size_t kLongRun = 64;  // packets

  explicit OutOfOrderQueue(const Hal& hal) : hal_(hal) {}
  ~OutOfOrderQueue();
  OutOfOrderQueue(const OutOfOrderQueue&) = delete;
  OutOfOrderQueue& operator=(const OutOfOrderQueue&) = delete;

  bool is_empty() const { return held_ == nullptr || held_->runs.is_empty(); }
  // What the held packets cost (true_size).
  size_t charge() const { return held_ == nullptr ? 0 : held_->charge; }
  // Room for the runs that are to be told to the peer, once something has been inserted.
  std::span<SackBlock, TcpOptions::kMaxSackBlocks> sacks() { return held_->sacks; }

  enum class Outcome : uint8_t { Inserted, Duplicate, Refused };
  struct Insertion {
    Outcome outcome;
    SackBlock duplicate;  // what of the packet was there already, for DSACK; left == right: nothing
  };
  // Takes the packet in every case; ReceivedSegment is filled in.
  Insertion insert(Ref<Packet> packet);
  // One packet has all of [begin, end).
  bool has(SeqNum begin, SeqNum end) const;
  // What of the first run lies before rcv.nxt, and so has come twice; left == right: nothing.
  SackBlock passed(SeqNum next) const;
  // The packets that rcv.nxt has reached, cut to begin there; an empty queue when there is still a gap.
  bool take_reached(SeqNum next, PacketQueue& out);
  // Packs what costs much more than it carries; how many packets.
  uint32_t collapse(PacketPool& pool);
  // Frees the run farthest ahead; its cost, 0 when there is none.
  size_t prune_last();
  SeqNum last_begin() const { return held_->runs.back()->begin; }
  SeqNum last_end() const { return held_->runs.back()->end; }
  // One packet, and it ends the stream.
  bool holds_only_fin() const;
  void clear();

 private:
  struct Run {
    ListLink order_link;
    SeqNum begin, end;
    PacketQueue packets;
  };

  // Made when something first comes out of order, which for most connections is never.
  struct Held {
    List<Run, &Run::order_link> runs;
    uint32_t run_count = 0;
    size_t charge = 0;
    SackBlock sacks[TcpOptions::kMaxSackBlocks];
  };

  Run* find_at_or_before(SeqNum seq) const;
  bool cut_at_long_runs(Packet& packet, Insertion& result);
  static bool has_in_one(const Run& run, SeqNum begin, SeqNum end);
  void insert_over(Run& first, Ref<Packet> packet, Insertion& result);
  Run* join_or_create(Run* before, Run* after, Ref<Packet> packet, SeqNum begin, SeqNum end);
  void free_run(Run& run);

  const Hal& hal_;
  Held* held_ = nullptr;
};

}  // namespace lxnet
