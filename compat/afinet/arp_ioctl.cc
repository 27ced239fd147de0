// The ARP table by ioctl: Linux's arp_ioctl(), in its order of checks.
#include "compat/afinet/inet_address.hh"
#include "compat/afinet/route_ioctl.hh"
#include "stack/hardware_type.hh"

namespace lxnet {
namespace {

constexpr uint32_t kComplete = 0x2, kPermanent = 0x4, kPublished = 0x8, kNetmask = 0x20, kNotPublished = 0x40;  // ATF_*
constexpr size_t kNameSize = Interface::kNameSize;

struct UserArp {  // struct arpreq
  UserInetAddress protocol;
  uint16_t hardware_kind;
  uint8_t hardware[6];
  uint8_t hardware_rest[8];
  int32_t flags;
  UserInetAddress mask;
  char device[kNameSize];
};
static_assert(sizeof(UserArp) == 68);

Result<Ref<Interface>> find_device(SyscallContext& context, UserArp& user, uint32_t command) {
  user.device[kNameSize - 1] = 0;
  if (user.device[0] != 0) {
    Ref<Interface> interface = context.stack().interfaces().find(user.device);
    if (!interface) return Errno::ENODEV;
    if ((user.flags & static_cast<int32_t>(kComplete)) != 0 && user.hardware_kind != 0 &&
        user.hardware_kind != kHardwareEthernet) {
      return Errno::EINVAL;
    }
    return interface;
  }
  if (command == kGetArp) return Errno::ENODEV;
  FlowKey key;
  key.source = IpAddress::any(IpFamily::V4);
  key.destination = IpAddress(user.protocol.address);
  auto route = context.stack().routes().lookup(context.entry(), key);
  if (!route.is_ok()) return route.error();
  return route.take().output;
}

}  // namespace

Result<int64_t> arp_ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  if (command != kGetArp && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  auto user = TRY(read_user<UserArp>(context.hal(), argument));
  if (user.protocol.family != kFamilyInet) return Errno::EPFNOSUPPORT;
  const auto flags = static_cast<uint32_t>(user.flags);
  if ((flags & kPublished) == 0 && (flags & (kNetmask | kNotPublished)) != 0) return Errno::EINVAL;
  // Answering for others is set up for whole interfaces only.
  if ((flags & kPublished) != 0) return Errno::EOPNOTSUPP;
  const Ref<Interface> interface = TRY(find_device(context, user, command));
  const IpAddress address(user.protocol.address);
  NeighbourTable& neighbours = context.stack().neighbours();
  if (command == kGetArp) {
    auto found = neighbours.find(*interface, address);
    if (!found.is_ok()) return Errno::ENXIO;
    const NeighbourInfo info = found.take();
    if (info.state == NeighbourState::NoArp) return Errno::ENXIO;
    copy_bytes(MutableByteSpan(user.hardware), info.mac.bytes());
    user.hardware_kind = kHardwareEthernet;
    user.flags = static_cast<int32_t>(info.state == NeighbourState::Permanent ? kComplete | kPermanent
                                      : has_link_address(info.state)          ? kComplete
                                                                              : 0u);
    for (size_t i = 0; i < kNameSize; ++i) user.device[i] = interface->name()[i];
    TRY(write_user(context.hal(), argument, user));
    return 0;
  }
  if (!interface->needs_resolution()) return command == kDeleteArp ? Errno::ENXIO : Errno::EINVAL;
  if (command == kDeleteArp) {
    if (!neighbours.remove(context.entry(), *interface, address).is_ok()) return Errno::ENXIO;
    return 0;
  }
  const bool is_permanent = (flags & kPermanent) != 0;
  TRY(neighbours.learn(context.entry(), *interface, address,
                       {.state = is_permanent ? NeighbourState::Permanent : NeighbourState::Stale,
                        .mac = MacAddress::from_bytes(user.hardware),
                        .has_mac = is_permanent || (flags & kComplete) != 0,
                        .overrides = true,
                        .by_administrator = true}));
  return 0;
}

}  // namespace lxnet
