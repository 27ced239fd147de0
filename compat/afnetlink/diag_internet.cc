// inet_diag: what net/ipv4/inet_diag.c and its kin of TCP, UDP and raw sockets do with a request: dumps, one socket, its end. Not
// given: sockets of TCP that are bound and nothing else, which Linux lists for who asks for state 13.
#include "compat/afnetlink/diag_internet.hh"

#include "compat/afnetlink/diag_filter.hh"
#include "compat/afnetlink/sock_diag.hh"
#include "compat/syscalls/sockaddr.hh"
#include "stack/datagram/datagram_socket.hh"
#include "stack/stack.hh"
#include "stack/tcp/option_calls.hh"

namespace lxnet {
namespace {

enum : uint16_t { kBytecode = 1, kProtocolWanted = 3 };
constexpr uint32_t kAnyCookie = ~0u;

bool is_served(uint32_t protocol) {
  return protocol == kDiagTcp || protocol == kDiagUdp || protocol == kDiagUdpLite || protocol == kDiagRaw;
}

uint8_t protocol_of(DemuxSpace space) {
  switch (space) {
    case DemuxSpace::Tcp:
      return kDiagTcp;
    case DemuxSpace::Udp:
      return kDiagUdp;
    case DemuxSpace::UdpLite:
      return kDiagUdpLite;
    case DemuxSpace::Icmp4:
    case DemuxSpace::Icmp6:
      return 0;  // ping sockets are not listed
    default:
      return kDiagRaw;
  }
}

IpAddress address_of(const uint8_t (&bytes)[16], bool is_v6) {
  if (!is_v6) return Ipv4Address(bytes[0], bytes[1], bytes[2], bytes[3]);
  Ipv6Address address;
  copy_bytes(mutable_bytes_of(address), ByteSpan(bytes));
  return address;
}

class InternetDiag {
 public:
  InternetDiag(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output, const InternetDiagRequest& asked)
      : context_(context), type_(request.header.type), writer_(context.hal(), output, request), asked_(asked) {}

  Result<> dump(ByteSpan filter) {
    // Listeners have a table of their own on Linux, which comes first.
    if (asked_.protocol == kDiagTcp) TRY(dump_part(Part::Listeners, filter));
    TRY(dump_part(asked_.protocol == kDiagTcp ? Part::Others : Part::All, filter));
    return writer_.finish_dump();
  }

  Result<> tell_one() {
    const Flow found = TRY(find());
    SocketCursor cursor(context_.stack().sockets());
    DemuxDescription seen;
    while (Flow flow = cursor.next(&seen)) {
      if (!is_same(flow, found)) continue;
      TRY(write_diag(context_, writer_, type_, 0, asked_.extensions, examine_for_diag(context_, std::move(flow), seen)));
      return writer_.flush();
    }
    return Errno::ENOENT;  // gone meanwhile
  }

  // SOCK_DESTROY.
  Result<> end_one() {
    const Flow found = TRY(find());
    if (!context_.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
    if (!found.socket) {
      found.mini->end(context_.entry());
      return ok();
    }
    if (asked_.protocol == kDiagTcp) return TcpOptionCalls::abort(context_.entry(), static_cast<TcpSocket&>(*found.socket));
    return static_cast<DatagramSocket&>(*found.socket).abort(context_.entry());
  }

 private:
  enum class Part : uint8_t { All, Listeners, Others };

  static bool is_same(const Flow& a, const Flow& b) { return a.socket.get() == b.socket.get() && a.mini.get() == b.mini.get(); }

  Result<> dump_part(Part part, ByteSpan filter) {
    SocketCursor cursor(context_.stack().sockets());
    DemuxDescription seen;
    while (Flow flow = cursor.next(&seen)) {
      if (protocol_of(seen.space) != asked_.protocol || !is_of_family(seen.family)) continue;
      if (!is_port_asked_for(asked_.id.local_port.get(), seen.local_port)) continue;
      if (!is_port_asked_for(asked_.id.remote_port.get(), seen.remote_port)) continue;
      const DiagFinding finding = examine_for_diag(context_, std::move(flow), seen);
      const bool is_listening = finding.message.state == kDiagListening;
      if (part != Part::All && (part == Part::Listeners) != is_listening) continue;
      // raw_diag looks at no states.
      if (asked_.protocol != kDiagRaw && (asked_.states >> finding.message.state & 1) == 0) continue;
      if (!filter.empty() && !diag_filter_accepts(filter, subject_of(finding))) continue;
      TRY(write_diag(context_, writer_, type_, kNetlinkMulti, asked_.extensions, finding));
    }
    return ok();
  }

  bool is_of_family(IpFamily family) const {
    return asked_.family == 0 || (asked_.family == kFamilyInet6) == (family == IpFamily::V6);
  }
  static bool is_port_asked_for(uint16_t asked, uint16_t port) { return asked == 0 || asked == port; }

  static DiagSubject subject_of(const DiagFinding& finding) {
    return {.family = finding.message.family,
            .local_port = finding.seen.local_port,
            .remote_port = finding.seen.remote_port,
            .local = ByteSpan(finding.message.id.local),
            .remote = ByteSpan(finding.message.id.remote),
            .interface = finding.message.id.interface,
            .mark = finding.mark,
            .is_port_bound = finding.flow.socket && finding.told.is_port_bound};
  }

  Result<Flow> find() {
    switch (asked_.protocol) {
      case kDiagTcp:
        return find_tcp();
      case kDiagRaw:
        return find_raw();
      default:
        return find_datagram();
    }
  }

  // As a packet from the remote end would: what listens there is found too.
  Result<Flow> find_tcp() {
    const PacketTuple packet = tuple_of(DemuxSpace::Tcp, asked_.id);
    SocketSet& sockets = context_.stack().sockets();
    Flow flow = sockets.find_flow(packet);
    if (!flow) flow.socket = sockets.find_listener(packet);
    if (!flow || !is_findable(flow, packet) || !has_cookie(flow)) return Errno::ENOENT;
    return flow;
  }

  // udp_dump_one() takes the source for the packet's, and so for the peer's; udp_diag_destroy() takes it for the socket's own.
  Result<Flow> find_datagram() {
    DiagSocketId id = asked_.id;
    if (type_ != kDiagDestroy) {
      std::swap(id.local_port, id.remote_port);
      std::swap(id.local, id.remote);
    }
    const PacketTuple packet = tuple_of(asked_.protocol == kDiagUdp ? DemuxSpace::Udp : DemuxSpace::UdpLite, id);
    Flow flow;
    flow.socket = context_.stack().sockets().find_datagram(packet).share();
    if (!flow || !is_findable(flow, packet)) return Errno::ENOENT;
    if (!has_cookie(flow)) return type_ == kDiagDestroy ? Errno::ENOENT : Errno::ESTALE;
    return flow;
  }

  // Not by its cookie.
  Result<Flow> find_raw() {
    const PacketTuple packet = tuple_of(is_v6() ? DemuxSpace::Raw6 : DemuxSpace::Raw4, asked_.id);
    SocketCursor cursor(context_.stack().sockets());
    DemuxDescription seen;
    while (Flow flow = cursor.next(&seen)) {
      if (seen.space != packet.space || seen.local_port != asked_.raw_protocol) continue;
      if (!seen.remote.is_unspecified() && seen.remote != packet.remote) continue;
      if (!seen.local.is_unspecified() && seen.local != packet.local) continue;
      const uint32_t bound = flow.socket->options.bound_interface;
      if (bound == 0 || bound == packet.interface_index) return flow;
    }
    return Errno::ENOENT;
  }

  bool is_v6() const { return asked_.family == kFamilyInet6; }

  PacketTuple tuple_of(DemuxSpace space, const DiagSocketId& id) const {
    return {.space = space,
            .local = address_of(id.local, is_v6()),
            .remote = address_of(id.remote, is_v6()),
            .local_port = id.local_port.get(),
            .remote_port = id.remote_port.get(),
            .interface_index = id.interface};
  }

  // A request of AF_INET6 finds sockets of AF_INET only where both of its addresses are IPv4's, and not where UDP is asked about.
  bool is_findable(const Flow& flow, const PacketTuple& packet) const {
    if (!is_v6() || !flow.socket || flow.socket->family() == IpFamily::V6) return true;
    const bool asks_for_v4 = packet.local.is_v4() && packet.remote.is_v4();
    return asks_for_v4 && (asked_.protocol == kDiagTcp || type_ == kDiagDestroy);
  }

  bool has_cookie(const Flow& flow) const {
    const uint32_t(&asked)[2] = asked_.id.cookie;
    if (asked[0] == kAnyCookie && asked[1] == kAnyCookie) return true;
    const uint64_t cookie = diag_cookie(flow);
    return asked[0] == static_cast<uint32_t>(cookie) && asked[1] == static_cast<uint32_t>(cookie >> 32);
  }

  SyscallContext& context_;
  const uint16_t type_;
  NetlinkWriter writer_;
  const InternetDiagRequest asked_;
};

// What one dumps of a protocol that nobody serves is found out when the dump is under way.
Result<> end_empty_dump(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output) {
  return NetlinkWriter(context.hal(), output, request).finish_dump(Errno::ENOENT);
}

Result<> answer(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output, InternetDiagRequest& asked,
                ByteSpan rest) {
  const NetlinkAttributes attributes(rest);
  uint32_t protocol = asked.protocol;
  if (const auto wanted = attributes.find(kProtocolWanted)) {
    if (wanted->size() != sizeof protocol) return Errno::EINVAL;
    copy_bytes(mutable_bytes_of(protocol), *wanted);
  }
  const bool is_dump = request.header.type != kDiagDestroy && request.is_dump();
  const auto filter = is_dump ? attributes.find(kBytecode) : std::nullopt;
  if (filter) TRY(check_diag_filter(*filter, context.hal().capable(LXNET_CAP_NET_ADMIN)));
  if (!is_served(protocol)) return is_dump ? end_empty_dump(context, request, output) : Result<>(Errno::ENOENT);
  asked.protocol = static_cast<uint8_t>(protocol);
  InternetDiag diag(context, request, output, asked);
  if (is_dump) return diag.dump(filter.value_or(ByteSpan()));
  return request.header.type == kDiagDestroy ? diag.end_one() : diag.tell_one();
}

}  // namespace

Result<> diag_internet(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output) {
  InternetDiagRequest asked{};
  if (request.payload.size() < sizeof asked) return Errno::EINVAL;
  copy_bytes(mutable_bytes_of(asked), request.payload);
  return answer(context, request, output, asked, request.payload.subspan(sizeof asked));
}

// TCPDIAG_GETSOCK, from before there were others: a dump is of both families.
Result<> diag_tcp_of_old(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output) {
  struct {
    uint8_t family, source_length, destination_length, extensions;
    DiagSocketId id;
    uint32_t states, tables;
  } old{};
  static_assert(sizeof old == 60);
  if (request.payload.size() < sizeof old) return Errno::EINVAL;
  copy_bytes(mutable_bytes_of(old), request.payload);
  InternetDiagRequest asked{.family = request.is_dump() ? uint8_t{0} : old.family,
                            .protocol = kDiagTcp,
                            .extensions = old.extensions,
                            .raw_protocol = 0,
                            .states = old.states,
                            .id = old.id};
  if (!request.is_dump() && asked.family != kFamilyInet && asked.family != kFamilyInet6) return Errno::EINVAL;
  return answer(context, request, output, asked, request.payload.subspan(sizeof old));
}

}  // namespace lxnet
