// Every system call lxnet answers, by its Linux name. The table in table.cc gives them their numbers.
#pragma once

#include "compat/syscalls/context.hh"

namespace lxnet {

// socket.cc
Result<int64_t> sys_socket(SyscallContext& context, int family, int type, int protocol);
Result<int64_t> sys_socketpair(SyscallContext& context, int family, int type, int protocol, UserAddress pair);
// bind.cc
Result<int64_t> sys_bind(SyscallContext& context, int fd, UserAddress address, int length);
Result<int64_t> sys_listen(SyscallContext& context, int fd, int backlog);
// connect.cc
Result<int64_t> sys_connect(SyscallContext& context, int fd, UserAddress address, int length);
Result<int64_t> sys_shutdown(SyscallContext& context, int fd, int how);
Result<int64_t> sys_getsockname(SyscallContext& context, int fd, UserAddress address, UserAddress length);
Result<int64_t> sys_getpeername(SyscallContext& context, int fd, UserAddress address, UserAddress length);
// accept.cc
Result<int64_t> sys_accept(SyscallContext& context, int fd, UserAddress address, UserAddress length);
Result<int64_t> sys_accept4(SyscallContext& context, int fd, UserAddress address, UserAddress length, int flags);
// send.cc
Result<int64_t> sys_sendto(SyscallContext& context, int fd, UserAddress buffer, uint64_t size, uint32_t flags,
                           UserAddress address, int length);
Result<int64_t> sys_send(SyscallContext& context, int fd, UserAddress buffer, uint64_t size, uint32_t flags);
Result<int64_t> sys_sendmsg(SyscallContext& context, int fd, UserAddress message, uint32_t flags);
Result<int64_t> sys_sendmmsg(SyscallContext& context, int fd, UserAddress vector, uint32_t count, uint32_t flags);
// receive.cc
Result<int64_t> sys_recvfrom(SyscallContext& context, int fd, UserAddress buffer, uint64_t size, uint32_t flags,
                             UserAddress address, UserAddress length);
Result<int64_t> sys_recv(SyscallContext& context, int fd, UserAddress buffer, uint64_t size, uint32_t flags);
Result<int64_t> sys_recvmsg(SyscallContext& context, int fd, UserAddress message, uint32_t flags);
// recvmmsg.cc
Result<int64_t> sys_recvmmsg(SyscallContext& context, int fd, UserAddress vector, uint32_t count, uint32_t flags,
                             UserAddress timeout);
Result<int64_t> sys_recvmmsg_time32(SyscallContext& context, int fd, UserAddress vector, uint32_t count, uint32_t flags,
                                    UserAddress timeout);
// sockopt.cc
Result<int64_t> sys_setsockopt(SyscallContext& context, int fd, int level, int name, UserAddress value, int length);
Result<int64_t> sys_getsockopt(SyscallContext& context, int fd, int level, int name, UserAddress value, UserAddress length);
// read_write.cc
Result<int64_t> sys_read(SyscallContext& context, int fd, UserAddress buffer, uint64_t size);
Result<int64_t> sys_write(SyscallContext& context, int fd, UserAddress buffer, uint64_t size);
Result<int64_t> sys_readv(SyscallContext& context, int fd, UserAddress vector, uint64_t count);
Result<int64_t> sys_writev(SyscallContext& context, int fd, UserAddress vector, uint64_t count);
Result<int64_t> sys_pread64(SyscallContext& context, int fd, UserAddress buffer, uint64_t size, int64_t position);
Result<int64_t> sys_pwrite64(SyscallContext& context, int fd, UserAddress buffer, uint64_t size, int64_t position);
Result<int64_t> sys_preadv(SyscallContext& context, int fd, UserAddress vector, uint64_t count, uint64_t low, uint64_t high);
Result<int64_t> sys_pwritev(SyscallContext& context, int fd, UserAddress vector, uint64_t count, uint64_t low, uint64_t high);
Result<int64_t> sys_preadv2(SyscallContext& context, int fd, UserAddress vector, uint64_t count, uint64_t low, uint64_t high,
                            int flags);
Result<int64_t> sys_pwritev2(SyscallContext& context, int fd, UserAddress vector, uint64_t count, uint64_t low, uint64_t high,
                             int flags);
// sendfile.cc
Result<int64_t> sys_sendfile(SyscallContext& context, int out, int in, UserAddress offset, uint64_t count);
Result<int64_t> sys_sendfile64(SyscallContext& context, int out, int in, UserAddress offset, uint64_t count);
// splice.cc
Result<int64_t> sys_splice(SyscallContext& context, int in_fd, UserAddress in_offset, int out_fd, UserAddress out_offset,
                           uint64_t count, uint32_t flags);
Result<int64_t> sys_tee(SyscallContext& context, int in_fd, int out_fd, uint64_t count, uint32_t flags);
Result<int64_t> sys_vmsplice(SyscallContext& context, int fd, UserAddress vector, uint64_t count, uint32_t flags);
// fcntl.cc, ioctl.cc
Result<int64_t> sys_fcntl(SyscallContext& context, int fd, uint32_t command, uint64_t argument);
Result<int64_t> sys_ioctl(SyscallContext& context, int fd, uint32_t command, UserAddress argument);
// poll.cc
Result<int64_t> sys_poll(SyscallContext& context, UserAddress entries, uint32_t count, int timeout_millis);
Result<int64_t> sys_ppoll(SyscallContext& context, UserAddress entries, uint32_t count, UserAddress timeout, UserAddress mask,
                          uint64_t mask_size);
Result<int64_t> sys_ppoll_time32(SyscallContext& context, UserAddress entries, uint32_t count, UserAddress timeout,
                                 UserAddress mask, uint64_t mask_size);
// select.cc
Result<int64_t> sys_select(SyscallContext& context, int count, UserAddress in, UserAddress out, UserAddress exceptional,
                           UserAddress timeout);
Result<int64_t> sys_old_select(SyscallContext& context, UserAddress arguments);
Result<int64_t> sys_pselect6(SyscallContext& context, int count, UserAddress in, UserAddress out, UserAddress exceptional,
                             UserAddress timeout, UserAddress mask);
Result<int64_t> sys_pselect6_time32(SyscallContext& context, int count, UserAddress in, UserAddress out, UserAddress exceptional,
                                    UserAddress timeout, UserAddress mask);
// socketcall.cc
Result<int64_t> sys_socketcall(SyscallContext& context, int call, UserAddress arguments);

}  // namespace lxnet
