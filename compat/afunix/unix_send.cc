// Sending on AF_UNIX sockets. The order of steps is Linux's: control messages, the address, room, descriptors, bytes, the
// receiver.
#include "compat/afunix/unix_endpoint.hh"
#include "compat/syscalls/generic_control.hh"

namespace lxnet {
namespace {

constexpr int kSocketLevel = 1, kRights = 1, kCredentials = 2;
// The key of Linux's sock_def_readable().
constexpr PollEvents kReadable = kPollIn | kPollPriority | kPollReadNormal | kPollReadBand;
constexpr PollEvents kWritable = kPollOut | kPollWriteNormal | kPollWriteBand;
constexpr size_t kLinearMost = 3776;           // SKB_MAX_HEAD(0)
constexpr size_t kLinearMostDatagram = 16064;  // SKB_MAX_ALLOC
constexpr size_t kPagedMost = 32768;           // UNIX_SKB_FRAGS_SZ
constexpr size_t kPage = 4096;

size_t paged_part(size_t size, size_t linear_most) {
  if (size <= linear_most) return 0;
  const size_t pages = (size - linear_most + kPage - 1) / kPage * kPage;
  return pages < size ? pages : size;
}

uint32_t charge_of(size_t size, size_t linear_most) {
  const size_t paged = paged_part(size, linear_most);
  return unix_charge(size - paged, paged);
}

}  // namespace

struct UnixEndpoint::Outgoing {
  UnixRights rights;
  UnixCredentials credentials;  // what the caller named; pid 0: nobody
  UnixProcess process;
};

Result<> UnixEndpoint::read_control(SyscallContext& context, OutgoingMessage& message, Outgoing& outgoing) {
  if (message.control == nullptr) return ok();
  ControlMessage control;
  while (TRY(message.control->next(control))) {
    if (control.level != kSocketLevel) continue;
    if (control.type == kRights) {
      TRY(outgoing.rights.add(context, control.data));
    } else if (control.type == kCredentials) {
      TRY(read_credentials(context, TRY(control.as<UnixCredentials>()), outgoing));
    } else {
      return Errno::EINVAL;
    }
  }
  return ok();
}

Result<> UnixEndpoint::read_credentials(SyscallContext& context, const UnixCredentials& named, Outgoing& outgoing) {
  TRY(check_claimed_identity(context, {named.pid, named.uid, named.gid}));
  lxnet_credentials own{};
  context.hal().credentials(own);
  if (named.pid != own.tgid && UnixProcess::is_offered(hal())) {
    outgoing.process = UnixProcess::of(hal(), named.pid);
    if (!outgoing.process.is_known()) return Errno::ESRCH;
  }
  outgoing.credentials = named;
  return ok();
}

Result<size_t> UnixEndpoint::send(SyscallContext& context, OutgoingMessage& message) {
  if (socket_type() == kSockSequenced) {
    if (const Errno error = take_error(); error != Errno{}) return error;
    if (state() != UnixState::Connected) return Errno::ENOTCONN;
    message.name = nullptr;
  }
  Outgoing outgoing;
  TRY(read_control(context, message, outgoing));
  return is_stream() ? send_stream(context, message, outgoing) : send_datagram(context, message, outgoing);
}

// sock_alloc_send_pskb(): an error, the end of sending, or room.
Result<> UnixEndpoint::wait_for_send_room(SyscallContext& context, uint32_t flags) {
  if (!has_error() && (shut() & kShutSend) == 0 && send_memory() < options_.send_buffer) return ok();
  const WaitPolicy policy{.queue = waiters_, .interest = kWritable | kPollError | kPollHangUp, .timeout = wait_time(flags, true)};
  return wait_until(context, policy, [this]() -> Result<> {
    if (const Errno error = take_error(); error != Errno{}) return error;
    if ((shut() & kShutSend) != 0) return Errno::EPIPE;
    if (send_memory() >= options_.send_buffer) return Errno::EAGAIN;
    return ok();
  });
}

// The descriptors go with the first message that is made.
Result<UnixMessage*> UnixEndpoint::make_message(IoSource& source, size_t size, uint32_t cost, Outgoing& outgoing) {
  TRY(outgoing.rights.check_limit());
  auto made = UnixMessage::create(hal(), stack().pool(), source, size);
  if (!made.is_ok()) {
    // What was begun is gone, and edges show it.
    if (is_writable()) waiters_.wake(kWritable);
    return made.error();
  }
  UnixMessage* message = made.take();
  message->sender = this;
  message->charge = cost;
  charge(cost);
  message->credentials = outgoing.credentials;
  message->process = outgoing.process;
  if (!outgoing.rights.is_empty()) message->rights = std::move(outgoing.rights);
  return message;
}

// unix_maybe_add_creds(): also to a connection that nobody has accepted yet, who may ask for them later.
void UnixEndpoint::add_credentials(SyscallContext& context, UnixMessage& message, const UnixEndpoint& peer) {
  const bool wants_process = options_->pass_pidfd || peer.options_->pass_pidfd;
  if (message.credentials.pid == 0) {
    const bool is_embryo = peer.file() == nullptr;
    if (!wants_credentials() && !peer.wants_credentials() && !is_embryo) return;
    lxnet_credentials own{};
    context.hal().credentials(own);
    message.credentials = {own.tgid, own.uid, own.gid};
  }
  if (wants_process && !message.process.is_known()) message.process = UnixProcess::of(hal(), message.credentials.pid);
}

Result<> UnixEndpoint::enqueue(UnixMessage*& message, Urgency urgency) {
  if (message->rights.is_empty()) {
    MutexLock lock(inbox_mutex_);
    return enqueue_locked(message, urgency);
  }
  // What is in flight and what is in a queue change together.
  MutexLock domain_lock(domain().mutex);
  MutexLock lock(inbox_mutex_);
  return enqueue_locked(message, urgency);
}

// Out of the sender's reach. What is wrong besides comes first.
Result<> UnixEndpoint::refuse(const UnixMessage& message) {
  MutexLock lock(inbox_mutex_);
  TRY(check_taken_locked(message));
  return Errno::EPERM;
}

Result<> UnixEndpoint::check_taken_locked(const UnixMessage& message) {
  if (!accepts_from_locked(*message.sender)) return Errno::EPERM;
  if (is_dead_) return Errno::ECONNREFUSED;
  if ((shut_ & kShutReceive) != 0) return Errno::EPIPE;
  return message.rights.is_empty() || options_->pass_rights ? ok() : Result<>(Errno::EPERM);
}

Result<> UnixEndpoint::enqueue_locked(UnixMessage*& message, Urgency urgency) {
  const UnixEndpoint& sender = *message->sender;
  TRY(check_taken_locked(*message));
  if (is_full() && !talks_to_locked(sender)) return Errno::EAGAIN;
  if ((options_->timestamp_flags & kTimestampPlain) != 0) message->wall_nanos = hal().wall_nanos();
  if (!message->rights.is_empty()) message->rights.take_off(*this);
  inbox_.push_back(*message);
  if (urgency == Urgency::Urgent) set_urgent(message);
  unread_bytes_ += static_cast<int32_t>(message->size());
  __atomic_store_n(&inbox_count_, inbox_count_ + 1, __ATOMIC_RELEASE);
  message = nullptr;
  return ok();
}

Result<size_t> UnixEndpoint::send_stream(SyscallContext& context, OutgoingMessage& message, Outgoing& outgoing) {
  const bool is_urgent = (message.flags & kMessageOutOfBand) != 0;
  if (is_urgent && message.source.remaining() == 0) return Errno::EOPNOTSUPP;
  if (message.name != nullptr && message.name->size() != 0)
    return state() == UnixState::Connected ? Errno::EISCONN : Errno::EOPNOTSUPP;
  // Once there is a peer it stays until the socket is closed, which no call is under way on.
  UnixEndpoint* peer = state() == UnixState::Connected ? peer_.get() : nullptr;
  if (peer == nullptr) return Errno::ENOTCONN;
  if ((shut() & kShutSend) != 0) return Errno::EPIPE;

  const size_t total = message.source.remaining();
  const size_t ordinary = is_urgent ? total - 1 : total;
  size_t sent = 0;
  while (sent < ordinary) {
    auto piece = send_piece(context, *peer, message, outgoing, ordinary - sent);
    if (!piece.is_ok()) return sent != 0 ? Result<size_t>(sent) : std::move(piece);
    sent += piece.take();
  }
  if (!is_urgent) return sent;
  auto urgent = send_urgent(context, *peer, message, outgoing);
  if (!urgent.is_ok()) return sent != 0 ? Result<size_t>(sent) : Result<size_t>(urgent.error());
  return sent + 1;
}

// Two pieces fit the buffer, and none is larger than Linux's. What is spliced goes as it is, charged as pages of which so much is
// used.
Result<size_t> UnixEndpoint::send_piece(SyscallContext& context, UnixEndpoint& peer, OutgoingMessage& message, Outgoing& outgoing,
                                        size_t size) {
  const bool is_spliced = (message.flags & kMessageSplicePages) != 0;
  const size_t half = options_.send_buffer / 2 - 64;
  if (!is_spliced && size > half) size = half;
  if (!is_spliced && size > kLinearMost + kPagedMost) size = kLinearMost + kPagedMost;
  TRY(wait_for_send_room(context, message.flags));
  const uint32_t cost = is_spliced ? unix_charge(0, 0) + static_cast<uint32_t>(size) : charge_of(size, kLinearMost);
  UnixMessage* piece = TRY(make_message(message.source, size, cost, outgoing));
  add_credentials(context, *piece, peer);
  auto queued = peer.enqueue(piece);
  if (!queued.is_ok()) {
    domain().bury(piece);
    return queued.is_error(Errno::EPERM) ? Errno::EPERM : Errno::EPIPE;
  }
  peer.waiters_.wake(kReadable);
  return size;
}

// The last byte of a MSG_OOB send travels alone, and the receiver's owner gets SIGURG.
Result<> UnixEndpoint::send_urgent(SyscallContext& context, UnixEndpoint& peer, OutgoingMessage& message, Outgoing& outgoing) {
  TRY(wait_for_send_room(context, message.flags));
  UnixMessage* byte = TRY(make_message(message.source, 1, unix_charge(1, 0), outgoing));
  add_credentials(context, *byte, peer);
  auto queued = peer.enqueue(byte, Urgency::Urgent);
  if (!queued.is_ok()) {
    domain().bury(byte);
    return queued.is_error(Errno::EPERM) ? Errno::EPERM : Errno::EPIPE;
  }
  peer.waiters_.wake(kPollUrgentMark);
  peer.waiters_.wake(kReadable);
  return ok();
}

Result<Ref<UnixEndpoint>> UnixEndpoint::receiver_of(SyscallContext& context, const OutgoingMessage& message) {
  if (message.name != nullptr && message.name->size() != 0) return find_peer(context, *message.name);
  Ref<UnixEndpoint> peer = this->peer();
  if (!peer) return Errno::ENOTCONN;
  return peer;
}

Result<size_t> UnixEndpoint::send_datagram(SyscallContext& context, OutgoingMessage& message, Outgoing& outgoing) {
  if ((message.flags & kMessageOutOfBand) != 0) return Errno::EOPNOTSUPP;
  if (message.name != nullptr && message.name->size() != 0) TRY(check_unix_address(*message.name));
  TRY(ensure_name_for_credentials(context));
  const size_t size = message.source.remaining();
  if (size > options_.send_buffer - 32) return Errno::EMSGSIZE;
  TRY(wait_for_send_room(context, message.flags));
  UnixMessage* made = TRY(make_message(message.source, size, charge_of(size, kLinearMostDatagram), outgoing));
  auto peer = receiver_of(context, message);
  if (!peer.is_ok()) {
    domain().bury(made);
    return peer.error();
  }
  const Ref<UnixEndpoint> receiver = peer.take();
  // The sender does not learn that a filter threw its datagram away.
  if (!made->passes(stack().pool(), receiver->attachments_)) {
    domain().bury(made);
    return size;
  }
  add_credentials(context, *made, *receiver);
  auto outcome = deliver_to(context, *receiver, made, message);
  if (outcome.is_ok()) return size;
  domain().bury(made);
  return outcome.error();
}

Result<> UnixEndpoint::deliver_to(SyscallContext& context, UnixEndpoint& peer, UnixMessage*& message,
                                  const OutgoingMessage& outgoing) {
  const WaitPolicy policy{
      .queue = peer.senders_, .interest = kWritable, .timeout = wait_time(outgoing.flags, true), .mode = Waiter::Mode::Exclusive};
  auto outcome = wait_until(context, policy, [&] {
    const bool is_in_reach = socket_type() != kSockDatagram || may_reach(peer);
    return is_in_reach ? peer.enqueue(message) : peer.refuse(*message);
  });
  if (outcome.is_ok()) {
    peer.waiters_.wake(kReadable);
    return outcome;
  }
  if (outcome.is_error(Errno::EAGAIN)) {
    // Whoever polls for room next is told when there is some.
    static_cast<void>(has_room_at_peer());
  } else if (outcome.is_error(Errno::ECONNREFUSED)) {
    if (socket_type() == kSockSequenced) return Errno::EPIPE;
    // The peer was closed: we are no longer connected, and what it sent us is void.
    const Ref<UnixEndpoint> gone = forget_peer_if(peer);
    if (gone) lose_datagram_peer(context.entry(), *gone);
    if (!gone && (outgoing.name == nullptr || outgoing.name->size() == 0)) return Errno::ECONNRESET;
  }
  return outcome;
}

}  // namespace lxnet
