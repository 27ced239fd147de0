// AlgFile: what all sockets of the family refuse in the same way. EOPNOTSUPP is what a struct proto_ops of Linux's says where it
// has no function.
#pragma once

#include "compat/afalg/alg_constants.hh"
#include "compat/syscalls/socket_file.hh"
#include "compat/syscalls/task_mutex.hh"
#include "compat/syscalls/wait_until.hh"

namespace lxnet {

class AlgFile : public SocketFile {
 public:
  explicit AlgFile(Stack& stack);

  Result<> bind(SyscallContext&, const SockAddr&) override { return Errno::EOPNOTSUPP; }
  Result<> connect(SyscallContext&, const SockAddr&) override { return Errno::EOPNOTSUPP; }
  Result<> listen(SyscallContext&, int) override { return Errno::EOPNOTSUPP; }
  Result<Ref<SocketFile>> accept(SyscallContext&) override { return Errno::EOPNOTSUPP; }
  Result<> name(SyscallContext&, NameOf, SockAddr&) override { return Errno::EOPNOTSUPP; }
  Result<size_t> send(SyscallContext&, OutgoingMessage&) override { return Errno::EOPNOTSUPP; }
  Result<size_t> receive(SyscallContext&, IncomingMessage&) override { return Errno::EOPNOTSUPP; }
  Result<> shutdown(SyscallContext&, ShutdownHow) override { return Errno::EOPNOTSUPP; }
  Result<> set_option(SyscallContext&, int, int, UserAddress, int) override { return Errno::EOPNOTSUPP; }
  Result<> get_option(SyscallContext&, int, int, UserAddress, UserAddress) override { return Errno::EOPNOTSUPP; }
  Result<int64_t> ioctl(SyscallContext&, uint32_t, UserAddress) override { return Errno::EOPNOTSUPP; }
  // Sockets that never wait are never ready either: Linux's have no poll function.
  bool waits_for_room() const override { return false; }
  PollEvents poll(Entry&) override { return 0; }
  WaitQueue& wait_queue() override { return waiters_; }
  SocketOptionSet& options() override { return options_; }
  Errno take_error() override { return Errno{}; }
  uint64_t cookie() override;

 protected:
  static void operator delete(void*, size_t) {}
  const SocketOptionSet& socket_options() const { return options_; }
  TaskMutex& mutex() RETURN_CAPABILITY(mutex_) { return mutex_; }

 private:
  SocketOptionSet options_;
  WaitQueue waiters_;
  uint64_t cookie_ = 0;
  TaskMutex mutex_;  // lock_sock()
};

}  // namespace lxnet
