// Where the state changes, and how a connection ends.
#include <algorithm>

#include "stack/error_queue.hh"
#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/signature/keys.hh"
#include "stack/tcp/tcp_socket.hh"
#include "stack/tcp/time_wait.hh"

namespace lxnet {

void TcpSocket::enter(Entry& entry, TcpState next) {
  const TcpState before = state();
  __atomic_store_n(&state_bits_, static_cast<uint16_t>(next), __ATOMIC_RELAXED);
  constexpr TcpStates kCounted = TcpState::Established | TcpState::CloseWait;
  const bool was_counted = kCounted.contain(before), is_counted = kCounted.contain(next);
  if (is_counted && !was_counted) count(entry, Mib::TcpCurrEstab);
  if (was_counted && !is_counted) stack().mib().subtract(Mib::TcpCurrEstab, 1);
}

// A connection lives on without descriptors; this is what it lives by.
void TcpSocket::hold_self() {
  if (holds_self_) return;
  holds_self_ = true;
  ref();
}

// Whoever calls holds a count of its own, so the object does not die here.
void TcpSocket::release_self() {
  if (!holds_self_) return;
  holds_self_ = false;
  const bool was_last = unref();
  ASSERT(!was_last);
}

void TcpSocket::leave_tables() {
  if (demux_.is_added()) stack().sockets().remove(demux_);
}

void TcpSocket::release_port() {
  if (claim_.is_claimed) stack().ports().release(stack().ports().table, claim_);
}

// CLOSED. What was received can still be read; what was to be sent is gone.
void TcpSocket::finish(Entry& entry) {
  finish_untold(entry);
  if (!is_orphan_) wake_for_state(0);
}

void TcpSocket::finish_untold(Entry& entry) {
  judge_fast_open(entry);
  leave_fast_open(entry);
  cancel_timers();
  leave_tables();
  if (in(TcpState::SynSent | TcpState::SynReceived)) count(entry, Mib::TcpAttemptFails);
  enter(entry, TcpState::Closed);
  shutdown_ = kShutdownBoth;
  report_zero_copies();
  send_queue_.clear();
  recovery_.out = 0;
  recovery_.backoff = 0;
  if (!is_bound_port_ || is_orphan_) release_port();
  if (is_counted_orphan_) stack().tcp().add_orphan(-1);
  is_counted_orphan_ = false;
  if (is_orphan_) {
    out_of_order_.clear();
    receive_queue_.clear();
    receive_charge_ = rcv_.fin_charge = 0;
  }
  account_memory(entry);
  release_self();
}

void TcpSocket::abort_with(Entry& entry, Errno error) {
  if (in(TcpState::Established | TcpState::CloseWait)) count(entry, Mib::TcpEstabResets);
  if (!is_orphan_) report_error(error);
  finish(entry);
}

// The last duty, to answer retransmitted FINs and to keep the 4-tuple from a new connection, is a small object's.
void TcpSocket::become_time_wait(Entry& entry, TcpState kind, Duration life) {
  if (!in(TcpState::FinWait2) || !is_orphan_) tell_peer_metrics(entry);  // else it did when it was left to itself
  auto created = TcpTimeWait::create(entry, *this, kind);
  if (created.is_ok()) {
    Ref<TcpTimeWait> time_wait = created.take();
    // A port that bind() named is the socket's also after its connection.
    const bool keeps_port = is_bound_port_ && !is_orphan_;
    time_wait->take_over(entry, demux_, claim_, keeps_port ? TcpTimeWait::SocketsPort::Stays : TcpTimeWait::SocketsPort::Goes,
                         life);
    count(entry, Mib::TcpExtTW);
  } else {
    count(entry, Mib::TcpExtTCPTimeWaitOverflow);
  }
  finish(entry);
}

void TcpSocket::describe(TcpTimeWait& time_wait) const {
  time_wait.rcv_nxt_ = rcv_.nxt;
  time_wait.snd_nxt_ = snd_.nxt;
  time_wait.rcv_wnd_ = std::min<uint32_t>(rcv_.wnd >> rcv_.window_shift, 65535);
  time_wait.ts_recent_ = rcv_.ts_recent;
  time_wait.ts_recent_at_ = rcv_.ts_recent_at;
  time_wait.ts_offset_ = timestamp_offset_;
  time_wait.has_timestamps_ = negotiated_.timestamps;
  time_wait.mark_ = options.mark;
  if (const Md5Key* key = signing_key()) time_wait.signing_key_ = Ref<Md5Key>::share(const_cast<Md5Key&>(*key));
  time_wait.tos_ = demux_.remote.is_v4() ? ip_options->tos : ip_options->traffic_class;
}

TcpSocket::TcpSocket(Stack& stack, IpFamily family)
    : Socket(stack, family, SocketType::Stream, 6),
      lock_(kWork, stack.sockets().lock_mutex(lock_)),
      send_queue_(stack.pool()),
      out_of_order_(stack.hal()),
      timer_(&on_timer, &kTimerOwner) {
  const TunableValues& tunables = stack.tunables().values();
  options.send_buffer = static_cast<uint32_t>(tunables.tcp_wmem[1]);
  options.receive_buffer = static_cast<uint32_t>(tunables.tcp_rmem[1]);
  options.transmit_rehash = tunables.txrehash != 0;
  demux_.local = demux_.remote = IpAddress::any(family);
  congestion_.choose(stack.hal(), stack.tcp().congestion != nullptr ? *stack.tcp().congestion : default_congestion_algorithm());
}

TcpSocket::~TcpSocket() {
  cancel_timers();
  ASSERT(!demux_.is_added() && listener_ == nullptr);
  stack().tcp().change_memory(-int64_t{memory_pages_}, stack().hal().sharing());
  congestion_.release(stack().hal());
  release_port();
  if (rare_ != nullptr) dispose(stack().hal(), rare_);
}

RareParts::RareParts(const Hal& hal_used) : hal(hal_used) {}

RareParts::~RareParts() {
  if (md5_keys != nullptr) dispose(hal, md5_keys);
  if (errors != nullptr) dispose(hal, errors);
}

RareParts* TcpSocket::make_rare() {
  if (RareParts* present = rare()) return present;
  RareParts* fresh = construct<RareParts>(stack().hal(), stack().hal());
  if (fresh == nullptr) return nullptr;
  RareParts* present = nullptr;
  if (__atomic_compare_exchange_n(&rare_, &present, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return fresh;
  dispose(stack().hal(), fresh);  // another task was faster
  return present;
}

void TcpSocket::destroy_self() { dispose(stack().hal(), this); }

Result<Ref<TcpSocket>> TcpSocket::create(Stack& stack, IpFamily family) {
  const Hal& hal = stack.hal();
  const TunableValues& tunables = stack.tunables().values();
  Ref<TcpSocket> socket = TRY(make_ref<TcpSocket>(hal, stack, family));
  TRY(socket->tcp_options.set(hal, &TcpSocketOptions::max_rto, Duration::millis(tunables.tcp_rto_max_millis)));
  TRY(socket->tcp_options.set(hal, &TcpSocketOptions::min_rto, Duration::micros(tunables.tcp_rto_min_micros)));
  return socket;
}

}  // namespace lxnet
