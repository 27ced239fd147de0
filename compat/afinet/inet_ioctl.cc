// ioctl on Internet sockets.
#include "compat/afinet/inet_socket.hh"

namespace lxnet {
namespace {

constexpr uint32_t kBytesReadable = 0x541b, kBytesUnsent = 0x5411;  // FIONREAD (SIOCINQ), TIOCOUTQ (SIOCOUTQ)

}  // namespace

Result<int64_t> InetSocketFile::ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  switch (command) {
    case kBytesReadable:
      TRY(write_user(context.hal(), argument, TRY(socket_->bytes_readable(context.entry()))));
      return 0;
    case kBytesUnsent:
      TRY(write_user(context.hal(), argument, TRY(socket_->bytes_unsent(context.entry()))));
      return 0;
    default:
      return Errno::ENOTTY;
  }
}

bool InetSocketFile::is_listening() { return false; }

}  // namespace lxnet
