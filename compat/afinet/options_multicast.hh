// The multicast options of both IP levels: group membership with source filters, and where and how far multicast is sent.
#pragma once

#include "compat/afinet/inet_options.hh"

namespace lxnet {

// IP_ADD_MEMBERSHIP and IP_DROP_MEMBERSHIP: struct ip_mreq or ip_mreqn.
Result<> join_ipv4(const OptionInput& input);
Result<> leave_ipv4(const OptionInput& input);
// IP_ADD_SOURCE_MEMBERSHIP and its kin: struct ip_mreq_source.
enum class SourceOperation : uint8_t { Join, Leave, Block, Unblock };
Result<> change_ipv4_source(const OptionInput& input, SourceOperation operation);
// IP_MULTICAST_IF: an address, an ip_mreq or an ip_mreqn.
Result<> set_multicast_interface4(const OptionInput& input);

// Where and how far datagrams for groups go. Of a connection, which sends none and cannot set it, Linux shows here where the
// last segment of its handshake came in and with what TTL; an AF_INET6 socket keeps both kinds.
struct GroupSending {
  uint32_t interface_v4, interface_v6;
  int ttl, hops;
};
GroupSending group_sending_of(SocketFile& file);

// IPV6_ADD_MEMBERSHIP and IPV6_DROP_MEMBERSHIP: struct ipv6_mreq.
Result<> join_ipv6(const OptionInput& input);
Result<> leave_ipv6(const OptionInput& input);
Result<> set_multicast_interface6(const OptionInput& input);

// MCAST_JOIN_GROUP and its kin, which name groups and sources by sockaddr, at either level.
Result<> join_group(const OptionInput& input, IpFamily family);
Result<> leave_group(const OptionInput& input, IpFamily family);
Result<> change_group_source(const OptionInput& input, IpFamily family, SourceOperation operation);

// IP_MSFILTER: struct ip_msfilter. MCAST_MSFILTER: struct group_filter, at either level. The whole source filter of a group.
Result<> set_ipv4_filter(const OptionInput& input);
Result<> get_ipv4_filter(const OptionOutput& output);
Result<> set_group_filter(const OptionInput& input, IpFamily family);
Result<> get_group_filter(const OptionOutput& output, IpFamily family);

}  // namespace lxnet
