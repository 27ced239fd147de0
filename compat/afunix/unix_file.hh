// UnixSocket: the file of an AF_UNIX endpoint.
#pragma once

#include "compat/afunix/unix_endpoint.hh"

namespace lxnet {

class UnixSocket final : public SocketFile {
 public:
  static Ref<SocketFile> wrap(Reservation<UnixSocket> room, Ref<UnixEndpoint> endpoint);
  static Result<Ref<SocketFile>> create(SyscallContext& context, int type, int protocol);
  static Result<> create_pair(SyscallContext& context, int type, int protocol, Ref<SocketFile> (&pair)[2]);
  // The type it gets. EPROTONOSUPPORT, ESOCKTNOSUPPORT.
  static Result<int> check_kind(int type, int protocol);
  // Null for a file of another kind.
  static UnixSocket* from(File& file);

  Result<> bind(SyscallContext& context, const SockAddr& address) override { return endpoint_->bind(context, address); }
  Result<> connect(SyscallContext& context, const SockAddr& address) override {
    return endpoint_->connect(context, address, blocking());
  }
  Result<> listen(SyscallContext&, int backlog) override { return endpoint_->listen(backlog); }
  Result<Ref<SocketFile>> accept(SyscallContext& context) override;
  Result<> name(SyscallContext&, NameOf which, SockAddr& name) override { return endpoint_->name(which, name); }
  Result<size_t> send(SyscallContext& context, OutgoingMessage& message) override;
  Result<size_t> receive(SyscallContext& context, IncomingMessage& message) override {
    return endpoint_->receive(context, message);
  }
  bool waits_for_room() const override { return !endpoint_->is_listening(); }
  Result<> shutdown(SyscallContext&, ShutdownHow how) override {
    endpoint_->shutdown(how);
    return ok();
  }
  Result<> set_option(SyscallContext&, int, int, UserAddress, int) override { return Errno::EOPNOTSUPP; }
  Result<> get_option(SyscallContext&, int, int, UserAddress, UserAddress) override { return Errno::EOPNOTSUPP; }
  Result<int64_t> ioctl(SyscallContext& context, uint32_t command, UserAddress argument) override {
    return endpoint_->ioctl(context, command, argument);
  }
  PollEvents poll(Entry&) override;
  WaitQueue& wait_queue() override { return endpoint_->wait_queue(); }
  SocketOptionSet& options() override { return endpoint_->options(); }
  SocketAttachments* attachments() override { return &endpoint_->attachments(); }
  MemoryUse memory_use(SyscallContext&) override { return endpoint_->memory_use(); }
  Errno take_error() override { return endpoint_->take_error(); }
  void keep_error(Errno error) override { endpoint_->set_error(error); }
  bool is_listening() override { return endpoint_->is_listening(); }
  uint64_t cookie() override { return endpoint_->cookie(); }
  bool peer_credentials(lxnet_credentials& out) override { return endpoint_->peer_credentials(out); }
  Result<int> open_peer_process(SyscallContext&) override { return endpoint_->open_peer_process(); }

  UnixEndpoint& endpoint() { return *endpoint_; }

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  explicit UnixSocket(Ref<UnixEndpoint> endpoint)
      : SocketFile(endpoint->stack(), kFamilyUnix, endpoint->socket_type(), 0), endpoint_(std::move(endpoint)) {
    endpoint_->set_file(this);
  }
  ~UnixSocket() override = default;

  void released(Entry& entry) override;
  void dispose_self() override { dispose(hal(), this); }
  Blocking blocking() const { return is_nonblocking() ? Blocking::No : Blocking::Yes; }

  Ref<UnixEndpoint> endpoint_;
};

}  // namespace lxnet
