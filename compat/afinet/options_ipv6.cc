// IPPROTO_IPV6.
// lint: table
#include "compat/afinet/inet_options.hh"

namespace lxnet {
namespace {

constexpr OptionRow kRows[] = {
    {.level = kLevelIpv6,
     .name = 26,
     .text = "IPV6_V6ONLY",
     .rule = IntRule::Ipv6,
     .set_int = [](SyscallContext& context, SocketFile& file, int value) -> Result<> {
       auto local = socket_of(file).local_name(context.entry());
       if (local.is_ok() && local.take().port != 0) return Errno::EINVAL;
       socket_of(file).ip_options.v6_only = value != 0;
       return ok();
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{socket_of(file).ip_options.v6_only}; }},
};

}  // namespace

std::span<const OptionRow> ipv6_level_options() { return kRows; }

}  // namespace lxnet
