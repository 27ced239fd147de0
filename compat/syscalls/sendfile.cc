// sendfile: from a file of the host's to a file of lxnet's.
//
// What lxnet sends from must be the host's: a socket is no source of it (EINVAL), as in Linux, where the input must be seekable.
// With no offset given the file's position moves by what was sent. On a host that cannot move it (foreign_seek) nothing is read
// for a non-blocking socket that is not writable, and the part of what was read that such a socket then does not take is waited
// for.
#include <algorithm>

#include "compat/syscalls/calls.hh"
#include "compat/syscalls/descriptors.hh"
#include "compat/syscalls/foreign_hold.hh"
#include "compat/syscalls/io_segments.hh"

namespace lxnet {
namespace {

constexpr size_t kChunk = 64 * 1024;

// UDP over AF_INET alone is told of a file's end, and then sends what it has; the others keep it for what comes next.
bool keeps_pieces(SocketFile& file) {
  constexpr uint8_t kUdp = 17, kUdpLite = 136;
  const Socket* const socket = file.internet_socket();
  if (file.socket_type() == kSockSequenced || file.socket_type() == kSockRaw) return true;
  if (socket == nullptr || socket->type() != SocketType::Datagram) return false;
  return socket->protocol() == kUdpLite || (socket->protocol() == kUdp && file.address_family() == kFamilyInet6);
}

// The end of the file, a short write or an error after some bytes end it with what was sent.
Result<int64_t> send_pieces(SyscallContext& context, SocketFile& out, ForeignFileHold& in, int64_t* position, uint64_t count) {
  HeapArray<uint8_t> buffer =
      TRY(HeapArray<uint8_t>::create(context.hal(), static_cast<size_t>(std::min<uint64_t>(count, kChunk))));
  int64_t sent = 0;
  while (static_cast<uint64_t>(sent) < count) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(count - static_cast<uint64_t>(sent), kChunk));
    // A listener is never writable, but sending is what it refuses.
    if (position == nullptr && out.is_nonblocking() && !out.is_listening() &&
        (out.poll(context.entry()) & (kPollOut | kPollError | kPollHangUp)) == 0) {
      return sent > 0 ? Result<int64_t>(sent) : Result<int64_t>(Errno::EAGAIN);
    }
    int64_t next = position == nullptr ? 0 : *position;
    auto got = in.read(MutableByteSpan(buffer.data(), wanted), position == nullptr ? nullptr : &next);
    // A directory has nothing to splice, whatever reading it says.
    if (got.is_error(Errno::EISDIR)) return Errno::EINVAL;
    if (!got.is_ok()) return sent > 0 ? Result<int64_t>(sent) : Result<int64_t>(got.error());
    const size_t size = got.take();
    if (size == 0) break;
    SpanSource source(ByteSpan(buffer.data(), size));
    const bool waits = position == nullptr || !out.is_nonblocking();
    OutgoingMessage message{.source = source, .flags = kMessageSplicePages | (waits ? 0 : uint32_t{kMessageDontWait})};
    // Where pieces would be messages they are one, as far as the count says that there is more (SPLICE_F_MORE).
    if (keeps_pieces(out) && static_cast<uint64_t>(sent) + size < count) message.flags |= kMessageMore;
    auto written = out.send(context, message);
    if (!written.is_ok()) {
      const bool is_stream = out.socket_type() == kSockStream;
      if (written.is_error(Errno::EPIPE) && is_stream) send_broken_pipe_signal(context);
      return sent > 0 ? Result<int64_t>(sent) : Result<int64_t>(written.error());
    }
    const int64_t done = static_cast<int64_t>(written.take());
    if (position != nullptr) *position += done;
    sent += done;
    if (static_cast<size_t>(done) < size) break;
  }
  return sent;
}

Result<int64_t> send_file(SyscallContext& context, int out_fd, int in_fd, int64_t* position, uint64_t count) {
  const Ref<File> out = TRY(find_file_or_leave(context, out_fd));
  auto own = find_file(context, in_fd);
  if (own.is_ok()) return position != nullptr ? Errno::ESPIPE : Errno::EINVAL;
  if (own.is_error(Errno::EBADF)) return Errno::EBADF;
  ForeignFileHold in(context.hal(), in_fd);
  if (!in.is_open() || !in.is_readable()) return Errno::EBADF;
  const bool stands_nowhere = in.is_pipe() || (in.has_position() && in.position().is_error(Errno::ESPIPE));
  if (position != nullptr && stands_nowhere) return Errno::ESPIPE;
  if (static_cast<int64_t>(count) < 0 || (position != nullptr && *position < 0)) return Errno::EINVAL;
  if (out->kind() != FileKind::Socket) return Errno::EINVAL;
  count = std::min(count, kMaxReadWrite);
  auto& socket = static_cast<SocketFile&>(*out);
  if ((socket.status_flags() & kOpenAppend) != 0) return Errno::EINVAL;
  if (position != nullptr || !in.has_position()) return send_pieces(context, socket, in, position, count);
  auto standing = in.position();
  if (!standing.is_ok()) return Errno::EINVAL;
  const auto begin = static_cast<int64_t>(standing.take());
  int64_t end = begin;
  auto sent = send_pieces(context, socket, in, &end, count);
  if (end != begin) in.move_to(end);
  return sent;
}

template <typename Offset>
Result<int64_t> send_file_from(SyscallContext& context, int out, int in, UserAddress where, uint64_t count) {
  if (where.is_null()) return send_file(context, out, in, nullptr, count);
  Offset offset = 0;
  TRY(copy_in(context.hal(), mutable_bytes_of(offset), where));
  int64_t position = offset;
  auto sent = send_file(context, out, in, &position, count);
  offset = static_cast<Offset>(position);
  TRY(copy_out(context.hal(), where, bytes_of(offset)));
  return sent;
}

}  // namespace

Result<int64_t> sys_sendfile(SyscallContext& context, int out, int in, UserAddress offset, uint64_t count) {
  return context.is_32bit() ? send_file_from<int32_t>(context, out, in, offset, count)
                            : send_file_from<int64_t>(context, out, in, offset, count);
}

Result<int64_t> sys_sendfile64(SyscallContext& context, int out, int in, UserAddress offset, uint64_t count) {
  return send_file_from<int64_t>(context, out, in, offset, count);
}

}  // namespace lxnet
