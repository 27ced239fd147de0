// ioctl on Internet sockets.
#include "compat/afinet/inet_socket.hh"
#include "compat/afinet/interface_ioctl.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

constexpr uint8_t kUdp = 17;
constexpr uint32_t kBytesReadable = 0x541b, kBytesUnsent = 0x5411;  // FIONREAD (SIOCINQ), TIOCOUTQ (SIOCOUTQ)
constexpr uint32_t kAtMark = 0x8905, kBytesNotYetSent = 0x894b;     // SIOCATMARK, SIOCOUTQNSD: TCP alone

}  // namespace

Result<int64_t> InetSocketFile::ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  // ping_prot has no ioctl at all.
  const bool is_ping = socket_type() == kSockDatagram && socket_->protocol() != kUdp;
  if (is_ping && (command == kBytesReadable || command == kBytesUnsent)) return Errno::ENOTTY;
  switch (command) {
    case kBytesReadable:
      TRY(write_user(context.hal(), argument, TRY(socket_->bytes_readable(context.entry()))));
      return 0;
    case kBytesUnsent:
      TRY(write_user(context.hal(), argument, TRY(socket_->bytes_unsent(context.entry()))));
      return 0;
    case kAtMark:
    case kBytesNotYetSent: {
      if (!is_stream()) return interface_ioctl(context, socket_->family(), command, argument);
      auto& tcp = static_cast<TcpSocket&>(*socket_);
      const int value = TRY(command == kAtMark ? tcp.is_at_mark(context.entry()) : tcp.bytes_not_yet_sent(context.entry()));
      TRY(write_user(context.hal(), argument, value));
      return 0;
    }
    default:
      return interface_ioctl(context, socket_->family(), command, argument);
  }
}

bool InetSocketFile::is_listening() {
  return socket_->protocol() == 6 && is_stream() && static_cast<TcpSocket&>(*socket_).state() == TcpState::Listen;
}

}  // namespace lxnet
