// "tcp_metrics": what past connections taught of their ends, as `ip tcp_metrics` shows and forgets it (net/ipv4/tcp_metrics.c).
#include <algorithm>

#include "compat/afnetlink/generic/generic_family.hh"
#include "compat/afnetlink/route_family.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_shared.hh"

namespace lxnet {
namespace {

enum : uint8_t { kGet = 1, kDelete };  // TCP_METRICS_CMD_*
enum Attribute : uint16_t {            // TCP_METRICS_ATTR_*
  kRemote4 = 1,
  kRemote6 = 2,
  kAge = 3,
  kValues = 6,
  kFastOpenSegment = 7,
  kFastOpenCookie = 10,
  kLocal4 = 11,
  kLocal6 = 12,
  kLastAttribute = 13,
};
enum Value : uint16_t {  // TCP_METRIC_*, and one more
  kRoundTrip = 1,
  kVariance = 2,
  kThreshold = 3,
  kWindow = 4,
  kReordering = 5,
  kRoundTripMicros = 6,
  kVarianceMicros = 7,
};

constexpr NlaPolicy kWord{.kind = NlaKind::U32}, kAddress6{.kind = NlaKind::Exact, .length = 16};
constexpr NlaPolicy kPolicy[kLastAttribute + 1] = {{}, kWord, kAddress6, {}, {}, {}, {}, {}, {}, {}, {}, kWord, kAddress6, {}};

// Whose metrics: of all ends, of one, or of one seen from one of our addresses.
struct Ends {
  std::optional<IpAddress> remote, local;
  bool is_nobodys = false;  // an IPv4 address in IPv6's clothes, under which nothing is kept

  bool match(const PeerCache::Record& record) const {
    return !is_nobodys && (!remote || *remote == record.remote) && (!local || *local == record.local);
  }
};

std::optional<IpAddress> address_in(const GenericRequest& request, Attribute v4, Attribute v6, bool& is_nobodys) {
  if (const Nla found = request.attributes[v4]) return IpAddress(found.as<Ipv4Address>());
  if (const Nla found = request.attributes[v6]) {
    const IpAddress address(found.as<Ipv6Address>());
    is_nobodys |= address.is_v4();
    return address;
  }
  return std::nullopt;
}

Ends read_ends(const GenericRequest& request) {
  Ends ends;
  ends.remote = address_in(request, kRemote4, kRemote6, ends.is_nobodys);
  ends.local = address_in(request, kLocal4, kLocal6, ends.is_nobodys);
  return ends;
}

// In microseconds, and for who knows no better in milliseconds.
Result<> put_time(NetlinkWriter& writer, Value micros, Value millis, uint32_t value) {
  if (value == 0) return ok();
  TRY(writer.attribute(micros, value));
  return writer.attribute(millis, std::max(value / 1000, 1u));
}

Result<> put_count(NetlinkWriter& writer, Value type, uint32_t value) {
  return value == 0 ? Result<>(ok()) : writer.attribute(type, value);
}

Result<> put_values(NetlinkWriter& writer, const PeerMetrics& metrics) {
  if ((metrics.rtt_8 | metrics.rttvar_4 | metrics.threshold | metrics.window | metrics.reordering) == 0) return ok();
  const size_t place = TRY(writer.begin_nested(kValues));
  TRY(put_time(writer, kRoundTripMicros, kRoundTrip, metrics.rtt_8));
  TRY(put_time(writer, kVarianceMicros, kVariance, metrics.rttvar_4));
  TRY(put_count(writer, kThreshold, metrics.threshold));
  TRY(put_count(writer, kWindow, metrics.window));
  TRY(put_count(writer, kReordering, metrics.reordering));
  writer.end_nested(place);
  return ok();
}

Result<> put_record(SyscallContext& context, const GenericRequest& request, NetlinkWriter& writer,
                    const PeerCache::Record& record) {
  TRY(request.begin(writer, kGet));
  const bool is_v4 = record.remote.is_v4();
  TRY(put_address(writer, is_v4 ? kRemote4 : kRemote6, record.remote));
  TRY(put_address(writer, is_v4 ? kLocal4 : kLocal6, record.local));
  const auto age = static_cast<uint64_t>((context.entry().now() - record.learnt_at).in_millis());
  TRY(writer.attribute(kAge, age));
  TRY(put_values(writer, record.metrics));
  if (record.server.mss != 0) TRY(writer.attribute(kFastOpenSegment, record.server.mss));
  const TcpFastOpenCookie& cookie = record.server.cookie;
  if (cookie.size != 0) TRY(writer.attribute(kFastOpenCookie, ByteSpan(cookie.bytes, cookie.size)));
  return writer.end();
}

Result<> get(SyscallContext& context, const GenericRequest& request, NetlinkWriter& writer) {
  const Ends ends = read_ends(request);
  if (!ends.remote) return Errno::EAFNOSUPPORT;
  std::optional<PeerCache::Record> found;
  context.stack().tcp().peers().for_each([&](const PeerCache::Record& record) {
    if (!found && ends.match(record)) found = record;
  });
  if (!found) return Errno::ESRCH;
  return put_record(context, request, writer, *found);
}

Result<> dump(SyscallContext& context, const GenericRequest& request, NetlinkWriter& writer) {
  size_t count = 0;
  const auto records =
      TRY(collect<PeerCache::Record>(context.hal(), count, [&](auto&& visit) { context.stack().tcp().peers().for_each(visit); }));
  for (size_t i = 0; i < count; ++i) TRY(put_record(context, request, writer, records[i]));
  return ok();
}

Result<> forget(SyscallContext& context, const GenericRequest& request, NetlinkWriter&) {
  const Ends ends = read_ends(request);
  if (!ends.remote) {
    context.stack().tcp().peers().forget_all();
    return ok();
  }
  if (ends.is_nobodys) return Errno::ESRCH;
  const size_t count = context.stack().tcp().peers().forget(*ends.remote, ends.local ? &*ends.local : nullptr);
  return count != 0 ? Result<>(ok()) : Result<>(Errno::ESRCH);
}

constexpr GenericOperation kOperations[] = {
    {.command = kGet, .last_attribute = kLastAttribute, .policy = kPolicy, .handle = &get, .dump = &dump, .checks_dump = false},
    {.command = kDelete,
     .access = GenericOperation::Access::Administrators,
     .last_attribute = kLastAttribute,
     .policy = kPolicy,
     .handle = &forget},
};

}  // namespace

constexpr GenericFamily kGenericTcpMetrics = {
    .number = 0x1b, .name = "tcp_metrics", .version = 1, .last_attribute = kLastAttribute, .operations = kOperations};

}  // namespace lxnet
