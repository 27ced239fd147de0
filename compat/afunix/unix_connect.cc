// listen, connect and accept, and the peers of datagram sockets.
#include "compat/afunix/unix_endpoint.hh"

namespace lxnet {
namespace {

constexpr PollEvents kWritable = kPollOut | kPollWriteNormal | kPollWriteBand;
constexpr PollEvents kReadable = kPollIn | kPollReadNormal;

}  // namespace

Ref<UnixEndpoint> UnixEndpoint::peer() {
  MutexLock lock(inbox_mutex_);
  return peer_;
}

// Under the domain's mutex: the relay leaves with the peer. Returns the one there was.
Ref<UnixEndpoint> UnixEndpoint::set_peer(Ref<UnixEndpoint> peer) {
  leave_relay();
  MutexLock lock(inbox_mutex_);
  std::swap(peer_, peer);
  return peer;
}

Result<> UnixEndpoint::listen(int backlog) {
  if (!is_connection_based()) return Errno::EOPNOTSUPP;
  if (address() == nullptr) return Errno::EINVAL;
  Ref<UnixIdentity> identity = TRY(UnixIdentity::of_current_task(hal()));
  bool grew = false;
  {
    MutexLock lock(domain().mutex);
    if (state() == UnixState::Connected) return Errno::EINVAL;
    grew = static_cast<uint32_t>(backlog) > backlog_;
    __atomic_store_n(&backlog_, static_cast<uint32_t>(backlog), __ATOMIC_RELAXED);
    set_state(UnixState::Listening);
    std::swap(peer_identity_, identity);
  }
  if (grew) senders_.wake_all(kWritable);
  return ok();
}

Result<> UnixEndpoint::connect(SyscallContext& context, const SockAddr& address, Blocking blocking) {
  return is_connection_based() ? connect_stream(context, address, blocking) : connect_datagram(context, address);
}

// What a connection is made of, before it is known whether there will be one.
struct UnixEndpoint::Connecting {
  Ref<UnixIdentity> identity;
  Ref<UnixEndpoint> child;
  UnixMessage* announcement = nullptr;

  explicit Connecting(const Hal& hal) : hal_(hal) {}
  ~Connecting() {
    if (announcement != nullptr) UnixMessage::destroy(hal_, announcement);
  }
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;

 private:
  const Hal& hal_;
};

// Whoever had to wait looks the name up again: it may mean another socket by then, or none.
Result<> UnixEndpoint::connect_stream(SyscallContext& context, const SockAddr& address, Blocking blocking) {
  TRY(check_unix_address(address));
  TRY(ensure_name_for_credentials(context));
  Connecting connecting(hal());
  connecting.identity = TRY(UnixIdentity::of_current_task(hal()));
  connecting.child = TRY(create(stack(), socket_type(), connecting.identity->credentials().euid));
  connecting.announcement = TRY(UnixMessage::create_empty(hal()));
  Duration left = blocking == Blocking::No ? Duration() : options_->send_timeout;
  for (;;) {
    const Ref<UnixEndpoint> listener = TRY(find_peer(context, address));
    const WaitPolicy policy{.queue = listener->senders_, .interest = kWritable, .timeout = left, .mode = Waiter::Mode::Exclusive};
    bool is_another = false;
    TRY(wait_until(
        context, policy,
        [&]() -> Result<> {
          auto found = find_peer(context, address);
          if (!found.is_ok()) return found.error();
          is_another = !(found.take() == listener);
          if (is_another) return ok();
          return try_connect(*listener, connecting);
        },
        &left));
    if (!is_another) return ok();
  }
}

// As Linux's security_unix_stream_connect() and security_unix_may_send(): paths and sockets without a name are everybody's, and
// so is whom a datagram socket is connected to already.
bool UnixEndpoint::may_reach(const UnixEndpoint& other) {
  const UnixAddress* name = other.address();
  if (!hal().has_confinement() || name == nullptr || !name->is_abstract()) return true;
  if (!is_connection_based() && peer().get() == &other) return true;
  return other.maker_.is_reached_by_current_task();
}

// What may be passed is all that a connection has of its listener's options.
Result<> UnixEndpoint::inherit_options(const UnixEndpoint& listener) {
  for (const auto member : {&SocketOptions::pass_credentials, &SocketOptions::pass_pidfd, &SocketOptions::pass_rights})
    TRY(options_.set(hal(), member, listener.options_->*member));
  return ok();
}

// EAGAIN: the listener's queue is full.
Result<> UnixEndpoint::try_connect(UnixEndpoint& listener, Connecting& connecting) {
  const bool is_in_reach = may_reach(listener);
  {
    MutexLock lock(domain().mutex);
    if (listener.state() != UnixState::Listening || (listener.shut() & kShutReceive) != 0) return Errno::ECONNREFUSED;
    if (listener.is_full()) return Errno::EAGAIN;
    if (state() != UnixState::Closed) return state() == UnixState::Connected ? Errno::EISCONN : Errno::EINVAL;
    if (!is_in_reach) return Errno::EPERM;
    UnixEndpoint& child = *connecting.child;
    TRY(child.inherit_options(listener));
    child.set_address(listener.address_);
    static_cast<void>(child.set_peer(Ref<UnixEndpoint>::share(*this)));
    child.peer_identity_ = connecting.identity;
    child.set_state(UnixState::Connected);
    child.listener_ = &listener;
    peer_identity_ = listener.peer_identity_;
    static_cast<void>(set_peer(connecting.child));
    set_state(UnixState::Connected);
    connecting.announcement->embryo = std::move(connecting.child);
    MutexLock inbox_lock(listener.inbox_mutex_);
    listener.inbox_.push_back(*connecting.announcement);
    connecting.announcement = nullptr;
    __atomic_store_n(&listener.inbox_count_, listener.inbox_count_ + 1, __ATOMIC_RELEASE);
  }
  listener.waiters_.wake(kReadable | kPollPriority | kPollReadBand);
  return ok();
}

Result<Ref<UnixEndpoint>> UnixEndpoint::accept(SyscallContext& context, Blocking blocking) {
  if (!is_connection_based()) return Errno::EOPNOTSUPP;
  if (state() != UnixState::Listening) return Errno::EINVAL;
  const WaitPolicy policy{.queue = waiters_,
                          .interest = kReadable | kPollHangUp,
                          .timeout = blocking == Blocking::No ? Duration() : options_->receive_timeout,
                          .mode = Waiter::Mode::Exclusive};
  UnixMessage* announcement = TRY(wait_until(context, policy, [&]() -> Result<UnixMessage*> {
    if (const Errno error = take_error(); error != Errno{}) return error;
    MutexLock lock(inbox_mutex_);
    UnixMessage* message = inbox_.take_front();
    // Who does not want to wait is not told of a shutdown.
    if (message == nullptr && policy.timeout <= Duration()) return Errno::EAGAIN;
    if (message == nullptr) return (shut_ & kShutReceive) != 0 ? Errno::EINVAL : Errno::EAGAIN;
    __atomic_store_n(&inbox_count_, inbox_count_ - 1, __ATOMIC_RELEASE);
    return message;
  }));
  Ref<UnixEndpoint> child = std::move(announcement->embryo);
  UnixMessage::destroy(hal(), announcement);
  {
    MutexLock lock(domain().mutex);
    child->listener_ = nullptr;
    domain().note_accepted(*this);
  }
  senders_.wake(kWritable);
  return child;
}

bool UnixEndpoint::talks_to(const UnixEndpoint& other) {
  MutexLock lock(inbox_mutex_);
  return talks_to_locked(other);
}

// AF_UNSPEC takes the peer away.
Result<> UnixEndpoint::connect_datagram(SyscallContext& context, const SockAddr& address) {
  if (address.size() < sizeof(uint16_t)) return Errno::EINVAL;
  Ref<UnixEndpoint> next;
  bool is_in_reach = true;
  if (address.family() != kFamilyUnspecified) {
    TRY(check_unix_address(address));
    TRY(ensure_name_for_credentials(context));
    next = TRY(find_peer(context, address));
    is_in_reach = may_reach(*next);
  }
  Ref<UnixEndpoint> old;
  {
    MutexLock lock(domain().mutex);
    if (!is_in_reach || (next && next->peer_ && next->peer_.get() != this)) return Errno::EPERM;
    old = set_peer(next);
    if (next) {
      set_state(UnixState::Connected);
      next->set_state(UnixState::Connected);
    } else if (old) {
      set_state(UnixState::Closed);
    }
  }
  if (!old) return ok();
  waiters_.wake(kWritable);
  if (old == next) return ok();
  lose_datagram_peer(context.entry(), *old);
  MutexLock lock(domain().mutex);
  if (!old->peer_) old->set_state(UnixState::Closed);
  return ok();
}

// unix_dgram_disconnected(): what came from the old peer is void, and if it was connected to us it hears of it.
void UnixEndpoint::lose_datagram_peer(Entry& entry, UnixEndpoint& old_peer) {
  if (__atomic_load_n(&inbox_count_, __ATOMIC_ACQUIRE) == 0) return;
  {
    TaskMutexLock reader(reader_, entry);  // one may be peeked at
    drop_unread(entry);
  }
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
  set_state(UnixState::Closed);
  return set_peer(nullptr);
}

}  // namespace lxnet
