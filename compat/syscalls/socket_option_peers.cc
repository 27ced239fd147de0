// The rows of SOL_SOCKET that concern who is at the other end: credentials, groups, processes, and what may be passed along.
#include "compat/syscalls/socket_option_peers.hh"

#include "compat/syscalls/socket_option_calls.hh"

namespace lxnet {
namespace {

struct UserCredentials {
  int32_t pid;
  uint32_t uid, gid;
};

bool is_unix(const SocketFile& socket) { return socket.address_family() == kFamilyUnix; }

}  // namespace

bool carries_credentials(const SocketFile& socket) { return is_unix(socket) || socket.address_family() == kFamilyNetlink; }

Result<> get_peer_credentials(const OptionOutput& output) {
  lxnet_credentials peer{};
  // Nobody: no process, and ids that are none.
  UserCredentials user{0, ~0u, ~0u};
  if (output.socket.peer_credentials(peer)) user = {peer.tgid, peer.euid, peer.egid};
  return output.write(user);
}

// ERANGE tells the length that is needed.
Result<> get_peer_groups(const OptionOutput& output) {
  lxnet_credentials peer{};
  if (!output.socket.peer_credentials(peer)) return Errno::ENODATA;
  const size_t size = peer.group_count * sizeof(uint32_t);
  if (static_cast<size_t>(output.length) < size) {
    TRY(write_user(output.context.hal(), output.length_address, static_cast<int>(size)));
    return Errno::ERANGE;
  }
  if (peer.group_count > std::size(peer.groups)) return Errno::ENOMEM;  // the table between host and core holds no more
  TRY(copy_out(output.context.hal(), output.value, bytes_of(peer.groups).first(size)));
  return write_user(output.context.hal(), output.length_address, static_cast<int>(size));
}

Result<> get_peer_process(const OptionOutput& output) {
  // A number cannot be taken back from the program: the memory is tried first.
  lxnet_credentials peer{};
  if (output.socket.peer_credentials(peer)) TRY(output.write(-1));
  return output.write(TRY(output.socket.open_peer_process(output.context)));
}

Result<> set_pass_credentials(SyscallContext& context, SocketFile& socket, int value) {
  if (!carries_credentials(socket)) return Errno::EOPNOTSUPP;
  return set_value(context, socket, &SocketOptions::pass_credentials, value != 0);
}

Result<int> get_pass_credentials(SyscallContext&, SocketFile& socket) {
  if (!carries_credentials(socket)) return Errno::EOPNOTSUPP;
  return int{socket.options()->pass_credentials};
}

Result<> set_pass_process(SyscallContext& context, SocketFile& socket, int value) {
  if (!is_unix(socket)) return Errno::EOPNOTSUPP;
  return set_value(context, socket, &SocketOptions::pass_pidfd, value != 0);
}

Result<int> get_pass_process(SyscallContext&, SocketFile& socket) {
  if (!is_unix(socket)) return Errno::EOPNOTSUPP;
  return int{socket.options()->pass_pidfd};
}

Result<> set_pass_rights(SyscallContext& context, SocketFile& socket, int value) {
  if (!is_unix(socket)) return Errno::EOPNOTSUPP;
  return set_value(context, socket, &SocketOptions::pass_rights, value != 0);
}

Result<int> get_pass_rights(SyscallContext&, SocketFile& socket) {
  if (!is_unix(socket)) return Errno::EOPNOTSUPP;
  return int{socket.options()->pass_rights};
}

// unix_setsockopt(): of streams only, and of exactly an int.
Result<> set_report_unread(const OptionInput& input) {
  if (!is_unix(input.socket) || input.socket.socket_type() != kSockStream) return Errno::ENOPROTOOPT;
  if (input.length != static_cast<int>(sizeof(int))) return Errno::EINVAL;
  const int value = TRY(input.read<int>());
  if (value < 0 || value > 1) return Errno::EINVAL;
  return set_value(input.context, input.socket, &SocketOptions::report_unread, value != 0);
}

}  // namespace lxnet
