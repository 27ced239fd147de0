// socket(AF_INET) and socket(AF_INET6): which type and protocol make which socket, and the errno for those that make none.
#include "compat/afinet/inet_socket.hh"
#include "compat/syscalls/compat_state.hh"
#include "stack/socket_factories.hh"

namespace lxnet {
namespace {

constexpr int kProtocolLimit = 263;  // IPPROTO_MAX
constexpr int kAny = 0;              // IPPROTO_IP

using Create = Result<Ref<Socket>> (*)(Entry& entry, IpFamily family, uint16_t protocol);

Result<Ref<Socket>> create_tcp(Entry& entry, IpFamily family, uint16_t) { return create_tcp_socket(entry, family); }
Result<Ref<Socket>> create_udp(Entry& entry, IpFamily family, uint16_t protocol) {
  return create_udp_socket(entry, family, static_cast<uint8_t>(protocol));
}
Result<Ref<Socket>> create_ping(Entry& entry, IpFamily family, uint16_t) { return create_ping_socket(entry, family); }

// Linux's inetsw_array and its IPv6 twin: rows of a type in order; the first that fits is taken.
struct ProtocolRow {
  int type;
  int protocol_v4, protocol_v6;
  Create create;
};
constexpr ProtocolRow kProtocols[] = {
    {kSockStream, 6, 6, &create_tcp},     {kSockDatagram, 17, 17, &create_udp},       {kSockDatagram, 136, 136, &create_udp},
    {kSockDatagram, 1, 58, &create_ping}, {kSockRaw, kAny, kAny, &create_raw_socket},
};

// The rule of inet_create(): protocol 0 takes the type's first row, and the raw row takes every protocol but 0.
Result<const ProtocolRow*> find_protocol(IpFamily family, int type, int protocol) {
  bool has_type = false;
  for (const ProtocolRow& row : kProtocols) {
    if (row.type != type) continue;
    has_type = true;
    const int own = family == IpFamily::V4 ? row.protocol_v4 : row.protocol_v6;
    if (own == kAny ? protocol != kAny : protocol == own || protocol == kAny) return &row;
  }
  return has_type ? Errno::EPROTONOSUPPORT : Errno::ESOCKTNOSUPPORT;
}

Result<Ref<SocketFile>> create_inet(SyscallContext& context, uint16_t number, IpFamily family, int type, int protocol) {
  if (protocol < 0 || protocol >= kProtocolLimit) return Errno::EINVAL;
  const ProtocolRow* row = TRY(find_protocol(family, type, protocol));
  if (type == kSockRaw && !context.hal().capable(LXNET_CAP_NET_RAW)) return Errno::EPERM;
  const int own = family == IpFamily::V4 ? row->protocol_v4 : row->protocol_v6;
  if (own != kAny) protocol = own;
  Ref<Socket> socket = TRY(row->create(context.entry(), family, static_cast<uint16_t>(protocol)));
  auto file = InetSocketFile::create(socket, number, type, protocol);
  // A raw socket is in the tables already, and leaves them only when it is closed.
  if (!file.is_ok()) socket->close(context.entry());
  return file;
}

Result<Ref<SocketFile>> create_v4(SyscallContext& context, int type, int protocol) {
  return create_inet(context, kFamilyInet, IpFamily::V4, type, protocol);
}
Result<Ref<SocketFile>> create_v6(SyscallContext& context, int type, int protocol) {
  return create_inet(context, kFamilyInet6, IpFamily::V6, type, protocol);
}

}  // namespace

Result<> register_inet_families(CompatState& state) {
  TRY(state.add_family({.number = kFamilyInet, .create = &create_v4, .create_pair = nullptr}));
  return state.add_family({.number = kFamilyInet6, .create = &create_v6, .create_pair = nullptr});
}

}  // namespace lxnet
