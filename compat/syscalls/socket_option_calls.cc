// The longer rows of SOL_SOCKET.
#include "compat/syscalls/socket_option_calls.hh"

#include "stack/tcp/option_calls.hh"

namespace lxnet {

void forget_route(SyscallContext& context, SocketFile& socket) {
  if (Socket* internet = socket.internet_socket(); internet != nullptr) internet->forget_route(context.entry());
}

namespace {

// The first time is free; changing it is not. And that is asked before the index is looked at.
Result<> bind_to(SyscallContext& context, SocketFile& socket, int index) {
  uint32_t& bound = socket.options().bound_interface;
  if (bound != 0 && !context.hal().capable(LXNET_CAP_NET_RAW)) return Errno::EPERM;
  if (index < 0) return Errno::EINVAL;
  __atomic_store_n(&bound, static_cast<uint32_t>(index), __ATOMIC_RELAXED);
  forget_route(context, socket);
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
  return bind_to(input.context, input.socket, static_cast<int>(interface->index()));
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

Result<> set_bound_index(SyscallContext& context, SocketFile& socket, int index) { return bind_to(context, socket, index); }

Result<> get_peer_name(const OptionOutput& output) {
  SockAddr address;
  if (!output.socket.name(output.context, SocketFile::NameOf::LastPeer, address).is_ok()) return Errno::ENOTCONN;
  if (address.size() < static_cast<size_t>(output.length)) return Errno::EINVAL;
  return output.write(address.bytes());
}

bool has_peek_offset(SocketFile& socket) {
  const Socket* internet = socket.internet_socket();
  if (internet == nullptr) return socket.address_family() == kFamilyUnix;
  const uint8_t protocol = internet->protocol();
  return internet->type() != SocketType::Raw && (protocol == 6 || protocol == 17 || protocol == 136);
}

Result<int> get_peek_offset(SyscallContext&, SocketFile& socket) {
  if (!has_peek_offset(socket)) return Errno::EOPNOTSUPP;
  return socket.options()->peek_offset;
}

Result<> set_peek_offset(SyscallContext& context, SocketFile& socket, int value) {
  if (!has_peek_offset(socket)) return Errno::EOPNOTSUPP;
  SocketOptions* own = TRY(socket.options().change(context.hal()));
  __atomic_store_n(&own->peek_offset, value, __ATOMIC_RELAXED);
  return ok();
}

Result<> set_debug(SyscallContext& context, SocketFile& socket, int value) {
  if (value != 0 && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EACCES;
  return set_value(context, socket, &SocketOptions::debug, value != 0);
}

Result<> set_busy_poll(SyscallContext& context, SocketFile& socket, int micros) {
  if (micros < 0) return Errno::EINVAL;
  return set_value(context, socket, &SocketOptions::busy_poll_micros, static_cast<uint32_t>(micros));
}

Result<> set_busy_poll_budget(SyscallContext& context, SocketFile& socket, int packets) {
  constexpr int kMost = UINT16_MAX;
  if (packets > socket.options()->busy_poll_budget && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  if (packets < 0 || packets > kMost) return Errno::EINVAL;
  return set_value(context, socket, &SocketOptions::busy_poll_budget, static_cast<uint16_t>(packets));
}

Result<> set_prefer_busy_poll(SyscallContext& context, SocketFile& socket, int value) {
  if (value != 0 && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  return set_value(context, socket, &SocketOptions::prefer_busy_poll, value != 0);
}

// Only 1 means anything: that the way in use does not work.
Result<> advise_connection(SyscallContext& context, SocketFile& socket, int value) {
  Socket* internet = socket.internet_socket();
  if (value == 1 && internet != nullptr) internet->doubt_route(context.entry());
  return ok();
}

Result<> set_dont_route(SyscallContext& context, SocketFile& socket, int value) {
  TRY(set_value(context, socket, &SocketOptions::dont_route, value != 0));
  forget_route(context, socket);
  return ok();
}

namespace {

bool is_tcp(SocketFile& socket) {
  const Socket* internet = socket.internet_socket();
  return internet != nullptr && internet->type() == SocketType::Stream && internet->protocol() == 6;
}

}  // namespace

Result<> set_transmit_rehash(SyscallContext&, SocketFile& socket, int value) {
  constexpr int kDefault = -1;  // net.core.txrehash
  if (!is_tcp(socket)) return Errno::EOPNOTSUPP;
  if (value < kDefault || value > 1) return Errno::EINVAL;
  if (value == kDefault) value = socket.internet_socket()->stack().tunables().values().txrehash;
  socket.options().transmit_rehash = value != 0;
  return ok();
}

Result<int> get_transmit_rehash(SyscallContext&, SocketFile& socket) {
  if (!is_tcp(socket)) return Errno::EOPNOTSUPP;
  return int{socket.options().transmit_rehash};
}

// As for a socket in no control group that accounts its memory.
Result<> reserve_memory(SyscallContext&, SocketFile&, int value) { return value < 0 ? Errno::EINVAL : Errno::EOPNOTSUPP; }

Result<> get_memory_use(const OptionOutput& output) {
  const MemoryUse use = output.socket.memory_use(output.context);
  static_assert(sizeof use == 9 * sizeof(uint32_t));
  return output.write(use);
}

Result<> get_namespace_cookie(const OptionOutput& output) {
  if (output.length != sizeof(uint64_t)) return Errno::EINVAL;
  return output.write(output.context.stack().cookie());
}

// tcp_set_rcvlowat(): half of what the buffer can become, or of what it is when the program chose that.
Result<> set_receive_low_water(SyscallContext& context, SocketFile& socket, int value) {
  SocketOptionSet& options = socket.options();
  int bytes = value < 0 ? INT32_MAX : value == 0 ? 1 : value;
  if (is_tcp(socket)) {
    const uint32_t most = options.receive_buffer_locked ? options.receive_buffer.load()
                                                        : static_cast<uint32_t>(context.stack().tunables().values().tcp_rmem[2]);
    if (static_cast<uint32_t>(bytes) > most / 2) bytes = static_cast<int>(most / 2);
  }
  TRY(options.set(context.hal(), &SocketOptions::receive_low_water, bytes == 0 ? 1 : bytes));
  if (is_tcp(socket))
    TcpOptionCalls::make_room_for_low_water(context.entry(), static_cast<TcpSocket&>(*socket.internet_socket()));
  return ok();
}

}  // namespace lxnet
