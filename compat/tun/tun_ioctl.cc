// The commands of a tun file, in the order of __tun_chr_ioctl(): what needs no interface, what makes one, and the rest.
#include "compat/syscalls/virtual_header.hh"
#include "compat/tun/tun_file.hh"
#include "compat/tun/tun_flags.hh"
#include "stack/stack.hh"
#include "stack/virtual_link.hh"

namespace lxnet {
namespace {

constexpr uint32_t kGetHardware = 0x8927, kSetHardware = 0x8924;
constexpr size_t kRequest = 40, kRequest32 = 32;

bool has_request(uint32_t command) {
  return command == kTunSetInterface || command == kTunSetQueue || (command >> 8 & 0xff) == 0x89;
}

}  // namespace

Result<int64_t> TunFile::ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  const Hal& hal = context.hal();
  const size_t request_size = context.is_32bit() ? kRequest32 : kRequest;
  Request request{};
  if (has_request(command)) TRY(copy_in(hal, mutable_bytes_of(request).first(request_size), argument));
  if (command == kTunGetFeatures) {
    TRY(write_user(hal, argument, uint32_t{kTunTun | kTunTap | kTunNoCarrier | kTunFeatures}));
    return 0;
  }
  TaskMutexLock setup(setup_, context.entry());
  if (command == kTunSetQueue) {
    TRY(set_queue(context, request.flags()));
    return 0;
  }
  const Ref<TunDevice> device = this->device();
  if (command == kTunSetInterface) {
    if (device) return Errno::EEXIST;
    request.name[sizeof request.name - 1] = 0;
    TRY(set_interface(context, request));
    TRY(copy_out(hal, argument, bytes_of(request).first(request_size)));
    return 0;
  }
  if (command == kTunSetIndex) {
    if (device) return Errno::EPERM;
    const int32_t index = TRY(read_user<int32_t>(hal, argument));
    if (index < 0) return Errno::EINVAL;
    wanted_index_ = static_cast<uint32_t>(index);
    return 0;
  }
  if (!device) return Errno::EBADFD;
  if (command == kTunGetInterface) {
    const Ref<Interface> interface = interface_of(*device);
    if (!interface) return Errno::EBADFD;
    for (size_t i = 0; i < sizeof request.name; ++i) request.name[i] = interface->name()[i];
    request.set_flags(flags_of(*device) | kTunNoFilter | (device->queues().is_enabled(*queue_) ? 0u : kTunDetachQueue));
    TRY(copy_out(hal, argument, bytes_of(request).first(request_size)));
    return 0;
  }
  if (command == kGetHardware || command == kSetHardware) return hardware_address(context, *device, command, request, argument);
  return device_ioctl(context, *device, command, argument);
}

Result<int64_t> TunFile::device_ioctl(SyscallContext& context, TunDevice& device, uint32_t command, UserAddress argument) {
  const auto value = static_cast<uint32_t>(argument.value());
  switch (command) {
    case kTunSetNoChecksum:
      return 0;  // "[unimplemented]" in Linux too
    case kTunSetPersist:
      if (device.is_persistent == (argument.value() != 0)) return 0;
      device.is_persistent = argument.value() != 0;
      break;
    case kTunSetOwner:
      if (value == TunOwner::kNobody) return Errno::EINVAL;
      device.owner.user = value;
      break;
    case kTunSetGroup:
      if (value == TunOwner::kNobody) return Errno::EINVAL;
      device.owner.group = value;
      break;
    case kTunSetLink:
      return set_link_type(context, device, argument.value());
    case kTunSetOffload:
      return set_offload(device, argument.value());
    case kTunSetTxFilter:
      return set_filter(context, device, argument);
    case kTunGetSendBuffer:
      TRY(write_user(context.hal(), argument, send_buffer_));
      return 0;
    case kTunSetSendBuffer:
      return set_send_buffer(context, argument);
    case kTunSetCarrier:
      return set_carrier(context, device, argument);
    default:
      return header_ioctl(context, device, command, argument);
  }
  tell_changed(context.entry(), device);
  return 0;
}

// tun_vnet_ioctl(). The other byte order is for machines that have it.
Result<int64_t> TunFile::header_ioctl(SyscallContext& context, TunDevice& device, uint32_t command, UserAddress argument) {
  const Hal& hal = context.hal();
  switch (command) {
    case kTunGetHeaderSize:
      TRY(write_user(hal, argument, device.header_size));
      return 0;
    case kTunSetHeaderSize: {
      const int32_t size = TRY(read_user<int32_t>(hal, argument));
      if (size < int32_t{sizeof(VirtualHeader)}) return Errno::EINVAL;
      device.header_size = size;
      return 0;
    }
    case kTunGetLittleEndian:
      TRY(write_user(hal, argument, int32_t{device.says_little_endian}));
      return 0;
    case kTunSetLittleEndian:
      device.says_little_endian = TRY(read_user<int32_t>(hal, argument)) != 0;
      return 0;
    default:
      return Errno::EINVAL;
  }
}

// set_offload(): what is not known is refused, so that a program can ask what is.
Result<int64_t> TunFile::set_offload(TunDevice& device, uint64_t asked) {
  constexpr uint64_t kTcp = kOffloadTcp4 | kOffloadTcp6, kUdp = kOffloadUdp4 | kOffloadUdp6;
  uint64_t known = 0;
  if ((asked & kOffloadChecksum) != 0) {
    known = kOffloadChecksum | kOffloadUdpFragments | (asked & kTcp);
    if ((asked & kTcp) != 0) known |= kOffloadTcpEcn;
    if ((asked & kUdp) == kUdp) known |= kUdp;
  }
  if ((asked & ~known) != 0) return Errno::EINVAL;
  device.set_offloads(static_cast<uint32_t>(asked));
  return 0;
}

Result<int64_t> TunFile::set_link_type(SyscallContext&, TunDevice& device, uint64_t type) {
  const Ref<Interface> interface = interface_of(device);
  if (!interface) return Errno::EBADFD;
  if (interface->is_up()) return Errno::EBUSY;
  device.set_hardware_type(static_cast<uint16_t>(type));
  return 0;
}

Result<int64_t> TunFile::set_send_buffer(SyscallContext& context, UserAddress argument) {
  const int32_t size = TRY(read_user<int32_t>(context.hal(), argument));
  if (size <= 0) return Errno::EINVAL;
  __atomic_store_n(&send_buffer_, size, __ATOMIC_RELAXED);
  if (may_write()) queue_->waiters().wake_all(kPollOut | kPollWriteNormal);
  return 0;
}

// The number of addresses that are compared exactly.
Result<int64_t> TunFile::set_filter(SyscallContext& context, TunDevice& device, UserAddress argument) {
  constexpr uint16_t kAllGroups = 1;
  struct Head {
    uint16_t flags, count;
  };
  if (device.tun_kind() != TunKind::Tap) return Errno::EINVAL;
  const Head head = TRY(read_user<Head>(context.hal(), argument));
  if (head.count == 0) {
    device.filter().clear();
    return 0;
  }
  const auto addresses = TRY(HeapArray<HardwareAddress>::create(context.hal(), head.count));
  TRY(copy_in(context.hal(), MutableByteSpan(addresses.data()->bytes.data(), head.count * sizeof(HardwareAddress)),
              argument + sizeof head));
  if (!device.filter().set({addresses.data(), addresses.size()}, (head.flags & kAllGroups) != 0)) return 0;
  return static_cast<int64_t>(head.count < TxFilter::kExact ? head.count : TxFilter::kExact);
}

Result<int64_t> TunFile::set_carrier(SyscallContext& context, TunDevice& device, UserAddress argument) {
  const uint32_t carrier = TRY(read_user<uint32_t>(context.hal(), argument));
  if (carrier != 0 && device.queues().count() == 0) return Errno::EPERM;
  device.set_carrier(carrier != 0);
  tell_changed(context.entry(), device);
  return 0;
}

Result<int64_t> TunFile::hardware_address(SyscallContext& context, TunDevice& device, uint32_t command, Request& request,
                                          UserAddress argument) {
  constexpr size_t kAddressAt = 2;  // in a sockaddr
  const Ref<Interface> interface = interface_of(device);
  if (!interface) return Errno::EBADFD;
  const bool is_ethernet = device.tun_kind() == TunKind::Tap;
  if (command == kSetHardware) {
    EntryInto into(context.entry(), interface->stack());
    if (!is_ethernet) return Errno::EOPNOTSUPP;
    if (request.flags() != device.hardware_type()) return Errno::EINVAL;
    const MacAddress mac = MacAddress::from_bytes(ByteSpan(request.value).subspan(kAddressAt).first<MacAddress::kSize>());
    TRY(interface->stack().interfaces().set_mac(into.get(), *interface, mac));
    return 0;
  }
  request.set_flags(device.hardware_type());
  if (is_ethernet) copy_bytes(MutableByteSpan(request.value).subspan(kAddressAt), interface->mac().bytes());
  TRY(copy_out(context.hal(), argument, bytes_of(request).first(context.is_32bit() ? kRequest32 : kRequest)));
  return 0;
}

}  // namespace lxnet
