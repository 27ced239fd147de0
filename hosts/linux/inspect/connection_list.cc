// As ct_seq_show() and ct_cpu_seq_show() print them.
#include "hosts/linux/inspect/connection_list.hh"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
// The core's headers remove errno's macros.
#include "stack/conntrack/connection_tracker.hh"
#include "stack/stack.hh"
#include "stack/wire/ip_protocol.hh"

namespace lxnet::host {
namespace {

// Linux's clock goes in ticks of four milliseconds, and what has just begun has all of its time.
constexpr Duration kTick = Duration::millis(4);

struct Row {
  FlowTuple tuples[2];
  uint32_t status, mark, count;
  int64_t seconds;
  TrackedTcpState state;
  Connection::Counters counters[2];
};

std::vector<Row> collect(Stack& stack, ConnectionTracker& tracker) {
  std::vector<Row> rows;
  Entry entry(stack);
  const Instant now = entry.now();
  MutexLock lock(stack.hooks().mutex());
  tracker.table().for_each([&](Connection& connection) {
    if (connection.deadline <= now) return;
    rows.push_back({.tuples = {connection.tuple(kOriginal), connection.tuple(kReply)},
                    .status = connection.status,
                    .mark = connection.mark,
                    .count = connection.reference_count(),
                    .seconds = (connection.deadline - now + kTick).in_seconds(),
                    .state = connection.tcp.state,
                    .counters = {connection.counters[0], connection.counters[1]}});
  });
  return rows;
}

const char* protocol_name(uint8_t protocol) {
  switch (IpProtocol{protocol}) {
    case IpProtocol::Icmp:
      return "icmp";
    case IpProtocol::Tcp:
      return "tcp";
    case IpProtocol::Udp:
      return "udp";
    case IpProtocol::UdpLite:
      return "udplite";
    case IpProtocol::Icmpv6:
      return "icmpv6";
    default:
      return "unknown";
  }
}

std::string address_text(const IpAddress& address, IpFamily family) {
  if (family == IpFamily::V4) {
    const uint32_t value = address.v4().value();
    return absl::StrCat(value >> 24, ".", value >> 16 & 255, ".", value >> 8 & 255, ".", value & 255);
  }
  std::string text;
  for (size_t i = 0; i < 8; ++i) absl::StrAppendFormat(&text, "%s%04x", i == 0 ? "" : ":", address.v6().group(i));
  return text;
}

std::string tuple_text(const FlowTuple& tuple) {
  std::string text =
      absl::StrCat("src=", address_text(tuple.source, tuple.family), " dst=", address_text(tuple.destination, tuple.family), " ");
  switch (IpProtocol{tuple.protocol}) {
    case IpProtocol::Icmp:
    case IpProtocol::Icmpv6:
      absl::StrAppend(&text, "type=", tuple.icmp_type(), " code=", tuple.icmp_code(), " id=", tuple.source_part.get(), " ");
      break;
    case IpProtocol::Tcp:
    case IpProtocol::Udp:
    case IpProtocol::UdpLite:
    case IpProtocol::Sctp:
      absl::StrAppend(&text, "sport=", tuple.source_part.get(), " dport=", tuple.destination_part.get(), " ");
      break;
    default:
      break;
  }
  return text;
}

std::string side_text(const Row& row, FlowDirection direction, bool has_counters) {
  std::string text = tuple_text(row.tuples[direction]);
  const FlowTuple &own = row.tuples[direction], &other = row.tuples[other_direction(direction)];
  if (own.zone != other.zone && own.zone != 0)
    absl::StrAppend(&text, direction == kOriginal ? "zone-orig=" : "zone-reply=", own.zone, " ");
  const Connection::Counters& counters = row.counters[direction];
  if (has_counters) absl::StrAppend(&text, "packets=", counters.packets, " bytes=", counters.bytes, " ");
  return text;
}

std::string row_text(const Row& row, bool has_counters) {
  const FlowTuple& original = row.tuples[kOriginal];
  const bool is_v4 = original.family == IpFamily::V4;
  std::string text = absl::StrFormat("%-8s %u %-8s %u %d ", is_v4 ? "ipv4" : "ipv6", is_v4 ? 2u : 10u,
                                     protocol_name(original.protocol), original.protocol, row.seconds);
  if (IpProtocol{original.protocol} == IpProtocol::Tcp) absl::StrAppend(&text, tracked_state_name(row.state), " ");
  absl::StrAppend(&text, side_text(row, kOriginal, has_counters));
  if ((row.status & kSeenReply) == 0) absl::StrAppend(&text, "[UNREPLIED] ");
  absl::StrAppend(&text, side_text(row, kReply, has_counters));
  if ((row.status & kAssured) != 0) absl::StrAppend(&text, "[ASSURED] ");
  absl::StrAppend(&text, "mark=", row.mark, " ");
  if (original.zone == row.tuples[kReply].zone) absl::StrAppend(&text, "zone=", original.zone, " ");
  // Who looks at it counts too.
  absl::StrAppend(&text, "use=", row.count + 1, "\n");
  return text;
}

std::string connection_lines(Stack& stack) {
  ConnectionTracker* tracker = stack.connections().tracker();
  if (tracker == nullptr) return "";
  const bool has_counters = tracker->table().settings().acct != 0;
  std::string text;
  for (const Row& row : collect(stack, *tracker)) absl::StrAppend(&text, row_text(row, has_counters));
  return text;
}

// One line for all processors: what there is none of stays zero.
std::string statistics_lines(Stack& stack) {
  ConnectionStatistics counted;
  size_t entries = 0;
  if (ConnectionTracker* tracker = stack.connections().tracker()) {
    MutexLock lock(stack.hooks().mutex());
    counted = tracker->table().statistics;
    entries = tracker->table().count();
  }
  std::string text =
      "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new "
      "expect_create expect_delete search_restart\n";
  absl::StrAppendFormat(&text, "%08x  %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x  %08x %08x %08x %08x\n",
                        entries, counted.clash_resolve, counted.found, 0, counted.invalid, 0, 0, 0, counted.insert,
                        counted.insert_failed, counted.drop, counted.early_drop, counted.error, 0, 0, 0, 0);
  return text;
}

}  // namespace

std::optional<std::string> connection_list_text(lxnet_stack* stack, std::string_view name) {
  Stack& core = *reinterpret_cast<Stack*>(stack);
  if (name == "nf_conntrack") return connection_lines(core);
  if (name == "nf_conntrack_expect") return "";
  if (name == "stat/nf_conntrack") return statistics_lines(core);
  return std::nullopt;
}

}  // namespace lxnet::host
