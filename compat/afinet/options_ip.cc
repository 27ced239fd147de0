// IPPROTO_IP.
// lint: table
#include "compat/afinet/inet_options.hh"

namespace lxnet {
namespace {

constexpr OptionRow kRows[] = {
    {.level = kLevelIp,
     .name = 1,
     .text = "IP_TOS",
     .rule = IntRule::IntOrChar,
     .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
       socket_of(file).ip_options.tos = static_cast<uint8_t>(value);
       return ok();
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{socket_of(file).ip_options.tos}; }},
    {.level = kLevelIp,
     .name = 2,
     .text = "IP_TTL",
     .rule = IntRule::IntOrChar,
     .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
       if (value != -1 && (value < 1 || value > 255)) return Errno::EINVAL;
       socket_of(file).ip_options.ttl = static_cast<int16_t>(value);
       return ok();
     },
     .get_int = [](SyscallContext& context, SocketFile& file) -> Result<int> {
       const int16_t ttl = socket_of(file).ip_options.ttl;
       return ttl < 0 ? context.stack().tunables().values().ip_default_ttl : int{ttl};
     }},
};

}  // namespace

std::span<const OptionRow> ip_level_options() { return kRows; }

}  // namespace lxnet
