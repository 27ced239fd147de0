// A listener whose SYN queue overflows: SYN cookies, as Linux's net/ipv4/syncookies.c decides (net.ipv4.tcp_syncookies).
#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/isn.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/syn_cookie.hh"

namespace lxnet {

void Listener::answer_with_cookie(Entry& entry, SynRequest& request, Route way_back) {
  const SynCookie cookie(socket_.stack().sockets().key(), request.local, request.remote);
  request.iss = cookie.create(request.irs, request.peer_mss, entry.now());
  // Written once a second: an attack must not cost a write a segment.
  if (overflowed_at_ == Instant() || entry.now() - overflowed_at_ > Duration::seconds(1)) overflowed_at_ = entry.now();
  count(entry, Mib::TcpExtSyncookiesSent);
  request.send_syn_ack(entry, std::move(way_back));
}

// False: the echo claims what we would not have agreed to.
bool Listener::recover_options(SynRequest& request, const TcpSegment& segment, uint16_t mss) const {
  const TunableValues& tunables = socket_.stack().tunables().values();
  request.is_cookie = true;
  request.irs = segment.seq - 1;
  request.iss = segment.ack - 1;
  request.peer_mss = mss;
  request.negotiated = NegotiatedOptions();
  request.peer_shift = 0;
  if (!segment.options.timestamps) return true;
  const TcpTimestamps stamps = *segment.options.timestamps;
  if (tunables.tcp_timestamps == 0) return false;
  request.ts_offset =
      stamps.echo_reply != 0 ? IsnSource(socket_.stack().sockets().key(), request.local, request.remote).timestamp_offset() : 0;
  const SynCookieOptions told = SynCookieOptions::decode(stamps.echo_reply - request.ts_offset);
  if (told.negotiated.sack && tunables.tcp_sack == 0) return false;
  if (told.negotiated.window_scale && tunables.tcp_window_scaling == 0) return false;
  request.negotiated = told.negotiated;
  request.negotiated.ecn = told.negotiated.ecn && tunables.tcp_ecn != 0;
  request.peer_shift = told.peer_shift;
  request.ts_recent = stamps.value;
  return true;
}

// An acknowledgment for no request we know: it may answer a cookie.
Listener::CookieAck Listener::receive_cookie(Entry& entry, TcpSegment& segment) {
  Stack& stack = socket_.stack();
  if (stack.tunables().values().tcp_syncookies == 0 || overflowed_at_ == Instant()) return CookieAck::NotOurs;
  if (entry.now() - overflowed_at_ > SynCookie::kLife) return CookieAck::NotOurs;
  const SynCookie cookie(stack.sockets().key(), segment.destination, segment.source);
  const std::optional<uint16_t> mss = cookie.check(segment.ack - 1, segment.seq - 1, entry.now());
  if (!mss) {
    count(entry, Mib::TcpExtSyncookiesFailed);
    return CookieAck::NotOurs;
  }
  count(entry, Mib::TcpExtSyncookiesRecv);
  auto created = make_ref<SynRequest>(stack.hal(), socket_, segment);
  if (!created.is_ok()) {
    drop_syn(entry, DropReason::NoMemory);
    return CookieAck::Taken;
  }
  const Ref<SynRequest> request = created.take();
  if (!recover_options(*request, segment, *mss)) return CookieAck::NotOurs;
  static_cast<void>(socket_.choose_request_window(entry, *request, *mss));
  static_cast<void>(become_socket(entry, *request, segment));
  return CookieAck::Taken;
}

}  // namespace lxnet
