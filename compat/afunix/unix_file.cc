// AF_UNIX sockets as files, and the family's registration.
#include "compat/afunix/unix_file.hh"

#include "compat/afunix/unix_collect.hh"
#include "compat/afunix/unix_report.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {

Ref<SocketFile> UnixSocket::wrap(Reservation<UnixSocket> room, Ref<UnixEndpoint> endpoint) {
  return Ref<SocketFile>::adopt(new (room.take()) UnixSocket(std::move(endpoint)));
}

Result<int> UnixSocket::check_kind(int type, int protocol) {
  if (protocol != 0 && protocol != kFamilyUnix) return Errno::EPROTONOSUPPORT;
  if (type == kSockRaw) type = kSockDatagram;  // what BSD meant by it
  if (type != kSockStream && type != kSockDatagram && type != kSockSequenced) return Errno::ESOCKTNOSUPPORT;
  return type;
}

Result<Ref<SocketFile>> UnixSocket::create(SyscallContext& context, int type, int protocol) {
  type = TRY(check_kind(type, protocol));
  lxnet_credentials own{};
  context.hal().credentials(own);
  auto room = TRY(Reservation<UnixSocket>::create(context.hal()));
  return wrap(std::move(room), TRY(UnixEndpoint::create(context.stack(), type, own.euid)));
}

Result<> UnixSocket::create_pair(SyscallContext& context, int type, int protocol, Ref<SocketFile> (&pair)[2]) {
  type = TRY(check_kind(type, protocol));
  const Ref<UnixIdentity> identity = TRY(UnixIdentity::of_current_task(context.hal()));
  for (Ref<SocketFile>& end : pair) {
    auto room = TRY(Reservation<UnixSocket>::create(context.hal()));
    end = wrap(std::move(room), TRY(UnixEndpoint::create_alone(context.stack(), type, identity->credentials().euid)));
  }
  UnixEndpoint::join(static_cast<UnixSocket&>(*pair[0]).endpoint(), static_cast<UnixSocket&>(*pair[1]).endpoint(), identity);
  return ok();
}

UnixSocket* UnixSocket::from(File& file) {
  if (file.kind() != FileKind::Socket) return nullptr;
  auto& socket = static_cast<SocketFile&>(file);
  return socket.address_family() == kFamilyUnix ? static_cast<UnixSocket*>(&socket) : nullptr;
}

Result<Ref<SocketFile>> UnixSocket::accept(SyscallContext& context) {
  // First, so that want of memory costs no connection.
  auto room = TRY(Reservation<UnixSocket>::create(context.hal()));
  return wrap(std::move(room), TRY(endpoint_->accept(context, blocking())));
}

Result<size_t> UnixSocket::send(SyscallContext& context, OutgoingMessage& message) {
  auto sent = endpoint_->send(context, message);
  if (sent.is_error(Errno::EAGAIN)) note_no_room();
  return sent;
}

// unix_poll() does not say that it found no room, unix_dgram_poll() does.
PollEvents UnixSocket::poll(Entry&) {
  const PollEvents events = endpoint_->poll();
  if (socket_type() != kSockStream && (events & kPollOut) == 0) note_no_room();
  return events;
}

void UnixSocket::released(Entry& entry) {
  endpoint_->close(entry);
  collect_unreachable_sockets(UnixDomain::of(stack()));
}

}  // namespace lxnet

extern "C" int lxnet_enable_afunix(lxnet_stack* c_stack) {
  using namespace lxnet;
  Stack& stack = *reinterpret_cast<Stack*>(c_stack);
  CompatState& state = CompatState::of(stack);
  UnixDomain* domain = construct<UnixDomain>(stack.hal(), stack);
  if (domain == nullptr) return -static_cast<int>(Errno::ENOMEM);
  auto added = state.add_family({.number = kFamilyUnix, .create = &UnixSocket::create, .create_pair = &UnixSocket::create_pair});
  if (!added.is_ok()) {
    dispose(stack.hal(), domain);
    return -static_cast<int>(added.error());
  }
  state.unix_domain = domain;
  state.destroy_unix_domain = [](const Hal& hal, void* object) { dispose(hal, static_cast<UnixDomain*>(object)); };
  state.report_unix_sockets = [](void* object, CompatState::VisitUnixReport visit, void* context) {
    UnixReports::for_each(*static_cast<UnixDomain*>(object), [&](const UnixReport& report) { visit(context, report); });
  };
  return 0;
}
