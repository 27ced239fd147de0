// From the packet path into the queues, and from the queues to the program.
#include "base/checksum.hh"
#include "stack/datagram/datagram_socket.hh"
#include "stack/stack.hh"

namespace lxnet {

// Echo sockets leave what IP knew, which is the same but for the address.
bool DatagramSocket::prepares_packet_info() const {
  if ((ip_options->receive_flags & kReceivePacketInfo4) != 0) return true;
  return family() == IpFamily::V6 && (ip_options->receive_flags & kReceivePacketInfo6) != 0;
}

void DatagramSocket::deliver(Entry& entry, Ref<Packet> packet) {
  DatagramInfo& info = datagram_info(*packet);
  info.charge = packet->true_size();
  info.was_peeked = false;
  info.has_packet_info = prepares_packet_info();
  if (is_connected()) note_processor();
  if (packet->wall_nanos == 0 && stack().stamps().is_there()) packet->wall_nanos = stack().hal().wall_nanos();
  // Whoever sent it on this host is rid of it now.
  packet->orphan();
  const size_t limit = options.receive_buffer.load();
  if (!queue_.push(packet, limit, errors_.bytes())) {
    count_datagram(entry, info.ip, &Counters::no_room);
    count_datagram(entry, info.ip, &Counters::errors);
    drop(entry, std::move(packet), DropReason::SocketBufferFull);
    return;
  }
  wait_queue().wake(kPollIn | kPollPriority | kPollReadNormal | kPollReadBand);
}

bool DatagramSocket::drops_for_want_of_room() {
  if (receive_memory() < static_cast<size_t>(options.receive_buffer.load())) return false;
  queue_.count_drop();
  return true;
}

namespace {

// Linux's ip_icmp_error_rfc4884(): struct sock_ee_data_rfc4884 with the offset of ICMP's extensions in the payload, and whether
// they can be trusted.
uint32_t rfc4884_data(const IpError& error, const Packet& payload) {
  constexpr uint32_t kLeast = 128, kHeader = 4;  // RFC 4884, 3
  constexpr uint8_t kInvalid = 1, kVersion = 2;
  const size_t before = error.cited_headers + (error.cited->size() - payload.size());
  if (error.extensions_at < kLeast || error.extensions_at < before) return 0;
  const size_t at = error.extensions_at - before;
  if (at + kHeader > payload.size()) return 0;
  struct {
    uint16_t offset;
    uint8_t flags, reserved;
  } data{static_cast<uint16_t>(at), 0, 0};
  uint8_t header[kHeader] = {};
  payload.read(at, MutableByteSpan(header));
  if (header[0] >> 4 == kVersion) {
    InternetChecksum sum;
    payload.for_each_run(at, payload.size() - at, [&](ByteSpan run) { sum.add(run); });
    if ((header[2] != 0 || header[3] != 0) && !sum.is_valid()) data.flags = kInvalid;
    for (size_t object = at + kHeader; object < payload.size() && data.flags == 0;) {
      uint8_t size[2] = {};
      const bool is_whole = payload.read(object, MutableByteSpan(size)) == sizeof size && object + kHeader <= payload.size();
      const size_t length = size_t{size[0]} << 8 | size[1];
      if (!is_whole || length < kHeader || object + length > payload.size()) data.flags = kInvalid;
      object += length;
    }
  }
  uint32_t word = 0;
  copy_bytes(mutable_bytes_of(word), bytes_of(data));
  return word;
}

}  // namespace

// Linux's __udp4_lib_err: without IP_RECVERR only a connected socket hears, and only of what is final.
void DatagramSocket::deliver_error(Entry& entry, const IpError& error, uint16_t remote_port, Ref<Packet> payload) {
  const bool is_v4 = error.destination.is_v4();
  const PathMtuMode mode = is_v4 ? ip_options->path_mtu_v4 : ip_options->path_mtu_v6;
  // A socket that does not send by the path's MTU is no witness of it.
  if (mode < PathMtuMode::Interface) static_cast<void>(learn_path_mtu(entry, error));
  if (error.error == Errno::EMSGSIZE && mode == PathMtuMode::Dont) return;
  if (wants_errors(is_v4)) {
    if (payload) payload->set_true_size(error.cited->true_size());
    ExtendedError report = ErrorQueue::report_of(error);
    if (stack().stamps().is_there()) report.wall_nanos = stack().hal().wall_nanos();
    const bool wants_extensions = is_v4 ? ip_options->rfc4884_v4 : ip_options->rfc4884_v6;
    if (wants_extensions && payload && error.extensions_at != 0) report.data = rfc4884_data(error, *payload);
    if (payload && error.outer != nullptr) {
      payload->control<DatagramInfo>().ip = *error.outer;
      report.has_packet = true;
    }
    static_cast<void>(
        errors_.push(std::move(payload), report, ErrorQueue::destination_of(error, remote_port), room_for_errors()));
  } else if (!is_connected() || !(error.is_fatal || error.error == Errno::EMSGSIZE)) {
    return;
  }
  report_error(error.error);
}

// ----------------------------------------------------------------------------------------------------------------- to programs

Result<size_t> DatagramSocket::receive(Entry& entry, ReceiveRequest& request) {
  if ((request.flags & kMessageErrorQueue) != 0) return receive_error(request);
  if (__atomic_load_n(&has_path_mtu_report_, __ATOMIC_ACQUIRE) != 0 && (ip_options->receive_flags & kReceivePathMtu) != 0) {
    TaskOwnership ownership(lock_, entry);
    if (take_path_mtu(request)) return Result<size_t>(size_t{0});
  }
  const Errno error = take_error();
  if (error != Errno{}) return error;
  int64_t offset = 0;
  Ref<Packet> packet;
  if ((request.flags & kMessagePeek) != 0) {
    // skb_recv_datagram(), which all but UDP ask, always has one: an empty datagram is peeked at once.
    offset = is_udp() ? __atomic_load_n(&options->peek_offset, __ATOMIC_RELAXED) : 0;
    packet = queue_.peek(offset);
    if (offset < 0) offset = 0;
  } else {
    packet = queue_.take();
  }
  if (packet) return copy_out(entry, request, std::move(packet), static_cast<size_t>(offset));
  // Only who would wait learns that nothing more comes: a non-blocking receive says EAGAIN, on Linux too.
  const bool is_shut = (__atomic_load_n(&shutdown_, __ATOMIC_ACQUIRE) & 1) != 0;
  if (is_shut && (request.flags & kMessageDontWait) == 0) return Result<size_t>(size_t{0});
  return Errno::EAGAIN;
}

Result<size_t> DatagramSocket::copy_out(Entry& entry, ReceiveRequest& request, Ref<Packet> packet, size_t offset) {
  const DatagramInfo& info = datagram_info(*packet);
  const bool is_peek = (request.flags & kMessagePeek) != 0;
  const size_t size = packet->size();
  size_t wanted = request.sink.room();
  if (wanted > size - offset) {
    wanted = size - offset;
  } else if (wanted < size) {
    request.result_flags |= kMessageTruncated;
  }
  size_t copied = 0;
  packet->for_each_run(offset, wanted, [&](ByteSpan run) {
    if (copied == 0 || request.sink.room() != 0) copied += request.sink.copy(run);
  });
  if (copied != wanted) {
    // The datagram is lost with the copy that failed, and UDP alone counts it.
    if (!is_peek && is_udp()) {
      queue_.count_drop();
      count_datagram(entry, info.ip, &Counters::errors);
    }
    return Errno::EFAULT;
  }
  if (!is_peek) count_datagram(entry, info.ip, &Counters::delivered);
  const size_t result = (request.flags & kMessageTruncated) != 0 ? size : copied;
  if (__atomic_load_n(&options->peek_offset, __ATOMIC_RELAXED) >= 0) {
    move_peek_offset(is_peek ? static_cast<int64_t>(result) : -static_cast<int64_t>(size));
  }
  request.source = Endpoint{.address = info.ip.source,
                            .port = info.source_port,
                            .scope_id = info.ip.source.v6().needs_scope_id() ? info.ip.interface_index : 0};
  request.has_source = true;
  request.full_size = size;
  request.copied_size = copied;
  request.segment_size = packet->segmentation == SegmentationKind::Udp ? packet->segment_size : uint16_t{0};
  request.overflow_drops = info.drops;
  keep_stamp(*options, errors_.last_stamp, packet->wall_nanos);
  request.packet = std::move(packet);
  return result;
}

void DatagramSocket::move_peek_offset(int64_t change) {
  SocketOptions* own = options.own();  // in which SO_PEEK_OFF was set
  const int64_t moved = own->peek_offset + change;
  __atomic_store_n(&own->peek_offset, static_cast<int32_t>(moved < 0 ? 0 : moved), __ATOMIC_RELAXED);
}

Result<size_t> DatagramSocket::receive_error(ReceiveRequest& request) {
  ErrorQueue::Taken taken;
  auto size = errors_.receive(request, taken);
  if (taken.changes_error) replace_error(taken.error);
  if (taken.has_more) wait_queue().wake_all(kPollError);
  if (size.is_ok()) keep_report_stamp(*options, errors_.last_stamp, request.wall_nanos);
  return size;
}

}  // namespace lxnet
