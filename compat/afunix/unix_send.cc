// Sending on AF_UNIX sockets.
#include "compat/afunix/unix_endpoint.hh"
#include "compat/syscalls/control_message.hh"

namespace lxnet {
namespace {

constexpr int kSocketLevel = 1, kRights = 1, kCredentials = 2;
constexpr PollEvents kReadable = kPollIn | kPollReadNormal;
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

struct UserCredentials {
  int32_t pid;
  uint32_t uid, gid;
};

}  // namespace

struct UnixEndpoint::Outgoing {
  UnixRights rights;
  UnixCredentials credentials;
  bool has_credentials = false;  // the caller named them
};

Result<> UnixEndpoint::read_control(SyscallContext& context, OutgoingMessage& message, Outgoing& outgoing) {
  if (message.control == nullptr) return ok();
  ControlMessage control;
  while (TRY(message.control->next(control))) {
    if (control.level != kSocketLevel) continue;
    if (control.type == kRights) {
      TRY(outgoing.rights.add(context, control.data));
    } else if (control.type == kCredentials) {
      const auto user = TRY(control.as<UserCredentials>());
      lxnet_credentials own{};
      hal().credentials(own);
      const bool is_own_pid = user.pid == own.tgid || hal().capable(LXNET_CAP_SYS_ADMIN);
      const bool is_own_uid = user.uid == own.uid || user.uid == own.euid || hal().capable(LXNET_CAP_SETUID);
      const bool is_own_gid = user.gid == own.gid || user.gid == own.egid || hal().capable(LXNET_CAP_SETGID);
      if (!is_own_pid || !is_own_uid || !is_own_gid) return Errno::EPERM;
      outgoing.credentials = {user.pid, user.uid, user.gid};
      outgoing.has_credentials = true;
    } else {
      return Errno::EINVAL;
    }
  }
  return ok();
}

Result<size_t> UnixEndpoint::send(SyscallContext& context, OutgoingMessage& message) {
  Outgoing outgoing;
  TRY(read_control(context, message, outgoing));
  if (is_stream()) return send_stream(context, message, outgoing);
  if (socket_type() == kSockSequenced) {
    if (const Errno error = take_error(); error != Errno{}) return error;
    if (state() != UnixState::Connected) return Errno::ENOTCONN;
    message.name = nullptr;
  }
  if ((message.flags & kMessageOutOfBand) != 0) return Errno::EOPNOTSUPP;
  return send_datagram(context, message, outgoing);
}

// sock_alloc_send_pskb(): an error, the end of sending, or room.
Result<> UnixEndpoint::wait_for_send_room(SyscallContext& context, Duration& left) {
  const WaitPolicy policy{.queue = waiters_, .interest = kWritable | kPollError | kPollHangUp, .timeout = left};
  return wait_until(
      context, policy,
      [this]() -> Result<> {
        if (const Errno error = take_error(); error != Errno{}) return error;
        if ((shut() & kShutSend) != 0) return Errno::EPIPE;
        if (send_memory() >= options_.send_buffer) return Errno::EAGAIN;
        return ok();
      },
      &left);
}

Result<UnixMessage*> UnixEndpoint::make_message(SyscallContext& context, UnixEndpoint& peer, IoSource& source, size_t size,
                                                uint32_t charge, Outgoing& outgoing) {
  Ref<Packet> data = TRY(packet_from_source(stack().pool(), source, size));
  UnixMessage* message = TRY(UnixMessage::create(hal()));
  __atomic_fetch_add(&send_memory_, size_t{charge}, __ATOMIC_ACQ_REL);
  ref();
  data->set_owner(this, &release_charge, charge);
  message->data = std::move(data);
  message->source = address();
  message->credentials = outgoing.credentials;
  const bool wants_credentials =
      options_.pass_credentials || options_.pass_pidfd || peer.options_.pass_credentials || peer.options_.pass_pidfd;
  if (!outgoing.has_credentials && wants_credentials) {
    lxnet_credentials own{};
    context.hal().credentials(own);
    message->credentials = {own.tgid, own.uid, own.gid};
  }
  if (!outgoing.rights.is_empty()) {
    message->rights = std::move(outgoing.rights);
    message->rights.take_off();
  }
  return message;
}

Result<> UnixEndpoint::enqueue(UnixMessage*& message, Limit limit) {
  {
    MutexLock lock(inbox_mutex_);
    if (is_dead_) return Errno::ECONNREFUSED;
    if ((shut_ & kShutReceive) != 0) return Errno::EPIPE;
    if (limit == Limit::Obeyed && is_full()) return Errno::EAGAIN;
    inbox_.push_back(*message);
    if (message->is_urgent) urgent_ = message;
    __atomic_store_n(&inbox_count_, inbox_count_ + 1, __ATOMIC_RELEASE);
    message = nullptr;
  }
  return ok();
}

Result<size_t> UnixEndpoint::send_stream(SyscallContext& context, OutgoingMessage& message, Outgoing& outgoing) {
  const bool is_urgent = (message.flags & kMessageOutOfBand) != 0;
  if (is_urgent && message.source.remaining() == 0) return Errno::EOPNOTSUPP;
  if (message.name != nullptr && message.name->size() != 0)
    return state() == UnixState::Connected ? Errno::EISCONN : Errno::EOPNOTSUPP;
  const Ref<UnixEndpoint> peer = this->peer();
  if (!peer) return Errno::ENOTCONN;
  if ((shut() & kShutSend) != 0) return Errno::EPIPE;

  const size_t total = message.source.remaining();
  const size_t ordinary = is_urgent ? total - 1 : total;
  const size_t half = options_.send_buffer / 2 - 64;
  Duration left = wait_time(message.flags, true);
  size_t sent = 0;
  while (sent < ordinary) {
    size_t size = ordinary - sent;
    if (size > half) size = half;
    if (size > kLinearMost + kPagedMost) size = kLinearMost + kPagedMost;
    const size_t paged = paged_part(size, kLinearMost);
    auto room = wait_for_send_room(context, left);
    if (!room.is_ok()) return sent != 0 ? Result<size_t>(sent) : Result<size_t>(room.error());
    auto made = make_message(context, *peer, message.source, size, unix_charge(size - paged, paged), outgoing);
    if (!made.is_ok()) return sent != 0 ? Result<size_t>(sent) : Result<size_t>(made.error());
    UnixMessage* piece = made.take();
    auto queued = peer->enqueue(piece, Limit::Ignored);
    if (!queued.is_ok()) {
      domain().bury(piece);
      return sent != 0 ? Result<size_t>(sent) : Result<size_t>(Errno::EPIPE);
    }
    peer->waiters_.wake(kReadable);
    sent += size;
  }
  if (!is_urgent) return sent;
  auto urgent = send_urgent(context, *peer, message, outgoing);
  if (!urgent.is_ok()) return sent != 0 ? Result<size_t>(sent) : std::move(urgent);
  return sent + 1;
}

// The last byte of a MSG_OOB send travels alone, and the receiver's owner gets SIGURG.
Result<size_t> UnixEndpoint::send_urgent(SyscallContext& context, UnixEndpoint& peer, OutgoingMessage& message,
                                         Outgoing& outgoing) {
  Duration left = wait_time(message.flags, true);
  TRY(wait_for_send_room(context, left));
  UnixMessage* byte = TRY(make_message(context, peer, message.source, 1, unix_charge(1, 0), outgoing));
  byte->is_urgent = true;
  if (!peer.enqueue(byte, Limit::Ignored).is_ok()) {
    domain().bury(byte);
    return Errno::EPIPE;
  }
  {
    MutexLock lock(domain().mutex);
    if (peer.file_ != nullptr) peer.file_->async_owner().send_urgent_signal();
  }
  peer.waiters_.wake(kReadable | kPollPriority);
  return size_t{1};
}

Result<size_t> UnixEndpoint::send_datagram(SyscallContext& context, OutgoingMessage& message, Outgoing& outgoing) {
  const bool is_named = message.name != nullptr && message.name->size() != 0;
  if (is_named) {
    TRY(check_unix_address(*message.name));
    TRY(ensure_name_for_credentials(context));
  }
  Ref<UnixEndpoint> peer;
  if (!is_named) {
    peer = this->peer();
    if (!peer) return Errno::ENOTCONN;
    TRY(ensure_name_for_credentials(context));
  }
  const size_t size = message.source.remaining();
  if (size > options_.send_buffer - 32) return Errno::EMSGSIZE;
  Duration left = wait_time(message.flags, true);
  TRY(wait_for_send_room(context, left));
  // Linux copies the bytes before it looks for the receiver: a bad pointer is reported first.
  const size_t paged = paged_part(size, kLinearMostDatagram);
  UnixMessage* made =
      TRY(make_message(context, peer ? *peer : *this, message.source, size, unix_charge(size - paged, paged), outgoing));
  if (is_named) {
    auto found = find_peer(context, *message.name);
    if (!found.is_ok()) {
      domain().bury(made);
      return found.error();
    }
    peer = found.take();
  }
  auto outcome = deliver_to(context, *peer, made, is_named, left);
  if (outcome.is_ok()) return size;
  domain().bury(made);
  return outcome.error();
}

Result<> UnixEndpoint::deliver_to(SyscallContext& context, UnixEndpoint& peer, UnixMessage*& message, bool is_named,
                                  Duration& left) {
  if (!peer.accepts_from(*this)) return Errno::EPERM;
  const bool is_free = &peer == this || peer.peer().get() == this;
  const WaitPolicy policy{.queue = peer.senders_, .interest = kWritable, .timeout = left, .mode = Waiter::Mode::Exclusive};
  auto outcome = wait_until(
      context, policy, [&] { return peer.enqueue(message, is_free ? Limit::Ignored : Limit::Obeyed); }, &left);
  if (outcome.is_ok()) {
    peer.waiters_.wake(kReadable);
    return outcome;
  }
  if (outcome.is_error(Errno::ECONNREFUSED)) {
    if (socket_type() == kSockSequenced) return Errno::EPIPE;
    // The peer was closed: we are no longer connected, and what it sent us is void.
    const Ref<UnixEndpoint> gone = is_named ? nullptr : forget_peer_if(peer);
    if (gone) lose_datagram_peer(context.entry(), *gone);
  }
  return outcome;
}

}  // namespace lxnet
