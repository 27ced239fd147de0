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

// Number to row, made by the compiler.
constexpr uint8_t kNoRow = 0xff;
struct RowIndex {
  uint8_t row[256];
};
constexpr RowIndex index_of(std::span<const TransportProtocol> rows) {
  RowIndex index{};
  for (uint8_t& row : index.row) row = kNoRow;
  for (size_t i = 0; i < rows.size(); ++i) index.row[rows[i].number] = static_cast<uint8_t>(i);
  return index;
}
constexpr RowIndex kIndex4 = index_of(kTransports4), kIndex6 = index_of(kTransports6);

}  // namespace

const TransportProtocol* find_transport(IpFamily family, uint8_t number) {
  const uint8_t row = (family == IpFamily::V4 ? kIndex4 : kIndex6).row[number];
  if (row == kNoRow) return nullptr;
  return family == IpFamily::V4 ? &kTransports4[row] : &kTransports6[row];
}

}  // namespace lxnet
