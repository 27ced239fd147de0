// SendRecord: a run of sequence space that is sent, acknowledged and retransmitted as one, and the bytes it carries.
//
// A record holds up to 64 KiB: as many segments as segmentation offload cuts from it. Loss recovery marks whole records, and
// splits one where a mark ends inside it. Its bytes are cited by every packet that carries them, never copied.
#pragma once

#include "netdev/packet.hh"
#include "stack/wire/tcp.hh"

namespace lxnet {

struct SendRecord {
  static constexpr size_t kMaxFragments = 4;
  static constexpr unsigned kMaxPieces = 17;                  // Linux's MAX_SKB_FRAGS
  static constexpr uint32_t kMaxSize = 65535 - 20 - 20 - 12;  // an IPv4 packet with timestamps

  enum Mark : uint8_t {
    kSacked = 1,            // the peer holds it out of order
    kLost = 2,              // taken as lost; not yet sent again unless kRetransmitted too
    kRetransmitted = 4,     // a retransmission is in flight
    kEverRetransmitted = 8  // an acknowledgment of it gives no round-trip time (Karn)
  };

  ListLink queue_link;  // SendQueue: sent_ or unsent_
  ListLink time_link;   // SendQueue: by the time of the last transmission

  SeqNum seq;
  uint32_t size = 0;  // bytes of payload
  TcpFlags flags;     // SYN, FIN and PSH
  uint8_t marks = 0;
  uint8_t fragment_count = 0;
  bool is_sent = false;             // which of the two queues it is in
  bool ends_message = false;        // MSG_EOR: nothing is appended
  bool sent_while_limited = false;  // by the application, as delivery-rate samples need to know
  uint8_t stamps = 0;               // SO_TIMESTAMPING: what is to be told of the byte at stamp_at (stack/timestamping.hh)
  uint16_t segments = 0;            // how many the wire carries of it; 0 until it was cut for the current MSS
  uint16_t segment_size = 0;
  SeqNum stamp_at;
  uint8_t pieces = 0;            // MSG_ZEROCOPY: of the program's memory, as if they were sent from there
  uint16_t zero_copy_calls = 0;  // MSG_ZEROCOPY: how many calls are over when this has been acknowledged
  uint32_t zero_copy_first = 0;  // the number of the first of them

  // Of the last transmission; what a delivery-rate sample starts from (draft-cheng-iccrg-delivery-rate-estimation).
  Instant sent_at;
  Instant first_sent_at;
  Instant delivered_at;
  uint32_t delivered = 0;
  uint32_t lost_before = 0;
  uint32_t in_flight = 0;  // bytes, itself included
  uint32_t charge = 0;     // what it costs of the send buffer

  Fragment fragments[kMaxFragments];

  bool has_any(uint8_t mask) const { return (marks & mask) != 0; }
  bool has_all(uint8_t mask) const { return (marks & mask) == mask; }
  uint32_t length() const { return size + uint32_t{flags.syn()} + uint32_t{flags.fin()}; }
  SeqNum end() const { return seq + length(); }
  // For counting segments of a given size: a bare SYN or FIN is one.
  uint16_t count_segments(uint32_t mss) const {
    return size <= mss ? uint16_t{1} : static_cast<uint16_t>((size + mss - 1) / mss);
  }
  // From here on it leaves as segments of that size.
  void cut_by(uint32_t mss) {
    segments = count_segments(mss);
    segment_size = static_cast<uint16_t>(mss);
  }
};

}  // namespace lxnet
