// What may leave and when (RFC 9293 3.8.6.2.1, Nagle in Minshall's variant, RFC 5681's window), and how much of it at once.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

// Linux's bounds of one packet for a device that cuts it: 64 KiB with room for headers.
constexpr uint32_t kMaxBurst = 65536 - 321;

}  // namespace

// SACK blocks take room from the payload of the segments that carry them.
uint32_t TcpSocket::current_mss() {
  if (sack_count_ == 0 && !has_dsack_) [[likely]]
    return snd_.mss;
  const uint32_t blocks = std::min<uint32_t>(sack_count_ + uint32_t{has_dsack_}, negotiated_.timestamps ? 3 : 4);
  const uint32_t space = negotiated_.sack && blocks != 0 ? 4 + 8 * blocks : 0;
  return snd_.mss > space + 8 ? snd_.mss - space : snd_.mss;
}

void TcpSocket::push_pending(Entry& entry, Nagle nagle) {
  if (send_queue_.unsent.is_empty() || in(TcpState::SynSent | TcpState::Closed)) return;
  if (in(TcpState::SynReceived) && fast_open_request() == nullptr) return;
  if (nagle == Nagle::Default && tcp_options->cork) nagle = Nagle::Cork;
  write_pending(entry, nagle);
  account_growth(entry);  // what was cut costs more
  // With nothing in flight and something left, only a probe will find the window open again.
  if (recovery_.out == 0 && !send_queue_.unsent.is_empty() && !deadlines_.is_set(Deadlines::Kind::Probe)) {
    arm_probe_timer(entry, ProbeTimer::ZeroWindow, std::max(current_rto(), rtt_.min_rto()));
  }
}

// RFC 9293 3.7.4: a small segment waits while another small one is unacknowledged, unless the user said otherwise.
bool TcpSocket::may_send(const SendRecord& record, Nagle nagle, bool is_last) const {
  if (!is_last || nagle == Nagle::Push || snd_.is_urgent() || record.flags.fin()) return true;
  if (record.size >= snd_.mss) return true;
  if (nagle == Nagle::Cork) return false;
  if (tcp_options->no_delay || recovery_.out == 0) return true;
  const bool small_in_flight = snd_.small_end.is_after(snd_.una) && !snd_.small_end.is_after(snd_.nxt);
  return !small_in_flight;
}

// Nagle's rule for the odd end of a record (tcp_nagle_check).
bool TcpSocket::holds_back_partial(Nagle nagle) const {
  if (nagle == Nagle::Cork) return true;
  if (nagle == Nagle::Push || tcp_options->no_delay || recovery_.out == 0) return false;
  return snd_.small_end.is_after(snd_.una) && !snd_.small_end.is_after(snd_.nxt);
}

// How much of a record of several segments goes down at once: whole segments within both windows, and its odd end only when Nagle
// lets it (tcp_mss_split_point).
uint32_t TcpSocket::bytes_to_send(const SendRecord& record, uint32_t mss, uint32_t quota, Nagle nagle, bool is_last) const {
  if (snd_.is_urgent()) return mss;
  const uint32_t window = snd_.window_end().is_after(record.seq) ? snd_.window_end().bytes_since(record.seq) : 0;
  const auto most = static_cast<uint32_t>(std::min<uint64_t>(uint64_t{quota} * mss, SendRecord::kMaxSize));
  if (most <= window && !is_last) return std::min(most, record.size);
  const uint32_t needed = std::min(record.size, window);
  if (most <= needed) return most;
  const uint32_t odd = needed % mss;
  return odd != 0 && needed > mss && holds_back_partial(nagle) ? needed - odd : needed;
}

// What a device is to cut from one packet: a millisecond's worth at the pacing rate, more on short paths, and two segments at
// least (tcp_tso_autosize).
uint32_t TcpSocket::segments_at_once(uint32_t mss) const {
  const TunableValues& tunables = stack().tunables().values();
  const uint64_t rate = std::min(congestion_.pacing_rate, options->max_pacing_rate);
  uint64_t bytes = rate >> 10;
  const uint32_t steps = rtt_.min_micros() >> std::min(tunables.tcp_tso_rtt_log, 31);
  if (tunables.tcp_tso_rtt_log != 0 && steps < 32) bytes += kMaxBurst >> steps;
  const auto segments = static_cast<uint32_t>(std::min<uint64_t>(bytes, kMaxBurst) / mss);
  const auto least_burst = congestion_.algorithm->least_burst;
  return std::max(segments, least_burst != nullptr ? least_burst(rate) : static_cast<uint32_t>(tunables.tcp_min_tso_segs));
}

// Where the windows allow less than a burst is worth, and more will be allowed soon, the burst waits (tcp_tso_should_defer).
bool TcpSocket::should_defer(Entry& entry, const SendRecord& record, uint32_t at_once, SendLimits& limits) const {
  if (congestion_.loss_state >= LossState::Recovery) return false;
  if (entry.now() - last_left_at_ > Duration::millis(1)) return false;
  const uint64_t send_window = snd_.window_end().bytes_since(record.seq);
  const uint64_t cwnd_window = uint64_t{congestion_.cwnd - recovery_.in_flight()} * snd_.mss;
  const uint64_t limit = std::min(send_window, cwnd_window);
  if (limit >= uint64_t{at_once} * snd_.mss) return false;
  if (send_queue_.unsent.next(record) != nullptr && limit >= record.size) return false;
  const auto divisor = static_cast<uint32_t>(stack().tunables().values().tcp_tso_win_divisor);
  if (divisor != 0) {
    if (limit >= std::min<uint64_t>(snd_.wnd, uint64_t{congestion_.cwnd} * snd_.mss) / divisor) return false;
  } else if (limit > uint64_t{3} * snd_.mss) {
    return false;
  }
  const SendRecord* head = send_queue_.sent.front();
  if (head == nullptr) return false;
  // An acknowledgment that is half a round trip away is not soon, nor is one that is a millisecond away.
  const Duration round_trip = Duration::nanos(int64_t{rtt_.srtt_micros_times_8()} * 125);
  if (head->sent_at + round_trip - entry.now() > std::min(round_trip / 2, Duration::millis(1))) return false;
  if (cwnd_window < send_window) {
    if (cwnd_window <= record.size) {
      limits.cwnd = true;
      return true;
    }
  } else if (send_window <= record.size) {
    limits.window = true;
    return true;
  }
  return !record.flags.fin() && !record.ends_message;
}

// Sends what the windows allow; with a limit one record, of at most so many segments. True when something was sent.
bool TcpSocket::write_pending(Entry& entry, Nagle nagle, uint32_t limit) {
  uint32_t sent = 0;
  SendLimits limits;
  if (mtu_search() != nullptr && limit == ~0u) {
    const MtuProbe probe = send_mtu_probe(entry);
    if (probe == MtuProbe::Wait) return false;
    sent = probe == MtuProbe::Sent ? 1 : 0;
  }
  // Also once a block of what they carry has been told, as Linux cuts all that leaves at once alike.
  const uint32_t mss = current_mss();
  const uint32_t at_once = segments_at_once(mss);
  while (SendRecord* record = send_queue_.unsent.front()) {
    if (is_paced(entry.now())) {
      arm(Deadlines::Kind::Pacing, pacing_until_);
      break;
    }
    const uint32_t in_flight = recovery_.in_flight();
    const uint32_t room = congestion_.cwnd > in_flight ? congestion_.cwnd - in_flight : 0;
    // Half a window at most, so that the acknowledgment of one half lets the other go.
    const uint32_t quota = std::min({room, limit - sent, at_once, std::max(congestion_.cwnd / 2, 1u)});
    if (room == 0) {
      limits.cwnd = true;
      break;
    }
    if (quota * mss > record->size) send_queue_.grow(*record, quota * mss - record->size);
    const SeqNum first_end = record->seq + (record->size > mss ? mss : record->length());
    if (repair_.is_on && repair_.queue == RepairState::Queue::Send) {
      if (!send_record(entry, *record, mss)) break;
      continue;
    }
    if (first_end.is_after(snd_.window_end())) {
      limits.window = true;
      break;
    }
    const bool is_last = send_queue_.unsent.next(*record) == nullptr;
    if (record->size <= mss ? !may_send(*record, nagle, is_last)
                            : limit == ~0u && should_defer(entry, *record, at_once, limits)) {
      break;
    }
    uint32_t size = record->size <= mss ? record->size : bytes_to_send(*record, mss, quota, nagle, is_last);
    if (md5_keys() != nullptr) size = std::min(size, mss);  // who cuts segments later could not sign them
    if (size < record->size && !send_queue_.split(*record, size)) break;
    if (!send_record(entry, *record, mss)) break;
    sent += record->segments;
    if (limit != ~0u) break;
  }
  if (sent != 0 && (congestion_.loss_state == LossState::Cwr || congestion_.loss_state == LossState::Recovery))
    recovery_.prr_out += sent;
  if (limits.window) {
    statistics_.start(TcpStatistics::Limit::Window, entry.now());
  } else {
    stop_limit(entry, TcpStatistics::Limit::Window);
  }
  limits.cwnd = limits.cwnd || recovery_.in_flight() >= congestion_.cwnd;
  if (sent != 0 || limits.cwnd) validate_window(entry, limits.cwnd);
  if (sent != 0 && limit != 1) schedule_loss_probe(entry, TimeoutFrom::Head);
  return sent != 0;
}

// As the user writes: delivery-rate samples must not take an idle application for a slow path (tcp_rate_check_app_limited).
void TcpSocket::note_application_limit() {
  if (snd_.end.bytes_since(snd_.nxt) < snd_.mss && recovery_.in_flight() < congestion_.cwnd &&
      recovery_.lost <= recovery_.retransmitted) {
    congestion_.app_limited_until = std::max(congestion_.delivered + recovery_.in_flight(), 1u);
  }
}

void TcpSocket::stamp_sent(SendRecord& record, Instant now) {
  if (recovery_.out == 0) {
    first_sent_at_ = now;
    congestion_.delivered_at = now;
  }
  record.sent_at = now;
  record.first_sent_at = first_sent_at_;
  // A handshake says nothing of the rate.
  record.delivered_at = record.flags.syn() ? Instant::never() : congestion_.delivered_at;
  record.delivered = congestion_.delivered;
  record.lost_before = congestion_.lost;
  record.sent_while_limited = congestion_.app_limited_until != 0;
  if (record.time_link.is_linked()) send_queue_.by_time.remove(record);
  send_queue_.by_time.push_back(record);
}

bool TcpSocket::send_record(Entry& entry, SendRecord& record, uint32_t mss) {
  record.cut_by(mss);
  return send_cut_record(entry, record);
}

bool TcpSocket::send_cut_record(Entry& entry, SendRecord& record) {
  const bool is_silent = repair_.is_on && repair_.queue == RepairState::Queue::Send;
  // Before it leaves: how long nothing did is part of it.
  if (recovery_.in_flight() == 0 && congestion_.is_started && congestion_.algorithm->on_event != nullptr) {
    congestion_.algorithm->on_event(congestion_, congestion_facts(entry.now()), CongestionEvent::TransmitStart);
  }
  if (!is_silent && !transmit(entry, {.seq = record.seq,
                                      .flags = record.flags | kTcpAck,
                                      .record = &record,
                                      .size = record.size,
                                      .segments = record.segments})) {
    return false;
  }
  stamp_sent(record, entry.now());
  send_queue_.mark_sent(record);
  const uint32_t before = recovery_.out;
  snd_.nxt = record.end();
  recovery_.out += record.segments;
  if (record.size < uint32_t{record.segments} * record.segment_size) snd_.small_end = record.end();
  count(entry, Mib::TcpExtTCPOrigDataSent, record.segments);
  statistics_.start(TcpStatistics::Limit::Busy, entry.now());
  if (wants_pacing()) pace(entry, record.size);
  if ((before == 0 || probe_timer_kind_ == ProbeTimer::LossProbe) && fast_open_request() == nullptr) {
    arm_probe_timer(entry, ProbeTimer::Retransmit, current_rto());
  }
  return true;
}

void TcpSocket::pace(Entry& entry, uint32_t size) {
  const uint64_t rate = std::min(congestion_.pacing_rate, options->max_pacing_rate);
  if (rate == 0 || rate == ~uint64_t{0}) return;
  const Instant before = std::exchange(pacing_until_, std::max(pacing_until_, entry.now()));
  // The first segments go at once (tcp_update_skb_after_send), so that a short answer is not late.
  constexpr uint32_t kUnpaced = 10;
  if (statistics_.data_segments_out < kUnpaced) return;
  const auto gap = Duration::nanos(static_cast<int64_t>(uint64_t{size} * 1'000'000'000 / rate));
  // A little credit for time that passed unused, as the sender's timer is never exact.
  pacing_until_ = pacing_until_ + gap - std::min(gap / 2, pacing_until_ - before);
}

// RFC 2861 as Linux has it: a window that was not used for a timeout decays; one not filled for a round trip is not raised.
void TcpSocket::validate_window(Entry& entry, bool was_limited) {
  if (!snd_.una.is_before(recovery_.max_out_end) || was_limited ||
      (!congestion_.is_cwnd_limited && recovery_.out > congestion_.max_in_flight)) {
    congestion_.is_cwnd_limited = was_limited;
    congestion_.max_in_flight = recovery_.out;
    recovery_.max_out_end = snd_.nxt;
  }
  const bool is_limited = congestion_.may_grow();
  if (is_limited) {
    recovery_.window_used = 0;
    recovery_.window_used_at = entry.now();
  } else {
    recovery_.window_used = std::max(recovery_.window_used, recovery_.out);
    if (stack().tunables().values().tcp_slow_start_after_idle != 0 && congestion_.algorithm->control == nullptr &&
        recovery_.window_used_at.age(entry.now()) >= current_rto()) {
      give_back_window(entry);
    }
  }
  // All is sent, and the user would write more: it is the buffer that is too small.
  if (!is_limited && send_queue_.unsent.is_empty() && wants_space_ && in(TcpState::Established | TcpState::CloseWait))
    statistics_.start(TcpStatistics::Limit::Buffer, entry.now());
}

// The application has used less for a whole timeout: half of what it did not use goes (tcp_cwnd_application_limited).
void TcpSocket::give_back_window(Entry& entry) {
  if (congestion_.loss_state == LossState::Open && !is_orphan_ && !wants_space_) {
    const uint32_t used = std::max<uint32_t>(recovery_.window_used, initial_window_);
    if (used < congestion_.cwnd) {
      congestion_.ssthresh = current_threshold();
      congestion_.cwnd = (congestion_.cwnd + used) >> 1;
    }
    recovery_.window_used = 0;
  }
  recovery_.window_used_at = entry.now();
}

void TcpSocket::after_idle(Entry& entry) {
  if (stack().tunables().values().tcp_slow_start_after_idle == 0 || congestion_.algorithm->control != nullptr) return;
  const Duration idle = snd_.last_data_at.age(entry.now());
  const Duration rto = current_rto();
  if (idle <= rto || snd_.last_data_at.is_none()) return;
  congestion_.ssthresh = current_threshold();
  const uint32_t restart = std::min<uint32_t>(congestion_.cwnd, initial_window_);
  for (Duration left = idle - rto; left > Duration() && congestion_.cwnd > restart; left = left - rto) congestion_.cwnd /= 2;
  congestion_.cwnd = std::max(congestion_.cwnd, restart);
  recovery_.window_used = 0;
  recovery_.window_used_at = entry.now();
  if (congestion_.algorithm->on_event != nullptr)
    congestion_.algorithm->on_event(congestion_, congestion_facts(entry.now()), CongestionEvent::Restart);
}

// A FIN rides on the last unsent record, or on one of its own.
Result<> TcpSocket::queue_fin(Entry& entry) {
  SendRecord* last = send_queue_.unsent.back();
  if (last == nullptr) {
    last = send_queue_.append_record(snd_.end, TcpFlags());
    if (last == nullptr) return Errno::ENOMEM;
  }
  last->flags |= kTcpFin;
  last->segments = 0;
  snd_.end += 1;
  push_pending(entry, Nagle::Push);
  return ok();
}

}  // namespace lxnet
