// read, write and their vector and positioned kin. A file that is not lxnet's is left to the host (ENOSYS).
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/descriptors.hh"

namespace lxnet {
namespace {

constexpr int kNoWait = 0x8;                     // RWF_NOWAIT
constexpr int kAppend = 0x10, kNoAppend = 0x20;  // RWF_*
// And RWF_HIPRI, RWF_DSYNC, RWF_SYNC, which mean nothing to a socket.
constexpr int kNoSignal = 0x100;  // RWF_NOSIGNAL
constexpr int kKnownFlags = 0x1 | 0x2 | 0x4 | kNoWait | kAppend | kNoAppend | kNoSignal;

// kiocb_set_rw_flags().
Result<> check_flags(int flags) {
  if ((flags & ~kKnownFlags) != 0) return Errno::EOPNOTSUPP;
  return (flags & kAppend) != 0 && (flags & kNoAppend) != 0 ? Result<>(Errno::EINVAL) : ok();
}

// Of an IoSegment, or of IoSegments.
template <typename Segments>
Result<int64_t> read_segments(SyscallContext& context, File& file, const Segments& segments) {
  UserSink sink(context.hal(), segments);
  return static_cast<int64_t>(TRY(file.read(context, sink)));
}

template <typename Segments>
Result<int64_t> write_segments(SyscallContext& context, File& file, const Segments& segments) {
  UserSource source(context.hal(), segments);
  return static_cast<int64_t>(TRY(file.write(context, source)));
}

Result<IoSegments> import_vector(SyscallContext& context, UserAddress vector, uint64_t count) {
  if (count > kMaxSegments) return Errno::EINVAL;
  return IoSegments::import(context, vector, count);
}

// The file to read or to write. An epoll set is neither read nor written, whatever is said of memory.
Result<Ref<File>> find_for_transfer(SyscallContext& context, int fd) {
  Ref<File> file = TRY(find_file_or_leave(context, fd));
  if (file->kind() == FileKind::Epoll) return Errno::EINVAL;
  return file;
}

// preadv2 and pwritev2 with offset -1 are readv and writev; every other offset is a seek, which a socket refuses.
bool is_current_position(const SyscallContext& context, uint64_t low, uint64_t high) {
  return context.is_32bit() ? (low & high & 0xffffffff) == 0xffffffff : low == ~uint64_t{0};
}

Result<> check_positioned(SyscallContext& context, uint64_t low, uint64_t high) {
  const int64_t position = static_cast<int64_t>(context.is_32bit() ? high << 32 | low : low);
  return position < 0 ? Errno::EINVAL : Errno::ESPIPE;
}

}  // namespace

MemoryUse SocketFile::memory_use(SyscallContext& context) {
  MemoryUse use{.receive_limit = options().receive_buffer, .send_limit = options().send_buffer};
  Socket* internet = internet_socket();
  if (internet == nullptr) return use;
  const SocketMemory memory = internet->memory(context.entry());
  use.receive_held = memory.received;
  use.send_held = memory.in_flight;
  use.forward = memory.forward;
  use.send_queued = memory.queued_to_send;
  use.option = memory.options;
  use.backlog = memory.backlog;
  use.drops = memory.drops;
  return use;
}

Result<size_t> SocketFile::read(SyscallContext& context, IoSink& sink) {
  if (sink.room() == 0) return size_t{0};  // what System V did: not even an error is fetched
  IncomingMessage message{.sink = sink, .flags = is_nonblocking() ? uint32_t{kMessageDontWait} : 0};
  return receive(context, message);
}

Result<size_t> SocketFile::write(SyscallContext& context, IoSource& source) {
  return write_with_flags(context, source, is_nonblocking() ? uint32_t{kMessageDontWait} : 0);
}

Result<size_t> SocketFile::write_with_flags(SyscallContext& context, IoSource& source, uint32_t flags) {
  OutgoingMessage message{.source = source, .flags = flags};
  if (socket_type() == kSockSequenced) message.flags |= kMessageEndOfRecord;
  auto written = send(context, message);
  if (written.is_error(Errno::EPIPE) && socket_type() == kSockStream && (flags & kMessageNoSignal) == 0)
    send_broken_pipe_signal(context);
  return written;
}

Result<int64_t> sys_read(SyscallContext& context, int fd, UserAddress buffer, uint64_t size) {
  const Ref<File> file = TRY(find_for_transfer(context, fd));
  // access_ok() comes before the size is cut down to what one call transfers.
  if (!context.is_user_range(buffer, size)) return Errno::EFAULT;
  const IoSegment segment = TRY(import_buffer(context, buffer, size));
  return read_segments(context, *file, segment);
}

Result<int64_t> sys_write(SyscallContext& context, int fd, UserAddress buffer, uint64_t size) {
  const Ref<File> file = TRY(find_for_transfer(context, fd));
  // access_ok() comes before the size is cut down to what one call transfers.
  if (!context.is_user_range(buffer, size)) return Errno::EFAULT;
  const IoSegment segment = TRY(import_buffer(context, buffer, size));
  return write_segments(context, *file, segment);
}

Result<int64_t> sys_readv(SyscallContext& context, int fd, UserAddress vector, uint64_t count) {
  const Ref<File> file = TRY(find_for_transfer(context, fd));
  const IoSegments segments = TRY(import_vector(context, vector, count));
  if (segments.total() == 0) return 0;
  return read_segments(context, *file, segments);
}

Result<int64_t> sys_writev(SyscallContext& context, int fd, UserAddress vector, uint64_t count) {
  const Ref<File> file = TRY(find_for_transfer(context, fd));
  const IoSegments segments = TRY(import_vector(context, vector, count));
  if (segments.total() == 0) return 0;  // unlike write(), which sends an empty datagram
  return write_segments(context, *file, segments);
}

Result<int64_t> sys_pread64(SyscallContext& context, int fd, UserAddress, uint64_t, int64_t position) {
  TRY(find_file_or_leave(context, fd));
  return position < 0 ? Errno::EINVAL : Errno::ESPIPE;
}

Result<int64_t> sys_pwrite64(SyscallContext& context, int fd, UserAddress buffer, uint64_t size, int64_t position) {
  return sys_pread64(context, fd, buffer, size, position);
}

Result<int64_t> sys_preadv(SyscallContext& context, int fd, UserAddress, uint64_t, uint64_t low, uint64_t high) {
  TRY(find_file_or_leave(context, fd));
  TRY(check_positioned(context, low, high));
  return 0;
}

Result<int64_t> sys_pwritev(SyscallContext& context, int fd, UserAddress vector, uint64_t count, uint64_t low, uint64_t high) {
  return sys_preadv(context, fd, vector, count, low, high);
}

Result<int64_t> sys_preadv2(SyscallContext& context, int fd, UserAddress vector, uint64_t count, uint64_t low, uint64_t high,
                            int flags) {
  if (!is_current_position(context, low, high)) return sys_preadv(context, fd, vector, count, low, high);
  const Ref<File> file = TRY(find_for_transfer(context, fd));
  const IoSegments segments = TRY(import_vector(context, vector, count));
  if (segments.total() == 0) return 0;
  TRY(check_flags(flags));
  if ((flags & kNoWait) == 0 || file->kind() != FileKind::Socket) return read_segments(context, *file, segments);
  UserSink sink(context.hal(), segments);
  IncomingMessage message{.sink = sink, .flags = kMessageDontWait};
  return static_cast<int64_t>(TRY(static_cast<SocketFile&>(*file).receive(context, message)));
}

Result<int64_t> sys_pwritev2(SyscallContext& context, int fd, UserAddress vector, uint64_t count, uint64_t low, uint64_t high,
                             int flags) {
  if (!is_current_position(context, low, high)) return sys_pwritev(context, fd, vector, count, low, high);
  const Ref<File> file = TRY(find_for_transfer(context, fd));
  const IoSegments segments = TRY(import_vector(context, vector, count));
  if (segments.total() == 0) return 0;
  TRY(check_flags(flags));
  if ((flags & (kNoWait | kNoSignal)) == 0 || file->kind() != FileKind::Socket) return write_segments(context, *file, segments);
  uint32_t message_flags = (flags & kNoWait) != 0 || file->is_nonblocking() ? uint32_t{kMessageDontWait} : 0;
  if ((flags & kNoSignal) != 0) message_flags |= kMessageNoSignal;
  UserSource source(context.hal(), segments);
  return static_cast<int64_t>(TRY(static_cast<SocketFile&>(*file).write_with_flags(context, source, message_flags)));
}

}  // namespace lxnet
