// Interface ioctls, in Linux's order of checks: privilege, then the name, then the address.
#include "compat/afinet/interface_ioctl.hh"

#include "compat/afinet/ethtool_ioctl.hh"
#include "compat/afinet/inet_address.hh"
#include "stack/hardware_type.hh"

namespace lxnet {
namespace {

constexpr uint32_t kGetName = 0x8910, kGetList = 0x8912, kGetFlags = 0x8913, kSetFlags = 0x8914, kGetAddress = 0x8915,
                   kSetAddress = 0x8916, kGetDestination = 0x8917, kSetDestination = 0x8918, kGetBroadcast = 0x8919,
                   kSetBroadcast = 0x891a, kGetNetmask = 0x891b, kSetNetmask = 0x891c, kGetMetric = 0x891d, kSetMetric = 0x891e,
                   kGetMtu = 0x8921, kSetMtu = 0x8922, kSetName = 0x8923, kGetHardware = 0x8927, kGetIndex = 0x8933,
                   kGetQueueLength = 0x8942, kGetMap = 0x8970, kSetMap = 0x8971;
constexpr uint32_t kSetHardware = 0x8924, kGetSlave = 0x8929, kSetSlave = 0x8930, kAddMulticast = 0x8931,
                   kRemoveMulticast = 0x8932, kSetHardwareBroadcast = 0x8937, kSetQueueLength = 0x8943, kEthtool = 0x8946,
                   kGetPhy = 0x8947, kGetPhyRegister = 0x8948, kSetPhyRegister = 0x8949, kWanDevice = 0x894a, kGetVlan = 0x8982,
                   kSetVlan = 0x8983, kPrivate = 0x89f0;
constexpr uint32_t kGetBridge = 0x8940, kSetBridge = 0x8941, kAddBridge = 0x89a0, kRemoveBridge = 0x89a1, kNamespace = 0x894c,
                   kFirstBond = 0x8990, kBondSlaveInfo = 0x8993, kBondInfo = 0x8994, kLastBond = 0x8995,
                   kSetHardwareStamp = 0x89b0, kGetHardwareStamp = 0x89b1;
constexpr size_t kNameSize = Interface::kNameSize;
// What SIOCSIFFLAGS may change, beside IFF_UP.
constexpr uint32_t kSettableFlags = kInterfaceNoArp | kInterfacePromiscuous | kInterfaceAllMulticast;

// struct ifreq: a name and a union of 24 bytes, 16 for a 32-bit caller.
struct Request {
  char name[kNameSize];
  uint8_t value[24];

  template <typename T>
  T get() const {
    T out{};
    copy_bytes(mutable_bytes_of(out), ByteSpan(value));
    return out;
  }
  template <typename T>
  void set(const T& in) {
    for (uint8_t& byte : value) byte = 0;
    copy_bytes(MutableByteSpan(value), bytes_of(in));
  }
};

size_t request_size(const SyscallContext& context) { return context.is_32bit() ? 32 : sizeof(Request); }

bool names_equal(const char* a, const char* b) {
  size_t i = 0;
  while (a[i] != 0 && a[i] == b[i]) ++i;
  return a[i] == b[i];
}

struct Call {
  SyscallContext& context;
  UserAddress argument;
  Request request{};
  char label[kNameSize] = {};  // the name as given, "eth0:1" included
  Ref<Interface> interface = nullptr;

  InterfaceRegistry& registry() const { return context.stack().interfaces(); }
  Result<int64_t> answer() const {
    TRY(copy_out(context.hal(), argument, bytes_of(request).first(request_size(context))));
    return 0;
  }
};

Result<> find_interface(Call& call) {
  copy_bytes(MutableByteSpan(reinterpret_cast<uint8_t*>(call.label), kNameSize), bytes_of(call.request.name));
  // An alias is an address with a label; its interface is what stands before the colon.
  char name[kNameSize] = {};
  for (size_t i = 0; i + 1 < kNameSize && call.label[i] != 0 && call.label[i] != ':'; ++i) name[i] = call.label[i];
  call.interface = call.registry().find(name);
  if (!call.interface) return Errno::ENODEV;
  return ok();
}

Result<> require_admin(const Call& call) {
  if (!call.context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  return ok();
}

UserInetAddress inet_of(Ipv4Address address) {
  UserInetAddress user{};
  user.family = kFamilyInet;
  user.address = address;
  return user;
}

// The address that bears the label. EADDRNOTAVAIL.
Result<InterfaceAddress> find_labelled(const Call& call) {
  InterfaceAddress found;
  const bool is_found = call.registry().any_address(*call.interface, [&](const InterfaceAddress& address) {
    if (!address.address.is_v4()) return false;
    const char* label = address.label[0] != 0 ? address.label : call.interface->name();
    if (!names_equal(label, call.label)) return false;
    found = address;
    return true;
  });
  if (!is_found) return Errno::EADDRNOTAVAIL;
  return found;
}

Result<int64_t> get_ipv4(Call& call, uint32_t command) {
  TRY(find_interface(call));
  const InterfaceAddress address = TRY(find_labelled(call));
  switch (command) {
    case kGetAddress:
      call.request.set(inet_of(address.address.v4()));
      break;
    case kGetDestination:
      call.request.set(inet_of(address.peer.v4()));
      break;
    case kGetBroadcast:
      call.request.set(inet_of(address.broadcast));
      break;
    default:
      call.request.set(inet_of(Ipv4Address::netmask(address.prefix_length)));
      break;
  }
  return call.answer();
}

// The prefix of an address's class, which SIOCSIFADDR gives it.
uint8_t class_prefix(Ipv4Address address) {
  const uint32_t value = address.value();
  if ((value & 0x80000000u) == 0) return 8;
  return (value & 0xc0000000u) == 0x80000000u ? 16 : 24;
}

Result<> replace_address(Call& call, const InterfaceAddress* old, const InterfaceAddress& fresh) {
  if (old != nullptr)
    TRY(call.registry().remove_address(call.context.entry(), *call.interface, old->address, old->prefix_length));
  return call.registry().add_address(call.context.entry(), *call.interface, fresh);
}

Result<int64_t> set_ipv4(Call& call, uint32_t command) {
  TRY(require_admin(call));
  const auto user = call.request.get<UserInetAddress>();
  if (user.family != kFamilyInet) return Errno::EINVAL;
  TRY(find_interface(call));
  auto present = find_labelled(call);
  const bool has_old = present.is_ok();
  InterfaceAddress old;
  if (has_old) old = present.take();
  if (!has_old && command != kSetAddress) return Errno::EADDRNOTAVAIL;
  InterfaceAddress fresh = old;
  if (command == kSetAddress) {
    fresh = InterfaceAddress{};
    static_assert(sizeof fresh.label == kNameSize);
    copy_bytes(MutableByteSpan(reinterpret_cast<uint8_t*>(fresh.label), kNameSize - 1),
               ByteSpan(reinterpret_cast<const uint8_t*>(call.label), kNameSize - 1));
    fresh.address = fresh.peer = IpAddress(user.address);
    fresh.prefix_length = call.interface->is_loopback() ? 8 : class_prefix(user.address);
    if ((call.interface->flags() & kInterfaceBroadcast) != 0)
      fresh.broadcast = user.address.network_broadcast(fresh.prefix_length);
    fresh.scope = user.address.is_loopback() ? AddressScope::Host : AddressScope::Universe;
  } else if (command == kSetBroadcast) {
    fresh.broadcast = user.address;
  } else if (command == kSetDestination) {
    fresh.peer = IpAddress(user.address);
  } else {
    const uint32_t inverted = ~user.address.value();
    if ((inverted & (inverted + 1)) != 0) return Errno::EINVAL;  // a mask with holes
    fresh.prefix_length = static_cast<uint8_t>(std::popcount(user.address.value()));
    if (old.broadcast == old.address.v4().network_broadcast(old.prefix_length)) {
      fresh.broadcast = old.address.v4().network_broadcast(fresh.prefix_length);
    }
  }
  TRY(replace_address(call, has_old ? &old : nullptr, fresh));
  return 0;
}

// An alias is an address: to take it down is to remove it.
Result<int64_t> set_alias_flags(Call& call) {
  TRY(require_admin(call));
  TRY(find_interface(call));
  const InterfaceAddress address = TRY(find_labelled(call));
  if ((call.request.get<uint16_t>() & kInterfaceUp) == 0) {
    TRY(call.registry().remove_address(call.context.entry(), *call.interface, address.address, address.prefix_length));
  }
  return 0;
}

bool names_alias(const Call& call) {
  for (const char* at = call.request.name; *at != 0; ++at) {
    if (*at == ':') return true;
  }
  return false;
}

Result<int64_t> set_flags(Call& call) {
  TRY(require_admin(call));
  TRY(find_interface(call));
  const uint32_t flags = call.request.get<uint16_t>();
  Entry& entry = call.context.entry();
  call.registry().change_flags(entry, *call.interface, flags & kSettableFlags, kSettableFlags);
  TRY(call.registry().set_state(entry, *call.interface, (flags & kInterfaceUp) != 0 ? LinkState::Up : LinkState::Down));
  return 0;
}

Result<int64_t> set_name(Call& call) {
  TRY(require_admin(call));
  TRY(find_interface(call));
  char name[kNameSize] = {};
  copy_bytes(MutableByteSpan(reinterpret_cast<uint8_t*>(name), kNameSize - 1), ByteSpan(call.request.value));
  TRY(call.registry().rename(call.context.entry(), *call.interface, name));
  return 0;
}

Result<int64_t> get_hardware(Call& call) {
  TRY(find_interface(call));
  struct Hardware {
    uint16_t kind;
    uint8_t address[14];
  } hardware{};
  hardware.kind = hardware_type_of(*call.interface);
  copy_bytes(MutableByteSpan(hardware.address), call.interface->mac().bytes());
  call.request.set(hardware);
  return call.answer();
}

Result<int64_t> set_hardware(Call& call) {
  TRY(require_admin(call));
  TRY(find_interface(call));
  struct Hardware {
    uint16_t kind;
    uint8_t address[6];
    uint8_t rest[8];
  };
  const auto hardware = call.request.get<Hardware>();
  if (call.interface->link_kind() != LinkKind::Ethernet || hardware.kind != kHardwareEthernet) return Errno::EINVAL;
  TRY(call.registry().set_mac(call.context.entry(), *call.interface, MacAddress::from_bytes(hardware.address)));
  return 0;
}

// What devices here cannot do, once it is clear that there is one.
Result<int64_t> refuse(Call& call, Errno error) {
  TRY(require_admin(call));
  TRY(find_interface(call));
  return error;
}

template <typename T>
Result<int64_t> get_value(Call& call, T (*read)(const Interface& interface)) {
  TRY(find_interface(call));
  call.request.set(read(*call.interface));
  return call.answer();
}

Result<int64_t> get_name(Call& call) {
  const Ref<Interface> interface = call.registry().find(static_cast<uint32_t>(call.request.get<int>()));
  if (!interface) return Errno::ENODEV;
  for (size_t i = 0; i < kNameSize; ++i) call.request.name[i] = interface->name()[i];
  return call.answer();
}

// SIOCGIFCONF: an ifreq for each IPv4 address, as many whole ones as fit; without a buffer, how much it would take.
Result<int64_t> get_list(SyscallContext& context, UserAddress argument) {
  const UserAddress pointer_at = argument + (context.is_32bit() ? 4 : 8);
  const int room = TRY(read_user<int>(context.hal(), argument));
  const UserAddress buffer(context.is_32bit() ? uint64_t{TRY(read_user<uint32_t>(context.hal(), pointer_at))}
                                              : TRY(read_user<uint64_t>(context.hal(), pointer_at)));
  const size_t size = request_size(context);
  size_t used = 0;
  const InterfaceRegistry& registry = context.stack().interfaces();
  for (Ref<Interface> interface = registry.find_next(0); interface; interface = registry.find_next(interface->index())) {
    InterfaceAddress address;
    for (size_t position = 0; registry.copy_address(*interface, position, address); ++position) {
      if (!address.address.is_v4()) continue;
      if (!buffer.is_null()) {
        if (room < 0 || used + size > static_cast<size_t>(room)) break;
        Request request{};
        const char* label = address.label[0] != 0 ? address.label : interface->name();
        for (size_t i = 0; i < kNameSize && label[i] != 0; ++i) request.name[i] = label[i];
        request.set(inet_of(address.address.v4()));
        TRY(copy_out(context.hal(), buffer + used, bytes_of(request).first(size)));
      }
      used += size;
    }
  }
  TRY(write_user(context.hal(), argument, static_cast<int>(used)));
  return 0;
}

Result<int64_t> set_mtu(Call& call) {
  TRY(require_admin(call));
  TRY(find_interface(call));
  const int mtu = call.request.get<int>();
  if (mtu < 0) return Errno::EINVAL;
  TRY(call.registry().set_mtu(call.context.entry(), *call.interface, static_cast<uint32_t>(mtu)));
  return 0;
}

Result<int64_t> set_queue_length(Call& call) {
  TRY(require_admin(call));
  TRY(find_interface(call));
  const int length = call.request.get<int>();
  if (length < 0) return Errno::EINVAL;
  TRY(call.registry().set_queue_length(call.context.entry(), *call.interface, static_cast<uint32_t>(length)));
  return 0;
}

// dev_ethtool() reads the command before it looks for the device.
Result<> find_interface_for_ethtool(Call& call) {
  TRY(read_user<uint32_t>(call.context.hal(), UserAddress(call.request.get<uint64_t>())));
  return find_interface(call);
}

Result<int64_t> run_device_call(Call& call, uint32_t command) {
  switch (command) {
    case kGetName:
      return get_name(call);
    case kGetFlags:
      return get_value<uint16_t>(call, [](const Interface& i) { return static_cast<uint16_t>(i.flags()); });
    case kSetFlags:
      return set_flags(call);
    case kGetMetric:
      return get_value<int>(call, [](const Interface&) { return 0; });
    case kGetMtu:
      return get_value<int>(call, [](const Interface& i) { return static_cast<int>(i.mtu()); });
    case kSetMtu:
      return set_mtu(call);
    case kSetName:
      return set_name(call);
    case kGetHardware:
      return get_hardware(call);
    case kSetHardware:
      return set_hardware(call);
    case kGetIndex:
      return get_value<int>(call, [](const Interface& i) { return static_cast<int>(i.index()); });
    case kGetQueueLength:
      return get_value<int>(call, [](const Interface& i) { return static_cast<int>(i.queue_length()); });
    case kSetQueueLength:
      return set_queue_length(call);
    case kGetMap:
      return get_value<uint64_t>(call, [](const Interface&) { return uint64_t{0}; });
    case kEthtool:
      TRY(find_interface_for_ethtool(call));
      return ethtool_ioctl(call.context, *call.interface, UserAddress(call.request.get<uint64_t>()));
    case kGetSlave:
      TRY(find_interface(call));
      return Errno::EINVAL;
    case kSetSlave:
    case kAddMulticast:
    case kRemoveMulticast:
    case kSetHardwareBroadcast:
      return refuse(call, Errno::EINVAL);
    case kSetMetric:
    case kSetMap:
    case kGetPhy:
    case kGetPhyRegister:
    case kSetPhyRegister:
      return refuse(call, Errno::EOPNOTSUPP);
    case kSetHardwareStamp:
      return refuse(call, Errno::EOPNOTSUPP);
    case kWanDevice:
    case kGetHardwareStamp:
    case kBondSlaveInfo:
    case kBondInfo:
      TRY(find_interface(call));
      return Errno::EOPNOTSUPP;
    default:
      if (command >= kFirstBond && command <= kLastBond) return refuse(call, Errno::EOPNOTSUPP);
      if (command < kPrivate || command >= kPrivate + 16) return Errno::ENOTTY;
      TRY(find_interface(call));
      return Errno::EOPNOTSUPP;
  }
}

Result<> read_request(Call& call) {
  TRY(copy_in(call.context.hal(), mutable_bytes_of(call.request).first(request_size(call.context)), call.argument));
  call.request.name[kNameSize - 1] = 0;
  return ok();
}

}  // namespace

Result<int64_t> device_ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  constexpr uint32_t kSocketCommands = 0x8900;  // SOCK_IOC_TYPE
  if ((command & 0xff00) != kSocketCommands || command > 0xffff) return Errno::ENOTTY;
  if (command == kGetList) return get_list(context, argument);
  switch (command) {
    case kGetVlan:
    case kSetVlan:
    case kGetBridge:
    case kSetBridge:
    case kAddBridge:
    case kRemoveBridge:
      return Errno::ENOPKG;  // modules that are not there
    case kNamespace:
      // As where namespaces are not compiled in: no descriptor stands for one.
      return context.hal().capable(LXNET_CAP_NET_ADMIN) ? Errno::EINVAL : Errno::EPERM;
    default:
      break;
  }
  Call call{.context = context, .argument = argument};
  TRY(read_request(call));
  return run_device_call(call, command);
}

Result<int64_t> address_ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  Call call{.context = context, .argument = argument};
  TRY(read_request(call));
  switch (command) {
    case kGetAddress:
    case kGetDestination:
    case kGetBroadcast:
    case kGetNetmask:
      return get_ipv4(call, command);
    case kSetAddress:
    case kSetDestination:
    case kSetBroadcast:
    case kSetNetmask:
      return set_ipv4(call, command);
    case kSetFlags:
      return names_alias(call) ? set_alias_flags(call) : set_flags(call);
    default:
      return Errno::EINVAL;  // SIOCGIFPFLAGS, SIOCSIFPFLAGS
  }
}

}  // namespace lxnet
