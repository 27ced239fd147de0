// FragmentQueue: what has come of one datagram so far, in order of offset.
//
// Rules kept (RFC 5722, RFC 8200 4.5, and Linux for IPv4 too): a fragment that overlaps another ends the whole datagram, unless
// it only repeats what a run of fragments has brought, which is ignored. Fragments that disagree about where the datagram ends,
// empty ones, and mixed ECN codepoints (RFC 3168, 5.3) end it too.
#pragma once

#include "base/list.hh"
#include "base/result.hh"
#include "base/time.hh"
#include "netdev/packet.hh"
#include "stack/ip_address.hh"

namespace lxnet {

// Whose fragments they are: what only watches must not take pieces from, or give any to, what is received.
enum class FragmentUser : uint8_t { Stack, Tap };

struct FragmentKey {
  IpAddress source, destination;
  uint32_t identification = 0;
  uint32_t interface_index = 0;  // IPv6: where the addresses mean something only on their link; of a tap always
  uint8_t protocol = 0;          // IPv4
  FragmentUser user = FragmentUser::Stack;
  bool operator==(const FragmentKey&) const = default;
};

// One fragment, its packet's front at the payload.
struct FragmentPiece {
  uint32_t offset = 0, end = 0;
  bool is_last = false;
  uint8_t ecn = 0;           // of its IP header
  uint16_t packet_size = 0;  // of the IP packet it came in
  bool has_df = false;
};

enum class FragmentOutcome : uint8_t {
  Held,
  Complete,
  Duplicate,  // the fragment goes, the queue stays
  Overlap,    // these end the queue
  Inconsistent,
  TooManyRuns,
};

class FragmentQueue {
 public:
  FragmentQueue(const FragmentKey& key, Instant deadline) : key_(key), deadline_(deadline) {}

  const FragmentKey& key() const { return key_; }
  Instant deadline() const { return deadline_; }
  bool has_first() const { return has_first_; }
  size_t memory() const { return sizeof(FragmentQueue) + packet_memory_; }
  Packet* first() const { return packets_.front(); }

  // Takes the packet where the outcome is Held or Complete.
  FragmentOutcome insert(Ref<Packet>& packet, const FragmentPiece& piece);
  // Of a complete queue: the first fragment's packet, its front at the payload, with the payload of all behind it. Null: no
  // memory.
  Ref<Packet> join();
  uint32_t payload_size() const { return total_; }
  // The ECN bits the whole gets beside the first fragment's; false: codepoints that may not be mixed.
  bool merge_ecn(uint8_t& bits) const;
  // RFC 791's DF of the whole: the largest fragment came with it.
  bool has_df() const { return max_df_size_ != 0 && max_df_size_ == max_size_; }
  uint16_t largest_fragment() const { return max_size_; }
  // Forgets what has come.
  void restart(Instant deadline);

  ListLink bucket_link;
  ListLink age_link;
  uint32_t source_count = 0;  // fragments its source had sent when the last of these came

 private:
  // In a held packet's control(). Fragments that came one right behind the other form a run; the first of them speaks for it. The
  // search walks runs, and their number is bounded, so no sender can make it long (real datagrams come in a handful).
  struct Place {
    uint32_t offset = 0, end = 0;
    uint32_t run_end = 0;        // of a run's first: where the run ends
    Packet* next_run = nullptr;  // of a run's first
  };
  static constexpr uint32_t kMaxRuns = 256;
  static Place& place(Packet& packet) { return packet.control<Place>(); }
  FragmentOutcome place_piece(Ref<Packet>& packet, const FragmentPiece& piece);
  FragmentOutcome append_piece(Ref<Packet>& packet, const FragmentPiece& piece);
  FragmentOutcome check_extent(const FragmentPiece& piece);
  Ref<Packet> join_by_copy();

  FragmentKey key_;
  Instant deadline_;
  PacketQueue packets_;  // by offset, none overlapping
  Packet* last_run_ = nullptr;
  uint32_t run_count_ = 0;
  size_t packet_memory_ = 0;
  uint32_t received_ = 0;  // bytes of payload
  uint32_t total_ = 0;     // where the farthest fragment ends; final once has_last_
  uint16_t max_size_ = 0, max_df_size_ = 0;
  uint8_t ecn_seen_ = 0;  // a bit for each codepoint
  bool has_first_ = false, has_last_ = false;
};

}  // namespace lxnet
