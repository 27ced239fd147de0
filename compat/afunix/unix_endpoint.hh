// UnixEndpoint: an AF_UNIX socket of type stream, datagram or sequenced packet, without its file (unix_file.hh).
//
// The file's counts say when it is closed; the endpoint's say when its memory goes. A peer may hold a closed endpoint on:
// getpeername() still knows its name.
//
// Locks. The domain's mutex guards names, states and peers: all that changes who talks to whom. A socket's inbox has a mutex of
// its own, which is all that sending and receiving touch. reader_ keeps two readers of one stream apart while user memory is
// copied, and a datagram in its place while it is peeked at.
#pragma once

#include "compat/afunix/unix_confinement.hh"
#include "compat/afunix/unix_message.hh"
#include "compat/syscalls/control_message.hh"
#include "compat/syscalls/socket_file.hh"
#include "compat/syscalls/task_mutex.hh"
#include "compat/syscalls/wait_until.hh"

namespace lxnet {

enum class UnixState : uint8_t { Closed, Listening, Connected };

enum class Blocking : uint8_t { No, Yes };

class UnixEndpoint final : public RefCounted<UnixEndpoint> {
 public:
  // ENOMEM.
  static Result<Ref<UnixEndpoint>> create(Stack& stack, int type, uint32_t uid);
  // For join().
  static Result<Ref<UnixEndpoint>> create_alone(Stack& stack, int type, uint32_t uid);
  // Its messages may outlive the last reference.
  static void destroy(UnixEndpoint* endpoint) { endpoint->drop_charge(1); }
  // socketpair(): each is the other's peer.
  static void join(UnixEndpoint& first, UnixEndpoint& second, const Ref<UnixIdentity>& identity);

  Result<> bind(SyscallContext& context, const SockAddr& address);
  Result<> connect(SyscallContext& context, const SockAddr& address, Blocking blocking);
  Result<> listen(int backlog);
  Result<Ref<UnixEndpoint>> accept(SyscallContext& context, Blocking blocking);
  Result<> name(SocketFile::NameOf which, SockAddr& name);
  Result<size_t> send(SyscallContext& context, OutgoingMessage& message);
  Result<size_t> receive(SyscallContext& context, IncomingMessage& message);
  void shutdown(ShutdownHow how);
  Result<int64_t> ioctl(SyscallContext& context, uint32_t command, UserAddress argument);
  PollEvents poll();
  // The last descriptor is gone.
  void close(Entry& entry);

  // Whose owner hears of urgent data; null once it is closed.
  void set_file(File* file) { __atomic_store_n(&file_, file, __ATOMIC_RELEASE); }
  Stack& stack() const { return stack_; }
  const Hal& hal() const { return stack_.hal(); }
  int socket_type() const { return type_; }
  WaitQueue& wait_queue() { return waiters_; }
  SocketOptionSet& options() { return options_; }
  SocketAttachments& attachments() { return attachments_; }
  MemoryUse memory_use() const;
  Errno take_error() { return has_error() ? static_cast<Errno>(__atomic_exchange_n(&error_, 0u, __ATOMIC_ACQ_REL)) : Errno{}; }
  void set_error(Errno error) { __atomic_store_n(&error_, static_cast<uint32_t>(error), __ATOMIC_RELEASE); }
  bool is_listening() const { return state() == UnixState::Listening; }
  uint64_t cookie();
  bool peer_credentials(lxnet_credentials& out);
  Result<int> open_peer_process();
  // For the graph of sockets in flight, under the domain's mutex: its place there, who holds what is sent to it (the listener
  // while it is not accepted), and how many counts its file has.
  UnixVertex& vertex() { return vertex_; }
  const UnixVertex& vertex() const { return vertex_; }
  UnixEndpoint& holder() { return listener_ != nullptr ? *listener_ : *this; }
  uint32_t file_references() const { return file() == nullptr ? 0 : file()->reference_count(); }
  // A message of this sender is made, or gone. What is charged keeps the endpoint's memory.
  void charge(uint32_t amount) { __atomic_fetch_add(&send_memory_, size_t{amount}, __ATOMIC_RELAXED); }
  void uncharge(uint32_t amount);

 private:
  friend class UnixDomain;
  friend class UnixCollection;
  friend class UnixReports;
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  using MessageList = List<UnixMessage, &UnixMessage::queue_link>;
  enum : uint8_t { kShutReceive = 1, kShutSend = 2, kShutBoth = 3 };

  // Connected datagram sockets hear of their peer's room through this: a relay from its queue of senders to ours, there from the
  // first time that somebody was told there is no room. It tells once after each.
  struct PeerRelay : Waiter {
    explicit PeerRelay(UnixEndpoint& socket) : Waiter(&relay, kPollOut, Mode::Shared), owner(socket) {}
    static bool relay(Waiter& waiter, PollEvents events);
    UnixEndpoint& owner;
    UnixEndpoint* joined = nullptr;  // whose queue it is on; under the domain's mutex
    uint32_t is_armed = 0;           // atomic
  };

  UnixEndpoint(Stack& stack, int type, uint32_t uid);
  ~UnixEndpoint();

  // Null before it is accepted and after it was closed; it stays while the domain's mutex is held.
  File* file() const { return __atomic_load_n(&file_, __ATOMIC_ACQUIRE); }
  UnixDomain& domain() { return UnixDomain::of(stack()); }
  bool is_stream() const { return socket_type() == kSockStream; }
  bool is_connection_based() const { return socket_type() != kSockDatagram; }
  UnixState state() const { return static_cast<UnixState>(__atomic_load_n(&state_, __ATOMIC_ACQUIRE)); }
  void set_state(UnixState state) { __atomic_store_n(&state_, static_cast<uint8_t>(state), __ATOMIC_RELEASE); }
  uint8_t shut() const { return __atomic_load_n(&shut_, __ATOMIC_ACQUIRE); }
  bool has_error() const { return __atomic_load_n(&error_, __ATOMIC_ACQUIRE) != 0; }
  Duration wait_time(uint32_t flags, bool is_send) const;

  // unix_names.cc
  Result<> bind_automatically(SyscallContext& context);
  Result<> bind_path(SyscallContext& context, const SockAddr& address);
  Result<> take_node_name(Ref<UnixAddress> address, const uint64_t (&node)[2]);
  Result<> bind_abstract(SyscallContext& context, const SockAddr& address);
  Result<Ref<UnixEndpoint>> find_peer(SyscallContext& context, const SockAddr& address);
  Result<> ensure_name_for_credentials(SyscallContext& context);
  bool wants_credentials() const { return options_->pass_credentials || options_->pass_pidfd; }
  // What it has once it is bound, for good.
  const UnixAddress* address() const { return __atomic_load_n(&name_, __ATOMIC_ACQUIRE); }
  void set_address(Ref<UnixAddress> address);

  // unix_connect.cc
  Result<> connect_stream(SyscallContext& context, const SockAddr& address, Blocking blocking);
  struct Connecting;
  Result<> inherit_options(const UnixEndpoint& listener);
  Result<> try_connect(UnixEndpoint& listener, Connecting& connecting);
  Result<> connect_datagram(SyscallContext& context, const SockAddr& address);
  void leave_relay() {
    if (relay_.joined != nullptr) std::exchange(relay_.joined, nullptr)->senders_.remove(relay_);
  }
  Ref<UnixEndpoint> set_peer(Ref<UnixEndpoint> peer);
  bool has_room_at_peer();
  Ref<UnixEndpoint> peer();
  Ref<UnixEndpoint> forget_peer_if(const UnixEndpoint& gone);
  // Whether the current task may connect or send to what it found by a name. No lock is held.
  bool may_reach(const UnixEndpoint& other);
  // unix_may_send().
  bool accepts_from_locked(const UnixEndpoint& sender) const REQUIRES(inbox_mutex_) { return !peer_ || peer_.get() == &sender; }
  // unix_peer(other) == this, or it is the socket itself: such a sender is never held up.
  bool talks_to_locked(const UnixEndpoint& other) const REQUIRES(inbox_mutex_) { return this == &other || peer_.get() == &other; }
  bool talks_to(const UnixEndpoint& other);
  void lose_datagram_peer(Entry& entry, UnixEndpoint& old_peer);
  void hang_up(bool is_reset, uint8_t sides);
  void drop_unread(Entry& entry);

  // unix_send.cc
  struct Outgoing;
  Result<> read_control(SyscallContext& context, OutgoingMessage& message, Outgoing& outgoing);
  Result<> read_credentials(SyscallContext& context, const UnixCredentials& named, Outgoing& outgoing);
  Result<size_t> send_stream(SyscallContext& context, OutgoingMessage& message, Outgoing& outgoing);
  Result<size_t> send_piece(SyscallContext& context, UnixEndpoint& peer, OutgoingMessage& message, Outgoing& outgoing,
                            size_t size);
  Result<> send_urgent(SyscallContext& context, UnixEndpoint& peer, OutgoingMessage& message, Outgoing& outgoing);
  Result<size_t> send_datagram(SyscallContext& context, OutgoingMessage& message, Outgoing& outgoing);
  Result<Ref<UnixEndpoint>> receiver_of(SyscallContext& context, const OutgoingMessage& message);
  Result<> wait_for_send_room(SyscallContext& context, uint32_t flags);
  Result<UnixMessage*> make_message(IoSource& source, size_t size, uint32_t cost, Outgoing& outgoing);
  void add_credentials(SyscallContext& context, UnixMessage& message, const UnixEndpoint& peer);
  Result<> deliver_to(SyscallContext& context, UnixEndpoint& peer, UnixMessage*& message, const OutgoingMessage& outgoing);
  enum class Urgency : uint8_t { Ordinary, Urgent };
  // Takes the message, unless the socket talks to another (EPERM), is gone (ECONNREFUSED), receives no more (EPIPE), takes no
  // descriptors (EPERM) or has enough (EAGAIN).
  Result<> enqueue(UnixMessage*& message, Urgency urgency = Urgency::Ordinary);
  Result<> enqueue_locked(UnixMessage*& message, Urgency urgency) REQUIRES(inbox_mutex_);
  Result<> check_taken_locked(const UnixMessage& message) REQUIRES(inbox_mutex_);
  Result<> refuse(const UnixMessage& message);

  // unix_receive.cc
  struct Incoming;
  int32_t peek_offset() const { return __atomic_load_n(&options_->peek_offset, __ATOMIC_RELAXED); }
  void move_peek_offset(int64_t by);
  void take_rights(UnixMessage& message, Incoming& incoming);
  void write_control(IncomingMessage& message, Incoming& incoming);
  void write_unread(IncomingMessage& message);
  void write_process(ControlWriter& writer, const Incoming& incoming);
  Result<size_t> receive_datagram(SyscallContext& context, IncomingMessage& message);
  Result<size_t> peek_datagram(SyscallContext& context, IncomingMessage& message, Incoming& incoming);
  Result<size_t> take_datagram(SyscallContext& context, IncomingMessage& message, Incoming& incoming);
  Result<size_t> read_datagram(UnixMessage* found, size_t skip, IncomingMessage& message, Incoming& incoming);
  static void note_sender(const UnixMessage& from, IncomingMessage& message);
  UnixMessage* next_datagram(bool is_peek, size_t& skip) REQUIRES(inbox_mutex_);

  // unix_receive_stream.cc
  Result<size_t> receive_stream(SyscallContext& context, IncomingMessage& message);
  Result<> read_stream(SyscallContext& context, IncomingMessage& message, Incoming& incoming, size_t target);
  enum class AfterPiece : uint8_t { Stop, GoOn };
  AfterPiece take_piece(UnixMessage& piece, size_t skip, IncomingMessage& message, Incoming& incoming);
  Result<size_t> receive_bytes(SyscallContext& context, IncomingMessage& message, Incoming& incoming);
  UnixMessage* past_urgent(UnixMessage& message, Incoming& incoming);
  UnixMessage* first_message(Incoming& incoming) REQUIRES(reader_);
  void unlink_message(UnixMessage& message) REQUIRES(inbox_mutex_);
  UnixMessage* urgent() const { return __atomic_load_n(&urgent_, __ATOMIC_RELAXED); }
  void set_urgent(UnixMessage* message) REQUIRES(inbox_mutex_) { __atomic_store_n(&urgent_, message, __ATOMIC_RELAXED); }
  uint32_t inbox_count() const { return __atomic_load_n(&inbox_count_, __ATOMIC_ACQUIRE); }
  UnixMessage* message_after(UnixMessage& message);
  Result<size_t> receive_urgent(SyscallContext& context, IncomingMessage& message);
  void remove_message(UnixMessage* message);
  void pass_over(UnixMessage* message, Incoming& incoming);
  bool is_at_mark();
  Result<int> readable_bytes();
  Result<int64_t> open_node(SyscallContext& context);
  bool is_full() const { return __atomic_load_n(&inbox_count_, __ATOMIC_ACQUIRE) > __atomic_load_n(&backlog_, __ATOMIC_RELAXED); }
  bool is_writable() const { return (send_memory() + 1) * 4 <= options_.send_buffer && state() != UnixState::Listening; }
  size_t send_memory() const { return __atomic_load_n(&send_memory_, __ATOMIC_SEQ_CST) - 1; }
  void drop_charge(size_t amount) {
    if (__atomic_sub_fetch(&send_memory_, amount, __ATOMIC_ACQ_REL) == 0) dispose(hal(), this);
  }

  Stack& stack_;
  const int type_;
  SocketOptionSet options_;
  SocketAttachments attachments_;  // a filter alone
  WaitQueue waiters_;
  WaitQueue senders_;  // who waits for room here: blocked connects and sends, relays
  uint8_t state_ = 0;
  uint8_t shut_ = 0;        // written under inbox_mutex_
  uint32_t error_ = 0;      // an Errno; four bytes, because not every machine exchanges two
  uint32_t backlog_;        // of listen(), or the number of datagrams held
  size_t send_memory_ = 1;  // and one for as long as there are references, as in Linux
  uint64_t cookie_ = 0;
  const uint32_t uid_;  // whose file it is
  const UnixConfinement maker_;

  // Under the domain's mutex. The peer changes under both mutexes and is read under either.
  Ref<UnixEndpoint> peer_;
  Ref<UnixAddress> address_;
  const UnixAddress* name_ = nullptr;  // the same, for who reads without the mutex
  File* file_ = nullptr;
  UnixDomain::NameLink name_link_;
  UnixDomain::OpenLink open_link_;
  UnixVertex vertex_;
  UnixEndpoint* listener_ = nullptr;  // while this connection waits to be accepted
  Ref<UnixIdentity> peer_identity_;   // of a listener its own, for who connects to it
  PeerRelay relay_;

  Mutex inbox_mutex_;
  MessageList inbox_ GUARDED_BY(inbox_mutex_);
  UnixMessage* urgent_ = nullptr;  // atomic: the newest out-of-band byte, in the inbox; written under inbox_mutex_
  bool is_dead_ GUARDED_BY(inbox_mutex_) = false;
  uint32_t inbox_count_ = 0;  // written under inbox_mutex_
  int32_t unread_bytes_ = 0;  // of a stream, as SIOCINQ and SO_INQ tell; written under inbox_mutex_
  TaskMutex reader_;
};

}  // namespace lxnet
