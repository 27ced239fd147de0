// IPPROTO_UDP.
// lint: table
#include "compat/afinet/inet_options.hh"
#include "stack/udp/udp_socket.hh"

namespace lxnet {
namespace {

UdpSocket& udp_of(SocketFile& file) { return static_cast<UdpSocket&>(socket_of(file)); }

template <bool UdpOptions::*Member>
constexpr OptionRow flag_row(int name, const char* text) {
  return {.level = kLevelUdp,
          .name = name,
          .text = text,
          .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
            udp_of(file).udp_options.*Member = value != 0;
            return ok();
          },
          .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{udp_of(file).udp_options.*Member}; }};
}

// udp_lib_setsockopt(): too small a coverage is the header's eight bytes, too large a one the largest.
uint16_t coverage_of(int value) {
  constexpr int kLeast = 8, kMost = UINT16_MAX;
  if (value == 0) return 0;
  return static_cast<uint16_t>(value < kLeast ? kLeast : value > kMost ? kMost : value);
}

template <uint16_t UdpOptions::*Coverage, bool UdpOptions::*IsSet>
constexpr OptionRow coverage_row(int name, const char* text) {
  return {.level = kLevelUdp,
          .name = name,
          .text = text,
          .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
            if (!udp_of(file).is_lite()) return Errno::ENOPROTOOPT;
            udp_of(file).udp_options.*Coverage = coverage_of(value);
            udp_of(file).udp_options.*IsSet = true;
            return ok();
          },
          .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{udp_of(file).udp_options.*Coverage}; },
          .note = "UDP-Lite only"};
}

// RFC 3948's are those a program may choose; 0 ends it. Which other numbers exist is for the kernel's own tunnels.
Result<> set_encapsulation(SyscallContext&, SocketFile& file, int value) {
  if (value != UdpOptions::kNoEncapsulation && value != UdpOptions::kEspInUdp && value != UdpOptions::kL2tpInUdp) {
    return Errno::ENOPROTOOPT;
  }
  udp_of(file).udp_options.encapsulation = static_cast<uint8_t>(value);
  return ok();
}

constexpr OptionRow kRows[] = {
    {.level = kLevelUdp,
     .name = 1,
     .text = "UDP_CORK",
     .set_int = [](SyscallContext& context, SocketFile& file, int value) -> Result<> {
       return udp_of(file).set_cork(context.entry(), value != 0 ? UdpSocket::Cork::On : UdpSocket::Cork::Off);
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{udp_of(file).udp_options.is_corked}; }},
    coverage_row<&UdpOptions::send_coverage, &UdpOptions::has_send_coverage>(10, "UDPLITE_SEND_CSCOV"),
    coverage_row<&UdpOptions::receive_coverage, &UdpOptions::has_receive_coverage>(11, "UDPLITE_RECV_CSCOV"),
    {.level = kLevelUdp,
     .name = 100,
     .text = "UDP_ENCAP",
     .set_int = &set_encapsulation,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{udp_of(file).udp_options.encapsulation}; }},
    flag_row<&UdpOptions::no_check6_tx>(101, "UDP_NO_CHECK6_TX"),
    flag_row<&UdpOptions::no_check6_rx>(102, "UDP_NO_CHECK6_RX"),
    {.level = kLevelUdp,
     .name = 103,
     .text = "UDP_SEGMENT",
     .min = 0,
     .max = UINT16_MAX,
     .set_int = [](SyscallContext&, SocketFile& file, int value) -> Result<> {
       udp_of(file).udp_options.segment_size = static_cast<uint16_t>(value);
       return ok();
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{udp_of(file).udp_options.segment_size}; }},
    flag_row<&UdpOptions::receives_segments>(104, "UDP_GRO"),
};

}  // namespace

const OptionTable& udp_level_options() {
  static constexpr OptionTable kTable(kRows);
  return kTable;
}

}  // namespace lxnet
