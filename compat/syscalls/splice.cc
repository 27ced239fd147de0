// splice between a socket and a pipe of the host's; tee and vmsplice, which no socket serves.
//
// Bytes are copied through a buffer of ours: a stream's piece by piece, and of other sockets one message (copy_splice_read() and
// splice_to_socket() in Linux). What was read from a pipe is sent whole: where a non-blocking socket may not take all
// of it the pipe is not read before there is room, and the socket is asked to wait.
#include <algorithm>

#include "compat/syscalls/calls.hh"
#include "compat/syscalls/descriptors.hh"
#include "compat/syscalls/foreign_hold.hh"
#include "compat/syscalls/io_segments.hh"

namespace lxnet {
namespace {

constexpr uint32_t kNonBlock = 2, kMore = 4, kKnownFlags = 15;  // SPLICE_F_*
constexpr size_t kPiece = 4096;                                 // a pipe that is writable takes this much
constexpr size_t kLargestMessage = 16 * kPiece;

struct Splice {
  SyscallContext& context;
  SocketFile& socket;
  ForeignFileHold& pipe;
  uint64_t count;
  uint32_t flags;
  HeapArray<uint8_t>& buffer;

  bool is_stream() const { return socket.socket_type() == kSockStream; }
  size_t piece(uint64_t moved) const { return static_cast<size_t>(std::min<uint64_t>(count - moved, buffer.size())); }
  bool needs_room_first() const { return socket.is_nonblocking() && socket.waits_for_room(); }
  bool may_wait() const { return (flags & kNonBlock) == 0; }
};

// As much as is there, once something is; of datagrams one.
Result<int64_t> to_pipe(Splice& splice) {
  uint64_t moved = 0;
  while (moved < splice.count) {
    const PollEvents room = splice.pipe.events();
    if ((room & kPollError) != 0) {  // nobody reads it
      if (moved == 0) send_broken_pipe_signal(splice.context);
      return moved != 0 ? Result<int64_t>(static_cast<int64_t>(moved)) : Result<int64_t>(Errno::EPIPE);
    }
    const bool is_full = (room & kPollOut) == 0;
    if (is_full && (moved != 0 || !splice.may_wait())) {
      return moved != 0 ? Result<int64_t>(static_cast<int64_t>(moved)) : Result<int64_t>(Errno::EAGAIN);
    }
    if (is_full) TRY(splice.pipe.write(ByteSpan(), nullptr));
    const size_t wanted = splice.piece(moved);
    SpanSink sink(MutableByteSpan(splice.buffer.data(), wanted));
    const bool waits = moved == 0 && !splice.socket.is_nonblocking();
    IncomingMessage message{.sink = sink, .flags = waits ? 0 : uint32_t{kMessageDontWait}};
    auto received = splice.socket.receive(splice.context, message);
    if (!received.is_ok()) return moved != 0 ? Result<int64_t>(static_cast<int64_t>(moved)) : Result<int64_t>(received.error());
    const size_t size = std::min(received.take(), wanted);
    if (size == 0) break;
    for (size_t written = 0; written < size;) {
      auto piece = splice.pipe.write(ByteSpan(splice.buffer.data() + written, size - written), nullptr);
      if (!piece.is_ok()) return moved + written != 0 ? Result<int64_t>(static_cast<int64_t>(moved + written)) : piece.error();
      written += piece.take();
    }
    moved += size;
    if (!splice.is_stream()) break;
  }
  return static_cast<int64_t>(moved);
}

Result<int64_t> from_pipe(Splice& splice) {
  uint64_t moved = 0;
  while (moved < splice.count) {
    constexpr PollEvents kSomething = kPollIn | kPollHangUp | kPollError;
    if ((splice.pipe.events() & kSomething) == 0 && (moved != 0 || !splice.may_wait())) {
      return moved != 0 ? Result<int64_t>(static_cast<int64_t>(moved)) : Result<int64_t>(Errno::EAGAIN);
    }
    constexpr PollEvents kDecided = kPollOut | kPollError | kPollHangUp;
    if (splice.needs_room_first() && (splice.socket.poll(splice.context.entry()) & kDecided) == 0) {
      return moved != 0 ? Result<int64_t>(static_cast<int64_t>(moved)) : Result<int64_t>(Errno::EAGAIN);
    }
    auto read = splice.pipe.read(MutableByteSpan(splice.buffer.data(), splice.piece(moved)), nullptr);
    if (!read.is_ok()) return moved != 0 ? Result<int64_t>(static_cast<int64_t>(moved)) : Result<int64_t>(read.error());
    const size_t size = read.take();
    if (size == 0) break;
    SpanSource source(ByteSpan(splice.buffer.data(), size));
    OutgoingMessage message{.source = source, .flags = (splice.flags & kMore) != 0 ? uint32_t{kMessageMore} : 0};
    // What is left in the pipe belongs to the same message.
    const bool is_sequenced = splice.socket.socket_type() == kSockSequenced;
    if (is_sequenced && moved + size < splice.count && (splice.pipe.events() & kPollIn) != 0) message.flags |= kMessageMore;
    auto sent = splice.socket.send(splice.context, message);
    if (!sent.is_ok()) {
      if (sent.is_error(Errno::EPIPE) && splice.is_stream()) send_broken_pipe_signal(splice.context);
      return moved != 0 ? Result<int64_t>(static_cast<int64_t>(moved)) : Result<int64_t>(sent.error());
    }
    moved += sent.take();
  }
  return static_cast<int64_t>(moved);
}

}  // namespace

Result<int64_t> sys_splice(SyscallContext& context, int in_fd, UserAddress in_offset, int out_fd, UserAddress out_offset,
                           uint64_t count, uint32_t flags) {
  if (count == 0) return 0;
  if ((flags & ~kKnownFlags) != 0) return Errno::EINVAL;
  auto in = find_file(context, in_fd);
  if (in.is_error(Errno::EBADF)) return Errno::EBADF;
  auto out = find_file(context, out_fd);
  if (out.is_error(Errno::EBADF)) return Errno::EBADF;
  if (!in.is_ok() && !out.is_ok()) return Errno::ENOSYS;  // both are the host's
  if (in.is_ok() && out.is_ok()) return Errno::EINVAL;    // one must be a pipe
  const bool is_to_pipe = in.is_ok();
  const Ref<File> own = is_to_pipe ? in.take() : out.take();
  ForeignFileHold pipe(context.hal(), is_to_pipe ? out_fd : in_fd);
  if (!pipe.is_open()) return Errno::EBADF;
  const bool is_pipe = pipe.is_pipe();
  if (is_pipe && !(is_to_pipe ? out_offset : in_offset).is_null()) return Errno::ESPIPE;
  for (const UserAddress offset : {out_offset, in_offset}) {
    if (!offset.is_null()) TRY(read_user<int64_t>(context.hal(), offset));
  }
  if (!(is_to_pipe ? pipe.is_writable() : pipe.is_readable())) return Errno::EBADF;
  const bool has_position = !(is_to_pipe ? in_offset : out_offset).is_null();
  if (!is_pipe || has_position || own->kind() != FileKind::Socket) return Errno::EINVAL;
  auto& socket = static_cast<SocketFile&>(*own);
  count = std::min(count, kMaxReadWrite);
  const uint64_t largest = socket.socket_type() == kSockStream ? kPiece : kLargestMessage;
  HeapArray<uint8_t> buffer = TRY(HeapArray<uint8_t>::create(context.hal(), static_cast<size_t>(std::min(count, largest))));
  Splice splice{context, socket, pipe, count, flags, buffer};
  return is_to_pipe ? to_pipe(splice) : from_pipe(splice);
}

// Between pipes alone.
Result<int64_t> sys_tee(SyscallContext& context, int in_fd, int out_fd, uint64_t count, uint32_t flags) {
  if ((flags & ~kKnownFlags) != 0) return Errno::EINVAL;
  if (count == 0) return 0;
  const auto in = find_file(context, in_fd), out = find_file(context, out_fd);
  if (in.is_error(Errno::EBADF) || out.is_error(Errno::EBADF)) return Errno::EBADF;
  return in.is_ok() || out.is_ok() ? Errno::EINVAL : Errno::ENOSYS;
}

// Into a pipe alone; what is none is no descriptor for it.
Result<int64_t> sys_vmsplice(SyscallContext& context, int fd, UserAddress, uint64_t, uint32_t flags) {
  if ((flags & ~kKnownFlags) != 0) return Errno::EINVAL;
  return find_file(context, fd).is_error(Errno::ENOTSOCK) ? Errno::ENOSYS : Errno::EBADF;
}

}  // namespace lxnet
