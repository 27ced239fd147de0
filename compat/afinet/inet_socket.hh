// InetSocketFile: an AF_INET or AF_INET6 socket as a file: decodes addresses and control messages, blocks, and leaves the
// protocol to the stack's Socket.
#pragma once

#include "compat/afinet/inet_address.hh"
#include "compat/syscalls/socket_file.hh"

namespace lxnet {

// SOCK_DGRAM of ICMP or ICMPv6.
inline bool is_echo_socket(const Socket& socket) {
  constexpr uint8_t kIcmp4 = 1, kIcmp6 = 58;
  return socket.type() == SocketType::Datagram && (socket.protocol() == kIcmp4 || socket.protocol() == kIcmp6);
}

class TcpSocket;

class InetSocketFile final : public SocketFile {
 public:
  static Result<Ref<SocketFile>> create(Ref<Socket> socket, uint16_t family, int type, int protocol);

  Result<> bind(SyscallContext& context, const SockAddr& address) override;
  Result<> connect(SyscallContext& context, const SockAddr& address) override;
  Result<> listen(SyscallContext& context, int backlog) override;
  Result<Ref<SocketFile>> accept(SyscallContext& context) override;
  Result<> name(SyscallContext& context, NameOf which, SockAddr& name) override;
  Result<size_t> send(SyscallContext& context, OutgoingMessage& message) override;
  Result<size_t> receive(SyscallContext& context, IncomingMessage& message) override;
  Result<> shutdown(SyscallContext& context, ShutdownHow how) override;
  Result<> set_option(SyscallContext& context, int level, int name, UserAddress value, int length) override;
  Result<> get_option(SyscallContext& context, int level, int name, UserAddress value, UserAddress length) override;
  Result<int64_t> ioctl(SyscallContext& context, uint32_t command, UserAddress argument) override;
  PollEvents poll(Entry& entry) override;

  WaitQueue& wait_queue() override { return socket_->wait_queue(); }
  SocketOptionSet& options() override { return socket_->options; }
  Socket* internet_socket() override { return socket_.get(); }
  Errno take_error() override { return socket_->take_error(); }
  void keep_error(Errno error) override { socket_->replace_error(error); }
  bool is_listening() override;
  uint64_t cookie() override { return socket_->cookie(); }

  Socket& socket() const { return *socket_; }
  // IPV6_ADDRFORM.
  void set_family(uint16_t family) { become_family(family); }
  bool is_v6() const { return socket_->family() == IpFamily::V6; }
  bool is_stream() const { return socket_->type() == SocketType::Stream; }
  TcpSocket& stream() const;  // where is_stream()

 private:
  InetSocketFile(Ref<Socket> socket, uint16_t family, int type, int protocol)
      : SocketFile(socket->stack(), family, type, protocol), socket_(std::move(socket)) {}
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  ~InetSocketFile() override = default;

  void released(Entry& entry) override;
  void dispose_self() override { dispose(hal(), this); }

  Duration send_timeout(uint32_t flags) const;
  Duration receive_timeout(uint32_t flags) const;
  Result<size_t> send_request(SyscallContext& context, SendRequest& request);
  Result<size_t> send_stream(SyscallContext& context, SendRequest& request);
  Result<size_t> receive_stream(SyscallContext& context, ReceiveRequest& request);
  void name_sender(const ReceiveRequest& request, IncomingMessage& message) const;
  Result<size_t> receive_nothing(SyscallContext& context, ReceiveRequest& request);

  Ref<Socket> socket_;
};

// The sockets this family can make; inet_family.cc.
Result<> register_inet_families(class CompatState& state);

// sendmsg()'s name as the protocol reads it (inet_destination.cc). has_destination false: use the connected peer.
struct Destination {
  bool has_destination = false;
  Endpoint endpoint;
};
Result<Endpoint> decode_bind_address(const Socket& socket, const SockAddr& address);
Result<Endpoint> decode_connect_address(const Socket& socket, const SockAddr& address);
Result<Destination> decode_destination(const Socket& socket, const SockAddr& address);

// IPv6 extension headers that control messages asked for.
class ExtensionChain {
 public:
  ByteSpan hop_by_hop, before_routing, destination;
  // Chains them into control.options, which refers to this object from then on. ENOBUFS.
  Result<> assemble(const Hal& hal, SendControl& control);

 private:
  HeapArray<uint8_t> bytes_;
};

// Control messages: sendmsg()'s to SendControl (control_in.cc), what was received to recvmsg()'s (control_out.cc).
Result<> decode_control(SyscallContext& context, Socket& socket, ControlReader& reader, SendRequest& request,
                        ExtensionChain& extensions);
// IPV6_2292PKTOPTIONS: the same messages as what every packet is to have.
Result<> decode_packet_options(SyscallContext& context, Socket& socket, ControlReader& reader, ExtensionChain& extensions);
void encode_control(InetSocketFile& file, const ReceiveRequest& request, ControlWriter& writer);

}  // namespace lxnet
