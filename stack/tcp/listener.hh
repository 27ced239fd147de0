// Listener: what a socket has in LISTEN: the SYN queue, the accept queue, and their limits as Linux counts them.
//
// A connection under way is a SynRequest, which the SocketSet finds by its 4-tuple, so that its handshake ends with the listener
// it began with, whoever else listens there by then. It becomes a TcpSocket with the handshake's last segment and waits in the
// accept queue, first in, first out. Everything here is protected by the listening socket's lock.
#pragma once

#include "hal/timer.hh"
#include "stack/mib.hh"
#include "stack/tcp/fast_open/queue.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

class Listener;

// What a handshake has come to; it goes from one listener to another whole.
struct Handshake {
  Handshake(const TcpSegment& syn, uint32_t answers_mark)
      : local(syn.destination),
        remote(syn.source),
        interface_index(syn.interface_index),
        mark(answers_mark),
        irs(syn.seq),
        next(syn.seq + 1),
        syn_tos(syn.tos) {}

  Endpoint local, remote;
  uint32_t interface_index = 0;
  uint32_t mark = 0;  // of what answers, and of the connection
  SeqNum irs, iss;
  SeqNum next;  // what our SYN-ACK acknowledges: the SYN, and with Fast Open its data
  NegotiatedOptions negotiated;
  uint16_t peer_mss = 536, advertised_mss = 536;
  uint8_t peer_shift = 0, our_shift = 0;
  uint8_t timeouts = 0;     // of our timer
  uint8_t retransmits = 0;  // of the SYN-ACK, those for a repeated SYN included
  uint8_t syn_tos = 0;
  bool is_cookie = false;     // answered by a SYN cookie: nothing is kept
  bool is_acked = false;      // the last segment came, but there was no room or no data (TCP_DEFER_ACCEPT)
  bool is_migrating = false;  // it has another listener since, and it is not said yet whether that goes well
  uint32_t window = 0, window_clamp = 0;
  uint32_t ts_recent = 0, ts_offset = 0;
  // The clock that our first and our latest SYN-ACK told; the peer may echo nothing outside of them.
  uint32_t first_stamp = 0, last_stamp = 0;
  Instant sent_at;  // of the first SYN-ACK; the epoch: unknown
  Instant answered_at = Instant::from_nanos(-1'000'000'000);
  SavedSyn saved_syn;
  Ref<StickyHeaders> turned_options;  // what the SYN's IPv4 options are on the way back, for all segments of the connection
};

class SynRequest final : public MiniSocket, public Handshake {
 public:
  SynRequest(TcpSocket& listener, const TcpSegment& segment);
  SynRequest(TcpSocket& listener, Handshake handshake);
  ~SynRequest();
  void end(Entry& entry) override;

  TcpSocket& listener() const { return *listener_; }
  // The first, by the way that was found for it if there is one, and each one after it, which is counted as a retransmission.
  void send_syn_ack(Entry& entry, Route way_back, const TcpFastOpenCookie* cookie = nullptr);
  void repeat_syn_ack(Entry& entry);
  void send_ack(Entry& entry, SeqNum seq);
  uint32_t stamp_for(Instant now, TcpFlags flags) const;
  // The peer, or the first hop of the way that its SYN came.
  IpAddress first_hop() const { return turned_options ? turned_options->first_hop(remote.address) : remote.address; }
  // Until the next SYN-ACK.
  Duration timeout() const;
  // As lists of sockets show it. A task's; the listener is not owned.
  struct Progress {
    uint8_t timeouts = 0, retransmits = 0;
    Duration left;  // until the timer runs
  };
  Progress progress(Entry& entry) const;
  // An older time stamp than was heard before (RFC 7323, 5.3; a reset's does not count).
  bool fails_paws(const TcpSegment& segment) const;
  // Of the window that begins at `first`, as our SYN-ACK told it.
  bool is_in_window(const TcpSegment& segment, SeqNum first) const;
  // Whether net.ipv4.tcp_invalid_ratelimit forbids an answer now; if not, now is when one was given.
  bool answers_too_soon(Entry& entry, const TcpSegment& segment);
  // RFC 5961, 3.2: a reset that is in the window, and not at its beginning, is asked whether it is meant.
  void challenge(Entry& entry, SeqNum seq);
  void leave_fast_open(FastOpenQueue::Left how, Instant now);

  DemuxEntry demux;  // added while the listener has it in its queue
  ListLink listener_link;
  // Fast Open: the connection is there already, and holds this until the handshake is over.
  Ref<FastOpenQueue> fast_open_queue;
  FastOpenTicket* ticket = nullptr;
  bool is_accepted = false;  // by the user

 private:
  // What answers_too_soon() asks, counted as `skipped`.
  bool was_answered_lately(Entry& entry, Mib skipped);
  friend class Listener;
  friend struct SynRequestTimer;
  void destroy_self() override;
  static void on_timer(Entry& entry, Timer& timer);
  // Options that leave no room for an answer are left out.
  void turn_options(const TcpSegment& segment);
  void emit(Entry& entry, Result<Route> route, TcpFlags flags, SeqNum seq, const TcpFastOpenCookie* cookie);

  Ref<TcpSocket> listener_;
  Timer timer_;
};

class Listener {
 public:
  explicit Listener(TcpSocket& socket) : socket_(socket) {}

  uint32_t backlog = 0;
  uint32_t accept_count() const { return accept_count_; }
  uint32_t syn_count() const { return syn_count_; }
  bool is_full() const { return accept_count_ > backlog; }
  bool has_connection() const { return accept_count_ != 0; }

  void receive(Entry& entry, TcpSegment& segment);
  // The oldest that waits, or null.
  Ref<TcpSocket> take();
  // An ICMP error about a SYN-ACK of ours.
  void receive_error(Entry& entry, const PacketTuple& tuple, SeqNum seq);
  // Everybody who waits is reset.
  enum class Heirs : uint8_t { NotAsked, None };
  void clear(Entry& entry, Heirs heirs = Heirs::NotAsked);
  // net.ipv4.tcp_migrate_req, before clear(): everybody who waits is given to those who listen on in the group that we have left.
  void migrate(Entry& entry);

 private:
  friend class SynRequest;

  Ref<SynRequest> find(const PacketTuple& tuple) const;
  Result<> add(Ref<SynRequest> request);
  void link(Ref<SynRequest> request);
  void receive_syn(Entry& entry, TcpSegment& segment);
  void drop_syn(Entry& entry, DropReason reason);
  bool has_room_without_cookies(Entry& entry, const SynRequest& request) const;
  void answer_with_cookie(Entry& entry, SynRequest& request, Route way_back);
  enum class CookieAck : uint8_t { NotOurs, Taken };
  CookieAck receive_cookie(Entry& entry, TcpSegment& segment);
  bool recover_options(SynRequest& request, const TcpSegment& segment, uint16_t mss) const;
  bool try_fast_open(Entry& entry, Ref<SynRequest>& request, TcpSegment& segment, std::optional<TcpFastOpenCookie>& answer);
  bool open_fast(Entry& entry, Ref<SynRequest>& request, TcpSegment& segment, const TcpFastOpenCookie* answer);
  void enqueue(Ref<TcpSocket> child);
  static void has_migrated(Entry& entry, SynRequest& request);
  void adopt(Entry& entry, SynRequest& request);
  int32_t retransmit_limit() const;
  void receive_for_request(Entry& entry, SynRequest& request, TcpSegment& segment);
  enum class Outcome : uint8_t { Opened, Refused };
  Outcome become_socket(Entry& entry, SynRequest& request, TcpSegment& segment);
  void time_out(Entry& entry, SynRequest& request);
  void remove(SynRequest& request);

  TcpSocket& socket_;
  List<SynRequest, &SynRequest::listener_link> requests_;  // each with a count
  uint32_t syn_count_ = 0;
  List<TcpSocket, &TcpSocket::accept_link_> accept_queue_;  // each with a count
  uint32_t accept_count_ = 0;
  uint32_t young_count_ = 0;  // requests whose timer has not run yet
  Instant overflowed_at_;     // when the last cookie left; the epoch: never
};

}  // namespace lxnet
