// Sending and receiving on Internet sockets: what blocks, for how long, and what a partial result is worth.
#include "compat/afinet/flow_labels.hh"
#include "compat/afinet/inet_socket.hh"
#include "compat/syscalls/control_message.hh"
#include "compat/syscalls/wait_until.hh"
#include "stack/error_queue.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

constexpr PollEvents kReceiveInterest = kPollIn | kPollReadNormal | kPollPriority | kPollError | kPollHangUp | kPollReadHangUp;
constexpr PollEvents kSendInterest = kPollOut | kPollWriteNormal | kPollError | kPollHangUp;

// Neither bytes nor an error ended the wait, but time or a signal.
bool has_waited_in_vain(const Result<size_t>& outcome) {
  return outcome.is_error(Errno::EAGAIN) || outcome.is_error(Errno::EINTR) || outcome.is_error(Errno::ERESTARTSYS);
}

// A sender with MSG_FASTOPEN stops waiting for the handshake. When its time ran out, what went with the SYN is the answer.
Result<size_t> settle_fast_open(Entry& entry, Socket& socket, Errno error) {
  const std::optional<size_t> copied = static_cast<TcpSocket&>(socket).end_fast_open(entry);
  if (!copied || error != Errno::EAGAIN) return error;
  return *copied != 0 ? Result<size_t>(*copied) : Result<size_t>(Errno::EINPROGRESS);
}

// Reports about packets that others spoke of, or that did not leave, name where those went; stamps and zero copies name nobody.
bool has_error_name(const ExtendedError& error) {
  const ErrorOrigin origin{error.origin};
  return origin == ErrorOrigin::Icmp || origin == ErrorOrigin::Icmp6 || origin == ErrorOrigin::Local;
}

}  // namespace

Result<size_t> InetSocketFile::send(SyscallContext& context, OutgoingMessage& message) {
  SendRequest request{.source = message.source, .flags = message.flags, .destination = nullptr, .control = {}};
  if (message.name == nullptr && message.control == nullptr) return send_request(context, request);
  Destination destination;
  const bool opens_fast = is_stream() && (message.flags & kMessageFastOpen) != 0;
  if (opens_fast && message.name != nullptr && message.name->family() == kFamilyUnspecified) return Errno::EOPNOTSUPP;
  const bool appends = socket_->appends(context.entry());
  // udp_sendmsg() asks that before it looks at the name, udpv6_sendmsg() after.
  if (appends && !is_v6()) message.name = nullptr;
  // TCP looks at a name only for Fast Open.
  if (message.name != nullptr && (!is_stream() || (message.flags & kMessageFastOpen) != 0)) {
    request.names_v4 = message.name->family() == kFamilyInet;
    TRY(socket_->check_before_destination(context.entry(), request));
    destination = TRY(decode_destination(*socket_, *message.name));
    if (destination.has_destination) request.destination = &destination.endpoint;
    request.names_peer = !destination.has_destination;
  }
  // sin6_flowinfo counts where IPV6_FLOWINFO_SEND says so.
  const bool sends_flow_info = is_v6() && socket_->ip_options->flow_info_send && message.name != nullptr;
  if (sends_flow_info) request.control.flow_label = flow_label_of(*message.name);
  ExtensionChain extensions;
  if (message.control != nullptr && !appends) {
    auto checked = socket_->check_before_control(context.entry(), request);
    // A stream that is being connected is waited for later.
    const bool is_waited_for = checked.is_error(Errno::EAGAIN) && (request.flags & kMessageDontWait) == 0;
    if (!checked.is_ok() && !is_waited_for) return checked.error();
    request.control.is_given = true;
    TRY(decode_control(context, *socket_, *message.control, request, extensions));
  }
  return send_request(context, request);
}

Result<size_t> InetSocketFile::send_request(SyscallContext& context, SendRequest& request) {
  if (is_v6() && request.control.flow_label > 0) {
    TRY(check_flow_label(context.entry(), *socket_, static_cast<uint32_t>(request.control.flow_label)));
  }
  if (is_stream()) return send_stream(context, request);
  const WaitPolicy policy{.queue = wait_queue(), .interest = kSendInterest, .timeout = send_timeout(request.flags)};
  return wait_until(context, policy, [&] { return socket_->send(context.entry(), request); });
}

// tcp_sendmsg(): everything goes, piece by piece, unless an error comes first; what went before the error is the answer.
Result<size_t> InetSocketFile::send_stream(SyscallContext& context, SendRequest& request) {
  const bool is_zero_copy = (request.flags & kMessageZeroCopy) != 0 && socket_->options->zero_copy;
  size_t sent = 0;
  Duration left = send_timeout(request.flags);
  for (;;) {
    const WaitPolicy policy{.queue = wait_queue(), .interest = kSendInterest, .timeout = left};
    auto piece = wait_until(
        context, policy, [&] { return socket_->send(context.entry(), request); }, &left);
    if (!piece.is_ok() && sent == 0) return settle_fast_open(context.entry(), *socket_, piece.error());
    const bool is_over = !piece.is_ok();
    if (!is_over) sent += piece.take();
    // Who does not wait has met the limit, and is not told what his bytes made of it on their way.
    if (!is_over && request.source.remaining() != 0 && left > Duration()) continue;
    if (is_zero_copy && sent != 0) socket_->end_zero_copy_call(context.entry());
    return sent;
  }
}

Result<size_t> InetSocketFile::receive(SyscallContext& context, IncomingMessage& message) {
  ReceiveRequest request{.sink = message.sink, .flags = message.flags};
  const bool from_error_queue = (message.flags & kMessageErrorQueue) != 0;
  size_t received = 0;
  if (is_stream() && !from_error_queue) {
    received = TRY(receive_stream(context, request));
    request.has_no_stamp = request.wall_nanos == 0;
  } else {
    const Duration timeout = from_error_queue ? Duration() : receive_timeout(message.flags);
    const WaitPolicy policy{
        .queue = wait_queue(), .interest = kReceiveInterest, .timeout = timeout, .mode = Waiter::Mode::Exclusive};
    received = TRY(wait_until(context, policy, [&] { return socket_->receive(context.entry(), request); }));
    // The end of receiving is no datagram, and was stamped by nobody.
    if (!from_error_queue && !request.packet) request.has_no_stamp = true;
  }
  message.result_flags |= request.result_flags;
  if (message.wants_name) name_sender(request, message);
  if (message.control != nullptr) encode_control(*this, request, *message.control);
  return received;
}

// msg_name: who sent it, or where went what an error is about.
void InetSocketFile::name_sender(const ReceiveRequest& request, IncomingMessage& message) const {
  const bool names_error = request.path_mtu != 0 || (request.is_error && has_error_name(request.error));
  if (!names_error && !request.has_source) return;
  fill_sockaddr(message.name, names_error ? request.error_destination : request.source, socket_->family());
  message.has_name = true;
  // ping_recvmsg() shows the label that the packet had.
  if (!names_error && is_v6() && is_echo_socket(*socket_) && request.packet && socket_->ip_options->flow_info_send) {
    auto user = message.name.as<UserInet6Address>();
    copy_bytes(mutable_bytes_of(user.flow_info), ByteSpan(request.packet->network_header(), sizeof user.flow_info));
    user.flow_info.set(user.flow_info.get() & 0x0fff'ffff);
    message.name.set(user);
  }
}

// tcp_recvmsg() without room: it sleeps once, and whatever ends that is as good as the nothing that was asked for.
Result<size_t> InetSocketFile::receive_nothing(SyscallContext& context, ReceiveRequest& request) {
  const WaitPolicy policy{.queue = wait_queue(), .interest = kReceiveInterest, .timeout = receive_timeout(request.flags)};
  // It is asked whether a signal waits before the sleep, not after.
  if (context.is_interrupted()) {
    auto received = socket_->receive(context.entry(), request);
    const Errno interrupted = policy.timeout == Duration::max() ? Errno::ERESTARTSYS : Errno::EINTR;
    return received.is_error(Errno::EAGAIN) ? Result<size_t>(interrupted) : std::move(received);
  }
  constexpr int kBeforeSleep = 3;  // wait_until() asks that often at most
  int asked = 0;
  const uint8_t disconnects = stream().disconnects();
  auto outcome = wait_until(context, policy, [&]() -> Result<size_t> {
    if (stream().disconnects() != disconnects) return Errno::EPIPE;
    return ++asked > kBeforeSleep ? Result<size_t>(size_t{0}) : socket_->receive(context.entry(), request);
  });
  return has_waited_in_vain(outcome) ? Result<size_t>(size_t{0}) : std::move(outcome);
}

// tcp_recvmsg(): returns once SO_RCVLOWAT bytes (all, with MSG_WAITALL) are there, or the end, an error or a signal came after
// some.
Result<size_t> InetSocketFile::receive_stream(SyscallContext& context, ReceiveRequest& request) {
  const size_t room = request.sink.room();
  size_t target = static_cast<size_t>(socket_->options->receive_low_water);
  if ((request.flags & kMessageWaitAll) != 0 || target > room) target = room;
  if (target == 0) target = 1;

  // The urgent byte is there or not: no other is waited for.
  const bool is_peek = (request.flags & kMessagePeek) != 0 && (request.flags & kMessageOutOfBand) == 0;
  const uint8_t disconnects = stream().disconnects();
  size_t received = 0;
  Duration left = receive_timeout(request.flags);
  if (room == 0 && left > Duration() && (request.flags & kMessageOutOfBand) == 0) return receive_nothing(context, request);
  for (;;) {
    const WaitPolicy policy{.queue = wait_queue(), .interest = kReceiveInterest, .timeout = left};
    auto piece = wait_until(
        context, policy,
        [&]() -> Result<size_t> {
          if (stream().disconnects() != disconnects) return Errno::EPIPE;
          // A peek copies once: it waits until the queue holds what it wants.
          if (is_peek && target > 1 && left > Duration() &&
              (socket_->poll(context.entry()) & (kPollReadHangUp | kPollError | kPollHangUp)) == 0) {
            auto queued = socket_->bytes_readable(context.entry());
            if (queued.is_ok() && static_cast<size_t>(queued.take()) < target) return Errno::EAGAIN;
          }
          // What came so far ends at the urgent mark, MSG_WAITALL or not, and also one that comes while more is waited for.
          if (received != 0) {
            auto at_mark = stream().is_at_mark(context.entry());
            if (at_mark.is_ok() && at_mark.take() != 0) return size_t{0};
          }
          // With some bytes taken an error ends the call and stays for the next.
          if (received != 0 && socket_->has_error()) {
            auto queued = socket_->bytes_readable(context.entry());
            if (!queued.is_ok() || queued.take() == 0) return size_t{0};
          }
          return socket_->receive(context.entry(), request);
        },
        &left);
    // A peek that waited in vain for more takes what there is.
    if (is_peek && has_waited_in_vain(piece)) {
      auto there = socket_->receive(context.entry(), request);
      return there.is_error(Errno::EAGAIN) ? std::move(piece) : std::move(there);
    }
    if (!piece.is_ok()) return received != 0 ? Result<size_t>(received) : std::move(piece);
    const size_t size = piece.take();
    received += size;
    if (size == 0 || received >= target || is_peek || request.sink.room() == 0) return received;
    if ((request.flags & kMessageOutOfBand) != 0) return received;
  }
}

}  // namespace lxnet
