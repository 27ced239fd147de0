// splice between a socket and a pipe of the host's; tee and vmsplice, which no socket serves.
//
// Bytes are copied through a buffer of ours: a stream's piece by piece, and of other sockets one message (copy_splice_read() and
// splice_to_socket() in Linux). They enter a pipe in pages of their own, which is the host's part. What is in a pipe is looked
// at, sent, and taken out as far as the socket took it, without the lock that Linux holds on the pipe meanwhile. A host that
// cannot look at a pipe has it read first: then what the socket refuses is lost, and a non-blocking socket is asked to wait once
// there is room.
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
  size_t piece(uint64_t moved) const { return static_cast<size_t>(std::min<uint64_t>(count - moved, buffer.size() - 1)); }
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
    size_t written = 0;
    do {
      auto piece = splice.pipe.write(ByteSpan(splice.buffer.data() + written, size - written), nullptr);
      if (!piece.is_ok()) return moved + written != 0 ? Result<int64_t>(static_cast<int64_t>(moved + written)) : piece.error();
      written += piece.take();
    } while (splice.is_stream() && written < size);  // of a message what has no room is lost
    moved += written;
    if (!splice.is_stream() || size < wanted) break;  // a stream may have come to its out-of-band byte
  }
  return static_cast<int64_t>(moved);
}

struct Piece {
  size_t size = 0;  // zero: the pipe's end
  bool has_more = false;
};

// What comes next in the pipe, once something does: looked at where the host can, else taken. The buffer has room for a byte more
// than a piece is, which tells whether there is more.
Result<Piece> next_of_pipe(Splice& splice, uint64_t moved) {
  const bool waits = moved == 0 && splice.may_wait();
  const size_t most = splice.piece(moved);
  if (!splice.pipe.can_peek()) {
    constexpr PollEvents kSomething = kPollIn | kPollHangUp | kPollError;
    if (!waits && (splice.pipe.events() & kSomething) == 0) return Errno::EAGAIN;
    const size_t size = TRY(splice.pipe.read(MutableByteSpan(splice.buffer.data(), most), nullptr));
    return Piece{size, (splice.pipe.events() & kPollIn) != 0};
  }
  for (;;) {
    auto seen = splice.pipe.peek(MutableByteSpan(splice.buffer.data(), most + 1));
    if (seen.is_ok()) {
      const size_t size = seen.take();
      return Piece{std::min(size, most), size > most};
    }
    if (!seen.is_error(Errno::EAGAIN) || !waits) return seen.error();
    TRY(splice.pipe.read(MutableByteSpan(), nullptr));
  }
}

// One message. What the socket does not take stays in the pipe where it was only looked at.
Result<size_t> send_piece(Splice& splice, Piece piece, uint64_t left) {
  const MutableByteSpan bytes(splice.buffer.data(), piece.size);
  SpanSource source(bytes);
  OutgoingMessage message{.source = source, .flags = kMessageSplicePages};
  if ((splice.flags & kMore) != 0) message.flags |= kMessageMore;
  if (splice.pipe.can_peek() && splice.socket.is_nonblocking()) message.flags |= kMessageDontWait;
  // What is left in the pipe belongs to the same message.
  if (splice.socket.socket_type() == kSockSequenced && piece.size < left && piece.has_more) message.flags |= kMessageMore;
  auto sent = splice.socket.send(splice.context, message);
  if (!sent.is_ok()) {
    if (sent.is_error(Errno::EPIPE) && splice.is_stream()) send_broken_pipe_signal(splice.context);
    return sent.error();
  }
  const size_t size = sent.take();
  for (size_t taken = 0; splice.pipe.can_peek() && taken < size;) {
    const size_t part = TRY(splice.pipe.read(bytes.subspan(taken, size - taken), nullptr));
    if (part == 0) break;  // somebody else read it
    taken += part;
  }
  return size;
}

Result<int64_t> from_pipe(Splice& splice) {
  uint64_t moved = 0;
  const auto ended = [&](Errno error) {
    return moved != 0 ? Result<int64_t>(static_cast<int64_t>(moved)) : Result<int64_t>(error);
  };
  while (moved < splice.count) {
    constexpr PollEvents kDecided = kPollOut | kPollError | kPollHangUp;
    const bool asks_first = !splice.pipe.can_peek() && splice.needs_room_first();
    if (asks_first && (splice.socket.poll(splice.context.entry()) & kDecided) == 0) return ended(Errno::EAGAIN);
    auto piece = next_of_pipe(splice, moved);
    if (!piece.is_ok()) return ended(piece.error());
    const Piece next = piece.take();
    if (next.size == 0) break;
    auto sent = send_piece(splice, next, splice.count - moved);
    if (!sent.is_ok()) return ended(sent.error());
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
  if (!is_to_pipe && (socket.status_flags() & kOpenAppend) != 0) return Errno::EINVAL;
  count = std::min(count, kMaxReadWrite);
  const uint64_t largest = is_to_pipe && socket.socket_type() == kSockStream ? kPiece : kLargestMessage;
  HeapArray<uint8_t> buffer = TRY(HeapArray<uint8_t>::create(context.hal(), static_cast<size_t>(std::min(count, largest)) + 1));
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
