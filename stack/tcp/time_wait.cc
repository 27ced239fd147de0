// Answering for a connection that is no more.
#include "stack/tcp/time_wait.hh"

#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/emit.hh"
#include "stack/tcp/tcp_socket.hh"
#include "stack/wire/ipv4_options.hh"

namespace lxnet {

struct TimeWaitTimer {
  static TcpTimeWait& owner(Timer& timer) {
    alignas(TcpTimeWait) static constexpr char kProbe[sizeof(TcpTimeWait)] = {};
    const auto* probe = reinterpret_cast<const TcpTimeWait*>(kProbe);
    const auto offset = reinterpret_cast<const char*>(&probe->timer_) - reinterpret_cast<const char*>(probe);
    return *reinterpret_cast<TcpTimeWait*>(reinterpret_cast<char*>(&timer) - offset);
  }
  static bool hold(Timer& timer) { return owner(timer).ref_unless_zero(); }
  static void release(Timer& timer) { static_cast<void>(Ref<TcpTimeWait>::adopt(&owner(timer))); }
  static constexpr TimerOwner kOwner = {&hold, &release};
};

TcpTimeWait::TcpTimeWait(Stack& stack)
    : MiniSocket(Kind::TimeWait),
      stack_(stack),
      mutex_(stack.hal(), LockRank::Socket),
      timer_(&on_timer, &TimeWaitTimer::kOwner) {}

TcpTimeWait::~TcpTimeWait() { static_cast<void>(stack_.timers().cancel(timer_)); }

void TcpTimeWait::destroy_self() { dispose(stack_.hal(), this); }

Result<Ref<TcpTimeWait>> TcpTimeWait::create(Entry& entry, const TcpSocket& socket, TcpState) {
  const int most = entry.stack().tunables().values().tcp_max_tw_buckets;
  if (entry.stack().tcp().time_waits() >= most) return Errno::ENOBUFS;
  auto created = make_ref<TcpTimeWait>(entry.stack().hal(), entry.stack());
  if (!created.is_ok()) return created.error();
  Ref<TcpTimeWait> time_wait = created.take();
  socket.describe(*time_wait);
  return time_wait;
}

void TcpTimeWait::take_over(Entry& entry, DemuxEntry& demux, PortClaim& claim, SocketsPort port, Duration life) {
  demux_.mini = this;
  demux_.space = demux.space;
  demux_.family = demux.family;
  demux_.v6_only = demux.v6_only;
  demux_.local_port = demux.local_port;
  demux_.remote_port = demux.remote_port;
  demux_.local = demux.local;
  demux_.remote = demux.remote;
  demux_.bound_interface = claim.bound_interface;
  demux_.uid = demux.uid;
  ref();
  is_linked_ = true;
  stack_.tcp().add_time_wait(1);
  stack_.sockets().replace_flow(demux, demux_);
  if (claim.is_claimed) {
    claim_.address = &demux_.local;
    claim_.port = claim.port;
    claim_.bound_interface = claim.bound_interface;
    claim_.uid = claim.uid;
    claim_.protocol = claim.protocol;
    claim_.family = claim.family;
    claim_.v6_only = claim.v6_only;
    claim_.reuse_address = claim.reuse_address;
    claim_.reuse_port = claim.reuse_port;
    claim_.is_connected = claim.is_connected;
    const PortHooks& hooks = stack_.ports();
    port == SocketsPort::Stays ? hooks.inherit(hooks.table, claim, claim_) : hooks.move(hooks.table, claim, claim_);
  }
  live_until(entry.now() + life);
}

void TcpTimeWait::live_until(Instant when) {
  __atomic_store_n(&ends_at_, when.in_nanos(), __ATOMIC_RELAXED);
  stack_.timers().arm(timer_, when);
}

Duration TcpTimeWait::left(Instant now) const {
  return std::max(Instant::from_nanos(__atomic_load_n(&ends_at_, __ATOMIC_RELAXED)) - now, Duration());
}

uint64_t TcpTimeWait::cookie() {
  uint64_t cookie = __atomic_load_n(&cookie_, __ATOMIC_RELAXED);
  if (cookie != 0) return cookie;
  const uint64_t drawn = stack_.sockets().next_cookie();
  return __atomic_compare_exchange_n(&cookie_, &cookie, drawn, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) ? drawn : cookie;
}

void TcpTimeWait::end(Entry&) {
  {
    MutexLock lock(mutex_);
    if (!is_linked_) return;
    is_linked_ = false;
  }
  static_cast<void>(stack_.timers().cancel(timer_));
  stack_.sockets().remove(demux_);
  if (claim_.is_claimed) stack_.ports().release(stack_.ports().table, claim_);
  stack_.tcp().add_time_wait(-1);
  // The caller holds a count: this one was the tables'.
  const bool was_last = unref();
  ASSERT(!was_last);
}

void TcpTimeWait::on_timer(Entry& entry, Timer& timer) {
  if (timer.claim()) TimeWaitTimer::owner(timer).end(entry);
}

bool TcpTimeWait::may_be_reused(Entry& entry, Port port, ReusedFlow& reused) const {
  const TunableValues& tunables = stack_.tunables().values();
  if (!has_timestamps_) return false;
  if (port == Port::Chosen) {
    const int32_t mode = tunables.tcp_tw_reuse;
    const bool is_loopback = demux_.local.is_loopback() || demux_.remote.is_loopback();
    if (mode == 0 || (mode == 2 && !is_loopback)) return false;
    if (entry.now() - ts_recent_at_ <= Duration::millis(tunables.tcp_tw_reuse_delay_millis)) return false;
  }
  reused = {.is_valid = true, .next_iss = next_iss(), .ts_recent = ts_recent_, .ts_recent_at = ts_recent_at_};
  return true;
}

// RFC 9293 3.10.7.4 for TIME-WAIT with RFC 1337's advice and RFC 6191's reuse, in Linux's order.
TcpTimeWait::Arrival TcpTimeWait::receive(Entry& entry, const TcpSegment& segment) {
  const bool has_stamp = has_timestamps_ && segment.options.timestamps.has_value();
  const bool is_older = has_stamp && static_cast<int32_t>(segment.options.timestamps->value - ts_recent_) < 0;
  const bool is_bare = segment.seq == rcv_nxt_ && (segment.length() == 0 || segment.flags.rst());
  if (!is_older && is_bare) {
    if (segment.flags.rst() && stack_.tunables().values().tcp_rfc1337 == 0) {
      end(entry);
      return Arrival::Done;
    }
    if (!segment.flags.rst()) live_until(entry.now() + Duration::seconds(60));
    if (has_stamp) {
      ts_recent_ = segment.options.timestamps->value;
      ts_recent_at_ = entry.now();
    }
    return Arrival::Done;
  }
  // A SYN beyond everything the old connection received cannot be an old duplicate.
  const bool is_newer =
      segment.seq.is_after(rcv_nxt_) || (has_stamp && static_cast<int32_t>(ts_recent_ - segment.options.timestamps->value) < 0);
  if (segment.flags.syn() && !segment.flags.rst() && !segment.flags.ack() && !is_older && is_newer) {
    return Arrival::Syn;
  }
  if (is_older) count(entry, Mib::TcpExtPAWSEstab);
  if (!segment.flags.rst()) {
    if (is_older || segment.flags.ack()) live_until(entry.now() + Duration::seconds(60));
    if (may_answer(entry, segment)) answer(entry, segment);
  }
  return Arrival::Done;
}

// Text and a FIN are always answered: no loop can come of it.
bool TcpTimeWait::may_answer(Entry& entry, const TcpSegment& segment) {
  if (segment.length() != 0 && !segment.flags.syn()) return true;
  if (entry.now() - last_ack_at_ < Duration::millis(stack_.tunables().values().tcp_invalid_ratelimit)) return false;
  last_ack_at_ = entry.now();
  return true;
}

void TcpTimeWait::answer(Entry& entry, const TcpSegment& segment) {
  FlowKey key;
  key.source = demux_.local;
  key.destination = demux_.remote;
  key.output_interface = demux_.bound_interface;
  key.mark = mark_;
  key.protocol = 6;
  TcpEmission emission;
  Ipv4Options turned;
  auto route = route_answer(entry, segment, key, turned, emission);
  auto packet = Packet::create(stack_.pool());
  if (!route.is_ok() || !packet.is_ok()) return;
  emission.header.source_port = demux_.local_port;
  emission.header.destination_port = demux_.remote_port;
  emission.header.seq = snd_nxt_;
  emission.header.ack = rcv_nxt_;
  emission.header.flags = kTcpAck;
  emission.header.window = static_cast<uint16_t>(rcv_wnd_);
  emission.tos = tos_;
  emission.signing_key = signing_key_.get();
  Ref<Packet> answer = packet.take();
  answer->mark = mark_;
  if (has_timestamps_) {
    const auto clock = static_cast<uint32_t>(entry.now().in_nanos() / 1'000'000);
    emission.options.timestamps = {.value = clock + ts_offset_, .echo_reply = ts_recent_};
  }
  static_cast<void>(emit_segment(entry, std::move(answer), route.take(), emission));
}

}  // namespace lxnet
