// recv, recvfrom, recvmsg.
#include "compat/syscalls/receive.hh"

#include "compat/syscalls/calls.hh"
#include "compat/syscalls/control_message.hh"
#include "compat/syscalls/message.hh"

namespace lxnet {
namespace {

constexpr uint32_t kControlCompat = 0x80000000;       // MSG_CMSG_COMPAT
constexpr uint32_t kControlCloseOnExec = 0x40000000;  // MSG_CMSG_CLOEXEC

uint32_t receive_flags(const SocketFile& socket, uint32_t flags) {
  return socket.is_nonblocking() ? flags | kMessageDontWait : flags;
}

}  // namespace

Result<size_t> receive_header(SyscallContext& context, SocketFile& socket, UserAddress user_header, uint32_t flags,
                              uint32_t* result_flags) {
  const MessageHeader header = TRY(MessageHeader::read(context, user_header));
  const IoSegments segments = TRY(header.import_segments(context));
  UserSink sink(context.hal(), segments);
  ControlWriter control(context, header.control, header.control_size, flags);
  IncomingMessage message{
      .sink = sink, .flags = receive_flags(socket, flags), .wants_name = !header.name.is_null(), .control = &control};
  // Linux hands this flag back to the caller.
  message.result_flags = flags & kControlCloseOnExec;
  const size_t received = TRY(socket.receive(context, message));

  // The bytes are gone from the queue: an address that cannot be stored fails the call all the same.
  const MessageLayout layout{context.is_32bit()};
  if (!header.name.is_null()) {
    TRY(message.name.write(context, header.name, user_header + layout.name_length_at()));
  }
  if (control.is_truncated()) message.result_flags |= kMessageControlTruncated;
  TRY(write_user(context.hal(), user_header + layout.flags_at(), message.result_flags));
  const uint64_t used = control.used();
  TRY(copy_out(context.hal(), user_header + layout.control_length_at(), bytes_of(used).first(layout.is_32bit ? 4 : 8)));
  if (result_flags != nullptr) *result_flags = message.result_flags;
  return received;
}

Result<int64_t> sys_recv(SyscallContext& context, int fd, UserAddress buffer, uint64_t size, uint32_t flags) {
  return sys_recvfrom(context, fd, buffer, size, flags, UserAddress(), UserAddress());
}

Result<int64_t> sys_recvfrom(SyscallContext& context, int fd, UserAddress buffer, uint64_t size, uint32_t flags,
                             UserAddress address, UserAddress length) {
  const IoSegment segment = TRY(import_buffer(context, buffer, size));
  const CalledSocket socket = TRY(find_socket(context, fd));
  UserSink sink(context.hal(), segment);
  IncomingMessage message{.sink = sink, .flags = receive_flags(*socket, flags), .wants_name = !address.is_null()};
  const size_t received = TRY(socket->receive(context, message));
  if (!address.is_null()) TRY(message.name.write(context, address, length));
  return static_cast<int64_t>(received);
}

Result<int64_t> sys_recvmsg(SyscallContext& context, int fd, UserAddress message, uint32_t flags) {
  if ((flags & kControlCompat) != 0) return Errno::EINVAL;
  const CalledSocket socket = TRY(find_socket(context, fd));
  return static_cast<int64_t>(TRY(receive_header(context, *socket, message, flags)));
}

}  // namespace lxnet
