// socketcall: i386's one door to all the socket calls.
#include "compat/syscalls/calls.hh"

namespace lxnet {
namespace {

// Arguments of each call, by SYS_* of linux/net.h.
constexpr uint8_t kArgumentCount[21] = {0, 3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3, 4, 5, 4};

}  // namespace

Result<int64_t> sys_socketcall(SyscallContext& context, int call, UserAddress arguments) {
  if (call < 1 || call > 20) return Errno::EINVAL;
  uint32_t a[6] = {};
  TRY(copy_in(context.hal(), MutableByteSpan(reinterpret_cast<uint8_t*>(a), kArgumentCount[call] * sizeof(uint32_t)), arguments));
  const auto fd = static_cast<int>(a[0]);
  const auto signed1 = static_cast<int>(a[1]);
  const auto signed2 = static_cast<int>(a[2]);
  const UserAddress user1(a[1]), user2(a[2]);
  switch (call) {
    case 1:
      return sys_socket(context, fd, signed1, signed2);
    case 2:
      return sys_bind(context, fd, user1, signed2);
    case 3:
      return sys_connect(context, fd, user1, signed2);
    case 4:
      return sys_listen(context, fd, signed1);
    case 5:
      return sys_accept(context, fd, user1, user2);
    case 6:
      return sys_getsockname(context, fd, user1, user2);
    case 7:
      return sys_getpeername(context, fd, user1, user2);
    case 8:
      return sys_socketpair(context, fd, signed1, signed2, UserAddress(a[3]));
    case 9:
      return sys_send(context, fd, user1, a[2], a[3]);
    case 10:
      return sys_recv(context, fd, user1, a[2], a[3]);
    case 11:
      return sys_sendto(context, fd, user1, a[2], a[3], UserAddress(a[4]), static_cast<int>(a[5]));
    case 12:
      return sys_recvfrom(context, fd, user1, a[2], a[3], UserAddress(a[4]), UserAddress(a[5]));
    case 13:
      return sys_shutdown(context, fd, signed1);
    case 14:
      return sys_setsockopt(context, fd, signed1, signed2, UserAddress(a[3]), static_cast<int>(a[4]));
    case 15:
      return sys_getsockopt(context, fd, signed1, signed2, UserAddress(a[3]), UserAddress(a[4]));
    case 16:
      return sys_sendmsg(context, fd, user1, a[2]);
    case 17:
      return sys_recvmsg(context, fd, user1, a[2]);
    case 18:
      return sys_accept4(context, fd, user1, user2, static_cast<int>(a[3]));
    case 19:
      return sys_recvmmsg_time32(context, fd, user1, a[2], a[3], UserAddress(a[4]));
    default:
      return sys_sendmmsg(context, fd, user1, a[2], a[3]);
  }
}

}  // namespace lxnet
