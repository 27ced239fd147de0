// Multicast options.
#include "compat/afinet/options_multicast.hh"

#include "compat/afinet/option_rows.hh"

namespace lxnet {
namespace {

struct MembershipRequest {  // struct ip_mreqn; ip_mreq is its first eight bytes
  Ipv4Address group;
  Ipv4Address address;
  int32_t index;
};
struct SourceRequest {  // struct ip_mreq_source
  Ipv4Address group, interface, source;
};
struct MembershipRequest6 {  // struct ipv6_mreq
  Ipv6Address group;
  uint32_t index;
};
constexpr size_t kSockaddrStorage = 128;

Memberships& memberships_of(const OptionInput& input) { return input.context.stack().memberships(); }
SocketGroups& groups_of(const OptionInput& input) { return socket_of(input.socket).groups; }

// TCP joins no groups.
Result<> refuse_streams(const OptionInput& input, Errno error) {
  if (socket_of(input.socket).type() == SocketType::Stream) return error;
  return ok();
}

// As much of an ip_mreqn as the caller gave, an ip_mreq at least.
Result<MembershipRequest> read_request(const OptionInput& input) {
  constexpr size_t kShort = 2 * sizeof(Ipv4Address);
  const auto given = static_cast<size_t>(input.length);
  if (given < kShort) return Errno::EINVAL;
  MembershipRequest request{};
  TRY(copy_in(input.context.hal(), mutable_bytes_of(request).first(given < sizeof request ? kShort : sizeof request),
              input.value));
  return request;
}

GroupInterface interface_of(const MembershipRequest& request) {
  return {.index = static_cast<uint32_t>(request.index), .address = request.address};
}

Result<> change_source(const OptionInput& input, const IpAddress& group, const GroupInterface& on, const IpAddress& source,
                       SourceOperation operation) {
  Memberships& memberships = memberships_of(input);
  Entry& entry = input.context.entry();
  switch (operation) {
    case SourceOperation::Join:
      return memberships.join_source(entry, groups_of(input), group, on, source);
    case SourceOperation::Leave:
      return memberships.leave_source(entry, groups_of(input), group, on, source);
    case SourceOperation::Block:
      return memberships.block_source(entry, groups_of(input), group, on, source);
    case SourceOperation::Unblock:
      return memberships.unblock_source(entry, groups_of(input), group, on, source);
  }
  return Errno::EINVAL;
}

// A sockaddr_storage inside a group_req, which must be of the level's family.
Result<IpAddress> read_group_address(const OptionInput& input, size_t offset, IpFamily family) {
  SockAddr address;
  address.resize(kSockaddrStorage);
  TRY(copy_in(input.context.hal(), address.storage(), input.value + offset));
  if (family == IpFamily::V4) {
    if (address.family() != kFamilyInet) return Errno::EINVAL;
    return endpoint_from_inet(address).address;
  }
  if (address.family() != kFamilyInet6) return Errno::EADDRNOTAVAIL;
  return endpoint_from_inet6(address).address;
}

// struct group_req and group_source_req: an index, padding for 64-bit callers, one or two addresses.
size_t first_address_at(const OptionInput& input) { return input.context.is_32bit() ? 4 : 8; }

Result<GroupInterface> read_group_interface(const OptionInput& input, size_t address_count) {
  if (static_cast<size_t>(input.length) < first_address_at(input) + address_count * kSockaddrStorage) return Errno::EINVAL;
  return GroupInterface{.index = TRY(read_user<uint32_t>(input.context.hal(), input.value))};
}

// do_ipv6_setsockopt() looks at the first word of whatever it is given, then here at the length and the socket.
Result<MembershipRequest6> read_request6(const OptionInput& input) {
  TRY(read_ipv6_int(input));
  if (static_cast<size_t>(input.length) < sizeof(MembershipRequest6)) return Errno::EINVAL;
  TRY(refuse_streams(input, Errno::EPROTO));
  return input.read<MembershipRequest6>();
}

}  // namespace

GroupSending group_sending_of(SocketFile& file) {
  const Socket& socket = socket_of(file);
  const IpSocketOptions& options = *socket.ip_options;
  GroupSending groups{options.multicast_interface_v4, options.multicast_interface_v6, options.multicast_ttl,
                      options.multicast_hops};
  const Arrival arrival = socket.arrival();
  if (arrival.is_known && arrival.is_v4) {
    groups.interface_v4 = arrival.interface_index;
    groups.ttl = arrival.ttl;
  }
  if (arrival.is_known && socket.family() == IpFamily::V6) {
    groups.interface_v6 = arrival.interface_index;
    groups.hops = arrival.ttl;
  }
  return groups;
}

Result<> join_ipv4(const OptionInput& input) {
  TRY(refuse_streams(input, Errno::EPROTO));
  const MembershipRequest request = TRY(read_request(input));
  return memberships_of(input).join(input.context.entry(), groups_of(input), IpAddress(request.group), interface_of(request));
}

Result<> leave_ipv4(const OptionInput& input) {
  TRY(refuse_streams(input, Errno::EPROTO));
  const MembershipRequest request = TRY(read_request(input));
  return memberships_of(input).leave(input.context.entry(), groups_of(input), IpAddress(request.group), interface_of(request));
}

Result<> change_ipv4_source(const OptionInput& input, SourceOperation operation) {
  if (static_cast<size_t>(input.length) != sizeof(SourceRequest)) return Errno::EINVAL;
  const auto request = TRY(read_user<SourceRequest>(input.context.hal(), input.value));
  return change_source(input, IpAddress(request.group), {.address = request.interface}, IpAddress(request.source), operation);
}

Result<> set_multicast_interface4(const OptionInput& input) {
  TRY(refuse_streams(input, Errno::EINVAL));
  const auto given = static_cast<size_t>(input.length);
  if (given < sizeof(Ipv4Address)) return Errno::EINVAL;
  MembershipRequest request{};
  if (given >= 2 * sizeof(Ipv4Address)) {
    request = TRY(read_request(input));
  } else {
    request.address = TRY(read_user<Ipv4Address>(input.context.hal(), input.value));
  }
  Socket& socket = socket_of(input.socket);
  const InterfaceRegistry& interfaces = input.context.stack().interfaces();
  if (request.index == 0 && request.address.is_unspecified()) {
    TRY(set_ip(input.socket, &IpSocketOptions::multicast_interface_v4, 0));
    return set_ip(input.socket, &IpSocketOptions::multicast_source, Ipv4Address());
  }
  const Ref<Interface> interface = request.index != 0 ? interfaces.find(static_cast<uint32_t>(request.index))
                                                      : interfaces.find_by_local_address(IpAddress(request.address));
  if (!interface) return Errno::EADDRNOTAVAIL;
  if (socket.options.bound_interface != 0 && socket.options.bound_interface != interface->index()) return Errno::EINVAL;
  TRY(set_ip(input.socket, &IpSocketOptions::multicast_interface_v4, interface->index()));
  return set_ip(input.socket, &IpSocketOptions::multicast_source, request.address);
}

Result<> join_ipv6(const OptionInput& input) {
  const auto request = TRY(read_request6(input));
  return memberships_of(input).join(input.context.entry(), groups_of(input), IpAddress(request.group), {.index = request.index});
}

Result<> leave_ipv6(const OptionInput& input) {
  const auto request = TRY(read_request6(input));
  return memberships_of(input).leave(input.context.entry(), groups_of(input), IpAddress(request.group), {.index = request.index});
}

Result<> set_multicast_interface6(const OptionInput& input) {
  Socket& socket = socket_of(input.socket);
  if (socket.type() == SocketType::Stream) return Errno::ENOPROTOOPT;
  const int value = TRY(read_ipv6_int(input));
  const auto index = static_cast<uint32_t>(value);
  if (index != 0) {
    if (!input.context.stack().interfaces().find(index)) return Errno::ENODEV;
    if (socket.options.bound_interface != 0 && socket.options.bound_interface != index) return Errno::EINVAL;
  }
  return set_ip(input.socket, &IpSocketOptions::multicast_interface_v6, index);
}

// Unlike the older options these do not ask whether the socket is a stream's.
Result<> join_group(const OptionInput& input, IpFamily family) {
  const GroupInterface on = TRY(read_group_interface(input, 1));
  const IpAddress group = TRY(read_group_address(input, first_address_at(input), family));
  return memberships_of(input).join(input.context.entry(), groups_of(input), group, on);
}

Result<> leave_group(const OptionInput& input, IpFamily family) {
  const GroupInterface on = TRY(read_group_interface(input, 1));
  const IpAddress group = TRY(read_group_address(input, first_address_at(input), family));
  return memberships_of(input).leave(input.context.entry(), groups_of(input), group, on);
}

Result<> change_group_source(const OptionInput& input, IpFamily family, SourceOperation operation) {
  // ip_sockglue.c wants exactly the structure, ipv6_sockglue.c at least.
  const size_t exact = first_address_at(input) + 2 * kSockaddrStorage;
  if (family == IpFamily::V4 && static_cast<size_t>(input.length) != exact) return Errno::EINVAL;
  const GroupInterface on = TRY(read_group_interface(input, 2));
  auto group = read_group_address(input, first_address_at(input), family);
  auto source = read_group_address(input, first_address_at(input) + kSockaddrStorage, family);
  if (group.is_error(Errno::EFAULT) || source.is_error(Errno::EFAULT)) return Errno::EFAULT;
  // Only here is a wrong family an address that is not available.
  if (!group.is_ok() || !source.is_ok()) return Errno::EADDRNOTAVAIL;
  return change_source(input, group.take(), on, source.take(), operation);
}

}  // namespace lxnet
