// Addresses of interfaces: net/ipv4/devinet.c and net/ipv6/addrconf.c.
#include "compat/afnetlink/route_family.hh"
#include "compat/afnetlink/route_messages.hh"
#include "compat/syscalls/sockaddr.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr uint32_t kForever = ~0u;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

struct Lifetimes {  // struct ifa_cacheinfo; the stamps count hundredths of a second
  uint32_t preferred, valid, created, updated;
};

uint32_t seconds_until(Instant now, Instant end) {
  if (end.is_never()) return kForever;
  return end <= now ? 0 : static_cast<uint32_t>((end - now).in_seconds());
}

Instant after_seconds(Instant now, uint32_t seconds) {
  return seconds == kForever ? Instant::never() : now + Duration::seconds(seconds);
}

uint32_t hundredths(int64_t nanos) { return static_cast<uint32_t>(nanos / (kNanosPerSecond / 100)); }

Result<> put_label(NetlinkWriter& writer, const Interface& interface, const InterfaceAddress& address) {
  const char* label = address.label[0] != 0 ? address.label : interface.name();
  size_t size = 0;
  while (size < InterfaceAddress::kLabelSize - 1 && label[size] != 0) ++size;
  uint8_t text[InterfaceAddress::kLabelSize] = {};
  memcpy(text, label, size);
  return writer.attribute(kAddressLabel, ByteSpan(text, size + 1));
}

struct AddressRequest {
  Ref<Interface> interface;
  InterfaceAddress address;
};

Result<Lifetimes> check_lifetimes(const NetlinkAttributes& attributes) {
  Lifetimes lifetimes{.preferred = kForever, .valid = kForever, .created = 0, .updated = 0};
  TRY(attributes.read(kAddressLifetimes, lifetimes));
  if (lifetimes.valid == 0 || lifetimes.preferred > lifetimes.valid) return Errno::EINVAL;
  return lifetimes;
}

// What both families say of an address that is to be set.
Result<> read_properties(const NetlinkAttributes& attributes, const AddressMessage& asked, Instant now,
                         InterfaceAddress& address) {
  uint32_t flags = asked.flags;
  TRY(attributes.read(kAddressFlagsWide, flags));
  address.flags = flags;
  TRY(attributes.read(kAddressMetric, address.metric));
  uint8_t origin = 0;
  if (TRY(attributes.read(kAddressOrigin, origin))) address.origin = static_cast<AddressOrigin>(origin);
  const Lifetimes lifetimes = TRY(check_lifetimes(attributes));
  address.valid_until = after_seconds(now, lifetimes.valid);
  address.preferred_until = after_seconds(now, lifetimes.preferred);
  if (lifetimes.valid == kForever) address.flags |= kAddressPermanent;
  return ok();
}

Result<AddressRequest> read_ipv4(SyscallContext& context, const AddressMessage& asked, const NetlinkAttributes& attributes) {
  AddressRequest request;
  const auto local = TRY(read_address(attributes, kAddressLocal, IpFamily::V4));
  if (asked.prefix_length > 32 || !local) return Errno::EINVAL;
  TRY(check_lifetimes(attributes));
  request.interface = context.stack().interfaces().find(asked.index);
  if (request.interface == nullptr) return Errno::ENODEV;
  InterfaceAddress& address = request.address;
  address.address = *local;
  address.peer = TRY(read_address(attributes, kAddressPeer, IpFamily::V4)).value_or(*local);
  Ipv4Address broadcast;
  if (TRY(attributes.read(kAddressBroadcast, broadcast))) address.broadcast = broadcast;
  if (const auto label = attributes.find(kAddressLabel)) {
    const size_t size = label->size() < sizeof address.label - 1 ? label->size() : sizeof address.label - 1;
    memcpy(address.label, label->data(), size);
  }
  return request;
}

Result<AddressRequest> read_ipv6(SyscallContext& context, const AddressMessage& asked, const NetlinkAttributes& attributes) {
  AddressRequest request;
  const auto peer = TRY(read_address(attributes, kAddressPeer, IpFamily::V6));
  const auto local = TRY(read_address(attributes, kAddressLocal, IpFamily::V6));
  if (!peer && !local) return Errno::EINVAL;
  TRY(check_lifetimes(attributes));
  request.interface = context.stack().interfaces().find(asked.index);
  if (request.interface == nullptr) return Errno::ENODEV;
  if (asked.prefix_length > 128) return Errno::EINVAL;
  request.address.address = local ? *local : *peer;
  request.address.peer = peer ? *peer : *local;
  return request;
}

Result<AddressRequest> read_request(SyscallContext& context, const NetlinkRequest& request, AddressMessage& asked) {
  asked = TRY(read_message<AddressMessage>(request));
  const auto attributes = attributes_behind<AddressMessage>(request);
  auto family = ip_family_of(asked.family);
  if (!family.is_ok()) return Errno::EOPNOTSUPP;
  const IpFamily version = family.take();
  AddressRequest read =
      version == IpFamily::V4 ? TRY(read_ipv4(context, asked, attributes)) : TRY(read_ipv6(context, asked, attributes));
  read.address.prefix_length = asked.prefix_length;
  read.address.scope = static_cast<AddressScope>(asked.scope);
  TRY(read_properties(attributes, asked, context.entry().now(), read.address));
  return read;
}

}  // namespace

Result<> write_address(NetlinkWriter& writer, Instant now, const Interface& interface, const InterfaceAddress& address,
                       uint16_t type, uint16_t flags) {
  const bool is_v4 = address.address.is_v4();
  const AddressMessage message{.family = number_of(address.address.family()),
                               .prefix_length = address.prefix_length,
                               .flags = static_cast<uint8_t>(address.flags),
                               .scope = static_cast<uint8_t>(address.scope),
                               .index = interface.index()};
  TRY(writer.begin(type, flags, bytes_of(message)));
  const bool has_peer = !(address.peer == address.address) && !address.peer.is_unspecified();
  TRY(put_address(writer, kAddressPeer, has_peer ? address.peer : address.address));
  if (is_v4 || has_peer) TRY(put_address(writer, kAddressLocal, address.address));
  if (is_v4) {
    if (!address.broadcast.is_unspecified()) TRY(writer.attribute(kAddressBroadcast, address.broadcast));
    TRY(put_label(writer, interface, address));
  }
  // The rest in either family's order.
  const Lifetimes lifetimes{.preferred = seconds_until(now, address.preferred_until),
                            .valid = seconds_until(now, address.valid_until),
                            .created = hundredths(address.created_nanos),
                            .updated = hundredths(address.updated_nanos)};
  if (!is_v4) {
    if (address.metric != 0) TRY(writer.attribute(kAddressMetric, address.metric));
    TRY(writer.attribute(kAddressLifetimes, lifetimes));
    TRY(writer.attribute(kAddressFlagsWide, address.flags));
  }
  if (address.origin != AddressOrigin::Unspecified) TRY(writer.attribute(kAddressOrigin, static_cast<uint8_t>(address.origin)));
  if (is_v4) {
    TRY(writer.attribute(kAddressFlagsWide, address.flags));
    if (address.metric != 0) TRY(writer.attribute(kAddressMetric, address.metric));
    TRY(writer.attribute(kAddressLifetimes, lifetimes));
  }
  return writer.end();
}

// IPv4's cannot be asked for one by one.
Result<> get_interface_address(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer) {
  const auto asked = TRY(read_message<AddressMessage>(request));
  if (asked.family != kFamilyInet6) return Errno::EOPNOTSUPP;
  const auto attributes = attributes_behind<AddressMessage>(request);
  auto address = TRY(read_address(attributes, kAddressLocal, IpFamily::V6));
  if (!address) address = TRY(read_address(attributes, kAddressPeer, IpFamily::V6));
  if (!address) return Errno::EINVAL;
  InterfaceRegistry& registry = context.stack().interfaces();
  const Ref<Interface> interface = asked.index != 0 ? registry.find(asked.index) : registry.find_by_address(*address);
  if (interface == nullptr) return Errno::EADDRNOTAVAIL;
  const InterfaceAddress found = TRY(registry.find_address(*interface, *address));
  return write_address(writer, context.entry().now(), *interface, found, kNewAddress, 0);
}

// All of IPv4, then all of IPv6.
Result<> dump_addresses(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer) {
  InterfaceRegistry& registry = context.stack().interfaces();
  const uint8_t family = family_of(request);
  for (const IpFamily version : {IpFamily::V4, IpFamily::V6}) {
    if (family != number_of(version) && ip_family_of(family).is_ok()) continue;
    for (Ref<Interface> one = registry.find_next(0); one != nullptr; one = registry.find_next(one->index())) {
      InterfaceAddress address;
      for (size_t position = 0; registry.copy_address(*one, position, address); ++position) {
        if (address.address.family() != version) continue;
        TRY(write_address(writer, context.entry().now(), *one, address, kNewAddress, kNetlinkMulti));
      }
    }
  }
  return ok();
}

Result<> new_address(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  AddressMessage asked{};
  const AddressRequest read = TRY(read_request(context, request, asked));
  InterfaceRegistry& registry = context.stack().interfaces();
  auto added = registry.add_address(context.entry(), *read.interface, read.address);
  const bool replaces = (request.header.flags & kNetlinkReplace) != 0 && (request.header.flags & kNetlinkExclusive) == 0;
  if (!added.is_error(Errno::EEXIST) || !replaces) return added;
  return registry.update_address(context.entry(), *read.interface, read.address);
}

Result<> delete_address(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  AddressMessage asked{};
  const auto header = TRY(read_message<AddressMessage>(request));
  if (header.family != kFamilyInet) {
    const AddressRequest read = TRY(read_request(context, request, asked));
    return context.stack().interfaces().remove_address(context.entry(), *read.interface, read.address.address,
                                                       header.prefix_length);
  }
  // What is not named of an IPv4 address matches any.
  const auto attributes = attributes_behind<AddressMessage>(request);
  InterfaceRegistry& registry = context.stack().interfaces();
  const Ref<Interface> interface = registry.find(header.index);
  if (interface == nullptr) return Errno::ENODEV;
  const auto local = TRY(read_address(attributes, kAddressLocal, IpFamily::V4));
  const auto peer = TRY(read_address(attributes, kAddressPeer, IpFamily::V4));
  InterfaceAddress found;
  const bool is_found = registry.any_address(*interface, [&](const InterfaceAddress& one) {
    if (!one.address.is_v4() || (local && !(one.address == *local))) return false;
    if (peer && (one.prefix_length != header.prefix_length || !peer->v4().is_in(one.peer.v4(), one.prefix_length))) return false;
    found = one;
    return true;
  });
  if (!is_found) return Errno::EADDRNOTAVAIL;
  return registry.remove_address(context.entry(), *interface, found.address, found.prefix_length);
}

}  // namespace lxnet
