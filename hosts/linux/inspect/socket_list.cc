#include "hosts/linux/inspect/socket_list.hh"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "hosts/linux/file_table.hh"
// The core's headers remove errno's macros.
#include "compat/syscalls/socket_file.hh"
#include "stack/datagram/datagram_socket.hh"
#include "stack/stack.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/option_calls.hh"
#include "stack/tcp/time_wait.hh"

namespace lxnet::host {
namespace {

constexpr uint8_t kTimeWait = 6, kSynReceived = 3;

std::unordered_map<const Socket*, ino_t> inodes_of(const FileTable& files) {
  std::unordered_map<const Socket*, ino_t> inodes;
  files.for_each([&](lxnet_file* file, ino_t inode) {
    File& core = *File::from_c(file);
    if (core.kind() != FileKind::Socket) return;
    if (const Socket* socket = static_cast<SocketFile&>(core).internet_socket()) inodes.emplace(socket, inode);
  });
  return inodes;
}

SocketEntry::Kind kind_of(DemuxSpace space) {
  switch (space) {
    case DemuxSpace::Tcp:
      return SocketEntry::Kind::Tcp;
    case DemuxSpace::Udp:
      return SocketEntry::Kind::Udp;
    case DemuxSpace::UdpLite:
      return SocketEntry::Kind::UdpLite;
    case DemuxSpace::Icmp4:
    case DemuxSpace::Icmp6:
      return SocketEntry::Kind::Icmp;
    default:
      return SocketEntry::Kind::Raw;
  }
}

void copy_address(uint8_t (&to)[16], const IpAddress& from) { std::memcpy(to, &from.v6(), sizeof to); }

// What waits for nothing but the peer's FIN is shown as what is left of a connection: nobody's.
void fill(Entry& entry, Socket& socket, SocketEntry& out) {
  if (out.kind == SocketEntry::Kind::Tcp) {
    out.told = TcpOptionCalls::diagnose(entry, static_cast<TcpSocket&>(socket));
  } else {
    auto& datagram = static_cast<DatagramSocket&>(socket);
    out.told = datagram.diagnose(entry);
    out.drops = datagram.drops();
  }
  out.state = out.told.state;
  if (out.told.is_remnant) {
    out.uid = 0;
    return;
  }
  out.receive_queue = out.told.receive_queue;
  out.send_queue = out.told.send_queue;
}

void fill(Entry& entry, const MiniSocket& mini, SocketEntry& out) {
  SocketDiagnosis& told = out.told;
  told.is_remnant = true;
  if (mini.kind() == MiniSocket::Kind::HalfOpen) {
    const auto progress = static_cast<const SynRequest&>(mini).progress(entry);
    out.state = kSynReceived;
    told.timer = SocketDiagnosis::Timer::Retransmit;
    told.timeouts = progress.timeouts;
    told.left = progress.left;
    return;
  }
  out.state = kTimeWait;
  out.uid = 0;
  told.timer = SocketDiagnosis::Timer::TimeWait;
  told.left = static_cast<const TcpTimeWait&>(mini).left(entry.now());
}

std::string name_of(const SocketEntry& entry, const uint8_t (&address)[16], uint16_t port) {
  std::string port_text = port == 0 ? "*" : absl::StrCat(port);
  char text[INET6_ADDRSTRLEN] = {};
  bool is_mapped = IN6_IS_ADDR_V4MAPPED(reinterpret_cast<const in6_addr*>(address));
  bool is_any = IN6_IS_ADDR_UNSPECIFIED(reinterpret_cast<const in6_addr*>(address)) || (is_mapped && address[12] == 0);
  if (is_any && entry.is_v6 && !entry.is_v6_only) return absl::StrCat("*:", port_text);
  if (is_any && !entry.is_v6) return absl::StrCat("0.0.0.0:", port_text);
  if (is_mapped) {
    ::inet_ntop(AF_INET, address + 12, text, sizeof text);
    return entry.is_v6 ? absl::StrCat("[::ffff:", text, "]:", port_text) : absl::StrCat(text, ":", port_text);
  }
  ::inet_ntop(AF_INET6, address, text, sizeof text);
  return absl::StrCat("[", text, "]:", port_text);
}

}  // namespace

std::vector<SocketEntry> list_sockets(lxnet_stack* stack, const FileTable& files) {
  std::unordered_map<const Socket*, ino_t> inodes = inodes_of(files);
  std::vector<SocketEntry> entries;
  Stack& core = *reinterpret_cast<Stack*>(stack);
  Entry entry(core);
  SocketCursor cursor(core.sockets());
  DemuxDescription seen;
  while (Flow flow = cursor.next(&seen)) {
    SocketEntry out{.kind = kind_of(seen.space), .is_v6 = seen.family == IpFamily::V6, .is_v6_only = seen.v6_only};
    out.local_port = seen.local_port;
    out.remote_port = seen.remote_port;
    out.uid = seen.uid;
    copy_address(out.local_address, seen.local);
    copy_address(out.remote_address, seen.remote);
    if (flow.socket) {
      if (auto found = inodes.find(flow.socket.get()); found != inodes.end()) out.inode = found->second;
      fill(entry, *flow.socket, out);
    } else {
      fill(entry, *flow.mini, out);
    }
    entries.push_back(out);
  }
  std::stable_sort(entries.begin(), entries.end(), [](const SocketEntry& a, const SocketEntry& b) {
    return std::tie(a.kind, a.is_v6, a.local_port, a.remote_port) < std::tie(b.kind, b.is_v6, b.local_port, b.remote_port);
  });
  return entries;
}

const char* state_name(uint8_t state) {
  static constexpr const char* kNames[] = {"UNKNOWN",   "ESTAB",  "SYN-SENT",   "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2",
                                           "TIME-WAIT", "UNCONN", "CLOSE-WAIT", "LAST-ACK", "LISTEN",     "CLOSING"};
  return state < std::size(kNames) ? kNames[state] : kNames[0];
}

const char* kind_name(SocketEntry::Kind kind) {
  static constexpr const char* kNames[] = {"tcp", "udp", "udplite", "icmp", "raw"};
  return kNames[static_cast<size_t>(kind)];
}

std::string local_name(const SocketEntry& entry) { return name_of(entry, entry.local_address, entry.local_port); }
std::string remote_name(const SocketEntry& entry) { return name_of(entry, entry.remote_address, entry.remote_port); }

}  // namespace lxnet::host
