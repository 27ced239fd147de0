// Asking the host's descriptor table.
#include "compat/syscalls/descriptors.hh"

namespace lxnet {

Result<Ref<File>> find_file(SyscallContext& context, int fd) {
  int error = static_cast<int>(Errno::EBADF);
  lxnet_file* file = context.hal().table().find_fd(context.hal().context(), fd, &error);
  if (file == nullptr) return static_cast<Errno>(error);
  return Ref<File>::adopt(File::from_c(file));
}

Result<CalledSocket> find_socket(SyscallContext& context, int fd) {
  const lxnet_hal& table = context.hal().table();
  const bool is_lent = table.lend_fd != nullptr;
  int error = static_cast<int>(Errno::EBADF);
  lxnet_file* found = (is_lent ? table.lend_fd : table.find_fd)(table.ctx, fd, &error);
  if (found == nullptr) [[unlikely]]
    return static_cast<Errno>(error);
  File& file = *File::from_c(found);
  if (file.kind() == FileKind::Socket) [[likely]] {
    auto& socket = static_cast<SocketFile&>(file);
    return is_lent ? CalledSocket::lent(socket) : CalledSocket::counted(socket);
  }
  if (!is_lent) static_cast<void>(Ref<File>::adopt(&file));
  return Errno::ENOTSOCK;
}

Result<Ref<File>> find_file_or_leave(SyscallContext& context, int fd) {
  auto file = find_file(context, fd);
  if (file.is_ok()) return file.take();
  // Also a number that is not open: the host knows best in which order it refuses.
  return Errno::ENOSYS;
}

Result<> check_descriptor_room(SyscallContext& context) {
  const lxnet_hal& table = context.hal().table();
  if (table.check_fd_room == nullptr) return ok();
  const int answer = table.check_fd_room(context.hal().context());
  if (answer < 0) return static_cast<Errno>(-answer);
  return ok();
}

Result<NewDescriptor> NewDescriptor::install(SyscallContext& context, Ref<File> file, uint32_t flags) {
  const Hal& hal = context.hal();
  const int fd = hal.table().install_fd(hal.context(), file->to_c(), flags);
  if (fd < 0) return static_cast<Errno>(-fd);
  static_cast<void>(file.leak());  // the table holds it now
  return NewDescriptor(context, fd);
}

NewDescriptor::~NewDescriptor() {
  if (fd_ >= 0) context_.hal().table().release_fd(context_.hal().context(), fd_);
}

}  // namespace lxnet
