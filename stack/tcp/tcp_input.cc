// Where TCP packets enter: the checksum, the owner, and what is answered where there is none.
#include "stack/tcp/tcp_input.hh"

#include <algorithm>
#include <utility>

#include "base/checksum.hh"
#include "stack/error_queue.hh"
#include "stack/mib.hh"
#include "stack/socket_factories.hh"
#include "stack/stack.hh"
#include "stack/tcp/coalesce.hh"
#include "stack/tcp/emit.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/time_wait.hh"
#include "stack/tcp/turned_segment.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/pseudo_header.hh"

namespace lxnet {
namespace {

bool has_valid_checksum(const Packet& packet) {
  if (packet.checksum == ChecksumState::Verified || packet.checksum == ChecksumState::Partial) return true;
  const IpInfo& info = ip_info(packet);
  const auto size = static_cast<uint32_t>(packet.size());
  InternetChecksum sum = info.source.is_v4()
                             ? pseudo_header_checksum(info.source.v4(), info.destination.v4(), IpProtocol::Tcp, size)
                             : pseudo_header_checksum(info.source.v6(), info.destination.v6(), IpProtocol::Tcp, size);
  packet.for_each_run(0, size, [&](ByteSpan run) { sum.add(run); });
  return sum.is_valid();
}

void reset_unclaimed(Entry& entry, Ref<Packet> packet) {
  TcpSegment segment;
  if (!take_segment(entry, std::move(packet), segment)) return;
  entry.stack().drops().count(DropReason::TcpNoSocket);
  answer_with_reset(entry, segment);
}

PacketTuple tuple_of(Packet& packet, uint16_t local_port, uint16_t remote_port, size_t header_size) {
  const IpInfo& info = ip_info(packet);
  return {.space = DemuxSpace::Tcp,
          .local = info.destination,
          .remote = info.source,
          .local_port = local_port,
          .remote_port = remote_port,
          .interface_index = info.interface_index,
          .hashes = packet.receiver_hashes,
          .packet = &packet,
          .header_size = static_cast<uint16_t>(header_size)};
}
PacketTuple tuple_of(Packet& packet, const TcpHeader& header) {
  return tuple_of(packet, header.destination_port.get(), header.source_port.get(), header.header_size());
}

// Of the segment that the error cites, which has its first eight bytes.
PacketTuple tuple_of(const IpError& error) {
  const uint8_t* bytes = error.cited->linear().data();
  return {.space = DemuxSpace::Tcp,
          .local = error.source,
          .remote = error.destination,
          .local_port = static_cast<uint16_t>(bytes[0] << 8 | bytes[1]),
          .remote_port = static_cast<uint16_t>(bytes[2] << 8 | bytes[3]),
          .interface_index = error.interface_index};
}

// To what is left of a connection. A SYN may end it, and goes to a listener then; without one it is as any other segment.
void deliver_to_time_wait(Entry& entry, const PacketTuple& tuple, TcpTimeWait& time_wait, Ref<Packet>& packet) {
  TcpSegment segment;
  auto copy = packet->clone();
  if (!copy.is_ok()) return drop(entry, std::move(packet), DropReason::NoMemory);
  Ref<Packet> view = copy.take();
  ip_info(*view) = ip_info(*packet);
  if (!take_segment(entry, std::move(view), segment)) return;
  if (time_wait.receive(entry, segment) == TcpTimeWait::Arrival::Done) return;
  const Ref<Socket> listener = entry.stack().sockets().find_listener(tuple);
  if (!listener) return time_wait.answer(entry, segment);
  time_wait.end(entry);
  SynAfterTimeWait::of(*packet).iss = time_wait.next_iss();
  packet->is_after_time_wait = true;
  static_cast<TcpSocket&>(*listener).receive_packet(entry, std::move(packet));
}

// Net or host unreachable, as routers say it whose routes are changing; where IPv6 has no route.
bool is_of_route(const IpError& error) {
  constexpr uint8_t kUnreachable4 = 3, kHostUnreachable = 1, kUnreachable6 = 1;
  if (error.origin == IpError::Origin::Icmp4) return error.type == kUnreachable4 && error.code <= kHostUnreachable;
  return error.origin == IpError::Origin::Icmp6 && error.type == kUnreachable6 && error.code == 0;
}

// Linux's tcp_req_err() gives a handshake up for the same messages of IPv4, but for what is final of IPv6.
bool ends_request(const IpError& error) { return error.origin == IpError::Origin::Icmp6 ? error.is_fatal : is_of_route(error); }

// True: the packet went to who has its 4-tuple. False: nobody has, or a half-open connection of `listener`'s, who asks.
bool deliver_to_flow(Entry& entry, const PacketTuple& tuple, Ref<Packet>& packet, const TcpSocket* listener = nullptr) {
  const Flow flow = entry.stack().sockets().find_flow(tuple);
  if (!flow) return false;
  if (flow.mini && flow.mini->kind() == MiniSocket::Kind::TimeWait) {
    deliver_to_time_wait(entry, tuple, static_cast<TcpTimeWait&>(*flow.mini), packet);
    return true;
  }
  // Whoever else is in LISTEN there by now: the handshake goes on with whom it began.
  TcpSocket& socket = flow.socket ? static_cast<TcpSocket&>(*flow.socket) : static_cast<SynRequest&>(*flow.mini).listener();
  if (&socket == listener) return false;
  socket.receive_packet(entry, std::move(packet));
  return true;
}

// True: the packet went to a listener, and not to `former`, who was one.
bool deliver_to_listener(Entry& entry, const PacketTuple& tuple, Ref<Packet>& packet, const TcpSocket* former = nullptr) {
  const Ref<Socket> listener = entry.stack().sockets().find_listener(tuple);
  if (!listener || listener.get() == former) return false;
  static_cast<TcpSocket&>(*listener).receive_packet(entry, std::move(packet));
  return true;
}

void deliver(Entry& entry, const PacketTuple& tuple, Ref<Packet> packet) {
  if (deliver_to_flow(entry, tuple, packet) || deliver_to_listener(entry, tuple, packet)) return;
  reset_unclaimed(entry, std::move(packet));
}

// The socket is owned. A packet that was on its way to a listener, or in its backlog, while the one before it became a connection
// belongs to that connection now: the listener would reset it. One to a socket that was closed meanwhile is looked at again.
bool deliver_elsewhere(Entry& entry, const TcpSocket& socket, Ref<Packet>& packet) {
  const bool is_closed = socket.state() == TcpState::Closed;
  if (!is_closed && socket.state() != TcpState::Listen) return false;
  auto parsed = packet->header<TcpHeader>();
  if (!parsed.is_ok()) return false;
  const PacketTuple tuple = tuple_of(*packet, *parsed.take());
  return deliver_to_flow(entry, tuple, packet, &socket) || (is_closed && deliver_to_listener(entry, tuple, packet, &socket));
}

}  // namespace

void tcp_receive(Entry& entry, Ref<Packet> packet) {
  count(entry, Mib::TcpInSegs);
  const IpInfo& info = ip_info(*packet);
  if (info.is_broadcast || info.is_multicast || packet->is_link_broadcast || packet->is_link_multicast) {
    return drop(entry, std::move(packet), DropReason::NotForUs);
  }
  auto parsed = packet->header<TcpHeader>();
  if (!parsed.is_ok()) {
    count(entry, Mib::TcpInErrs);
    return drop(entry, std::move(packet), DropReason::TcpHeader);
  }
  const TcpHeader& header = *parsed.take();
  if (header.header_size() > packet->size() || !has_valid_checksum(*packet)) {
    count(entry, Mib::TcpInErrs);
    if (header.header_size() <= packet->size()) count(entry, Mib::TcpInCsumErrors);
    return drop(entry, std::move(packet), DropReason::TcpChecksum);
  }
  if (!entry.has_more_input() && !entry.held_segment()) return tcp_deliver(entry, std::move(packet));
  tcp_coalesce(entry, std::move(packet));
}

void tcp_deliver(Entry& entry, Ref<Packet> packet) {
  auto parsed = packet->header<TcpHeader>();
  if (!parsed.is_ok()) return drop(entry, std::move(packet), DropReason::NoMemory);
  const PacketTuple tuple = tuple_of(*packet, *parsed.take());
  deliver(entry, tuple, std::move(packet));
}

void tcp_receive_turned(Entry& entry, Ref<Packet> packet) {
  count(entry, Mib::TcpInSegs);
  if (entry.has_more_input() || entry.held_segment()) return tcp_coalesce(entry, std::move(packet));
  const TcpSegmentHeader& header = TurnedSegment::of(*packet).header;
  const PacketTuple tuple = tuple_of(*packet, header.destination_port, header.source_port, header.header_size);
  deliver(entry, tuple, std::move(packet));
}

void tcp_receive_error(Entry& entry, const IpError& error) {
  if (error.cited == nullptr || error.cited->linear().size() < 8) return;
  const Flow flow = entry.stack().sockets().find_flow(tuple_of(error));
  if (flow.socket) return static_cast<TcpSocket&>(*flow.socket).receive_error(entry, error);
  if (flow.mini && flow.mini->kind() == MiniSocket::Kind::HalfOpen)
    static_cast<SynRequest&>(*flow.mini).listener().receive_error(entry, error);
}

Result<Ref<Socket>> create_tcp_socket(Entry& entry, IpFamily family) {
  auto created = TcpSocket::create(entry.stack(), family);
  if (!created.is_ok()) return Errno::ENOBUFS;
  Ref<TcpSocket> socket = created.take();
  socket->remember_creator();
  return Ref<Socket>(std::move(socket));
}

// ------------------------------------------------------------------------------------------------ the socket's side

const SocketWork TcpSocket::kWork = {
    .packet = &TcpSocket::receive_late, .deferred = &TcpSocket::run_deferred, .done = &TcpSocket::end_late_work};

// A packet that waited until a task let go of the socket.
void TcpSocket::receive_late(Entry& entry, SocketLock& lock, Ref<Packet> packet) {
  auto& self = owner_of<&TcpSocket::lock_>(lock);
  self.ack_.is_for_many = self.stack().tunables().values().tcp_backlog_ack_defer != 0;
  if (!deliver_elsewhere(entry, self, packet)) self.receive_owned(entry, std::move(packet));
}

void TcpSocket::end_late_work(Entry& entry, SocketLock& lock) {
  auto& self = owner_of<&TcpSocket::lock_>(lock);
  self.ack_.is_for_many = false;
  const bool waited = self.ack_.waits_for_others;
  self.ack_.waits_for_others = false;
  if (waited && self.ack_.is_scheduled) self.send_ack(entry);
}

void TcpSocket::remember_creator() {
  lxnet_credentials credentials{};
  stack().hal().credentials(credentials);
  demux_.uid = credentials.euid;
}

void TcpSocket::receive_packet(Entry& entry, Ref<Packet> packet) {
  const IpInfo& info = ip_info(*packet);
  // RFC 5082: what comes from further away than the program allows.
  if (info.ttl < (info.destination.is_v4() ? ip_options->min_ttl : ip_options->min_hop_limit)) {
    count(entry, Mib::TcpExtTCPMinTTLDrop);
    return drop(entry, std::move(packet), DropReason::TtlTooSmall);
  }
  // A listener keeps what it was told: by that its group chooses.
  if (!in(TcpState::Listen)) note_processor();
  if (attachments.filter()) {
    if (Ref<Packet> odd_end = TurnedSegment::take_off_odd_end(*packet)) {
      receive_packet(entry, std::move(packet));
      return receive_packet(entry, std::move(odd_end));
    }
    const auto parsed = packet->header<TcpHeader>();
    if (!parsed.is_ok() ||
        !attachments.admits(*packet, reinterpret_cast<const TcpHeader*>(packet->linear().data())->header_size())) {
      return drop(entry, std::move(packet), DropReason::SocketFilter);
    }
  }
  // As Linux: what waits may fill both buffers once more. A listener on Linux has no backlog, for no lock of its own keeps
  // segments waiting; here they wait while somebody accepts, which never takes long, and a SYN dropped meanwhile would cost a
  // second.
  constexpr size_t kListenerLimit = size_t{16} << 20;
  const size_t limit =
      state() == TcpState::Listen ? kListenerLimit : size_t{options.receive_buffer} + options.send_buffer + 64 * 1024;
  PacketOwnership ownership(lock_, entry, packet, limit);
  if (ownership.is_owned()) {
    if (!deliver_elsewhere(entry, *this, packet)) receive_owned(entry, std::move(packet));
  } else if (packet) {
    count(entry, Mib::TcpExtTCPBacklogDrop);
    drop(entry, std::move(packet), DropReason::TcpBacklogFull);
  }
}

// An ICMP error about a segment of ours. Only one that cites what is in flight is believed (RFC 5927, 4).
void TcpSocket::receive_error(Entry& entry, const IpError& error) {
  const ByteSpan cited = error.cited->linear();
  const SeqNum seq(uint32_t{cited[4]} << 24 | uint32_t{cited[5]} << 16 | uint32_t{cited[6]} << 8 | cited[7]);
  const bool is_too_big = error.error == Errno::EMSGSIZE;
  PacketOwnership ownership(lock_, entry, is_too_big ? kDeferredMtu : 0);
  if (!ownership.is_owned()) {
    count(entry, Mib::TcpExtLockDroppedIcmps);
    return;
  }
  if (in(TcpState::Listen) && ends_request(error)) listener_->receive_error(entry, tuple_of(error), seq);
  if (in(TcpState::Closed | TcpState::Listen)) return;
  if (seq.is_before(fast_open_request() != nullptr ? snd_.iss : snd_.una) || seq.is_after(snd_.nxt)) {
    count(entry, Mib::TcpExtOutOfWindowIcmps);
    return;
  }
  if (is_too_big) {
    // Over IPv6 what would not make segments smaller is not even remembered (tcp_v6_mtu_reduced).
    if (!error.source.is_v4() && segment_for_mtu(error.info) >= snd_.mss) return;
    static_cast<void>(learn_path_mtu(entry, error));
    return apply_path_mtu(entry);
  }
  // RFC 6069: an unreachable path is no congested one, and what backs off for it may stop to.
  if (const SendRecord* head = send_queue_.sent.front();
      is_of_route(error) && head != nullptr && seq == snd_.una && recovery_.retransmits != 0 && recovery_.backoff != 0) {
    recovery_.doublings = --recovery_.backoff;
    const Duration left = head->sent_at + current_rto() - entry.now();
    if (left <= Duration()) {
      time_out(entry);
    } else {
      arm_probe_timer(entry, ProbeTimer::Retransmit, left);
    }
    if (in(TcpState::Closed)) return;
  }
  // One opened by its SYN and accepted is a connection like others.
  const bool is_opening = fast_open_request() == nullptr || !fast_open_request()->is_accepted;
  if (in(TcpState::SynSent | TcpState::SynReceived) && is_opening) {
    queue_opening_error(error);
    return abort_with(entry, error.error);
  }
  const bool wants_errors = error.source.is_v4() ? ip_options->receive_errors_v4 : ip_options->receive_errors_v6;
  if (wants_errors && !is_orphan_) {
    report_error(error.error);
  } else {
    soft_error_ = error.error;  // told if the connection dies of it, or to who asks
  }
}

// Of a connection that does not come about the message itself is told too: of IPv4 to everybody, of IPv6 to who wants it.
void TcpSocket::queue_opening_error(const IpError& error) {
  if (!error.source.is_v4() && !ip_options->receive_errors_v6) return;
  auto payload = error.cited->clone();
  if (!payload.is_ok() || !prepare_error_queue().is_ok()) return;
  Ref<Packet> cited = payload.take();
  cited->set_true_size(error.cited->true_size());
  ExtendedError report = ErrorQueue::report_of(error);
  if (stack().stamps().is_there()) report.wall_nanos = stack().hal().wall_nanos();
  queue_error(std::move(cited), report, ErrorQueue::destination_of(error, demux_.remote_port));
}

Errno TcpSocket::take_soft_error(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  return std::exchange(soft_error_, Errno{});
}

// The route knows the path's MTU by now: smaller segments from here on, and those in flight again.
void TcpSocket::apply_path_mtu(Entry& entry) {
  if (in(TcpState::Closed | TcpState::Listen)) return;
  const uint32_t before = snd_.path_mtu;
  if (!look_up_route(entry).is_ok() || route_.mtu == 0 || route_.mtu >= before) return;
  update_mss(entry, route_.mtu);
  // A SYN that is sent again says so.
  if (in(TcpState::SynSent | TcpState::SynReceived))
    rcv_.advertised_mss = std::min(rcv_.advertised_mss, largest_segment(route_.mtu, demux_.remote));
  retransmit_smaller(entry);
}

}  // namespace lxnet
