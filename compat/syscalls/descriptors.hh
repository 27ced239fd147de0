// Descriptor numbers to files and back.
#pragma once

#include "compat/syscalls/socket_file.hh"

namespace lxnet {

// The socket that a call is about, for the time of the call: counted, unless the host lends it.
class CalledSocket {
 public:
  static CalledSocket counted(SocketFile& adopted) { return CalledSocket(Ref<SocketFile>::adopt(&adopted), adopted); }
  static CalledSocket lent(SocketFile& socket) { return CalledSocket(nullptr, socket); }

  SocketFile* operator->() const { return socket_; }
  SocketFile& operator*() const { return *socket_; }

 private:
  CalledSocket(Ref<SocketFile> count, SocketFile& socket) : count_(std::move(count)), socket_(&socket) {}

  Ref<SocketFile> count_;
  SocketFile* socket_;
};

// EBADF; ENOTSOCK for a file that is not lxnet's.
Result<Ref<File>> find_file(SyscallContext& context, int fd);
// The same, and ENOTSOCK for an epoll set.
Result<CalledSocket> find_socket(SyscallContext& context, int fd);
// For calls that concern every kind of file: ENOSYS tells the host to answer itself when the file is its own.
Result<Ref<File>> find_file_or_leave(SyscallContext& context, int fd);

// EMFILE when the task has no number left for one more file, where the host can tell beforehand.
Result<> check_descriptor_room(SyscallContext& context);

// A number that the caller has been given but does not know yet: taken back unless keep() is called.
class NewDescriptor {
 public:
  // `flags`: kOpenCloseOnExec. EMFILE, ENFILE, ENOMEM.
  static Result<NewDescriptor> install(SyscallContext& context, Ref<File> file, uint32_t flags);
  NewDescriptor(NewDescriptor&& other) noexcept : context_(other.context_), fd_(std::exchange(other.fd_, -1)) {}
  NewDescriptor& operator=(NewDescriptor&&) = delete;
  ~NewDescriptor();

  int number() const { return fd_; }
  int keep() { return std::exchange(fd_, -1); }

 private:
  NewDescriptor(SyscallContext& context, int fd) : context_(context), fd_(fd) {}

  SyscallContext& context_;
  int fd_;
};

}  // namespace lxnet
