// TcpTimeWait: what is left of a connection in TIME-WAIT (RFC 9293 3.10.7.4, RFC 6191): the 4-tuple, the edge, the last
// timestamps.
#pragma once

#include "hal/timer.hh"
#include "stack/demux_entry.hh"
#include "stack/port_hooks.hh"
#include "stack/tcp/segment.hh"
#include "stack/tcp/signature/keys.hh"
#include "stack/tcp/state.hh"

namespace lxnet {

class TcpSocket;

// What a connection that takes a TIME_WAIT's 4-tuple must begin with.
struct ReusedFlow {
  bool is_valid = false;
  SeqNum next_iss;
  uint32_t ts_recent = 0;
  Instant ts_recent_at;
};

// In the control block of a SYN that took the place of an old connection: what the new one begins with, beyond all that the old
// one sent.
struct SynAfterTimeWait {
  IpInfo ip;  // first: ip_info() is this one
  SeqNum iss;

  static SynAfterTimeWait& of(Packet& packet) { return packet.control<SynAfterTimeWait>(); }
};
static_assert(std::is_standard_layout_v<SynAfterTimeWait> && offsetof(SynAfterTimeWait, ip) == 0);

class TcpTimeWait final : public MiniSocket {
 public:
  static Result<Ref<TcpTimeWait>> create(Entry& entry, const TcpSocket& socket, TcpState kind);

  // The 4-tuple and the port pass from the socket to this, which holds them until `life` is over; the socket may keep the port
  // too.
  enum class SocketsPort : uint8_t { Goes, Stays };
  void take_over(Entry& entry, DemuxEntry& demux, PortClaim& claim, SocketsPort port, Duration life);
  // Nothing finds it any more.
  void end(Entry& entry) override;
  // What a segment for the old connection leads to. Syn: it opens a new connection, if there is a listener to take it.
  enum class Arrival : uint8_t { Done, Syn };
  Arrival receive(Entry& entry, const TcpSegment& segment);
  // Where a connection begins that follows: beyond what this one sent in its windows (RFC 1122, 4.2.2.13).
  SeqNum next_iss() const { return snd_nxt_ + 65535 + 2; }
  // Where the old connection was, whatever the segment says.
  void answer(Entry& entry, const TcpSegment& segment);
  // Our own connect() wants the 4-tuple, and time stamps keep old segments apart. From a port that bind() named that is enough;
  // one that we choose needs net.ipv4.tcp_tw_reuse and a second since the last segment.
  enum class Port : uint8_t { Chosen, Bound };
  bool may_be_reused(Entry& entry, Port port, ReusedFlow& reused) const;

  // ---- what inet_diag and /proc/net tell
  Duration left(Instant now) const;  // of its life
  uint32_t mark() const { return mark_; }
  uint32_t bound_interface() const { return demux_.bound_interface; }
  uint64_t cookie();  // drawn when first asked

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  friend struct TimeWaitTimer;
  friend class TcpSocket;

  explicit TcpTimeWait(Stack& stack);
  ~TcpTimeWait();
  void destroy_self() override;
  static void on_timer(Entry& entry, Timer& timer);
  void live_until(Instant when);
  bool may_answer(Entry& entry, const TcpSegment& segment);

  Stack& stack_;
  Mutex mutex_;
  DemuxEntry demux_;
  PortClaim claim_;
  Timer timer_;
  int64_t ends_at_ = 0;  // on the clock of Instants; atomic, like the cookie
  uint64_t cookie_ = 0;
  SeqNum rcv_nxt_, snd_nxt_;
  uint32_t rcv_wnd_ = 0;  // the header's field
  uint32_t ts_recent_ = 0;
  uint32_t ts_offset_ = 0;
  uint32_t mark_ = 0;
  Instant ts_recent_at_;
  Instant last_ack_at_ = Instant::from_nanos(-1'000'000'000);
  Ref<Md5Key> signing_key_;  // or null
  uint8_t tos_ = 0;
  bool has_timestamps_ = false;
  bool is_linked_ = false;  // in the tables; holds a count of itself
};

}  // namespace lxnet
