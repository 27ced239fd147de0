// send, sendto, sendmsg, sendmmsg.
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/control_message.hh"
#include "compat/syscalls/descriptors.hh"
#include "compat/syscalls/message.hh"

namespace lxnet {
namespace {

// What a program may not pass: MSG_SENDPAGE_NOPOLICY, MSG_SENDPAGE_DECRYPTED, MSG_SPLICE_PAGES.
constexpr uint32_t kInternalSendFlags = 0x10000 | 0x100000 | kMessageSplicePages;
constexpr uint32_t kControlCompat = 0x80000000;  // MSG_CMSG_COMPAT: the kernel's own mark

uint32_t send_flags(const SocketFile& socket, uint32_t flags) {
  flags &= ~kInternalSendFlags;
  if (socket.is_nonblocking()) flags |= kMessageDontWait;
  return flags;
}

Result<size_t> send_one(SyscallContext& context, SocketFile& socket, OutgoingMessage& message) {
  auto sent = socket.send(context, message);
  if (sent.is_error(Errno::EPIPE) && socket.socket_type() == kSockStream && (message.flags & kMessageNoSignal) == 0) {
    send_broken_pipe_signal(context);
  }
  return sent;
}

// ___sys_sendmsg(): the header is already found to be of this socket.
struct Sent {
  size_t size = 0;
  bool has_left = false;  // not all was read: a probe, or a stream that took what it could
};
Result<Sent> send_header(SyscallContext& context, SocketFile& socket, UserAddress user_header, uint32_t flags,
                         uint32_t allowed_header_flags) {
  const MessageHeader header = TRY(MessageHeader::read(context, user_header));
  SockAddr name;
  const bool has_name = !header.name.is_null() && header.name_length != 0;
  if (has_name) name = TRY(SockAddr::read(context, header.name, header.name_length));
  const IoSegments segments = TRY(header.import_segments(context));
  ControlReader control;
  TRY(control.read(context, header.control, header.control_size));

  UserSource source(context.hal(), segments);
  OutgoingMessage message{.source = source,
                          .flags = send_flags(socket, flags | (header.flags & allowed_header_flags)),
                          .name = has_name ? &name : nullptr,
                          .control = control.is_empty() ? nullptr : &control};
  const size_t size = TRY(send_one(context, socket, message));
  return Sent{size, source.remaining() != 0};
}

}  // namespace

void send_broken_pipe_signal(SyscallContext& context) {
  const lxnet_signal signal{.signo = 13 /* SIGPIPE */,
                            .target_kind = LXNET_SIGNAL_THREAD,
                            .target = 0,
                            .code = 0,
                            .fd = -1,
                            .band = 0,
                            .uid = 0,
                            .euid = 0};
  static_cast<void>(context.hal().table().send_signal(context.hal().context(), &signal));
}

Result<int64_t> sys_send(SyscallContext& context, int fd, UserAddress buffer, uint64_t size, uint32_t flags) {
  return sys_sendto(context, fd, buffer, size, flags, UserAddress(), 0);
}

Result<int64_t> sys_sendto(SyscallContext& context, int fd, UserAddress buffer, uint64_t size, uint32_t flags,
                           UserAddress address, int length) {
  const IoSegment segment = TRY(import_buffer(context, buffer, size));
  const CalledSocket socket = TRY(find_socket(context, fd));
  SockAddr name;
  if (!address.is_null()) name = TRY(SockAddr::read(context, address, length));
  UserSource source(context.hal(), segment);
  OutgoingMessage message{
      .source = source, .flags = send_flags(*socket, flags), .name = address.is_null() ? nullptr : &name, .control = nullptr};
  return static_cast<int64_t>(TRY(send_one(context, *socket, message)));
}

Result<int64_t> sys_sendmsg(SyscallContext& context, int fd, UserAddress message, uint32_t flags) {
  if ((flags & kControlCompat) != 0) return Errno::EINVAL;
  const CalledSocket socket = TRY(find_socket(context, fd));
  return static_cast<int64_t>(TRY(send_header(context, *socket, message, flags, 0)).size);
}

Result<int64_t> sys_sendmmsg(SyscallContext& context, int fd, UserAddress vector, uint32_t count, uint32_t flags) {
  if ((flags & kControlCompat) != 0) return Errno::EINVAL;
  if (count > kMaxSegments) count = kMaxSegments;
  const CalledSocket socket = TRY(find_socket(context, fd));
  const MessageLayout layout{context.is_32bit()};
  for (uint32_t i = 0; i < count; ++i) {
    const UserAddress entry = vector + i * layout.vector_size();
    // What an earlier message met on its way is the next one's to hear.
    if (i != 0) context.entry().flush();
    auto sent = send_header(context, *socket, entry, flags, kMessageEndOfRecord);
    if (sent.is_ok()) {
      const Sent done = sent.take();
      auto written = write_user(context.hal(), entry + layout.vector_length_at(), static_cast<uint32_t>(done.size));
      if (written.is_ok() && !done.has_left) continue;
      if (written.is_ok()) return static_cast<int64_t>(i + 1);
      if (i == 0) return written.error();
    } else if (i == 0) {
      return sent.error();
    }
    return static_cast<int64_t>(i);
  }
  return static_cast<int64_t>(count);
}

}  // namespace lxnet
