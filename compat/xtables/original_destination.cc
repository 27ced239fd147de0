// As getorigdst() and ipv6_getorigdst(): the connection is looked for by what the socket sends, in whichever direction that is.
#include "compat/xtables/original_destination.hh"

#include "compat/afinet/option_rows.hh"
#include "stack/conntrack/connection_tracker.hh"
#include "stack/stack.hh"
#include "stack/wire/ip_protocol.hh"

namespace lxnet {
namespace {

struct SockaddrIn {
  uint16_t family;
  Be16 port;
  Ipv4Address address;
  uint8_t zero[8];
};
static_assert(sizeof(SockaddrIn) == 16);

struct SockaddrIn6 {
  uint16_t family;
  Be16 port;
  Be32 flow;
  Ipv6Address address;
  uint32_t scope;
};
static_assert(sizeof(SockaddrIn6) == 28);

constexpr uint16_t kAfInet = 2, kAfInet6 = 10;

// What the socket sends, as far as it is connected.
FlowTuple tuple_of(Entry& entry, Socket& socket, IpFamily family) {
  FlowTuple tuple;
  tuple.family = family;
  tuple.protocol = static_cast<uint8_t>(IpProtocol::Tcp);
  tuple.source = tuple.destination = IpAddress::any(family);
  if (auto named = socket.local_name(entry); named.is_ok()) {
    const Endpoint own = named.take();
    tuple.source = own.address;
    tuple.source_part.set(own.port);
  }
  if (auto named = socket.remote_name(entry); named.is_ok()) {
    const Endpoint peer = named.take();
    tuple.destination = peer.address;
    tuple.destination_part.set(peer.port);
  }
  return tuple;
}

std::optional<FlowTuple> find_original(Entry& entry, const FlowTuple& tuple) {
  ConnectionTracker* tracker = entry.stack().connections().tracker();
  if (tracker == nullptr) return std::nullopt;
  MutexLock lock(entry.stack().hooks().mutex());
  const Connection::Side* side = tracker->table().find(tuple, entry.now());
  if (side == nullptr) return std::nullopt;
  return side->connection->tuple(kOriginal);
}

}  // namespace

Result<> get_original_destination(const OptionOutput& output, IpFamily family) {
  SyscallContext& context = output.context;
  Socket& socket = socket_of(output.socket);
  if (socket.type() != SocketType::Stream) return Errno::ENOPROTOOPT;
  const bool is_v4 = family == IpFamily::V4;
  // A negative length is a long one to Linux's IPv4, and only to it.
  if (!is_v4 && output.length < 0) return Errno::EINVAL;
  if (static_cast<size_t>(output.length) < (is_v4 ? sizeof(SockaddrIn) : sizeof(SockaddrIn6))) return Errno::EINVAL;
  const auto original = find_original(context.entry(), tuple_of(context.entry(), socket, family));
  if (!original) return Errno::ENOENT;
  if (is_v4) {
    const SockaddrIn name{
        .family = kAfInet, .port = original->destination_part, .address = original->destination.v4(), .zero = {}};
    TRY(write_user(context.hal(), output.value, name));
  } else {
    const Ipv6Address& address = original->destination.v6();
    const SockaddrIn6 name{.family = kAfInet6,
                           .port = original->destination_part,
                           .flow = Be32(),
                           .address = address,
                           .scope = address.needs_scope_id() ? socket.options.bound_interface : 0};
    TRY(write_user(context.hal(), output.value, name));
  }
  return write_user(context.hal(), output.length_address, output.length);
}

}  // namespace lxnet
