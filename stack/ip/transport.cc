// The rows: who takes which protocol.
#include "stack/ip/transport.hh"

#include "stack/icmp/icmp_input.hh"
#include "stack/igmp/igmp_input.hh"
#include "stack/tcp/tcp_input.hh"
#include "stack/udp/udp_input.hh"

namespace lxnet {

namespace {

// IGMP sends nothing an error could be about that matters.
void ignore_error(Entry&, const IpError&) {}

constexpr TransportProtocol kTransports4[] = {
    {.number = 1, .name = "ICMP", .receive = &icmp4_receive, .receive_error = &icmp4_receive_error},
    {.number = 2, .name = "IGMP", .receive = &igmp_receive, .receive_error = &ignore_error},
    {.number = 6, .name = "TCP", .receive = &tcp_receive, .receive_error = &tcp_receive_error},
    {.number = 17, .name = "UDP", .receive = &udp_receive, .receive_error = &udp_receive_error},
    {.number = 136, .name = "UDPLite", .receive = &udp_lite_receive, .receive_error = &udp_lite_receive_error},
};
constexpr TransportProtocol kTransports6[] = {
    {.number = 6, .name = "TCPv6", .receive = &tcp_receive, .receive_error = &tcp_receive_error},
    {.number = 17, .name = "UDPv6", .receive = &udp_receive, .receive_error = &udp_receive_error},
    {.number = 58, .name = "ICMPv6", .receive = &icmp6_receive, .receive_error = &icmp6_receive_error},
    {.number = 136, .name = "UDPLitev6", .receive = &udp_lite_receive, .receive_error = &udp_lite_receive_error},
};

}  // namespace

const TransportProtocol* find_transport(IpFamily family, uint8_t number) {
  const std::span<const TransportProtocol> rows = family == IpFamily::V4 ? std::span<const TransportProtocol>(kTransports4)
                                                                         : std::span<const TransportProtocol>(kTransports6);
  for (const TransportProtocol& row : rows) {
    if (row.number == number) return &row;
  }
  return nullptr;
}

}  // namespace lxnet
