// Addresses, connecting and accepting of Internet sockets. Sending and receiving stand in inet_io.cc.
#include "compat/afinet/inet_socket.hh"

#include "compat/afinet/anycast_members.hh"
#include "compat/afinet/confined_port.hh"
#include "compat/afinet/flow_labels.hh"
#include "compat/syscalls/wait_until.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

Result<Ref<SocketFile>> InetSocketFile::create(Ref<Socket> socket, uint16_t family, int type, int protocol) {
  const Hal& hal = socket->stack().hal();
  auto file = construct<InetSocketFile>(hal, std::move(socket), family, type, protocol);
  if (file == nullptr) return Errno::ENOBUFS;
  return Ref<SocketFile>::adopt(file);
}

TcpSocket& InetSocketFile::stream() const { return static_cast<TcpSocket&>(*socket_); }

Result<> InetSocketFile::bind(SyscallContext& context, const SockAddr& address) {
  TRY(check_confined_port(context, *this, address, LXNET_PORT_BIND));
  return socket_->bind(context.entry(), TRY(decode_bind_address(*socket_, address)));
}

void InetSocketFile::released(Entry& entry) {
  if (FlowLabels* labels = is_v6() ? FlowLabels::find(stack()) : nullptr) labels->give_back_all(entry, *socket_);
  if (AnycastMembers* members = is_v6() ? AnycastMembers::find(stack()) : nullptr) members->leave_all(entry, *socket_);
  socket_->close(entry);
}

Result<> InetSocketFile::connect(SyscallContext& context, const SockAddr& address) {
  if (address.size() < sizeof(uint16_t)) return Errno::EINVAL;
  TRY(check_confined_port(context, *this, address, LXNET_PORT_CONNECT));
  Entry& entry = context.entry();
  if (address.family() == kFamilyUnspecified) return socket_->disconnect(entry);
  auto endpoint = decode_connect_address(*socket_, address);
  if (!endpoint.is_ok()) {
    auto by_state = socket_->connect_by_state(entry);
    if (by_state.is_ok()) return by_state.take() ? ok() : Result<>(endpoint.error());
    if (!by_state.is_error(Errno::EALREADY)) return by_state.error();
  }
  const Endpoint remote = endpoint.is_ok() ? endpoint.take() : Endpoint{};
  if (is_v6()) {
    if (socket_->ip_options->flow_info_send) TRY(check_flow_label(entry, *socket_, flow_info_of(address)));
    const uint32_t flow_info = socket_->ip_options->flow_info_send ? flow_info_of(address) & 0x0fff'ffff : 0;
    TRY(socket_->ip_options.set(context.hal(), &IpSocketOptions::flow_info, flow_info));
    socket_->options_changed();
  }
  auto first = socket_->connect(entry, remote, 0);
  if (first.is_ok() || !(first.is_error(Errno::EINPROGRESS) || first.is_error(Errno::EALREADY)) || is_nonblocking()) return first;

  // Asking again while it is under way gives EALREADY, and once it is decided the outcome.
  const WaitPolicy policy{
      .queue = wait_queue(), .interest = kPollOut | kPollError | kPollHangUp | kPollIn, .timeout = send_timeout(0)};
  const uint8_t disconnects = stream().disconnects();
  auto outcome = wait_until(context, policy, [&]() -> Result<> {
    if (stream().disconnects() != disconnects) return Errno::EPIPE;
    auto result = socket_->connect(entry, remote, 0);
    return result.is_error(Errno::EALREADY) || result.is_error(Errno::EINPROGRESS) ? Result<>(Errno::EAGAIN) : std::move(result);
  });
  // SO_SNDTIMEO ran out: the attempt goes on in the background.
  return outcome.is_error(Errno::EAGAIN) ? Result<>(Errno::EINPROGRESS) : std::move(outcome);
}

Result<> InetSocketFile::listen(SyscallContext& context, int backlog) { return socket_->listen(context.entry(), backlog); }

Result<Ref<SocketFile>> InetSocketFile::accept(SyscallContext& context) {
  const WaitPolicy policy{.queue = wait_queue(),
                          .interest = kPollIn | kPollError | kPollHangUp,
                          .timeout = receive_timeout(is_nonblocking() ? uint32_t{kMessageDontWait} : 0),
                          .mode = Waiter::Mode::Exclusive};
  // First, so that want of memory costs no connection.
  auto room = Reservation<InetSocketFile>::create(context.hal());
  if (!room.is_ok()) return Errno::ENOBUFS;
  Ref<Socket> child = TRY(wait_until(context, policy, [&] { return socket_->accept(context.entry()); }));
  void* block = room.take().take();
  return Ref<SocketFile>::adopt(new (block) InetSocketFile(std::move(child), address_family(), socket_type(), socket_protocol()));
}

Result<> InetSocketFile::name(SyscallContext& context, NameOf which, SockAddr& name) {
  auto endpoint = which == NameOf::Self                      ? socket_->local_name(context.entry())
                  : which == NameOf::LastPeer && is_stream() ? stream().last_remote_name(context.entry())
                                                             : socket_->remote_name(context.entry());
  fill_sockaddr(name, TRY(std::move(endpoint)), socket_->family());
  if (which != NameOf::Self && is_v6() && socket_->ip_options->flow_info_send) {
    auto user = name.as<UserInet6Address>();
    user.flow_info.set(socket_->ip_options->flow_info);
    name.set(user);
  }
  return ok();
}

Result<> InetSocketFile::shutdown(SyscallContext& context, ShutdownHow how) { return socket_->shutdown(context.entry(), how); }

PollEvents InetSocketFile::poll(Entry& entry) {
  const PollEvents events = socket_->poll(entry);
  if (!is_stream() && (events & kPollOut) == 0) note_no_room();
  return events;
}

Duration InetSocketFile::send_timeout(uint32_t flags) const {
  return (flags & kMessageDontWait) != 0 ? Duration() : socket_->options->send_timeout;
}

Duration InetSocketFile::receive_timeout(uint32_t flags) const {
  return (flags & kMessageDontWait) != 0 ? Duration() : socket_->options->receive_timeout;
}

}  // namespace lxnet
