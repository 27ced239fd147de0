// One socket as inet_diag tells of it: inet_sk_diag_fill() and its kin of net/ipv4/inet_diag.c. Not given: INET_DIAG_CGROUP_ID,
// as by a kernel without control groups, and INET_DIAG_ULP_INFO, because no protocol is ever put above TCP.
#include "compat/afnetlink/diag_internet.hh"
#include "compat/afnetlink/netlink_domain.hh"
#include "compat/syscalls/sockaddr.hh"
#include "stack/datagram/datagram_socket.hh"
#include "stack/stack.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/option_calls.hh"

namespace lxnet {
namespace {

enum : uint16_t {
  kMemory = 1,
  kInfo = 2,
  kVegas = 3,
  kCongestion = 4,
  kTos = 5,
  kTrafficClass = 6,
  kSocketMemory = 7,
  kShutdown = 8,
  kDctcp = 9,
  kProtocol = 10,
  kV6Only = 11,
  kMark = 15,
  kBbr = 16,
  kClass = 17,
  kMd5 = 18,
  kOptions = 22
};
constexpr uint8_t kSynReceived = 3, kTimeWait = 6, kClosed = 7;

void put_address(uint8_t (&to)[16], const IpAddress& address, bool is_v6) {
  memset(to, 0, sizeof to);
  const auto* bytes = reinterpret_cast<const uint8_t*>(&address.v6());
  if (is_v6) {
    memcpy(to, bytes, sizeof to);
  } else {
    memcpy(to, bytes + 12, 4);
  }
}

void fill_socket(SyscallContext& context, Socket& socket, DiagFinding& finding) {
  InternetDiagMessage& message = finding.message;
  SocketDiagnosis& told = finding.told;
  told = finding.seen.space == DemuxSpace::Tcp ? TcpOptionCalls::diagnose(context.entry(), static_cast<TcpSocket&>(socket))
                                               : static_cast<DatagramSocket&>(socket).diagnose(context.entry());
  finding.mark = socket.options.mark;
  message.id.interface = socket.options.bound_interface;
  message.state = told.state;
  message.timer = static_cast<uint8_t>(told.timer);
  message.expires = static_cast<uint32_t>(told.left.in_millis());
  if (told.is_remnant) return;
  message.retransmissions = told.timer_retries();
  message.receive_queue = told.receive_queue;
  message.send_queue = told.send_queue;
  message.uid = finding.seen.uid;
  message.inode = static_cast<uint32_t>(NetlinkDomain::of(context.stack()).inode_of(context.hal(), socket.cookie()));
}

void fill_half_open(SyscallContext& context, const SynRequest& request, DiagFinding& finding) {
  const auto progress = request.progress(context.entry());
  finding.mark = request.mark;
  finding.message.id.interface = request.demux.bound_interface;
  finding.message.state = kSynReceived;
  finding.message.timer = static_cast<uint8_t>(SocketDiagnosis::Timer::Retransmit);
  finding.message.retransmissions = progress.retransmits;
  finding.message.expires = static_cast<uint32_t>(progress.left.in_millis());
}

void fill_time_wait(SyscallContext& context, const TcpTimeWait& time_wait, DiagFinding& finding) {
  finding.mark = time_wait.mark();
  finding.message.id.interface = time_wait.bound_interface();
  finding.message.state = kTimeWait;
  finding.message.timer = static_cast<uint8_t>(SocketDiagnosis::Timer::TimeWait);
  finding.message.expires = static_cast<uint32_t>(time_wait.left(context.entry().now()).in_millis());
}

// Of a socket that is one, what its message carries behind the fixed part.
class Attributes {
 public:
  Attributes(SyscallContext& context, NetlinkWriter& writer, uint8_t extensions, const DiagFinding& finding)
      : context_(context), writer_(writer), extensions_(extensions), finding_(finding), socket_(*finding.flow.socket) {}

  Result<> write() {
    TRY(write_options());
    TRY(write_memory());
    if (socket_.type() == SocketType::Raw) TRY(writer_.attribute(kProtocol, socket_.protocol()));
    return finding_.seen.space == DemuxSpace::Tcp ? write_tcp(static_cast<TcpSocket&>(socket_)) : ok();
  }

 private:
  bool is_wanted(uint16_t attribute) const { return (extensions_ >> (attribute - 1) & 1) != 0; }

  Result<> write_options() {
    const IpSocketOptions& options = *socket_.ip_options;
    const uint8_t state = finding_.message.state;
    TRY(writer_.attribute(kShutdown, finding_.told.shutdown));
    if (is_wanted(kTos)) TRY(writer_.attribute(kTos, options.tos));
    if (finding_.seen.family == IpFamily::V6) {
      if (is_wanted(kTrafficClass)) TRY(writer_.attribute(kTrafficClass, options.traffic_class));
      if (state == kDiagListening || state == kClosed) {
        TRY(writer_.attribute(kV6Only, static_cast<uint8_t>(options.v6_only ? 1 : 0)));
      }
    }
    if (context_.hal().capable(LXNET_CAP_NET_ADMIN)) TRY(writer_.attribute(kMark, finding_.mark));
    // Where no control group says a class the priority is one. Who asks for it has only the traffic class's bit to ask with.
    if (is_wanted(kTrafficClass)) TRY(writer_.attribute(kClass, socket_.options->priority));
    return writer_.attribute(kOptions, option_bits(options));
  }

  // struct inet_diag_sockopt.
  std::array<uint8_t, 2> option_bits(const IpSocketOptions& options) const {
    const bool is_tcp = finding_.seen.space == DemuxSpace::Tcp;
    const bool low[] = {options.receive_errors_v4, is_tcp,
                        options.free_bind,         options.header_included,
                        options.multicast_loop_v4, options.transparent,
                        options.multicast_all_v4,  options.no_defragment};
    const bool high[] = {options.bind_address_no_port, options.rfc4884_v4, finding_.told.is_connect_deferred};
    std::array<uint8_t, 2> bits{};
    for (size_t i = 0; i < std::size(low); ++i) bits[0] |= static_cast<uint8_t>(low[i] << i);
    for (size_t i = 0; i < std::size(high); ++i) bits[1] |= static_cast<uint8_t>(high[i] << i);
    return bits;
  }

  Result<> write_memory() {
    if (!is_wanted(kMemory) && !is_wanted(kSocketMemory)) return ok();
    const SocketMemory memory = socket_.memory(context_.entry());
    if (is_wanted(kMemory)) {
      const uint32_t brief[4] = {memory.received, memory.queued_to_send, memory.forward, memory.in_flight};
      TRY(writer_.attribute(kMemory, brief));
    }
    if (is_wanted(kSocketMemory)) {
      const uint32_t whole[9] = {memory.received, socket_.options.receive_buffer, memory.in_flight, socket_.options.send_buffer,
                                 memory.forward,  memory.queued_to_send,          memory.options,   memory.backlog,
                                 memory.drops};
      TRY(writer_.attribute(kSocketMemory, whole));
    }
    return ok();
  }

  Result<> write_tcp(TcpSocket& socket) {
    const char* name = TcpOptionCalls::congestion(context_.entry(), socket);
    if (is_wanted(kInfo)) TRY(writer_.attribute(kInfo, TcpOptionCalls::info(context_.entry(), socket)));
    if (is_wanted(kCongestion)) {
      size_t size = 0;
      while (name[size] != 0) ++size;
      TRY(writer_.attribute(kCongestion, ByteSpan(reinterpret_cast<const uint8_t*>(name), size + 1)));
    }
    if (is_wanted(kInfo) && context_.hal().capable(LXNET_CAP_NET_ADMIN)) TRY(write_md5_keys(socket));
    if (!is_wanted(kVegas) || finding_.message.state >= kTimeWait) return ok();
    uint8_t info[CongestionAlgorithm::kMaxInfo];
    const size_t size = TcpOptionCalls::congestion_info(context_.entry(), socket, info);
    if (size == 0) return ok();
    const uint16_t type = name[0] == 'b' && name[1] == 'b' ? kBbr : name[0] == 'd' && name[1] == 'c' ? kDctcp : kVegas;
    return writer_.attribute(type, ByteSpan(info, size));
  }

  // struct tcp_diag_md5sig, one after the other.
  Result<> write_md5_keys(TcpSocket& socket) {
    struct Row {
      uint8_t family, prefix;
      uint16_t size;
      uint8_t address[16], key[Md5Key::kMaxSize];
    };
    static_assert(sizeof(Row) == 100);
    using Copy = TcpOptionCalls::Md5KeyCopy;
    const size_t count = TcpOptionCalls::copy_md5_keys(context_.entry(), socket, {});
    if (count == 0) return ok();
    HeapArray<Copy> copies = TRY(HeapArray<Copy>::create(context_.hal(), count));
    HeapArray<Row> rows = TRY(HeapArray<Row>::create(context_.hal(), count));
    const size_t have =
        std::min(count, TcpOptionCalls::copy_md5_keys(context_.entry(), socket, std::span(copies.begin(), copies.end())));
    for (size_t i = 0; i < have; ++i) {
      const Copy& copy = copies[i];
      Row& row = rows[i];
      const bool is_v4 = copy.address.is_v4();
      row.family = is_v4 ? uint8_t{kFamilyInet} : uint8_t{kFamilyInet6};
      row.prefix = copy.prefix;
      row.size = copy.size;
      put_address(row.address, copy.address, !is_v4);
      memcpy(row.key, copy.bytes, sizeof row.key);
    }
    return writer_.attribute(kMd5, ByteSpan(reinterpret_cast<const uint8_t*>(rows.data()), have * sizeof(Row)));
  }

  SyscallContext& context_;
  NetlinkWriter& writer_;
  const uint8_t extensions_;
  const DiagFinding& finding_;
  Socket& socket_;
};

}  // namespace

uint64_t diag_cookie(const Flow& flow) {
  if (flow.socket) return flow.socket->cookie();
  constexpr uint64_t kNone = ~uint64_t{0};  // of what lasts a moment: INET_DIAG_NOCOOKIE
  return flow.mini->kind() == MiniSocket::Kind::TimeWait ? static_cast<TcpTimeWait&>(*flow.mini).cookie() : kNone;
}

DiagFinding examine_for_diag(SyscallContext& context, Flow flow, const DemuxDescription& seen) {
  DiagFinding finding{};
  finding.flow = std::move(flow);
  finding.seen = seen;
  InternetDiagMessage& message = finding.message;
  const bool is_v6 = seen.family == IpFamily::V6;
  message.family = is_v6 ? uint8_t{kFamilyInet6} : uint8_t{kFamilyInet};
  message.id.local_port.set(seen.local_port);
  message.id.remote_port.set(seen.remote_port);
  put_address(message.id.local, seen.local, is_v6);
  put_address(message.id.remote, seen.remote, is_v6);
  const uint64_t cookie = diag_cookie(finding.flow);
  message.id.cookie[0] = static_cast<uint32_t>(cookie);
  message.id.cookie[1] = static_cast<uint32_t>(cookie >> 32);
  if (finding.flow.socket) {
    fill_socket(context, *finding.flow.socket, finding);
  } else if (finding.flow.mini->kind() == MiniSocket::Kind::HalfOpen) {
    fill_half_open(context, static_cast<const SynRequest&>(*finding.flow.mini), finding);
  } else {
    fill_time_wait(context, static_cast<const TcpTimeWait&>(*finding.flow.mini), finding);
  }
  return finding;
}

Result<> write_diag(SyscallContext& context, NetlinkWriter& writer, uint16_t type, uint16_t flags, uint8_t extensions,
                    const DiagFinding& finding) {
  TRY(writer.begin(type, flags, bytes_of(finding.message)));
  if (finding.flow.socket && !finding.told.is_remnant) {
    TRY(Attributes(context, writer, extensions, finding).write());
  } else if (context.hal().capable(LXNET_CAP_NET_ADMIN)) {
    TRY(writer.attribute(kMark, finding.mark));
  }
  return writer.end();
}

}  // namespace lxnet
