// What lxnet's tables call Missing, as walk's --missing takes it.
#include "compat/afinet/inet_options.hh"
#include "compat/afpacket/packet_socket.hh"
#include "compat/syscalls/option_table.hh"
#include "tests/differential/two_kernels.hh"

namespace differential {

std::string missing_options() {
  std::string list;
  const std::span<const lxnet::OptionRow> tables[] = {
      lxnet::socket_level_options().rows(), lxnet::ip_level_options().rows(),    lxnet::ipv6_level_options().rows(),
      lxnet::tcp_level_options().rows(),    lxnet::udp_level_options().rows(),   lxnet::raw4_level_options().rows(),
      lxnet::raw6_level_options().rows(),   lxnet::icmp6_level_options().rows(), lxnet::packet_level_options().rows()};
  for (const auto& rows : tables) {
    for (const lxnet::OptionRow& row : rows) {
      if (row.support == lxnet::Support::Missing) list += std::to_string(row.level) + ":" + std::to_string(row.name) + ",";
    }
  }
  return list;
}

}  // namespace differential
