// The longer rows of SOL_SOCKET.
#include "compat/syscalls/socket_option_calls.hh"

namespace lxnet {
namespace {

Result<> bind_to(SyscallContext& context, SocketFile& socket, uint32_t index) {
  uint32_t& bound = socket.options().bound_interface;
  // The first time is free; changing it is not.
  if (bound != 0 && !context.hal().capable(LXNET_CAP_NET_RAW)) return Errno::EPERM;
  __atomic_store_n(&bound, index, __ATOMIC_RELAXED);
  return ok();
}

}  // namespace

Result<> set_bound_device(const OptionInput& input) {
  constexpr size_t kMost = Interface::kNameSize - 1;
  char name[Interface::kNameSize] = {};
  const size_t size = static_cast<size_t>(input.length) < kMost ? static_cast<size_t>(input.length) : kMost;
  TRY(copy_in(input.context.hal(), MutableByteSpan(reinterpret_cast<uint8_t*>(name), size), input.value));
  if (name[0] == 0) return bind_to(input.context, input.socket, 0);
  const Ref<Interface> interface = input.context.stack().interfaces().find(name);
  if (!interface) return Errno::ENODEV;
  return bind_to(input.context, input.socket, interface->index());
}

// Linux wants room for any name, not just for this one.
Result<> get_bound_device(const OptionOutput& output) {
  const uint32_t index = output.socket.options().bound_interface;
  if (index == 0) return write_user(output.context.hal(), output.length_address, 0);
  if (static_cast<size_t>(output.length) < Interface::kNameSize) return Errno::EINVAL;
  const Ref<Interface> interface = output.context.stack().interfaces().find(index);
  if (!interface) return Errno::ENODEV;
  size_t size = 0;
  while (interface->name()[size] != 0) ++size;
  return output.write(ByteSpan(reinterpret_cast<const uint8_t*>(interface->name()), size + 1));
}

Result<> set_bound_index(SyscallContext& context, SocketFile& socket, int index) {
  if (index < 0) return Errno::EINVAL;
  return bind_to(context, socket, static_cast<uint32_t>(index));
}

Result<> get_peer_name(const OptionOutput& output) {
  auto name = output.socket.name(output.context, SocketFile::NameOf::LastPeer);
  if (!name.is_ok()) return Errno::ENOTCONN;
  const SockAddr address = name.take();
  if (address.size() < static_cast<size_t>(output.length)) return Errno::EINVAL;
  return output.write(address.bytes());
}

Result<> set_peek_offset(SyscallContext&, SocketFile& socket, int value) {
  if (socket.socket_type() == kSockRaw) return Errno::EOPNOTSUPP;
  __atomic_store_n(&socket.options().peek_offset, value, __ATOMIC_RELAXED);
  return ok();
}

}  // namespace lxnet
