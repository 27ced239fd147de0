// Neighbours: net/core/neighbour.c.
#include "compat/afnetlink/route_family.hh"
#include "compat/afnetlink/route_messages.hh"
#include "stack/neighbour/neighbour_table.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

struct Ages {  // struct nda_cacheinfo; in hundredths of a second
  uint32_t confirmed, used, updated, references;
};

uint32_t age(Instant now, Instant then) {
  constexpr int64_t kHundredth = 10'000'000;
  return then >= now ? 0 : static_cast<uint32_t>((now - then).in_nanos() / kHundredth);
}

struct NeighbourRequest {
  Ref<Interface> interface;
  IpAddress address;
};

Result<NeighbourRequest> read_neighbour(SyscallContext& context, const NeighbourMessage& asked,
                                        const NetlinkAttributes& attributes) {
  const auto family = ip_family_of(asked.family);
  const auto value = attributes.find(kNeighbourAddress);
  if (!value) return Errno::EINVAL;
  NeighbourRequest request;
  if (asked.index != 0) {
    request.interface = context.stack().interfaces().find(static_cast<uint32_t>(asked.index));
    if (request.interface == nullptr) return Errno::ENODEV;
  }
  if (!family.is_ok()) return Errno::EAFNOSUPPORT;
  const IpFamily version = asked.family == number_of(IpFamily::V4) ? IpFamily::V4 : IpFamily::V6;
  if (value->size() < (version == IpFamily::V4 ? sizeof(Ipv4Address) : sizeof(Ipv6Address))) return Errno::EINVAL;
  request.address = *TRY(read_address(attributes, kNeighbourAddress, version));
  return request;
}

}  // namespace

Result<> write_neighbour(NetlinkWriter& writer, Instant now, const NeighbourInfo& info, uint16_t type, uint16_t flags) {
  constexpr uint8_t kUnicast = 1;
  const NeighbourMessage message{.family = number_of(info.address.family()),
                                 .pad1 = 0,
                                 .pad2 = 0,
                                 .index = static_cast<int32_t>(info.interface_index),
                                 .state = static_cast<uint16_t>(info.state),
                                 .flags = info.is_router ? kNeighbourIsRouter : uint8_t{0},
                                 .type = kUnicast};
  TRY(writer.begin(type, flags, bytes_of(message)));
  TRY(put_address(writer, kNeighbourAddress, info.address));
  if (has_link_address(info.state)) TRY(writer.attribute(kNeighbourLinkAddress, ByteSpan(info.mac.bytes())));
  TRY(writer.attribute(kNeighbourProbes, info.probes));
  TRY(writer.attribute(kNeighbourAges, Ages{.confirmed = age(now, info.confirmed),
                                            .used = age(now, info.used),
                                            .updated = age(now, info.updated),
                                            .references = 0}));
  return writer.end();
}

Result<> get_neighbour(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer) {
  const auto asked = TRY(read_message<NeighbourMessage>(request));
  const NeighbourRequest read = TRY(read_neighbour(context, asked, attributes_behind<NeighbourMessage>(request)));
  if (read.interface == nullptr) return Errno::EINVAL;
  const NeighbourInfo info = TRY(context.stack().neighbours().find(*read.interface, read.address));
  return write_neighbour(writer, context.entry().now(), info, kNewNeighbour, 0);
}

Result<> dump_neighbours(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer) {
  NeighbourTable& table = context.stack().neighbours();
  const uint8_t family = family_of(request);
  size_t count = 0;
  const auto copies = TRY(collect<NeighbourInfo>(context.hal(), count, [&](auto&& visit) { table.for_each(visit); }));
  for (size_t i = 0; i < count; ++i) {
    if (family != 0 && family != number_of(copies[i].address.family())) continue;
    TRY(write_neighbour(writer, context.entry().now(), copies[i], kNewNeighbour, kNetlinkMulti));
  }
  return ok();
}

Result<> new_neighbour(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  const auto asked = TRY(read_message<NeighbourMessage>(request));
  const auto attributes = attributes_behind<NeighbourMessage>(request);
  const NeighbourRequest read = TRY(read_neighbour(context, asked, attributes));
  if (read.interface == nullptr) return Errno::EINVAL;
  if (!read.interface->needs_resolution()) return Errno::EINVAL;
  NeighbourTable& table = context.stack().neighbours();
  const bool is_known = table.find(*read.interface, read.address).is_ok();
  if (is_known && (request.header.flags & kNetlinkExclusive) != 0) return Errno::EEXIST;
  if (!is_known && (request.header.flags & kNetlinkCreate) == 0) return Errno::ENOENT;
  NeighbourUpdate update{.state = static_cast<NeighbourState>(asked.state),
                         .overrides = !is_known || (request.header.flags & kNetlinkReplace) != 0,
                         .by_administrator = true,
                         .says_router = true,
                         .is_router = (asked.flags & kNeighbourIsRouter) != 0};
  if (const auto mac = attributes.find(kNeighbourLinkAddress)) {
    if (mac->size() < MacAddress::kSize) return Errno::EINVAL;
    update.mac = MacAddress::from_bytes(mac->first<MacAddress::kSize>());
    update.has_mac = true;
  }
  return table.learn(context.entry(), *read.interface, read.address, update);
}

Result<> delete_neighbour(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  const auto asked = TRY(read_message<NeighbourMessage>(request));
  const NeighbourRequest read = TRY(read_neighbour(context, asked, attributes_behind<NeighbourMessage>(request)));
  if (read.interface == nullptr) return Errno::EINVAL;
  return context.stack().neighbours().remove(context.entry(), *read.interface, read.address);
}

}  // namespace lxnet
