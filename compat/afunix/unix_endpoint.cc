// The life of an AF_UNIX socket: made, polled, shut down, closed.
#include "compat/afunix/unix_endpoint.hh"

#include "compat/afinet/interface_ioctl.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {
namespace {

constexpr uint32_t kDatagramBacklog = 10;  // net.unix.max_dgram_qlen
constexpr PollEvents kReadable = kPollIn | kPollReadNormal;
constexpr PollEvents kWritable = kPollOut | kPollWriteNormal | kPollWriteBand;
constexpr uint32_t kBytesReadable = 0x541b, kBytesUnsent = 0x5411, kAtMark = 0x8905, kFile = 0x89e0;
// SIOCGSTAMP and its kin: AF_UNIX has no such call, and the argument is not looked at.
constexpr uint32_t kStampMicros = 0x8906, kStampNanos = 0x8907, kStampMicrosNew = 0x80108906, kStampNanosNew = 0x80108907;

}  // namespace

UnixEndpoint::UnixEndpoint(Stack& stack, int type, uint32_t uid)
    : stack_(stack),
      type_(type),
      waiters_(stack.hal()),
      senders_(stack.hal(), LockRank::PeerWaiters),
      backlog_(kDatagramBacklog),
      uid_(uid),
      maker_(stack.hal()),
      vertex_(*this),
      relay_(*this),
      inbox_mutex_(stack.hal(), LockRank::ErrorQueue),
      reader_(stack.hal(), LockRank::EpollSet) {
  const TunableValues& tunables = stack.tunables().values();
  options_.send_buffer = static_cast<uint32_t>(tunables.wmem_default);
  options_.receive_buffer = static_cast<uint32_t>(tunables.rmem_default);
  name_link_.socket = this;
  open_link_.socket = this;
}

// Only a connection that did not come about is still in the list of all.
UnixEndpoint::~UnixEndpoint() {
  if (!open_link_.link.is_linked()) return;
  MutexLock lock(domain().mutex);
  domain().remove_open(*this);
}

Result<Ref<UnixEndpoint>> UnixEndpoint::create_alone(Stack& stack, int type, uint32_t uid) {
  UnixEndpoint* endpoint = construct<UnixEndpoint>(stack.hal(), stack, type, uid);
  if (endpoint == nullptr) return Errno::ENOMEM;
  return Ref<UnixEndpoint>::adopt(endpoint);
}

Result<Ref<UnixEndpoint>> UnixEndpoint::create(Stack& stack, int type, uint32_t uid) {
  Ref<UnixEndpoint> endpoint = TRY(create_alone(stack, type, uid));
  UnixDomain& domain = UnixDomain::of(stack);
  MutexLock lock(domain.mutex);
  domain.add_open(*endpoint);
  return endpoint;
}

void UnixEndpoint::join(UnixEndpoint& first, UnixEndpoint& second, const Ref<UnixIdentity>& identity) {
  first.peer_ = Ref<UnixEndpoint>::share(second);
  second.peer_ = Ref<UnixEndpoint>::share(first);
  for (UnixEndpoint* end : {&first, &second}) {
    end->peer_identity_ = identity;
    end->set_state(UnixState::Connected);
  }
  UnixDomain& domain = first.domain();
  MutexLock lock(domain.mutex);
  domain.add_open(first);
  domain.add_open(second);
}

uint64_t UnixEndpoint::cookie() {
  if (cookie_ == 0) cookie_ = stack().sockets().next_cookie();
  return cookie_;
}

bool UnixEndpoint::peer_credentials(lxnet_credentials& out) {
  MutexLock lock(domain().mutex);
  if (!peer_identity_) return false;
  out = peer_identity_->credentials();
  return true;
}

Result<int> UnixEndpoint::open_peer_process() {
  Ref<UnixIdentity> identity;
  {
    MutexLock lock(domain().mutex);
    identity = peer_identity_;
  }
  if (!identity) return Errno::ENODATA;
  if (!UnixProcess::is_offered(hal())) return Errno::ENOPROTOOPT;
  return identity->process().open();
}

MemoryUse UnixEndpoint::memory_use() const {
  return {.receive_limit = options_.receive_buffer,
          .send_held = static_cast<uint32_t>(send_memory()),
          .send_limit = options_.send_buffer};
}

PollEvents UnixEndpoint::poll() {
  PollEvents events = 0;
  const uint8_t shut = this->shut();
  // unix_dgram_poll() alone knows SO_SELECT_ERR_QUEUE.
  if (has_error()) events |= kPollError | (options_->select_error_queue && !is_stream() ? kPollPriority : 0);
  if (shut == kShutBoth) events |= kPollHangUp;
  if ((shut & kShutReceive) != 0) events |= kPollReadHangUp | kReadable;
  if (__atomic_load_n(&inbox_count_, __ATOMIC_ACQUIRE) != 0) events |= kReadable;
  if (is_connection_based() && state() == UnixState::Closed) events |= kPollHangUp;
  if (is_stream()) {
    MutexLock lock(inbox_mutex_);
    if (urgent() != nullptr) events |= kPollPriority;
  }
  bool can_send = is_writable();
  if (can_send && socket_type() == kSockDatagram) can_send = has_room_at_peer();
  return can_send ? events | kWritable : events;
}

// A connected datagram socket waits for its peer's room too, unless the peer talks only to it. From a "no" on it wants to hear.
bool UnixEndpoint::has_room_at_peer() {
  const Ref<UnixEndpoint> peer = this->peer();
  if (!peer || peer->talks_to(*this) || !peer->is_full()) return true;
  __atomic_store_n(&relay_.is_armed, 1u, __ATOMIC_SEQ_CST);
  {
    MutexLock lock(domain().mutex);
    if (relay_.joined == nullptr && peer_ == peer) {
      peer->senders_.add(relay_);
      relay_.joined = peer.get();
    }
  }
  return !peer->is_full();
}

bool UnixEndpoint::PeerRelay::relay(Waiter& waiter, PollEvents) {
  auto& self = static_cast<PeerRelay&>(waiter);
  if (__atomic_exchange_n(&self.is_armed, 0u, __ATOMIC_SEQ_CST) != 0) self.owner.waiters_.wake(kWritable);
  return false;
}

void UnixEndpoint::shutdown(ShutdownHow how) {
  const uint8_t sides = how == ShutdownHow::Read ? kShutReceive : how == ShutdownHow::Write ? kShutSend : kShutBoth;
  const Ref<UnixEndpoint> peer = this->peer();
  // `told`: which SIGIO is sent.
  const auto shut_sides = [](UnixEndpoint& socket, uint8_t which, PollEvents told) {
    {
      MutexLock lock(socket.inbox_mutex_);
      __atomic_store_n(&socket.shut_, static_cast<uint8_t>(socket.shut_ | which), __ATOMIC_RELEASE);
    }
    socket.waiters_.wake_all(kPollKeyless | told);
    socket.senders_.wake_all(kWritable);
  };
  shut_sides(*this, sides, 0);
  if (!peer || !is_connection_based()) return;
  // What we no longer send the peer no longer receives, and the other way round.
  const auto mirrored =
      static_cast<uint8_t>(((sides & kShutReceive) != 0 ? kShutSend : 0) | ((sides & kShutSend) != 0 ? kShutReceive : 0));
  shut_sides(*peer, mirrored, mirrored == kShutBoth ? kPollHangUp : (mirrored & kShutReceive) != 0 ? kPollIn : 0);
}

void UnixEndpoint::close(Entry& entry) {
  UnixDomain& domain = this->domain();
  Ref<UnixEndpoint> peer;
  bool had_unread = false, is_empty = false;
  {
    MutexLock domain_lock(domain.mutex);
    domain.remove(*this);
    domain.remove_open(*this);
    set_file(nullptr);
    set_state(UnixState::Closed);
    listener_ = nullptr;
    leave_relay();
    MutexLock lock(inbox_mutex_);
    peer = std::move(peer_);
    is_dead_ = true;
    __atomic_store_n(&shut_, uint8_t{kShutBoth}, __ATOMIC_RELEASE);
    // An urgent byte that was read is no message any more, and only the first can be one.
    UnixMessage* first = inbox_.front();
    is_empty = first == nullptr;
    if (first != nullptr && is_connection_based() && first->unread() == 0) first = inbox_.next(*first);
    had_unread = first != nullptr;
    set_urgent(nullptr);
  }
  senders_.wake_all(kWritable | kPollError | kPollHangUp);
  if (peer && is_connection_based()) peer->hang_up(had_unread, kShutBoth);
  if (!is_empty) drop_unread(entry);  // and nothing comes any more
}

// The other end is gone: reads give what is queued and then the end, or ECONNRESET if it left our bytes unread.
void UnixEndpoint::hang_up(bool is_reset, uint8_t sides) {
  {
    MutexLock lock(inbox_mutex_);
    if (is_dead_) return;
    __atomic_store_n(&shut_, static_cast<uint8_t>(shut_ | sides), __ATOMIC_RELEASE);
  }
  if (is_reset) set_error(Errno::ECONNRESET);
  waiters_.wake_all(kPollKeyless | kPollHangUp);
  senders_.wake_all(kWritable);
}

void UnixEndpoint::drop_unread(Entry& entry) {
  for (;;) {
    UnixMessage* message = nullptr;
    {
      MutexLock lock(inbox_mutex_);
      message = inbox_.take_front();
      if (message == nullptr) return;
      if (urgent() == message) set_urgent(nullptr);
      __atomic_store_n(&inbox_count_, inbox_count_ - 1, __ATOMIC_RELEASE);
    }
    // A connection nobody accepted: the client sees a reset.
    if (message->embryo) {
      const Ref<UnixEndpoint> client = message->embryo->peer();
      if (client) client->hang_up(true, kShutBoth);
      message->embryo->close(entry);
    }
    domain().bury(message);
  }
}

void UnixEndpoint::uncharge(uint32_t amount) {
  // The last byte keeps the endpoint until its waiters know.
  __atomic_fetch_sub(&send_memory_, size_t{amount} - 1, __ATOMIC_SEQ_CST);
  if (is_writable()) waiters_.wake_after_exchange(kWritable);
  drop_charge(1);
}

Result<int64_t> UnixEndpoint::ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  int answer = 0;
  switch (command) {
    case kBytesUnsent:
      answer = static_cast<int>(send_memory());
      break;
    case kBytesReadable:
      answer = TRY(readable_bytes());
      break;
    case kAtMark:
      if (!is_stream()) return Errno::EOPNOTSUPP;
      answer = is_at_mark() ? 1 : 0;
      break;
    case kFile:
      return open_node(context);
    case kStampMicros:
    case kStampNanos:
    case kStampMicrosNew:
    case kStampNanosNew:
      return Errno::ENOTTY;
    default:
      // Interfaces can be asked about through any socket; their addresses are AF_INET's.
      return device_ioctl(context, command, argument);
  }
  TRY(write_user(context.hal(), argument, answer));
  return 0;
}

// A descriptor of the path's node, also where the path is gone by now.
Result<int64_t> UnixEndpoint::open_node(SyscallContext& context) {
  if (!context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  const UnixAddress* name = address();
  if (name == nullptr || name->is_abstract()) return Errno::ENOENT;
  if (name->node() == nullptr) return Errno::ENOSYS;  // the host's to open, if it can
  const int fd = context.hal().table().foreign_install_fd(context.hal().context(), name->node(), kOpenCloseOnExec);
  if (fd < 0) return static_cast<Errno>(-fd);
  return fd;
}

// Of a stream or of sequenced packets all bytes, else the next message.
Result<int> UnixEndpoint::readable_bytes() {
  if (state() == UnixState::Listening) return Errno::EINVAL;
  MutexLock lock(inbox_mutex_);
  if (is_stream()) return int{unread_bytes_};
  size_t size = 0;
  for (UnixMessage& message : inbox_) {
    size += message.unread();
    if (socket_type() == kSockDatagram) break;
  }
  return static_cast<int>(size);
}

}  // namespace lxnet
