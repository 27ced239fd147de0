// What the longer rows of SOL_SOCKET do: binding to an interface, time stamps, names.
#pragma once

#include "compat/syscalls/option_table.hh"

namespace lxnet {

// Sets what the socket keeps of an option: ENOMEM where that is its first.
template <typename V>
Result<> set_value(SyscallContext& context, SocketFile& socket, V SocketOptions::*member, std::type_identity_t<V> value) {
  return socket.options().set(context.hal(), member, value);
}

// What chose the route has changed: the socket's next packet looks for one anew.
void forget_route(SyscallContext& context, SocketFile& socket);

// SO_BINDTODEVICE by name, SO_BINDTOIFINDEX by number.
Result<> set_bound_device(const OptionInput& input);
Result<> get_bound_device(const OptionOutput& output);
Result<> set_bound_index(SyscallContext& context, SocketFile& socket, int index);

// The options that decide whether the socket wants stamps have changed.
void follow_stamp_wish(SyscallContext& context, SocketFile& socket);

// SO_TIMESTAMP and SO_TIMESTAMPNS, old and new: one excludes the other. Packets are stamped for the socket ever after.
template <uint32_t kFlags>
Result<> set_timestamp(SyscallContext& context, SocketFile& socket, int value) {
  const uint32_t flags = socket.options()->timestamp_flags;
  const uint32_t wanted = value != 0 ? kFlags | kTimestampKept : flags & ~(kTimestampMicros | kTimestampNanos);
  TRY(set_value(context, socket, &SocketOptions::timestamp_flags, wanted));
  if (value != 0) follow_stamp_wish(context, socket);
  return ok();
}
template <uint32_t kFlags>
Result<int> get_timestamp(SyscallContext&, SocketFile& socket) {
  constexpr uint32_t kKinds = kTimestampMicros | kTimestampNanos | kTimestampNewLayout;
  const uint32_t flags = socket.options()->timestamp_flags & kKinds;
  // SO_TIMESTAMP_NEW asks only whether there are stamps and of which layout.
  if (kFlags == (kTimestampMicros | kTimestampNewLayout) && flags == (kTimestampNanos | kTimestampNewLayout)) return 1;
  return flags == kFlags ? 1 : 0;
}

// SO_PEERNAME.
Result<> get_peer_name(const OptionOutput& output);

// SO_DEBUG: EACCES.
Result<> set_debug(SyscallContext& context, SocketFile& socket, int value);
// SO_BUSY_POLL and its kin: more than there was needs CAP_NET_ADMIN.
Result<> set_busy_poll(SyscallContext& context, SocketFile& socket, int micros);
Result<> set_busy_poll_budget(SyscallContext& context, SocketFile& socket, int packets);
Result<> set_prefer_busy_poll(SyscallContext& context, SocketFile& socket, int value);
// SO_DONTROUTE.
Result<> set_dont_route(SyscallContext& context, SocketFile& socket, int value);
// SO_CNX_ADVICE, SO_TXREHASH, SO_RESERVE_MEM.
Result<> advise_connection(SyscallContext& context, SocketFile& socket, int value);
Result<> set_transmit_rehash(SyscallContext& context, SocketFile& socket, int value);
Result<int> get_transmit_rehash(SyscallContext& context, SocketFile& socket);
Result<> reserve_memory(SyscallContext& context, SocketFile& socket, int value);
// SO_MEMINFO, SO_NETNS_COOKIE.
Result<> get_memory_use(const OptionOutput& output);
Result<> get_namespace_cookie(const OptionOutput& output);
// SO_RCVLOWAT: a stream keeps it below what its buffer may hold.
Result<> set_receive_low_water(SyscallContext& context, SocketFile& socket, int value);

// SO_PEEK_OFF: datagrams and streams, not raw sockets.
Result<> set_peek_offset(SyscallContext& context, SocketFile& socket, int value);
Result<int> get_peek_offset(SyscallContext& context, SocketFile& socket);

}  // namespace lxnet
