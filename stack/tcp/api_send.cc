// send(): Linux's tcp_sendmsg. Bytes go from the user into records; what of them leaves is output.cc's.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

constexpr uint32_t kLeastSendBuffer = 4608;

}  // namespace

bool TcpSocket::has_send_room(unsigned doubled) const {
  if (send_queue_.charge() >= options.send_buffer) return false;
  const uint32_t limit = tcp_options->not_sent_low_water != 0
                             ? tcp_options->not_sent_low_water
                             : static_cast<uint32_t>(stack().tunables().values().tcp_notsent_lowat);
  return (snd_.end.bytes_since(snd_.nxt) + snd_.disconnect_gap) << doubled < limit;
}

// Linux's sk_stream_is_writeable(): a third of the buffer free, and less than half of the limit unsent.
bool TcpSocket::is_writeable() const {
  const uint32_t used = send_queue_.charge();
  if (used >= options.send_buffer || options.send_buffer - used < used / 2) return false;
  return has_send_room(1);
}

// As Linux's tcp_new_space: who waits for room while the window would take more gets a larger buffer first.
void TcpSocket::announce_space(Entry& entry) {
  if (!wants_space_) return;
  const bool has_memory = stack().tcp().memory_pages() < stack().tunables().values().tcp_mem[0];
  if (in(kMaySend) && recovery_.in_flight() < congestion_.cwnd && has_memory && !options.send_buffer_locked &&
      !is_under_pressure()) {
    expand_send_buffer();
    recovery_.window_used_at = entry.now();
  }
  if (!is_writeable()) return;
  wants_space_ = false;
  stop_limit(entry, TcpStatistics::Limit::Buffer);
  wake(kPollOut | kPollWriteNormal);
}

void TcpSocket::stop_limit(Entry& entry, TcpStatistics::Limit kind) {
  using Queues = TcpStatistics::Queues;
  statistics_.stop(kind, send_queue_.is_empty() ? Queues::Empty : Queues::Filled, entry.now());
}

Result<size_t> TcpSocket::send(Entry& entry, SendRequest& request) {
  TaskOwnership ownership(lock_, entry);
  if (repair_.is_on) {
    TRY(check_may_send());
    return send_for_repair(entry, request);
  }
  if ((request.flags & kMessageFastOpen) != 0 || fast_open_.is_deferred || fast_open_.is_waiting)
    return send_fast_open(entry, request);
  note_application_limit();  // also by who may not send
  TRY(check_may_send());
  return send_owned(entry, request);
}

Result<> TcpSocket::check_before_control(Entry& entry, const SendRequest& request) {
  TaskOwnership ownership(lock_, entry);
  if ((request.flags & kMessageFastOpen) != 0 || fast_open_.is_deferred || fast_open_.is_waiting) return ok();
  return check_may_send();
}

// sk_stream_wait_connect().
Result<> TcpSocket::check_may_send() {
  if (in(kMaySend) || is_open_early()) return ok();
  if (has_error()) return take_error();
  return in(TcpState::SynSent | TcpState::SynReceived) ? Errno::EAGAIN : Errno::EPIPE;
}

// The pending error before EPIPE.
Errno TcpSocket::stream_error() {
  const Errno error = take_error();
  return error != Errno{} ? error : Errno::EPIPE;
}

// How much one record takes: whole segments, no more than half of the largest window (tcp_xmit_size_goal), and with IP options
// less than without.
uint32_t TcpSocket::record_goal(const SendRequest& request) {
  constexpr uint32_t kMost = 65536 - 321;
  const uint32_t mss = current_mss();
  if ((request.flags & kMessageOutOfBand) != 0) return mss;
  const uint32_t half = snd_.max_wnd > 536 ? snd_.max_wnd / 2 : snd_.max_wnd;
  const uint32_t most = half == 0 ? kMost : std::min(half, kMost);
  return std::min(std::max(most / mss * mss, mss), SendRecord::kMaxSize - sticky_size());
}

// The record that takes the next byte, or null: no room for another, or no memory.
SendRecord* TcpSocket::open_record(uint32_t most) {
  SendRecord* last = send_queue_.unsent.back();
  if (last != nullptr && !SendQueue::is_full(*last) && last->size < most && !last->ends_message && !last->flags.fin())
    return last;
  return send_queue_.append_record(snd_.end, TcpFlags());
}

// With MSG_ZEROCOPY no more than a packet of pieces of the program's memory could hold.
SendQueue::Copied TcpSocket::fill_record(SendRecord& record, const SendRequest& request, uint32_t limit) {
  if ((request.flags & kMessageZeroCopy) == 0 || !options->zero_copy)
    return send_queue_.append_bytes(record, request.source, limit);
  unsigned pieces = SendRecord::kMaxPieces - record.pieces;
  const auto reached = static_cast<uint32_t>(request.source.reach(limit, pieces));
  record.pieces = static_cast<uint8_t>(record.pieces + pieces);
  const SendQueue::Copied copied = send_queue_.append_bytes(record, request.source, reached);
  if (reached < limit) {
    record.flags |= kTcpPsh;
    snd_.pushed = record.end();
  }
  return copied;
}

Result<size_t> TcpSocket::send_owned(Entry& entry, SendRequest& request) {
  IoSource& source = request.source;
  size_t done = 0;
  Errno error{};
  if (has_error() || (shutdown_ & kShutdownSend) != 0) return stream_error();
  note_application_limit();
  const uint32_t most = record_goal(request);
  // Memory is asked for when a record is begun; one that is begun is filled.
  while (source.remaining() != 0) {
    SendRecord* last = send_queue_.unsent.back();
    const bool needs_record = last == nullptr || SendQueue::is_full(*last) || last->size >= most || last->ends_message;
    const bool may_have = may_grow(entry, send_queue_.charge(), stack().tunables().values().tcp_wmem[0]);
    if (needs_record && !may_have && !options.send_buffer_locked) {
      // Linux's sk_stream_moderate_sndbuf(): whoever meets the limit makes do with half.
      options.send_buffer = std::max(std::min(options.send_buffer.load(), send_queue_.charge() / 2), kLeastSendBuffer);
    }
    if (needs_record && (!may_have || !has_send_room())) {
      wants_space_ = true;
      error = Errno::EAGAIN;
      break;
    }
    // After an idle time: whoever begins to send again (tcp_skb_entail).
    if (needs_record && recovery_.out == 0) after_idle(entry);
    SendRecord* record = open_record(most);
    if (record == nullptr) {
      error = Errno::ENOBUFS;
      break;
    }
    const auto limit = static_cast<uint32_t>(std::min<size_t>(source.remaining(), most - record->size));
    const TcpFlags flags = record->flags;
    if (done == 0) record->flags = flags.without(kTcpPsh);  // what an earlier call pushed is followed by more
    const SendQueue::Copied copied = fill_record(*record, request, limit);
    if (copied.size == 0) record->flags = flags;
    snd_.end += copied.size;
    done += copied.size;
    if (record->size == 0) send_queue_.remove(*record);
    if (copied.is_faulty || copied.out_of_memory) {
      error = copied.is_faulty ? Errno::EFAULT : Errno::ENOBUFS;
      break;
    }
    if (copied.size < limit) record->ends_message = true;  // its fragments are used up
    if (source.remaining() != 0 && (request.flags & kMessageOutOfBand) == 0) push_full_record(entry, *record);
  }
  account_memory(entry);
  if (done == 0) {
    if (error != Errno{}) return error;
    return size_t{0};
  }
  statistics_.start(TcpStatistics::Limit::Busy, entry.now());
  SendRecord* last = send_queue_.unsent.back();
  // Who meets the limit sends what there is, whatever he announced.
  const bool has_met_limit = error == Errno::EAGAIN;
  const bool is_more = (request.flags & kMessageMore) != 0 && !has_met_limit;
  if (last != nullptr) {
    if (!is_more || snd_.end.bytes_since(snd_.pushed) > snd_.max_wnd / 2) {
      last->flags |= kTcpPsh;
      snd_.pushed = snd_.end;
    }
    if (source.remaining() == 0) {
      if ((request.flags & kMessageEndOfRecord) != 0) last->ends_message = true;
      want_stamps(*last, request);
    }
  }
  if ((request.flags & kMessageOutOfBand) != 0) snd_.up = snd_.end;
  if (has_met_limit) {
    push_pending(entry, Nagle::Push);
    // Who does not wait for more room is told of the last byte that had some, if it could not leave (tcp_tx_timestamp).
    SendRecord* kept = send_queue_.unsent.back();
    if (kept != nullptr && (request.flags & kMessageDontWait) != 0) want_stamps(*kept, request);
  } else {
    push_pending(entry, is_more ? Nagle::Cork : Nagle::Default);
  }
  return done;
}

void TcpSocket::push_full_record(Entry& entry, SendRecord& record) {
  if (snd_.end.bytes_since(snd_.pushed) > snd_.max_wnd / 2) {
    record.flags |= kTcpPsh;
    snd_.pushed = snd_.end;
    push_pending(entry, Nagle::Push);
  } else if (send_queue_.unsent.front() == &record && (in(kMaySend) || is_open_early())) {
    write_pending(entry, Nagle::Push, ~0u - 1);  // one burst alone, so that the rest goes on being filled (tcp_push_one)
  }
}

// What was sent stays in the send queue until it is acknowledged: nothing is charged for it on its way.
SocketMemory TcpSocket::memory(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  SocketMemory memory;
  memory.backlog = lock_.backlog_bytes();
  memory.received = receive_charge_ + static_cast<uint32_t>(out_of_order_.charge());
  memory.queued_to_send = send_queue_.charge();
  memory.forward = static_cast<uint32_t>(spare_memory());
  return memory;
}

Result<int> TcpSocket::bytes_unsent(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (in(TcpState::Listen)) return Errno::EINVAL;
  if (in(TcpState::SynSent | TcpState::SynReceived)) return 0;
  return static_cast<int>(snd_.end.bytes_since(snd_.una) + snd_.disconnect_gap);
}

Result<int> TcpSocket::bytes_not_yet_sent(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (in(TcpState::Listen)) return Errno::EINVAL;
  if (in(TcpState::SynSent | TcpState::SynReceived)) return 0;
  return static_cast<int>(snd_.end.bytes_since(snd_.nxt) + snd_.disconnect_gap);
}

}  // namespace lxnet
