// Taking acknowledged records off the queue, and what each tells: a round-trip time, a delivery rate, reordering.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

// Counters and marks of a record, or of `segments` at its front, that the cumulative acknowledgment covers.
void TcpSocket::account_acked(Entry& entry, SendRecord& record, AckEffects& effects) {
  const uint16_t segments = record.segments;
  if (record.stamps != 0) [[unlikely]]
    report_stamp_acked(record, effects.prior_una);
  if (record.has_any(SendRecord::kEverRetransmitted)) {
    if (record.has_any(SendRecord::kRetransmitted)) recovery_.retransmitted -= segments;
    effects.retransmitted_acked = true;
  } else if (!record.has_any(SendRecord::kSacked)) {
    const int64_t rtt = std::max<int64_t>((entry.now() - record.sent_at).in_micros(), 1);
    if (effects.sequence_rtt < 0) effects.sequence_rtt = rtt;
    effects.congestion_rtt = rtt;
    // Filled without a retransmission, after something above it had come.
    if (record.seq.is_before(effects.prior_highest_sacked) &&
        (!effects.is_reordered || record.seq.is_before(effects.reordered_from))) {
      effects.is_reordered = true;
      effects.reordered_from = record.seq;
    }
    if (!record.end().is_after(recovery_.high_seq)) effects.original_sacked = true;
  }
  if (record.has_any(SendRecord::kSacked)) {
    recovery_.sacked -= segments;
  } else if (negotiated_.sack) {
    congestion_.delivered += segments;
    // Not by one whose original came.
    if (!record.has_any(SendRecord::kRetransmitted | SendRecord::kEverRetransmitted) || !echoes_before(record.sent_at))
      advance_rack(record, entry.now());
  }
  if (record.has_any(SendRecord::kLost)) recovery_.lost -= segments;
  recovery_.out -= segments;
  effects.segments_acked += segments;
  note_delivered(record, effects.sample);
  if (record.flags.syn()) {
    effects.syn_acked = true;
    recovery_.first_retransmit_at = InstantInMillis();
  } else {
    effects.data_acked = true;
  }
}

void TcpSocket::clean_sent(Entry& entry, AckEffects& effects) {
  const SeqNum una = snd_.una;
  const bool had_sacked = recovery_.sacked != 0;
  bool has_freed = false;
  while (SendRecord* record = send_queue_.sent.front()) {
    if (record->end().is_after(una)) {
      // Part of a record: only whole segments of it count, and SACKed ones are not split for this.
      const uint32_t covered = una.is_after(record->seq) ? una.bytes_since(record->seq) : 0;
      if (record->segments <= 1 || covered == 0 || covered >= record->size) break;
      const uint32_t left = (record->size - covered + record->segment_size - 1) / std::max<uint32_t>(record->segment_size, 1);
      if (left >= record->segments) {
        send_queue_.trim_front(*record, covered);
        break;
      }
      if (!send_queue_.split(*record, covered)) break;
      SendRecord* rest = send_queue_.sent.next(*record);
      rest->segments = std::min<uint16_t>(rest->count_segments(std::max<uint32_t>(record->segment_size, 1)),
                                          static_cast<uint16_t>(record->segments - 1));
      record->segments = static_cast<uint16_t>(record->segments - rest->segments);
    }
    account_acked(entry, *record, effects);
    if (record->zero_copy_calls != 0) [[unlikely]]
      report_zero_copy(record->zero_copy_first, record->zero_copy_calls);
    send_queue_.remove(*record);
    has_freed = true;
  }
  if (has_freed) account_memory(entry);
  // What was counted twice is not counted any more.
  if (recovery_.out == 0 && negotiated_.sack) recovery_.sacked = recovery_.lost = recovery_.retransmitted = 0;
  const SendRecord* head = send_queue_.sent.front();
  const bool is_partial = head != nullptr && head->seq.is_before(una);
  // The byte that something is to be told of need not be the last: more may have been appended.
  if (head != nullptr && head->stamps != 0) [[unlikely]]
    report_stamp_acked(*head, effects.prior_una);
  if (effects.retransmitted_acked) {
    // Karn: the acknowledgment may have waited for what was sent again, and says nothing of the others' time either.
    effects.sequence_rtt = effects.congestion_rtt = -1;
  } else if (effects.segments_acked == 1 && !is_partial && !had_sacked && una.bytes_since(effects.prior_una) < snd_.mss &&
             effects.sample.prior_delivered + 1 == congestion_.delivered && !effects.data_sacked && !effects.ece &&
             !effects.dsack && !effects.syn_acked) {
    // A lone small segment: the peer may have waited for another before it answered.
    effects.sample.is_ack_delayed = true;
  }
  if (head != nullptr && head->has_any(SendRecord::kSacked)) effects.reneged = true;
  if (effects.has_sacked_time) {
    effects.sack_rtt = std::max<int64_t>((entry.now() - effects.first_sacked_at).in_micros(), 1);
    effects.congestion_rtt = std::max<int64_t>((entry.now() - effects.last_sacked_at).in_micros(), 1);
  }
  if (effects.segments_acked != 0) {
    effects.set_timer = true;
    const MtuSearch* search = mtu_search();
    if (search != nullptr && search->probe != 0 && !search->probe_end.is_after(una)) note_mtu_probe_acked(entry);
    if (!negotiated_.sack) {
      remove_reno_sacks(entry, effects.segments_acked);
      // Nobody knows which of the transmissions it acknowledges.
      if (effects.retransmitted_acked) effects.original_sacked = false;
    } else if (effects.is_reordered) {
      note_reordering(entry, effects.reordered_from);
    }
  } else if (effects.sack_rtt >= 0) {
    // What is SACKed was sent before the head was, the last time: the head may still come. Of what was sent after it the SACK
    // must not put the timer off for ever.
    if (head != nullptr && Duration::micros(effects.sack_rtt) > entry.now() - head->sent_at) effects.set_timer = true;
  }
}

// A delivery-rate sample begins at the record sent last among those delivered.
void TcpSocket::note_delivered(const SendRecord& record, RateSample& sample) {
  if (record.has_any(SendRecord::kSacked) || record.delivered_at == Instant::never()) return;
  const bool is_later =
      record.sent_at > first_sent_at_ || (record.sent_at == first_sent_at_ && record.end().is_after(sample.last_end));
  if (sample.prior_delivered != 0 && !is_later) return;
  sample.prior_delivered = record.delivered;
  sample.prior_at = record.delivered_at;
  sample.is_app_limited = record.sent_while_limited;
  sample.is_retransmission = record.has_any(SendRecord::kEverRetransmitted);
  sample.last_end = record.end();
  sample.send_interval_micros = (record.sent_at - record.first_sent_at).in_micros();
  sample.losses = record.lost_before;
  first_sent_at_ = record.sent_at;
}

void TcpSocket::finish_rate_sample(Entry& entry, const AckEffects& effects, RateSample& sample) {
  if (congestion_.app_limited_until != 0 && static_cast<int32_t>(congestion_.delivered - congestion_.app_limited_until) > 0)
    congestion_.app_limited_until = 0;
  sample.newly_delivered = congestion_.delivered - effects.prior_delivered;
  sample.prior_in_flight = effects.prior_in_flight;
  const uint32_t newly_lost = congestion_.lost - effects.prior_lost;
  if (sample.newly_delivered != 0) congestion_.delivered_at = entry.now();
  if (sample.prior_at.is_never() || effects.is_reneging) {
    sample.delivered = -1;
    sample.interval_micros = -1;
    sample.losses = newly_lost;
    return;
  }
  sample.losses = newly_lost;
  sample.delivered = static_cast<int32_t>(congestion_.delivered - sample.prior_delivered);
  const int64_t ack_interval = (entry.now() - sample.prior_at).in_micros();
  sample.interval_micros = std::max(sample.send_interval_micros, ack_interval);
  // Shorter than the shortest round trip: compressed, and of no use.
  if (sample.interval_micros < static_cast<int64_t>(rtt_.min_micros())) {
    sample.interval_micros = -1;
    return;
  }
  const bool is_better = uint64_t{static_cast<uint32_t>(sample.delivered)} * statistics_.rate_interval_micros >=
                         uint64_t{statistics_.rate_delivered} * static_cast<uint64_t>(sample.interval_micros);
  if (!sample.is_app_limited || is_better) {
    statistics_.rate_delivered = static_cast<uint32_t>(sample.delivered);
    statistics_.rate_interval_micros = static_cast<uint32_t>(sample.interval_micros);
    statistics_.rate_app_limited = sample.is_app_limited;
  }
}

}  // namespace lxnet
