// recvmmsg.
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/message.hh"
#include "compat/syscalls/receive.hh"
#include "compat/syscalls/user_time.hh"

namespace lxnet {
namespace {

constexpr uint32_t kWaitForOne = 0x10000;  // MSG_WAITFORONE
constexpr uint32_t kControlCompat = 0x80000000;

// do_recvmmsg(). The timeout is looked at only after each message, which is Linux's documented bug.
Result<int64_t> receive_many(SyscallContext& context, SocketFile& socket, UserAddress vector, uint32_t count, uint32_t flags,
                             const Duration* timeout, Duration* left) {
  const Instant deadline = timeout == nullptr ? Instant::never() : context.entry().now() + *timeout;
  if ((flags & kMessageErrorQueue) == 0) {
    const Errno pending = socket.take_error();
    if (pending != Errno{}) return pending;
  }
  const MessageLayout layout{context.is_32bit()};
  uint32_t done = 0;
  while (done < count) {
    const UserAddress entry = vector + done * layout.vector_size();
    uint32_t told = 0;
    auto received = receive_header(context, socket, entry, flags & ~kWaitForOne, &told);
    if (!received.is_ok()) {
      if (done == 0) return received.error();
      // What ended the batch is reported by the next call, unless it only would have blocked.
      if (!received.is_error(Errno::EAGAIN)) socket.keep_error(received.error());
      break;
    }
    const auto size = static_cast<uint32_t>(received.take());
    auto written = write_user(context.hal(), entry + layout.vector_length_at(), size);
    if (!written.is_ok()) {
      if (done == 0) return written.error();
      break;
    }
    ++done;
    if ((flags & kWaitForOne) != 0) flags |= kMessageDontWait;
    if (timeout != nullptr) {
      context.entry().refresh_clock();
      *left = deadline - context.entry().now();
      if (*left <= Duration()) {
        *left = Duration();
        break;
      }
    }
    if ((told & kMessageOutOfBand) != 0) break;  // urgent data ends the batch
  }
  return static_cast<int64_t>(done);
}

Result<int64_t> receive_timed(SyscallContext& context, int fd, UserAddress vector, uint32_t count, uint32_t flags,
                              UserAddress user_timeout, TimeWidth width) {
  if ((flags & kControlCompat) != 0) return Errno::EINVAL;
  if (user_timeout.is_null()) {
    const CalledSocket socket = TRY(find_socket(context, fd));
    return receive_many(context, *socket, vector, count, flags, nullptr, nullptr);
  }
  const Duration timeout = TRY(timeout_from_timespec(TRY(read_time_pair(context, user_timeout, width))));
  const CalledSocket socket = TRY(find_socket(context, fd));
  Duration left = timeout;
  const int64_t received = TRY(receive_many(context, *socket, vector, count, flags, &timeout, &left));
  if (received > 0) TRY(write_time_pair(context, user_timeout, width, timespec_of(left)));
  return received;
}

}  // namespace

Result<int64_t> sys_recvmmsg(SyscallContext& context, int fd, UserAddress vector, uint32_t count, uint32_t flags,
                             UserAddress timeout) {
  return receive_timed(context, fd, vector, count, flags, timeout, TimeWidth::Bits64);
}

Result<int64_t> sys_recvmmsg_time32(SyscallContext& context, int fd, UserAddress vector, uint32_t count, uint32_t flags,
                                    UserAddress timeout) {
  return receive_timed(context, fd, vector, count, flags, timeout, TimeWidth::Bits32);
}

}  // namespace lxnet
