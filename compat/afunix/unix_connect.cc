// listen, connect and accept, and the peers of datagram sockets.
#include "compat/afunix/unix_endpoint.hh"

namespace lxnet {
namespace {

constexpr PollEvents kWritable = kPollOut | kPollWriteNormal | kPollWriteBand;
constexpr PollEvents kReadable = kPollIn | kPollReadNormal;

}  // namespace

Ref<UnixEndpoint> UnixEndpoint::peer() {
  MutexLock lock(domain().mutex);
  return peer_;
}

// Under the domain's mutex: the relay follows the peer.
void UnixEndpoint::set_peer(Ref<UnixEndpoint> peer) {
  if (relay_.joined != nullptr) relay_.joined->senders_.remove(relay_);
  relay_.joined = nullptr;
  peer_ = std::move(peer);
  if (peer_ && !is_connection_based() && peer_.get() != this) {
    peer_->senders_.add(relay_);
    relay_.joined = peer_.get();
  }
}

void UnixEndpoint::record_credentials() {
  lxnet_credentials credentials{};
  hal().credentials(credentials);
  own_credentials_ = {credentials.tgid, credentials.euid, credentials.egid};
}

Result<> UnixEndpoint::listen(int backlog) {
  if (!is_connection_based()) return Errno::EOPNOTSUPP;
  bool grew = false;
  {
    MutexLock lock(domain().mutex);
    if (!address_) return Errno::EINVAL;
    if (state() == UnixState::Connected) return Errno::EINVAL;
    grew = static_cast<uint32_t>(backlog) > backlog_;
    __atomic_store_n(&backlog_, static_cast<uint32_t>(backlog), __ATOMIC_RELAXED);
    set_state(UnixState::Listening);
    record_credentials();
    peer_credentials_ = own_credentials_;
    has_peer_credentials_ = true;
  }
  if (grew) senders_.wake_all(kWritable);
  return ok();
}

Result<> UnixEndpoint::connect(SyscallContext& context, const SockAddr& address, Blocking blocking) {
  return is_connection_based() ? connect_stream(context, address, blocking) : connect_datagram(context, address);
}

Result<> UnixEndpoint::connect_stream(SyscallContext& context, const SockAddr& address, Blocking blocking) {
  TRY(check_unix_address(address));
  TRY(ensure_name_for_credentials(context));
  Ref<UnixEndpoint> child = TRY(create(stack(), socket_type()));
  const Ref<UnixEndpoint> listener = TRY(find_peer(context, address));
  UnixMessage* announcement = TRY(UnixMessage::create(hal()));
  const WaitPolicy policy{.queue = listener->senders_,
                          .interest = kWritable,
                          .timeout = blocking == Blocking::No ? Duration() : options_.send_timeout,
                          .mode = Waiter::Mode::Exclusive};
  auto outcome = wait_until(context, policy, [&] { return try_connect(*listener, child, announcement); });
  if (announcement != nullptr) dispose(hal(), announcement);
  return outcome;
}

// EAGAIN: the listener's queue is full.
Result<> UnixEndpoint::try_connect(UnixEndpoint& listener, Ref<UnixEndpoint>& child, UnixMessage*& announcement) {
  {
    MutexLock lock(domain().mutex);
    if (listener.state() != UnixState::Listening || (listener.shut() & kShutReceive) != 0) return Errno::ECONNREFUSED;
    if (listener.is_full()) return Errno::EAGAIN;
    if (state() != UnixState::Closed) return state() == UnixState::Connected ? Errno::EISCONN : Errno::EINVAL;
    record_credentials();
    child->address_ = listener.address_;
    child->set_peer(Ref<UnixEndpoint>::share(*this));
    child->peer_credentials_ = own_credentials_;
    child->has_peer_credentials_ = true;
    child->options_.pass_credentials = listener.options_.pass_credentials;
    child->set_state(UnixState::Connected);
    peer_credentials_ = listener.own_credentials_;
    has_peer_credentials_ = true;
    set_peer(child);
    set_state(UnixState::Connected);
    announcement->embryo = child;
    MutexLock inbox_lock(listener.inbox_mutex_);
    listener.inbox_.push_back(*announcement);
    announcement = nullptr;
    __atomic_store_n(&listener.inbox_count_, listener.inbox_count_ + 1, __ATOMIC_RELEASE);
  }
  listener.waiters_.wake(kReadable);
  return ok();
}

Result<Ref<UnixEndpoint>> UnixEndpoint::accept(SyscallContext& context, Blocking blocking) {
  if (!is_connection_based()) return Errno::EOPNOTSUPP;
  if (state() != UnixState::Listening) return Errno::EINVAL;
  const WaitPolicy policy{.queue = waiters_,
                          .interest = kReadable | kPollHangUp,
                          .timeout = blocking == Blocking::No ? Duration() : options_.receive_timeout,
                          .mode = Waiter::Mode::Exclusive};
  UnixMessage* announcement = TRY(wait_until(context, policy, [&]() -> Result<UnixMessage*> {
    MutexLock lock(inbox_mutex_);
    UnixMessage* message = inbox_.take_front();
    if (message == nullptr) return (shut_ & kShutReceive) != 0 ? Errno::EINVAL : Errno::EAGAIN;
    __atomic_store_n(&inbox_count_, inbox_count_ - 1, __ATOMIC_RELEASE);
    return message;
  }));
  Ref<UnixEndpoint> child = std::move(announcement->embryo);
  dispose(hal(), announcement);
  senders_.wake(kWritable);
  return child;
}

bool UnixEndpoint::accepts_from(const UnixEndpoint& sender) {
  MutexLock lock(domain().mutex);
  return !peer_ || peer_.get() == &sender;
}

// AF_UNSPEC takes the peer away.
Result<> UnixEndpoint::connect_datagram(SyscallContext& context, const SockAddr& address) {
  if (address.size() < sizeof(uint16_t)) return Errno::EINVAL;
  Ref<UnixEndpoint> next;
  if (address.family() != kFamilyUnspecified) {
    TRY(check_unix_address(address));
    TRY(ensure_name_for_credentials(context));
    next = TRY(find_peer(context, address));
    if (!next->accepts_from(*this)) return Errno::EPERM;
  }
  Ref<UnixEndpoint> old;
  {
    MutexLock lock(domain().mutex);
    old = peer_;
    set_state(next ? UnixState::Connected : UnixState::Closed);
    if (next) next->set_state(UnixState::Connected);
    set_peer(next);
  }
  waiters_.wake(kWritable);
  if (old && !(old == next)) lose_datagram_peer(context.entry(), *old);
  return ok();
}

// unix_dgram_disconnected(): what came from the old peer is void, and if it was connected to us it hears of it.
void UnixEndpoint::lose_datagram_peer(Entry& entry, UnixEndpoint& old_peer) {
  if (__atomic_load_n(&inbox_count_, __ATOMIC_ACQUIRE) == 0) return;
  drop_unread(entry);
  senders_.wake_all(kWritable);
  if (old_peer.peer().get() == this) {
    old_peer.set_error(Errno::ECONNRESET);
    old_peer.waiters_.wake_all(kPollError | kWritable);
  }
}

// A datagram peer that was closed: the next send says ECONNREFUSED, once.
Ref<UnixEndpoint> UnixEndpoint::forget_peer_if(const UnixEndpoint& gone) {
  MutexLock lock(domain().mutex);
  if (peer_.get() != &gone) return nullptr;
  Ref<UnixEndpoint> old = peer_;
  set_peer(nullptr);
  set_state(UnixState::Closed);
  return old;
}

}  // namespace lxnet
