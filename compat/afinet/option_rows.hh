// Rows that are a flag or a small number in IpSocketOptions: said in one line each.
#pragma once

#include "compat/afinet/inet_options.hh"

namespace lxnet {

// rt_tos2priority(): the queueing class that a type of service implies.
constexpr uint32_t priority_of_tos(uint8_t tos) {
  constexpr uint8_t kPriorities[16] = {0, 0, 0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 4, 4, 4, 4};
  return kPriorities[(tos & 0x1e) >> 1];
}

template <typename V>
Result<> set_ip(SocketFile& file, V IpSocketOptions::*member, std::type_identity_t<V> value) {
  Socket& socket = socket_of(file);
  return socket.ip_options.set(socket.stack().hal(), member, value);
}

template <bool IpSocketOptions::*Member>
Result<> set_ip_flag(SyscallContext&, SocketFile& file, int value) {
  return set_ip(file, Member, value != 0);
}
template <bool IpSocketOptions::*Member>
Result<int> get_ip_flag(SyscallContext&, SocketFile& file) {
  return int{socket_of(file).ip_options->*Member};
}

// One bit of receive_flags: which control message is wanted.
template <uint32_t kFlag>
Result<> set_receive_flag(SyscallContext&, SocketFile& file, int value) {
  const uint32_t flags = socket_of(file).ip_options->receive_flags;
  return set_ip(file, &IpSocketOptions::receive_flags, value != 0 ? flags | kFlag : flags & ~kFlag);
}
template <uint32_t kFlag>
Result<int> get_receive_flag(SyscallContext&, SocketFile& file) {
  return (socket_of(file).ip_options->receive_flags & kFlag) != 0 ? 1 : 0;
}

template <bool IpSocketOptions::*Member>
constexpr OptionRow ip_flag_row(int level, IntRule rule, int name, const char* text) {
  return {
      .level = level, .name = name, .text = text, .rule = rule, .set_int = &set_ip_flag<Member>, .get_int = &get_ip_flag<Member>};
}
template <uint32_t kFlag>
constexpr OptionRow receive_flag_row(int level, IntRule rule, int name, const char* text) {
  return {.level = level,
          .name = name,
          .text = text,
          .rule = rule,
          .set_int = &set_receive_flag<kFlag>,
          .get_int = &get_receive_flag<kFlag>};
}

}  // namespace lxnet
