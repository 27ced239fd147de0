// The timestamps option (RFC 7323): a millisecond clock with an offset of the connection's own, and protection against wrapped
// sequence numbers.
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

constexpr Duration kTimestampLife = Duration::seconds(24 * 24 * 60 * 60);  // RFC 7323, 5.5: 24 days idle make TS.Recent invalid

bool is_older(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }

}  // namespace

// Linux lets a pure acknowledgment pass that is a timeout late at most and changes nothing: reordering makes them. The peer's
// clock may count 1200 a second.
bool TcpSocket::is_reordered_ack(const TcpSegment& segment) const {
  if (segment.size != 0 || segment.flags.syn() || segment.flags.fin() || segment.seq != rcv_.nxt || segment.ack != snd_.una)
    return false;
  const uint32_t window = uint32_t{segment.window} << snd_.window_shift;
  if (segment.seq.is_after(snd_.wl1) || (segment.seq == snd_.wl1 && (window > snd_.wnd || window == 0))) return false;
  const uint32_t late = rcv_.ts_recent - segment.options.timestamps->value;
  return late <= static_cast<uint32_t>(current_rto().in_micros() * 12 / 10'000);
}

bool TcpSocket::fails_paws(const TcpSegment& segment, Instant now) const {
  if (!negotiated_.timestamps || !segment.options.timestamps || rcv_.ts_recent_at == Instant()) return false;
  // One tick of grace, as Linux gives it.
  if (!is_older(segment.options.timestamps->value + 1, rcv_.ts_recent)) return false;
  if (now - rcv_.ts_recent_at >= kTimestampLife) return false;
  return !is_reordered_ack(segment);
}

// RFC 7323, 4.3 (2): SEG.SEQ <= Last.ACK.sent, here rcv.wup, and not older.
void TcpSocket::store_timestamp(const TcpSegment& segment, Instant now) {
  if (!negotiated_.timestamps || !segment.options.timestamps || segment.seq.is_after(rcv_.wup)) return;
  if (rcv_.ts_recent_at != Instant() && is_older(segment.options.timestamps->value, rcv_.ts_recent) &&
      now - rcv_.ts_recent_at < kTimestampLife) {
    return;
  }
  rcv_.ts_recent = segment.options.timestamps->value;
  rcv_.ts_recent_at = now;
}

}  // namespace lxnet
