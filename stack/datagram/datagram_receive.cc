// From the packet path into the queues, and from the queues to the program.
#include "stack/datagram/datagram_socket.hh"
#include "stack/stack.hh"

namespace lxnet {

void DatagramSocket::deliver(Entry& entry, Ref<Packet> packet) {
  DatagramInfo& info = datagram_info(*packet);
  info.charge = datagram_charge(info.ip.destination.family(), packet->size());
  info.was_peeked = false;
  if (packet->wall_nanos == 0 && (options.timestamp_flags | options.timestamping_flags) != 0) {
    packet->wall_nanos = stack().hal().wall_nanos();
  }
  // Whoever sent it on this host is rid of it now.
  packet->orphan();
  const size_t limit = __atomic_load_n(&options.receive_buffer, __ATOMIC_RELAXED);
  const IpFamily of_packet = info.ip.destination.family();
  if (!queue_.push(packet, limit, errors_.bytes())) {
    const Counters names = counters(of_packet);
    if (names.is_counted) {
      count(entry, names.no_room);
      count(entry, names.errors);
    }
    drop(entry, std::move(packet), DropReason::SocketBufferFull);
    return;
  }
  wait_queue().wake(kPollIn | kPollPriority | kPollReadNormal | kPollReadBand);
}

bool DatagramSocket::drops_for_want_of_room() {
  if (receive_memory() < static_cast<size_t>(__atomic_load_n(&options.receive_buffer, __ATOMIC_RELAXED))) return false;
  queue_.count_drop();
  return true;
}

// Linux's __udp4_lib_err: without IP_RECVERR only a connected socket hears, and only of what is final.
void DatagramSocket::deliver_error(Entry& entry, const IpError& error, uint16_t remote_port, Ref<Packet> payload) {
  const bool is_v4 = error.destination.is_v4();
  const PathMtuMode mode = is_v4 ? ip_options.path_mtu_v4 : ip_options.path_mtu_v6;
  // A socket that does not send by the path's MTU is no witness of it.
  if (mode < PathMtuMode::Interface) static_cast<void>(learn_path_mtu(entry, error));
  if (error.error == Errno::EMSGSIZE && mode == PathMtuMode::Dont) return;
  if (wants_errors(is_v4)) {
    ExtendedError report;
    report.error = error.error;
    report.origin = static_cast<uint8_t>(error.origin);
    report.type = error.type;
    report.code = error.code;
    report.info = error.info;
    report.offender.address = error.offender;
    if (error.offender.v6().needs_scope_id()) report.offender.scope_id = error.interface_index;
    const Endpoint destination{.address = error.destination,
                               .port = remote_port,
                               .scope_id = error.destination.v6().needs_scope_id() ? error.interface_index : 0};
    static_cast<void>(errors_.push(std::move(payload), report, destination, room_for_errors()));
  } else if (!is_connected() || !(error.is_fatal || error.error == Errno::EMSGSIZE)) {
    return;
  }
  report_error(error.error);
}

// ----------------------------------------------------------------------------------------------------------------- to programs

Result<size_t> DatagramSocket::receive(Entry& entry, ReceiveRequest& request) {
  if ((request.flags & kMessageErrorQueue) != 0) return receive_error(request);
  const Errno error = take_error();
  if (error != Errno{}) return error;
  int64_t offset = 0;
  Ref<Packet> packet;
  if ((request.flags & kMessagePeek) != 0) {
    offset = __atomic_load_n(&options.peek_offset, __ATOMIC_RELAXED);
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
  const Counters names = counters(info.ip.destination.family());
  if (copied != wanted) {
    // The datagram is lost with the copy that failed.
    if (!is_peek) {
      queue_.count_drop();
      if (names.is_counted) count(entry, names.errors);
    }
    return Errno::EFAULT;
  }
  if (!is_peek && names.is_counted) count(entry, names.delivered);
  const size_t result = (request.flags & kMessageTruncated) != 0 ? size : copied;
  if (__atomic_load_n(&options.peek_offset, __ATOMIC_RELAXED) >= 0) {
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
  request.packet = std::move(packet);
  return result;
}

void DatagramSocket::move_peek_offset(int64_t change) {
  const int64_t moved = options.peek_offset + change;
  __atomic_store_n(&options.peek_offset, static_cast<int32_t>(moved < 0 ? 0 : moved), __ATOMIC_RELAXED);
}

Result<size_t> DatagramSocket::receive_error(ReceiveRequest& request) {
  ErrorQueue::Taken taken;
  auto size = errors_.receive(request, taken);
  if (taken.changes_error) replace_error(taken.error);
  if (taken.has_more) wait_queue().wake_all(kPollError);
  return size;
}

}  // namespace lxnet
