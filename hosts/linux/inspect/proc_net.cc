#include "hosts/linux/inspect/proc_net.hh"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "hosts/linux/file_table.hh"
#include "hosts/linux/inspect/connection_list.hh"
#include "hosts/linux/inspect/filter_list.hh"
#include "hosts/linux/inspect/group_list.hh"
#include "hosts/linux/inspect/packet_list.hh"
#include "hosts/linux/inspect/route_list.hh"
#include "hosts/linux/inspect/socket_list.hh"
#include "hosts/linux/inspect/unix_list.hh"
// The core's headers remove errno's macros.
#include "stack/mib.hh"
#include "stack/stack.hh"

namespace lxnet::host {
namespace {

using Kind = SocketEntry::Kind;
constexpr uint8_t kSynReceived = 3;

// ---- sockets: net/ipv4/tcp_ipv4.c, udp.c, raw.c, ping.c and their IPv6 counterparts

constexpr char kColumns4[] = "local_address rem_address  ";
constexpr char kColumns6[] = "local_address                         remote_address                       ";
constexpr char kColumns[] = " st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

std::string padded(std::string line, size_t width) {
  line.resize(std::max(line.size(), width), ' ');
  return line + "\n";
}

// As the machine reads each four bytes.
std::string hex_address(const SocketEntry& entry, const uint8_t (&address)[16], uint16_t port) {
  uint32_t words[4];
  std::memcpy(words, address, sizeof words);
  if (!entry.is_v6) return absl::StrFormat("%08X:%04X", words[3], port);
  return absl::StrFormat("%08X%08X%08X%08X:%04X", words[0], words[1], words[2], words[3], port);
}

// In hundredths of a second, as a jiffy is told to programs.
int64_t clock_ticks(Duration duration) { return duration.in_millis() / 10; }

// What follows the hashed address: of a connection retransmission timeout and delay of acknowledgments, the window and its
// threshold.
std::string tcp_tail(const SocketEntry& entry) {
  const SocketDiagnosis& told = entry.told;
  const bool is_listening = entry.state == 10;
  const int64_t threshold = is_listening ? told.fast_open_limit : told.is_in_first_slow_start ? -1 : int64_t{told.ssthresh};
  return absl::StrFormat(" %d %d %u %u %d", clock_ticks(told.rto), clock_ticks(told.ack_delay),
                         told.quick_acks << 1 | int{told.is_interactive}, told.cwnd, threshold);
}

std::string socket_lines(lxnet_stack* stack, const FileTable& files, Kind kind, bool is_v6) {
  const bool is_tcp = kind == Kind::Tcp;
  const bool is_datagram = kind == Kind::Udp || kind == Kind::UdpLite || kind == Kind::Icmp;
  // Of IPv4, TCP and UDP pad their lines.
  const size_t width = is_v6 ? 0 : is_tcp ? 149 : is_datagram ? 127 : 0;
  std::string out = absl::StrCat(is_datagram && !is_v6 ? "   sl  " : "  sl  ", is_v6 ? kColumns6 : kColumns4, kColumns);
  out = padded(absl::StrCat(out, is_tcp ? "" : " ref pointer drops"), width);
  int number = 0;
  for (const SocketEntry& entry : list_sockets(stack, files)) {
    if (entry.kind != kind || entry.is_v6 != is_v6) continue;
    const SocketDiagnosis& told = entry.told;
    const bool is_listening = is_tcp && entry.state == 10;
    const int references = !is_tcp ? 2 : !told.is_remnant ? 1 : entry.state == kSynReceived ? 0 : 3;
    std::string line = absl::StrFormat(
        "%*d: %s %s %02X %08X:%08X %02X:%08X %08X %5u %8d %u %d %016x", is_tcp || kind == Kind::Raw ? 4 : 5, number++,
        hex_address(entry, entry.local_address, entry.local_port), hex_address(entry, entry.remote_address, entry.remote_port),
        entry.state, is_listening ? 0 : entry.send_queue, entry.receive_queue, static_cast<unsigned>(told.timer),
        clock_ticks(told.left), told.timeouts, entry.uid, told.probes, entry.inode, references, 0);
    if (!is_tcp) absl::StrAppend(&line, " ", entry.drops);
    if (is_tcp && !told.is_remnant) line += tcp_tail(entry);
    out += padded(std::move(line), width);
  }
  return out;
}

// ---- counters

// One group as snmp and netstat have it: a line of names and a line of values. What stands before the counters is given.
std::string group_lines(const Stack& stack, const char* group, const std::string& first_names = "",
                        const std::string& first_values = "") {
  std::string names = absl::StrCat(group, ":", first_names), values = absl::StrCat(group, ":", first_values);
  for (unsigned row = 0; row < kMibCount; row++) {
    if (std::strcmp(kMibRows[row].group, group) != 0) continue;
    absl::StrAppend(&names, " ", kMibRows[row].name);
    absl::StrAppend(&values, " ", const_cast<Stack&>(stack).mib().get(row));
  }
  return absl::StrCat(names, "\n", values, "\n");
}

std::string icmp_message_lines(Stack& stack) {
  std::string names = "IcmpMsg:", values = "IcmpMsg:";
  for (auto direction : {MibCounters::Direction::In, MibCounters::Direction::Out}) {
    for (unsigned type = 0; type < 256; type++) {
      uint64_t count = stack.mib().icmp4(direction, static_cast<uint8_t>(type));
      if (count == 0) continue;
      absl::StrAppend(&names, direction == MibCounters::Direction::In ? " InType" : " OutType", type);
      absl::StrAppend(&values, " ", count);
    }
  }
  return names.size() == std::strlen("IcmpMsg:") ? "" : absl::StrCat(names, "\n", values, "\n");
}

// Not served, and so nothing has happened.
constexpr char kUdpLite[] =
    "UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors\n"
    "UdpLite: 0 0 0 0 0 0 0 0 0\n";

std::string snmp(Stack& stack) {
  const TunableValues& tunables = stack.tunables().values();
  std::string ip = absl::StrCat(" ", tunables.ip_forward != 0 ? 1 : 2, " ", tunables.ip_default_ttl);
  return absl::StrCat(
      group_lines(stack, "Ip", " Forwarding DefaultTTL", ip), group_lines(stack, "Icmp"), icmp_message_lines(stack),
      group_lines(stack, "Tcp", " RtoAlgorithm RtoMin RtoMax MaxConn", " 1 200 120000 -1"), group_lines(stack, "Udp"), kUdpLite);
}

std::string netstat(Stack& stack) { return group_lines(stack, "TcpExt") + group_lines(stack, "IpExt"); }

std::string snmp6(Stack& stack) {
  std::string out;
  for (unsigned row = 0; row < kMibCount; row++) {
    const MibRow& name = kMibRows[row];
    bool is_v6 = std::strchr(name.group, '6') != nullptr;
    if (is_v6) absl::StrAppendFormat(&out, "%-32s\t%u\n", absl::StrCat(name.group, name.name), stack.mib().get(row));
  }
  return out;
}

// ---- interfaces

std::string dev(Stack& stack) {
  std::string out =
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier "
      "compressed\n";
  for (uint32_t index = 0;;) {
    const Ref<Interface> interface = stack.interfaces().find_next(index);
    if (!interface) return out;
    index = interface->index();
    const LinkCounters counts = interface->counters();
    absl::StrAppendFormat(&out, "%6s: %7u %7u %4u %4u %4u %5u %10u %9u %8u %7u %4u %4u %4u %5u %7u %10u\n", interface->name(),
                          counts.rx_bytes, counts.rx_packets, 0, counts.rx_dropped, 0, 0, 0, counts.rx_multicast, counts.tx_bytes,
                          counts.tx_packets, 0, counts.tx_dropped, 0, 0, 0, 0);
  }
}

std::string if_inet6(Stack& stack) {
  std::string out;
  stack.interfaces().any_address([&](const Interface& interface, const InterfaceAddress& address) {
    if (address.address.is_v4()) return false;
    uint8_t bytes[16];
    std::memcpy(bytes, &address.address.v6(), sizeof bytes);
    for (uint8_t byte : bytes) absl::StrAppendFormat(&out, "%02x", byte);
    // Linux prints the type of the address here, in which host is 0x10, link 0x20 and site 0x40.
    unsigned scope = address.scope == AddressScope::Host   ? 0x10
                     : address.scope == AddressScope::Link ? 0x20
                     : address.scope == AddressScope::Site ? 0x40
                                                           : 0;
    absl::StrAppendFormat(&out, " %02x %02x %02x %02x %8s\n", interface.index(), address.prefix_length, scope,
                          address.flags & 0xff, interface.name());
    return false;
  });
  return out;
}

// Of one family; what sockstat says of orphans, TIME-WAIT, allocations and memory is said of both together.
struct Tally {
  int tcp = 0, udp = 0, lite = 0, raw = 0;
  int time_wait = 0, orphans = 0;
  int64_t udp_pages = 0;
};

Tally tally(const std::vector<SocketEntry>& sockets, bool is_v6) {
  constexpr int64_t kPage = 4096;
  Tally tally;
  for (const SocketEntry& entry : sockets) {
    if (entry.is_v6 != is_v6) continue;
    const bool is_time_wait = entry.kind == Kind::Tcp && entry.state == 6;
    const bool is_tcp = entry.kind == Kind::Tcp && !is_time_wait;
    tally.time_wait += is_time_wait;
    tally.tcp += is_tcp;
    tally.orphans += is_tcp && entry.inode == 0;
    tally.udp += entry.kind == Kind::Udp;
    tally.lite += entry.kind == Kind::UdpLite;
    tally.raw += entry.kind == Kind::Raw;
    if (entry.kind == Kind::Udp || entry.kind == Kind::UdpLite) {
      tally.udp_pages += (int64_t{entry.receive_queue} + kPage - 1) / kPage;
    }
  }
  return tally;
}

std::string fragments(const char* label, const Reassembly& reassembly) {
  return absl::StrCat(label, ": inuse ", reassembly.queue_count(), " memory ", reassembly.memory(), "\n");
}

std::string sockstat(lxnet_stack* stack, const FileTable& files, bool is_v6) {
  Stack& core = *reinterpret_cast<Stack*>(stack);
  const std::vector<SocketEntry> sockets = list_sockets(stack, files);
  const Tally v4 = tally(sockets, false), v6 = tally(sockets, true);
  if (is_v6) {
    return absl::StrCat("TCP6: inuse ", v6.tcp, "\nUDP6: inuse ", v6.udp, "\nUDPLITE6: inuse ", v6.lite, "\nRAW6: inuse ", v6.raw,
                        "\n", fragments("FRAG6", core.ip().reassembly6()));
  }
  return absl::StrCat("sockets: used ", files.size(), "\nTCP: inuse ", v4.tcp, " orphan ", v4.orphans + v6.orphans, " tw ",
                      v4.time_wait + v6.time_wait, " alloc ", v4.tcp + v6.tcp, " mem ", core.tcp().memory_pages(),
                      "\nUDP: inuse ", v4.udp, " mem ", v4.udp_pages + v6.udp_pages, "\nUDPLITE: inuse ", v4.lite,
                      "\nRAW: inuse ", v4.raw, "\n", fragments("FRAG", core.ip().reassembly4()));
}

}  // namespace

std::optional<std::string> proc_net_text(lxnet_stack* stack, const FileTable& files, std::string_view name) {
  Stack& core = *reinterpret_cast<Stack*>(stack);
  const bool is_v6 = name.ends_with('6');
  std::string_view base = is_v6 ? name.substr(0, name.size() - 1) : name;
  if (base == "tcp") return socket_lines(stack, files, Kind::Tcp, is_v6);
  if (base == "udp") return socket_lines(stack, files, Kind::Udp, is_v6);
  if (base == "udplite") return socket_lines(stack, files, Kind::UdpLite, is_v6);
  if (base == "raw") return socket_lines(stack, files, Kind::Raw, is_v6);
  if (base == "icmp") return socket_lines(stack, files, Kind::Icmp, is_v6);
  if (base == "sockstat") return sockstat(stack, files, is_v6);
  if (name == "dev") return dev(core);
  if (name == "if_inet6") return if_inet6(core);
  if (name == "snmp") return snmp(core);
  if (name == "snmp6") return snmp6(core);
  if (name == "netstat") return netstat(core);
  if (name == "packet") return packet_socket_lines(stack, files);
  if (name == "unix" && lxnet_serves_family(stack, 1)) return unix_socket_lines(stack, files);
  if (std::optional<std::string> groups = group_list_text(stack, name)) return groups;
  if (std::optional<std::string> routes = route_list_text(stack, name)) return routes;
  if (std::optional<std::string> connections = connection_list_text(stack, name)) return connections;
  return filter_list_text(stack, name);
}

bool is_private_proc_net(std::string_view name) {
  return name.starts_with("ip_tables_") || name.starts_with("ip6_tables_") || name.starts_with("nf_conntrack");
}

bool is_hidden_proc_net(std::string_view name) {
  static constexpr std::string_view kHidden[] = {
      "anycast6",    "fib_trie",  "fib_triestat", "ip6_flowlabel", "ip6_mr_cache", "ip6_mr_vif",
      "ip_mr_cache", "ip_mr_vif", "rt6_stats",    "rt_acct",       "rt_cache",     "xfrm_stat",
  };
  return std::find(std::begin(kHidden), std::end(kHidden), name) != std::end(kHidden);
}

}  // namespace lxnet::host
