// IPT_SO_* and IP6T_SO_*: how iptables reads and replaces the rules of a stack, through any of its sockets.
#pragma once

#include "compat/syscalls/option_table.hh"
#include "stack/ip_address.hh"

namespace lxnet {

// EPERM without CAP_NET_ADMIN, before anything is looked at. Other errors are Linux's of 6.18, in its order.
Result<> replace_filter_table(const OptionInput& input, IpFamily family);
Result<> add_filter_counters(const OptionInput& input, IpFamily family);
Result<> get_filter_info(const OptionOutput& output, IpFamily family);
Result<> get_filter_entries(const OptionOutput& output, IpFamily family);
enum class ExtensionSort : uint8_t { Match, Target };
// Which revision of an extension there is: 0 is said of the one that was asked for. ENOENT; EPROTONOSUPPORT: another one.
Result<> get_filter_revision(const OptionOutput& output, IpFamily family, ExtensionSort sort);

}  // namespace lxnet
