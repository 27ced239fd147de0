// What a connection tells beside its bytes: the error queue, records of SO_TIMESTAMPING, SO_MEMINFO.
//
// A record of a stream is about one byte, the last of a send. It is numbered by how far that byte is from where counting began.
#include <algorithm>

#include "stack/error_queue.hh"
#include "stack/stack.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/option_calls.hh"
#include "stack/timestamping.hh"

namespace lxnet {

// ------------------------------------------------------------------------------------------------------------ the error queue

Result<> TcpSocket::prepare_error_queue() {
  if (error_queue() != nullptr) return ok();
  RareParts* rare = make_rare();
  if (rare == nullptr) return Errno::ENOMEM;
  ErrorQueue* fresh = construct<ErrorQueue>(stack().hal(), stack().hal());
  if (fresh == nullptr) return Errno::ENOMEM;
  ErrorQueue* present = nullptr;
  if (!__atomic_compare_exchange_n(&rare->errors, &present, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    dispose(stack().hal(), fresh);  // another task was faster
  }
  return ok();
}

bool TcpSocket::has_reports() const {
  const ErrorQueue* errors = error_queue();
  return errors != nullptr && !errors->is_empty();
}

size_t TcpSocket::room_for_errors() const {
  const size_t limit = options.receive_buffer.load();
  const size_t held = receive_charge_ + error_queue()->bytes();
  return held < limit ? limit - held : 0;
}

void TcpSocket::queue_error(Ref<Packet> payload, const ExtendedError& error, const Endpoint& destination) {
  ErrorQueue* errors = error_queue();
  if (errors == nullptr) return;
  if (errors->push(std::move(payload), error, destination, room_for_errors())) wait_queue().wake_all(kPollError);
}

Result<size_t> TcpSocket::receive_report(ReceiveRequest& request) {
  ErrorQueue* errors = error_queue();
  if (errors == nullptr) return Errno::EAGAIN;
  ErrorQueue::Taken taken;
  auto size = errors->receive(request, taken);
  if (taken.changes_error) replace_error(taken.error);
  if (taken.has_more) wait_queue().wake_all(kPollError);
  if (size.is_ok()) keep_report_stamp(*options, errors->last_stamp, request.wall_nanos);
  return size;
}

int64_t* TcpSocket::last_stamp() {
  ErrorQueue* errors = error_queue();
  return errors == nullptr ? nullptr : &errors->last_stamp;
}

// As Linux has it, a buffer is given back when what it held is acknowledged. The bytes have been copied, as they are by Linux for
// every device that cannot send them from where they are, and the program is told that it gained nothing.
void TcpSocket::end_zero_copy_call(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (rare() == nullptr) return;  // nobody asked for reports
  const uint32_t id = rare()->next_zero_copy++;
  SendRecord* last = send_queue_.last();
  if (last == nullptr) return report_zero_copy(id, 1);
  if (last->zero_copy_calls == 0) last->zero_copy_first = id;
  ++last->zero_copy_calls;
}

void TcpSocket::report_zero_copy(uint32_t first, uint32_t count) {
  ErrorQueue* errors = error_queue();
  if (errors == nullptr || count == 0) return;
  if (errors->push_zero_copy(first, first + count - 1, room_for_errors())) wait_queue().wake_all(kPollError);
}

// The queue is to be dropped: nothing of it will be sent from anybody's memory.
void TcpSocket::report_zero_copies() {
  for (const SendRecord& record : send_queue_.sent) report_zero_copy(record.zero_copy_first, record.zero_copy_calls);
  for (const SendRecord& record : send_queue_.unsent) report_zero_copy(record.zero_copy_first, record.zero_copy_calls);
}

// -------------------------------------------------------------------------------------------------------- SO_TIMESTAMPING

namespace {

// SCM_TIMESTAMPING_OPT_STATS: netlink attributes (TCP_NLA_*), each padded to four bytes.
class StatisticsWriter {
 public:
  template <typename T>
  void put(uint16_t type, T value) {
    const uint16_t head[2] = {static_cast<uint16_t>(sizeof head + sizeof value), type};
    copy_bytes(MutableByteSpan(bytes_ + size_, sizeof head), bytes_of(head));
    copy_bytes(MutableByteSpan(bytes_ + size_ + sizeof head, sizeof value), bytes_of(value));
    size_ += (sizeof head + sizeof value + 3) & ~size_t{3};
  }
  ByteSpan bytes() const { return ByteSpan(bytes_, size_); }

 private:
  uint8_t bytes_[288] = {};
  size_t size_ = 0;
};

// In the order of tcp_get_timestamping_opt_stats(). The time to live of the segment that acknowledged is not known here, and not
// said.
Result<Ref<Packet>> statistics_packet(PacketPool& pool, const TcpInfo& info, uint32_t send_queue_size, Instant now) {
  StatisticsWriter writer;
  writer.put(1, info.busy_time);
  writer.put(2, info.rwnd_limited);
  writer.put(3, info.sndbuf_limited);
  writer.put(4, uint64_t{info.data_segs_out});
  writer.put(5, uint64_t{info.total_retrans});
  writer.put(6, info.pacing_rate);
  writer.put(7, info.delivery_rate);
  writer.put(8, info.snd_cwnd);
  writer.put(9, info.reordering);
  writer.put(10, info.min_rtt);
  writer.put(11, info.retransmits);
  writer.put(12, static_cast<uint8_t>(info.flags & 1));
  writer.put(15, info.snd_ssthresh);
  writer.put(16, info.delivered);
  writer.put(17, info.delivered_ce);
  writer.put(13, send_queue_size);
  writer.put(14, info.ca_state);
  writer.put(18, info.bytes_sent);
  writer.put(19, info.bytes_retrans);
  writer.put(20, info.dsack_dups);
  writer.put(21, info.reord_seen);
  writer.put(22, info.rtt);
  writer.put(23, static_cast<uint16_t>(info.rehash));
  writer.put(24, info.notsent_bytes);
  writer.put(25, now.in_nanos());
  writer.put(27, info.rehash);
  Ref<Packet> packet = TRY(Packet::create_linear(pool, writer.bytes().size()));
  copy_bytes(packet->append(writer.bytes().size()), writer.bytes());
  packet->set_true_size(Packet::kCharge + Packet::kInlineCharge);  // all of it fits into Linux's smallest buffer
  return packet;
}

}  // namespace

Result<> TcpSocket::start_timestamp_keys(Entry& entry, KeyBase base) {
  TaskOwnership ownership(lock_, entry);
  if (in(TcpState::Closed | TcpState::Listen)) return Errno::EINVAL;
  TRY(options.change(stack().hal()))->timestamp_key = (base == KeyBase::Written ? snd_.end : snd_.una).value();
  return ok();
}

void TcpSocket::want_stamps(SendRecord& record, const SendRequest& request) {
  const uint32_t flags = timestamping_of(options, request.control);
  if ((flags & kTimestampRecords) == 0) return;
  // A control message may be the first to ask. Without memory the record is lost, as it would be later.
  static_cast<void>(prepare_error_queue());
  record.stamps |= stamps_of(flags);
  record.stamp_at = snd_.end - 1;
}

// A packet whose frame is shown takes us along; of the others we know enough here.
void TcpSocket::stamp_packet(Packet& packet, const Outgoing& out) {
  const SendRecord& record = *out.record;
  const bool is_alone = (options->timestamping_flags & kTimestampAlone) != 0;
  const uint8_t wanted = record.stamps & (kStampSent | kStampScheduled);
  if (is_alone || wanted == 0 || !record.stamp_at.is_in_window(out.seq, out.size)) return;
  ref();
  packet.set_owner(
      static_cast<Socket*>(this),
      [](void* owner, uint32_t) { static_cast<void>(Ref<Socket>::adopt(static_cast<Socket*>(owner))); }, 0);
  packet.transmit_stamps = wanted;
  packet.stamp_key = record.stamp_at.bytes_since(SeqNum(options->timestamp_key));
}

void TcpSocket::report_stamps_sent(const Outgoing& out) {
  const SendRecord& record = *out.record;
  if ((options->timestamping_flags & kTimestampAlone) == 0 || !record.stamp_at.is_in_window(out.seq, out.size)) return;
  if ((record.stamps & kStampScheduled) != 0) report_own_stamp(kStampScheduled, record.stamp_at, nullptr);
  if ((record.stamps & kStampSent) != 0) report_own_stamp(kStampSent, record.stamp_at, nullptr);
}

// Once: by the acknowledgment that goes past the byte.
void TcpSocket::report_stamp_acked(const SendRecord& record, SeqNum prior_una) {
  if ((record.stamps & kStampAcknowledged) == 0) return;
  if (record.stamp_at.is_before(prior_una) || !record.stamp_at.is_before(snd_.una)) return;
  Ref<Packet> payload;
  if ((options->timestamping_flags & kTimestampAlone) == 0) {
    auto created = Packet::create(stack().pool());
    if (!created.is_ok()) return;
    payload = created.take();
    if (!SendQueue::cite(record, 0, record.size, *payload).is_ok()) return;
  }
  report_own_stamp(kStampAcknowledged, record.stamp_at, std::move(payload));
}

void TcpSocket::report_own_stamp(uint8_t stamp, SeqNum at, Ref<Packet> payload) {
  ExtendedError report;
  report.error = Errno::ENOMSG;
  report.origin = static_cast<uint8_t>(ErrorOrigin::Timestamping);
  const TransmitStamp kind = stamp == kStampSent        ? TransmitStamp::Sent
                             : stamp == kStampScheduled ? TransmitStamp::Scheduled
                                                        : TransmitStamp::Acknowledged;
  report.info = static_cast<uint32_t>(kind);
  if ((options->timestamping_flags & kTimestampKeys) != 0) report.data = at.bytes_since(SeqNum(options->timestamp_key));
  report.wall_nanos = stack().hal().wall_nanos();
  if (!payload && (options->timestamping_flags & kTimestampStatistics) != 0) {
    auto statistics = statistics_packet(stack().pool(), TcpOptionCalls::info_owned(*this, Instant()),
                                        snd_.end.bytes_since(snd_.una), last_left_at_);
    if (!statistics.is_ok()) return;
    payload = statistics.take();
    report.has_statistics = true;
  }
  queue_error(std::move(payload), report, Endpoint());
}

// ------------------------------------------------------------------------------------------------------------- what else is
// asked

Result<uint32_t> TcpSocket::path_mtu(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (!route_.output) return Errno::ENOTCONN;
  return ip_send_mtu(route_, PathMtuMode::Want);
}

// What IP_OPTIONS and its IPv6 kin put before every segment.
Ref<StickyHeaders> TcpSocket::sticky_headers() const {
  return demux_.remote.is_v4() ? attachments.options_v4() : attachments.extensions_v6();
}

uint32_t TcpSocket::sticky_size() const {
  if (attachments.is_empty()) return 0;
  const Ref<StickyHeaders> sticky = sticky_headers();
  if (!sticky) return 0;
  return static_cast<uint32_t>(demux_.remote.is_v4() ? (sticky->options_v4().size() + 3) & ~size_t{3} : sticky->chain().size());
}

void TcpSocket::headers_changed(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (!in(TcpState::Closed | TcpState::Listen)) update_mss(entry, snd_.path_mtu);
}

void TcpSocket::forget_route(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  route_ = Route();
}

void TcpSocket::doubt_route(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (in(TcpState::Closed | TcpState::Listen)) return;
  // Without another way the old one stays.
  static_cast<void>(look_up_route(entry));
}

Result<> TcpSocket::set_group_program(Entry& entry, Ref<BpfProgram> program) {
  TaskOwnership ownership(lock_, entry);
  if (!in(TcpState::Listen)) return keep_group_program(std::move(program));
  const bool takes_away = !program;
  auto set = stack().sockets().set_group_program(demux_, std::move(program));
  if (set.is_error(Errno::EINVAL) && takes_away && options->reuse_port) return Errno::ENOENT;
  return set;
}

// Only names change: the addresses of an IPv4 peer are IPv4's already.
Result<> TcpSocket::become_v4(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (!in(TcpState::Established)) return Errno::ENOTCONN;
  if (ip_options->v6_only || !demux_.remote.is_v4()) return Errno::EADDRNOTAVAIL;
  set_family(IpFamily::V4);
  return ok();
}

}  // namespace lxnet
