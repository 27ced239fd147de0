// Link, offloads and time stamping as `ethtool` asks for them by ioctl.
#include "compat/afinet/ethtool_ioctl.hh"

#include "netdev/virtual_device.hh"

namespace lxnet {
namespace {

// ETHTOOL_*.
constexpr uint32_t kGetDriver = 0x3, kGetLink = 0xa, kGetReceiveChecksum = 0x14, kGetTransmitChecksum = 0x16,
                   kGetScatterGather = 0x18, kGetTcpSegmentation = 0x1e, kGetSegmentation = 0x23, kGetFlags = 0x25,
                   kGetCoalescing = 0x2b, kGetTimestamping = 0x41;

struct Value {  // struct ethtool_value
  uint32_t command, data;
};
struct Driver {  // struct ethtool_drvinfo
  uint32_t command;
  char driver[32], version[32], firmware[32], bus[32], rom[32], reserved[12];
  uint32_t private_flags, statistics, tests, dump_size, register_size;
};
static_assert(sizeof(Driver) == 196);
struct Timestamping {  // struct ethtool_ts_info
  uint32_t command, flags;
  int32_t clock_index;
  uint32_t transmit_types, reserved[3], filters, reserved2[3];
};
static_assert(sizeof(Timestamping) == 44);

Result<uint32_t> value_of(const Interface& interface, uint32_t command) {
  const DeviceCapabilities& device = interface.device().capabilities();
  const bool is_loopback = interface.is_loopback();
  switch (command) {
    case kGetLink:
      return interface.is_running() ? 1u : 0u;
    case kGetReceiveChecksum:
      return is_loopback || device.verifies_checksum ? 1u : 0u;
    case kGetTransmitChecksum:
      return is_loopback || device.sends_checksum ? 1u : 0u;
    case kGetTcpSegmentation:
      return is_loopback || device.segments_tcp ? 1u : 0u;
    case kGetScatterGather:
    case kGetSegmentation:
    case kGetCoalescing:
      return 1u;
    case kGetFlags:
      return 0u;
    default:
      return Errno::EOPNOTSUPP;
  }
}

}  // namespace

Result<int64_t> ethtool_ioctl(SyscallContext& context, const Interface& interface, UserAddress data) {
  const Hal& hal = context.hal();
  const auto command = TRY(read_user<uint32_t>(hal, data));
  if (command == kGetTimestamping) {
    constexpr uint32_t kSoftware = 0x2 | 0x8 | 0x10;  // SOF_TIMESTAMPING_TX_SOFTWARE, RX_SOFTWARE, SOFTWARE
    TRY(write_user(hal, data, Timestamping{command, kSoftware, -1, 0, {}, 0, {}}));
    return 0;
  }
  if (command == kGetDriver && !interface.is_loopback()) {
    Driver answer{};
    answer.command = command;
    VirtualDevice* made = interface.device().as_virtual();
    const char* name = made == nullptr ? "lxnet" : made->kind();
    for (size_t i = 0; name[i] != 0; ++i) answer.driver[i] = name[i];
    TRY(write_user(hal, data, answer));
    return 0;
  }
  TRY(write_user(hal, data, Value{command, TRY(value_of(interface, command))}));
  return 0;
}

}  // namespace lxnet
