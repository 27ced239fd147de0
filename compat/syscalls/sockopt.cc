// setsockopt and getsockopt.
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/descriptors.hh"
#include "compat/syscalls/option_table.hh"

namespace lxnet {
namespace {

constexpr int kSocketLevel = 1;    // SOL_SOCKET
constexpr int kBindToDevice = 25;  // SO_BINDTODEVICE
constexpr int kReportUnread = 84;  // SO_INQ

// A name of a device; and SO_INQ, which AF_UNIX streams answer before sk_setsockopt() is asked: of more than an int they read
// nothing.
bool reads_its_value_alone(const SocketFile& socket, int name) {
  if (name == kReportUnread) return socket.address_family() == kFamilyUnix && socket.socket_type() == kSockStream;
  return name == kBindToDevice;
}

// sk_setsockopt() reads an int before it looks at the option's number: also an option that is unknown or read-only gives EINVAL
// for a short value and EFAULT for a bad pointer.
Result<> set_socket_level(const OptionInput& input, int name) {
  if (!reads_its_value_alone(input.socket, name)) TRY(input.read<int>());
  return set_option(socket_level_options(), input, kSocketLevel, name);
}

}  // namespace

Result<int64_t> sys_setsockopt(SyscallContext& context, int fd, int level, int name, UserAddress value, int length) {
  const CalledSocket socket = TRY(find_socket(context, fd));
  if (length < 0) return Errno::EINVAL;
  auto set = level == kSocketLevel ? set_socket_level(OptionInput{context, *socket, value, length}, name)
                                   : socket->set_option(context, level, name, value, length);
  // Some fail half way, and that half counts.
  if (Socket* internet = socket->internet_socket(); internet != nullptr) internet->options_changed();
  TRY(std::move(set));
  return 0;
}

Result<int64_t> sys_getsockopt(SyscallContext& context, int fd, int level, int name, UserAddress value,
                               UserAddress length_address) {
  const CalledSocket socket = TRY(find_socket(context, fd));
  if (level == kSocketLevel) {
    const int length = TRY(read_user<int>(context.hal(), length_address));
    if (length < 0) return Errno::EINVAL;
    TRY(get_option(socket_level_options(), OptionOutput{context, *socket, value, length_address, length, true}, level, name));
  } else {
    TRY(socket->get_option(context, level, name, value, length_address));
  }
  return 0;
}

}  // namespace lxnet
