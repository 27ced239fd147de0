// inet_diag: net/ipv4/inet_diag.c and its kin of UDP and raw sockets. Not given: timers, and attributes other than those below.
#include "compat/afnetlink/diag_filter.hh"
#include "compat/afnetlink/netlink_domain.hh"
#include "compat/afnetlink/sock_diag.hh"
#include "compat/syscalls/sockaddr.hh"
#include "stack/stack.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/option_calls.hh"

namespace lxnet {
namespace {

struct SocketId {
  Be16 local_port, remote_port;
  uint8_t local[16], remote[16];
  uint32_t interface;
  uint32_t cookie[2];
};
struct InternetDiagRequest {
  uint8_t family, protocol, extensions, pad;
  uint32_t states;
  SocketId id;
};
struct InternetDiagMessage {
  uint8_t family, state, timer, retransmissions;
  SocketId id;
  uint32_t expires, receive_queue, send_queue, uid, inode;
};
static_assert(sizeof(SocketId) == 48 && sizeof(InternetDiagRequest) == 56 && sizeof(InternetDiagMessage) == 72);

enum : uint16_t { kMemory = 1, kInfo = 2, kCongestion = 4, kSocketMemory = 7, kShutdown = 8, kV6Only = 11, kBytecode = 1 };
constexpr uint8_t kEstablished = 1, kSynReceived = 3, kTimeWait = 6, kClosed = 7, kListening = 10;
constexpr uint8_t kTcp = 6, kUdp = 17, kUdpLite = 136, kRaw = 255;
constexpr uint32_t kAnyCookie = ~0u;

bool is_served(uint8_t protocol) { return protocol == kTcp || protocol == kUdp || protocol == kUdpLite || protocol == kRaw; }

uint8_t protocol_of(DemuxSpace space) {
  switch (space) {
    case DemuxSpace::Tcp:
      return kTcp;
    case DemuxSpace::Udp:
      return kUdp;
    case DemuxSpace::UdpLite:
      return kUdpLite;
    case DemuxSpace::Icmp4:
    case DemuxSpace::Icmp6:
      return 0;  // ping sockets are not listed
    default:
      return kRaw;
  }
}

void put_address(uint8_t (&to)[16], const IpAddress& address, bool is_v6) {
  memset(to, 0, sizeof to);
  if (is_v6) {
    memcpy(to, &address.v6(), sizeof to);
  } else {
    memcpy(to, reinterpret_cast<const uint8_t*>(&address.v6()) + 12, 4);
  }
}

class InternetDiag {
 public:
  InternetDiag(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output, const InternetDiagRequest& asked,
               ByteSpan filter)
      : context_(context), writer_(context.hal(), output, request), is_dump_(request.is_dump()), asked_(asked), filter_(filter) {}

  Result<> run() {
    SocketCursor cursor(context_.stack().sockets());
    DemuxDescription seen;
    while (Flow flow = cursor.next(&seen)) {
      const bool is_v6 = seen.family == IpFamily::V6;
      if (protocol_of(seen.space) != asked_.protocol || is_v6 != (asked_.family == kFamilyInet6)) continue;
      TRY(add(flow, seen, is_v6));
      if (is_found_ && !is_dump_) return writer_.flush();
    }
    return is_dump_ ? writer_.finish_dump() : Result<>(Errno::ENOENT);
  }

 private:
  Result<> add(const Flow& flow, const DemuxDescription& seen, bool is_v6) {
    InternetDiagMessage message{};
    message.family = is_v6 ? uint8_t{kFamilyInet6} : uint8_t{kFamilyInet};
    message.id.local_port.set(seen.local_port);
    message.id.remote_port.set(seen.remote_port);
    put_address(message.id.local, seen.local, is_v6);
    put_address(message.id.remote, seen.remote, is_v6);
    message.uid = seen.uid;
    TcpInfo info{};
    fill_state(flow, message, info);
    if (is_dump_) {
      if ((asked_.states >> message.state & 1) == 0) return ok();
      if (asked_.id.local_port.get() != 0 && asked_.id.local_port.get() != seen.local_port) return ok();
      if (asked_.id.remote_port.get() != 0 && asked_.id.remote_port.get() != seen.remote_port) return ok();
      if (!filter_.empty() &&
          !diag_filter_accepts(filter_, DiagSubject{message.family, seen.local_port, seen.remote_port, ByteSpan(message.id.local),
                                                    ByteSpan(message.id.remote)})) {
        return ok();
      }
    } else if (!is_asked_for(message)) {
      return ok();
    }
    is_found_ = true;
    return write(flow, seen, message, info);
  }

  void fill_state(const Flow& flow, InternetDiagMessage& message, TcpInfo& info) {
    if (!flow.socket) return fill_mini_state(*flow.mini, message);
    Socket& socket = *flow.socket;
    const uint64_t cookie = socket.cookie();
    message.id.cookie[0] = static_cast<uint32_t>(cookie);
    message.id.cookie[1] = static_cast<uint32_t>(cookie >> 32);
    message.inode = static_cast<uint32_t>(NetlinkDomain::of(context_.stack()).inode_of(context_.hal(), cookie));
    message.state = message.id.remote_port.get() != 0 ? kEstablished : kClosed;
    if (asked_.protocol == kTcp) {
      info = TcpOptionCalls::info(context_.entry(), static_cast<TcpSocket&>(socket));
      message.state = info.state;
    }
    if (message.state == kListening) {
      message.receive_queue = info.unacked;
      message.send_queue = info.sacked;
    } else {
      message.receive_queue = amount(socket.bytes_readable(context_.entry()));
      message.send_queue = amount(socket.bytes_unsent(context_.entry()));
    }
  }

  void fill_mini_state(const MiniSocket& mini, InternetDiagMessage& message) {
    message.id.cookie[0] = message.id.cookie[1] = kAnyCookie;
    message.state = kTimeWait;
    if (mini.kind() != MiniSocket::Kind::HalfOpen) return;
    const auto progress = static_cast<const SynRequest&>(mini).progress(context_.entry());
    message.state = kSynReceived;
    message.timer = 1;
    message.retransmissions = progress.retransmits;
    message.expires = static_cast<uint32_t>(progress.left.in_millis());
    message.uid = 0;
  }

  static uint32_t amount(Result<int> result) {
    const int value = result.is_ok() ? result.take() : 0;
    return value < 0 ? 0 : static_cast<uint32_t>(value);
  }

  bool is_asked_for(const InternetDiagMessage& message) const {
    const SocketId& id = asked_.id;
    if (id.local_port.get() != message.id.local_port.get() || id.remote_port.get() != message.id.remote_port.get()) return false;
    const size_t size = message.family == kFamilyInet6 ? 16 : 4;
    if (memcmp(id.local, message.id.local, size) != 0 || memcmp(id.remote, message.id.remote, size) != 0) return false;
    if (id.cookie[0] == kAnyCookie && id.cookie[1] == kAnyCookie) return true;
    return id.cookie[0] == message.id.cookie[0] && id.cookie[1] == message.id.cookie[1];
  }

  bool is_wanted(uint16_t attribute) const { return (asked_.extensions >> (attribute - 1) & 1) != 0; }

  Result<> write(const Flow& flow, const DemuxDescription& seen, const InternetDiagMessage& message, const TcpInfo& info) {
    TRY(writer_.begin(kDiagByFamily, is_dump_ ? uint16_t{kNetlinkMulti} : uint16_t{0}, bytes_of(message)));
    if (flow.socket) {
      const SocketOptions& options = flow.socket->options;
      if (message.family == kFamilyInet6 && seen.remote_port == 0) {
        TRY(writer_.attribute(kV6Only, static_cast<uint8_t>(seen.v6_only ? 1 : 0)));
      }
      if (is_wanted(kSocketMemory)) {
        // SK_MEMINFO_*: received, its limit, sent, its limit, ahead, queued, options, backlog, drops.
        const uint32_t memory[9] = {message.receive_queue, options.receive_buffer, message.send_queue, options.send_buffer};
        TRY(writer_.attribute(kSocketMemory, memory));
      }
      if (asked_.protocol == kTcp && is_wanted(kInfo)) TRY(writer_.attribute(kInfo, info));
      if (asked_.protocol == kTcp && is_wanted(kCongestion)) {
        const char* name = TcpOptionCalls::congestion(context_.entry(), static_cast<TcpSocket&>(*flow.socket));
        size_t size = 0;
        while (name[size] != 0) ++size;
        TRY(writer_.attribute(kCongestion, ByteSpan(reinterpret_cast<const uint8_t*>(name), size + 1)));
      }
    }
    return writer_.end();
  }

  SyscallContext& context_;
  NetlinkWriter writer_;
  bool is_dump_;
  InternetDiagRequest asked_;
  ByteSpan filter_;
  bool is_found_ = false;
};

}  // namespace

Result<> diag_internet(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output) {
  InternetDiagRequest asked{};
  if (request.payload.size() < sizeof asked) return Errno::EINVAL;
  copy_bytes(mutable_bytes_of(asked), request.payload);
  if (!is_served(asked.protocol)) {
    if (!request.is_dump()) return Errno::ENOENT;
    return NetlinkWriter(context.hal(), output, request).finish_dump(Errno::ENOENT);  // found out when the dump is under way
  }
  ByteSpan filter;
  ByteSpan attributes = request.payload.subspan(sizeof asked);
  while (request.is_dump() && attributes.size() >= 4) {
    uint16_t head[2];
    copy_bytes(mutable_bytes_of(head), attributes);
    if (head[0] < 4 || head[0] > attributes.size()) break;
    if (head[1] == kBytecode) filter = attributes.subspan(4, head[0] - 4u);
    const size_t advance = netlink_align(head[0]);
    attributes = attributes.subspan(advance < attributes.size() ? advance : attributes.size());
  }
  if (!filter.empty() && !is_diag_filter(filter)) return Errno::EINVAL;
  return InternetDiag(context, request, output, asked, filter).run();
}

}  // namespace lxnet
