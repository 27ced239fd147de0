// Packet sockets: making, binding, names, readiness and their end (net/packet/af_packet.c).
#include "compat/afpacket/packet_socket.hh"

#include "compat/afinet/inet_socket.hh"
#include "compat/afinet/interface_ioctl.hh"
#include "compat/syscalls/stamp_ioctl.hh"
#include "stack/hardware_type.hh"

namespace lxnet {
namespace {

constexpr PollEvents kReadable = kPollIn | kPollReadNormal;
constexpr PollEvents kWritable = kPollOut | kPollWriteNormal | kPollWriteBand;

// The number in network order of an argument that Linux takes as an int and means as 16 bits.
uint16_t host_order(int protocol) {
  const auto word = static_cast<uint16_t>(protocol);
  Be16 number;
  copy_bytes(mutable_bytes_of(number), bytes_of(word));
  return number.get();
}

}  // namespace

PacketSocket::~PacketSocket() { stamp_wish_.withdraw(stack().stamps()); }

PacketSocket::PacketSocket(Stack& stack, int type, uint16_t protocol, uint32_t uid)
    : SocketFile(stack, kFamilyPacket, type, 0),
      domain_(PacketDomain::of(stack)),
      waiters_(stack.hal()),
      inbox_(stack.hal()),
      reports_(stack.hal()),
      tap_(*this),
      member_(*this),
      uid_(uid),
      sending_(stack.hal(), LockRank::Socket) {
  const TunableValues& tunables = stack.tunables().values();
  options_.send_buffer = static_cast<uint32_t>(tunables.wmem_default);
  options_.receive_buffer = static_cast<uint32_t>(tunables.rmem_default);
  MutexLock lock(domain_.mutex());
  protocol_ = protocol;
  domain_.enter_locked(member_);
  if (protocol == 0) return;
  tap_binding_ = {.protocol = protocol, .device = 0};
  hook_locked();
}

Result<Ref<SocketFile>> PacketSocket::create(SyscallContext& context, int type, int protocol) {
  if (!context.hal().capable(LXNET_CAP_NET_RAW)) return Errno::EPERM;
  if (type != kSockRaw && type != kSockDatagram && type != kSockPacket) return Errno::ESOCKTNOSUPPORT;
  lxnet_credentials own{};
  context.hal().credentials(own);
  PacketSocket* socket = construct<PacketSocket>(context.hal(), context.stack(), type, host_order(protocol), own.uid);
  if (socket == nullptr) return Errno::ENOBUFS;
  return Ref<SocketFile>::adopt(socket);
}

void PacketSocket::released(Entry& entry) {
  {
    MutexLock lock(domain_.mutex());
    if (is_running_) unhook_locked();
    leave_fanout_locked();
    if (ring_) {
      ring_->tell(nullptr);
      domain_.change_ring_bytes_locked(0, ring_->size());
    }
    if (send_ring_) domain_.change_ring_bytes_locked(0, send_ring_->size());
    domain_.leave_locked(member_);
  }
  leave_all_memberships(entry);
  inbox_.clear();
  reports_.clear();
}

void PacketSocket::release_charge(void* owner, uint32_t amount) {
  auto& self = static_cast<PacketSocket&>(*static_cast<StampListener*>(owner));
  const size_t before = __atomic_fetch_sub(&self.in_flight_, amount, __ATOMIC_ACQ_REL);
  if (before == amount) return dispose(self.hal(), &self);
  // Not before half of the buffer is free, so that a program is not woken for every frame (sock_def_write_space).
  const size_t limit = self.options_.send_buffer.load();
  if ((before - amount) * 2 <= limit && before * 2 > limit) self.waiters_.wake(kWritable);
}

void PacketSocket::report_error(Errno error) {
  __atomic_store_n(&error_, static_cast<uint32_t>(error), __ATOMIC_RELEASE);
  waiters_.wake(kPollError);
}

uint64_t PacketSocket::cookie() {
  if (cookie_ == 0) cookie_ = stack().sockets().next_cookie();
  return cookie_;
}

// ---- binding

void PacketSocket::hook_locked() {
  if (is_running_) return;
  is_running_ = true;
  if (fanout_ != nullptr) return fanout_->link(*this);
  tap_.watch(tap_binding_.device);
  stack().interfaces().taps().add(tap_);
}

void PacketSocket::unhook_locked() {
  is_running_ = false;
  if (fanout_ != nullptr) return fanout_->unlink(*this);
  stack().interfaces().taps().remove(tap_);
}

// packet_do_bind().
Result<> PacketSocket::bind_to(const char* name, int32_t index, uint16_t protocol) {
  InterfaceRegistry& registry = stack().interfaces();
  MutexLock lock(domain_.mutex());
  if (protocol == 0) protocol = protocol_;
  if (fanout_ != nullptr) return Errno::EINVAL;
  Ref<Interface> interface;
  if (name != nullptr || index != 0) {
    interface = name != nullptr ? registry.find(name) : registry.find(static_cast<uint32_t>(index));
    if (!interface) return Errno::ENODEV;
  }
  const TapBinding binding{.protocol = protocol, .device = interface ? interface->index() : 0};
  if (binding == tap_binding_) return ok();
  if (is_running_) unhook_locked();
  protocol_ = protocol;
  tap_binding_ = binding;
  interface_index_ = static_cast<int32_t>(binding.device);
  if (protocol == 0) return ok();
  if (!interface || interface->is_up()) {
    hook_locked();
  } else {
    report_error(Errno::ENETDOWN);
  }
  return ok();
}

Result<> PacketSocket::bind(SyscallContext&, const SockAddr& user) {
  if (is_old()) {
    if (user.size() != kPlainAddressSize) return Errno::EINVAL;
    char name[kPlainAddressSize] = {};
    memcpy(name, user.bytes().data() + sizeof(uint16_t), kPlainAddressSize - sizeof(uint16_t));
    return bind_to(name, 0, 0);
  }
  if (user.size() < sizeof(LinkAddress)) return Errno::EINVAL;
  const auto address = user.as<LinkAddress>();
  if (address.family != kFamilyPacket) return Errno::EINVAL;
  return bind_to(nullptr, address.index, address.protocol.get());
}

void PacketSocket::interface_down_locked(uint32_t index, bool is_end) {
  if (interface_index_ != static_cast<int32_t>(index)) return;
  if (is_running_) {
    unhook_locked();
    report_error(Errno::ENETDOWN);
  }
  if (!is_end) return;
  interface_index_ = -1;
  tap_binding_.device = 0;
}

void PacketSocket::interface_up_locked(uint32_t index) {
  if (interface_index_ == static_cast<int32_t>(index) && protocol_ != 0) hook_locked();
}

Result<> PacketSocket::name(SyscallContext&, NameOf which, SockAddr& name) {
  if (which != NameOf::Self) return Errno::EOPNOTSUPP;
  MutexLock lock(domain_.mutex());
  const Ref<Interface> interface = stack().interfaces().find(static_cast<uint32_t>(interface_index_));
  if (is_old()) {
    OldPacketAddress address;
    address.family = kFamilyPacket;
    for (size_t i = 0; interface && i + 1 < sizeof address.device && interface->name()[i] != 0; ++i) {
      address.device[i] = interface->name()[i];
    }
    name.set(address);
    name.resize(kPlainAddressSize);
    return ok();
  }
  LinkAddress address;
  address.family = kFamilyPacket;
  address.index = interface_index_;
  address.protocol.set(protocol_);
  if (interface) {
    address.hardware_type = hardware_type_of(*interface);
    address.size = static_cast<uint8_t>(address_size_of(*interface));
    copy_bytes(MutableByteSpan(address.address, address.size), interface->mac().bytes());
  }
  name.set(address);
  name.resize(kLinkAddressHead + address.size);
  return ok();
}

// ---- readiness and the rest

PollEvents PacketSocket::poll(Entry&) {
  PollEvents events = 0;
  if (has_error()) events |= kPollError;
  if (!reports_.is_empty()) events |= kPollError | (options_->select_error_queue ? kPollPriority : PollEvents{0});
  if (!inbox_.is_empty() || ring_has_frames()) events |= kReadable;
  if (in_flight() * 2 < options_.send_buffer.load()) events |= kWritable;
  if (has_send_ring() && send_ring_has_room()) events |= kPollOut | kPollWriteNormal;
  return events;
}

MemoryUse PacketSocket::memory_use(SyscallContext&) {
  return {.receive_held = static_cast<uint32_t>(inbox_.bytes()),
          .receive_limit = options_.receive_buffer.load(),
          .send_held = static_cast<uint32_t>(in_flight()),
          .send_limit = options_.send_buffer.load(),
          .drops = inbox_.total_drops()};
}

PacketReport PacketSocket::report_locked() {
  return {.file = this,
          .type = socket_type(),
          .protocol = protocol_,
          .interface_index = interface_index_,
          .is_running = is_running_,
          .receive_held = static_cast<uint32_t>(inbox_.bytes()),
          .uid = uid_};
}

// packet_ioctl(): what it does not know is the devices' to answer.
Result<int64_t> PacketSocket::ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  constexpr uint32_t kBytesReadable = 0x541b, kBytesUnsent = 0x5411;
  if (is_stamp_command(command)) return receive_stamp(context, *this, &reports_.last_stamp, command, argument);
  switch (command) {
    case kBytesReadable:
      TRY(write_user(context.hal(), argument, static_cast<int>(inbox_.front_size())));
      return 0;
    case kBytesUnsent:
      TRY(write_user(context.hal(), argument, static_cast<int>(in_flight())));
      return 0;
    case 0x890b:  // SIOCADDRT
    case 0x890c:  // SIOCDELRT
    case 0x8953:  // SIOCDARP
    case 0x8954:  // SIOCGARP
    case 0x8955:  // SIOCSARP
    case 0x8914:  // SIOCSIFFLAGS
      return network4_ioctl(context, command, argument);
    default:
      // SIOCGIFADDR to SIOCSIFNETMASK
      if (command >= 0x8915 && command <= 0x891c) return network4_ioctl(context, command, argument);
      return device_ioctl(context, command, argument);
  }
}

}  // namespace lxnet
