// NetlinkSocket: a socket of AF_NETLINK. What is sent to port 0 is for us: requests, answered into the socket's own queue before
// the send returns.
//
// Multicast groups are heard, and sent to by us and by administrators. Not served: messages between programs (a port that nobody
// has refuses them, one that somebody has is told EPERM, as who may not send).
#pragma once

#include "compat/afnetlink/netlink_domain.hh"
#include "compat/syscalls/socket_file.hh"
#include "compat/syscalls/task_mutex.hh"
#include "compat/syscalls/wait_until.hh"

namespace lxnet {

class NetlinkSocket final : public SocketFile, private NetlinkOutput, private NetlinkPeer {
 public:
  static Result<Ref<SocketFile>> create(SyscallContext& context, int type, int protocol);

  Result<> bind(SyscallContext& context, const SockAddr& address) override;
  Result<> connect(SyscallContext& context, const SockAddr& address) override;
  Result<> listen(SyscallContext&, int) override { return Errno::EOPNOTSUPP; }
  Result<Ref<SocketFile>> accept(SyscallContext&) override { return Errno::EOPNOTSUPP; }
  Result<> name(SyscallContext& context, NameOf which, SockAddr& name) override;
  Result<size_t> send(SyscallContext& context, OutgoingMessage& message) override;
  Result<size_t> receive(SyscallContext& context, IncomingMessage& message) override;
  Result<> shutdown(SyscallContext&, ShutdownHow) override { return Errno::EOPNOTSUPP; }
  Result<> set_option(SyscallContext& context, int level, int name, UserAddress value, int length) override;
  Result<> get_option(SyscallContext& context, int level, int name, UserAddress value, UserAddress length) override;
  Result<int64_t> ioctl(SyscallContext& context, uint32_t command, UserAddress argument) override;
  PollEvents poll(Entry& entry) override;
  WaitQueue& wait_queue() override { return waiters_; }
  SocketOptionSet& options() override { return options_; }
  SocketAttachments* attachments() override { return &attachments_; }
  void keep_error(Errno error) override { __atomic_store_n(&error_, static_cast<uint32_t>(error), __ATOMIC_RELEASE); }
  Errno take_error() override { return static_cast<Errno>(__atomic_exchange_n(&error_, 0u, __ATOMIC_ACQ_REL)); }
  uint64_t cookie() override;
  // A message to a group the socket joined. Past the receive buffer it is lost, and the next call told ENOBUFS.
  void hear(uint32_t group, ByteSpan datagram, uint32_t from_port);
  // Something was lost.
  void overrun();

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  NetlinkSocket(Stack& stack, int type, const NetlinkProtocol& protocol);
  ~NetlinkSocket() override = default;
  void released(Entry& entry) override;
  void dispose_self() override { dispose(hal(), this); }

  bool is_bound() const { return __atomic_load_n(&is_bound_, __ATOMIC_ACQUIRE) != 0; }
  Result<> bind_automatically(SyscallContext& context);
  Result<> handle(SyscallContext& context, ByteSpan bytes);
  // Whether its end answers it.
  Result<bool> handle_one(SyscallContext& context, const NetlinkRequest& request);
  // NetlinkPeer
  uint32_t port() const override { return port_.number; }
  void answer(ByteSpan datagram) override;
  void acknowledge(ByteSpan message, Errno error, const NetlinkComplaint& complaint) override;
  Result<> start_dump(SyscallContext& context, NetlinkDump* dump, const NetlinkHeader& request) override;
  bool begin_dump(SyscallContext& context) override;
  // One part more. False: it was the last.
  bool continue_dump(SyscallContext& context) REQUIRES(dump_mutex_);
  void end_dump() REQUIRES(dump_mutex_);
  void read_on(SyscallContext& context, size_t room);
  // An answer: one that the socket's filter throws away is lost without a word.
  Result<> queue(ByteSpan datagram) override {
    const ByteSpan kept = filter(datagram);
    return kept.empty() ? ok() : queue(kept, 0, 0);
  }
  ByteSpan filter(ByteSpan datagram) const;
  Result<> queue(ByteSpan datagram, uint32_t group, uint32_t from_port);
  bool is_full();
  Result<> change_membership(uint32_t group, bool joins);
  Result<size_t> take(IncomingMessage& message, uint32_t& from_group);
  bool* find_flag(int name);

  const NetlinkProtocol& protocol_;
  SocketOptionSet options_;
  SocketAttachments attachments_;  // a filter alone
  WaitQueue waiters_;
  NetlinkDomain::Port port_;
  uint8_t is_bound_ = 0;
  uint32_t error_ = 0;
  uint64_t cookie_ = 0;
  uint32_t destination_port_ = 0, destination_groups_ = 0;
  // SOL_NETLINK
  bool packet_info_ = false, broadcast_error_ = false, no_buffer_errors_ = false, caps_errors_ = false, extended_errors_ = false,
       strict_checks_ = false, all_namespaces_ = false;
  bool has_groups_ = false;  // it asked for some once: NETLINK_LIST_MEMBERSHIPS tells none before

  TaskMutex dump_mutex_;
  NetlinkDump* dump_ GUARDED_BY(dump_mutex_) = nullptr;
  NetlinkHeader dump_request_ GUARDED_BY(dump_mutex_){};
  uint8_t is_dumping_ = 0;
  uint32_t largest_read_ = 0;  // what a part of a dump may be as long as

  Mutex inbox_mutex_;
  List<NetlinkDatagram, &NetlinkDatagram::link> inbox_ GUARDED_BY(inbox_mutex_);
  size_t inbox_bytes_ GUARDED_BY(inbox_mutex_) = 0;
};

}  // namespace lxnet
