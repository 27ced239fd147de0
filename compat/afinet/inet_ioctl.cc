// ioctl on Internet sockets.
#include "compat/afinet/inet_socket.hh"
#include "compat/afinet/interface_ioctl.hh"
#include "compat/afinet/route_ioctl.hh"
#include "compat/syscalls/stamp_ioctl.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

constexpr uint32_t kBytesReadable = 0x541b, kBytesUnsent = 0x5411;  // FIONREAD (SIOCINQ), TIOCOUTQ (SIOCOUTQ)
constexpr uint32_t kAtMark = 0x8905, kBytesNotYetSent = 0x894b;     // SIOCATMARK, SIOCOUTQNSD: TCP alone

}  // namespace

// ENOTTY: for the devices to answer.
Result<int64_t> network4_ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  switch (command) {
    case kAddRoute:
    case kDeleteRoute:
      return route4_ioctl(context, command, argument);
    case kRouteMessage:
      return Errno::EINVAL;
    case kDeleteArp:
    case kGetArp:
    case kSetArp:
      return arp_ioctl(context, command, argument);
    case 0x8914:  // SIOCSIFFLAGS
    case 0x8934:  // SIOCSIFPFLAGS
    case 0x8935:
      return address_ioctl(context, command, argument);
    default:
      return command >= 0x8915 && command <= 0x891c ? address_ioctl(context, command, argument) : Result<int64_t>(Errno::ENOTTY);
  }
}

namespace {

Result<int64_t> network6_ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  switch (command) {
    case kAddRoute:
    case kDeleteRoute:
      return route6_ioctl(context, command, argument);
    case kAddAddress6:
    case kSetDestination6:
    case kDeleteAddress6:
      return address6_ioctl(context, command, argument);
    default:
      return Errno::ENOTTY;
  }
}

}  // namespace

Result<int64_t> InetSocketFile::ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  if (is_stamp_command(command)) return receive_stamp(context, *this, socket_->last_stamp(), command, argument);
  // ping_prot has no ioctl at all.
  if (is_echo_socket(*socket_) && (command == kBytesReadable || command == kBytesUnsent)) return Errno::ENOTTY;
  switch (command) {
    case kBytesReadable:
      TRY(write_user(context.hal(), argument, TRY(socket_->bytes_readable(context.entry()))));
      return 0;
    case kBytesUnsent:
      TRY(write_user(context.hal(), argument, TRY(socket_->bytes_unsent(context.entry()))));
      return 0;
    case kAtMark:
    case kBytesNotYetSent: {
      // Where the command is unknown Linux asks the devices, which read its argument first.
      if (!is_stream()) return device_ioctl(context, command, argument);
      TcpSocket& tcp = stream();
      const int value = TRY(command == kAtMark ? tcp.is_at_mark(context.entry()) : tcp.bytes_not_yet_sent(context.entry()));
      TRY(write_user(context.hal(), argument, value));
      return 0;
    }
    default:
      break;
  }
  auto answer = is_v6() ? network6_ioctl(context, command, argument) : network4_ioctl(context, command, argument);
  return answer.is_error(Errno::ENOTTY) ? device_ioctl(context, command, argument) : std::move(answer);
}

bool InetSocketFile::is_listening() { return socket_->protocol() == 6 && is_stream() && stream().state() == TcpState::Listen; }

}  // namespace lxnet
