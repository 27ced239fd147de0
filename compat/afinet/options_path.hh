// Options about the way packets take: its MTU, who looks at them on it, IPsec policies, from which address they come.
#pragma once

#include "compat/afinet/inet_options.hh"

namespace lxnet {

// IP_MTU and the reading of IPV6_MTU: of the path to the peer. ENOTCONN.
Result<int> get_path_mtu(SyscallContext& context, SocketFile& file);
// IPV6_PATHMTU: struct ip6_mtuinfo.
Result<> get_path_mtu_info(const OptionOutput& output);

Result<> set_router_alert4(SyscallContext& context, SocketFile& file, int value);
Result<> set_router_alert6(SyscallContext& context, SocketFile& file, int value);

// IP_IPSEC_POLICY and its kin, as where nobody has loaded a key manager: taking a policy away succeeds, none can be set.
// `is_known`: the policy is of the kind that this family's key manager would read.
enum class PolicyKind : uint8_t { Foreign, Own };
Result<> set_ipsec_policy(const OptionInput& input, PolicyKind kind);

// IPV6_ADDR_PREFERENCES (RFC 5014).
Result<> set_source_preferences(SyscallContext& context, SocketFile& file, int value);
Result<int> get_source_preferences(SyscallContext& context, SocketFile& file);

// IP_UNICAST_IF and IPV6_UNICAST_IF, in network byte order.
Result<> set_unicast_interface4(SyscallContext& context, SocketFile& file, int value);
Result<> set_unicast_interface6(SyscallContext& context, SocketFile& file, int value);

// IPV6_ADDRFORM.
Result<> set_address_form(SyscallContext& context, SocketFile& file, int value);
Result<int> get_address_form(SyscallContext& context, SocketFile& file);

}  // namespace lxnet
