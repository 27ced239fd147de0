// sys: the calls a program makes, by the running task, with Linux's own types. Each answers as the kernel does: a value, or a
// negative errno. sys::call(SYS_..., ...) makes any other.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/hosted_errno.hh"
#include "hosts/sim/simulation.hh"

namespace lxnet::sim::sys {

template <typename... Arguments>
int64_t call(long number, Arguments... arguments) {
  return current_host().call(number, arguments...);
}

inline int socket(int family, int type, int protocol = 0) { return static_cast<int>(call(SYS_socket, family, type, protocol)); }
template <typename Address>
int bind(int fd, const Address& address) {
  return static_cast<int>(call(SYS_bind, fd, &address, sizeof address));
}
template <typename Address>
int connect(int fd, const Address& address) {
  return static_cast<int>(call(SYS_connect, fd, &address, sizeof address));
}
inline int listen(int fd, int backlog) { return static_cast<int>(call(SYS_listen, fd, backlog)); }
inline int accept(int fd, int flags = 0) { return static_cast<int>(call(SYS_accept4, fd, nullptr, nullptr, flags)); }
inline int close(int fd) { return static_cast<int>(call(SYS_close, fd)); }
inline int shutdown(int fd, int how) { return static_cast<int>(call(SYS_shutdown, fd, how)); }
inline int64_t send(int fd, const void* data, size_t size, int flags = 0) {
  return call(SYS_sendto, fd, data, size, flags, nullptr, 0);
}
template <typename Address>
int64_t sendto(int fd, const void* data, size_t size, int flags, const Address& to) {
  return call(SYS_sendto, fd, data, size, flags, &to, sizeof to);
}
inline int64_t recv(int fd, void* data, size_t size, int flags = 0) {
  return call(SYS_recvfrom, fd, data, size, flags, nullptr, nullptr);
}
template <typename Address>
int64_t recvfrom(int fd, void* data, size_t size, int flags, Address* from) {
  socklen_t length = sizeof *from;
  return call(SYS_recvfrom, fd, data, size, flags, from, &length);
}
inline int64_t sendmsg(int fd, const msghdr* message, int flags = 0) { return call(SYS_sendmsg, fd, message, flags); }
inline int64_t recvmsg(int fd, msghdr* message, int flags = 0) { return call(SYS_recvmsg, fd, message, flags); }
inline int64_t read(int fd, void* data, size_t size) { return call(SYS_read, fd, data, size); }
inline int64_t write(int fd, const void* data, size_t size) { return call(SYS_write, fd, data, size); }
inline int poll(pollfd* fds, size_t count, int timeout_ms) { return static_cast<int>(call(SYS_poll, fds, count, timeout_ms)); }
template <typename T>
int setsockopt(int fd, int level, int name, const T& value) {
  return static_cast<int>(call(SYS_setsockopt, fd, level, name, &value, sizeof value));
}
template <typename T>
int getsockopt(int fd, int level, int name, T* value) {
  socklen_t length = sizeof *value;
  return static_cast<int>(call(SYS_getsockopt, fd, level, name, value, &length));
}
template <typename Address>
int getsockname(int fd, Address* address) {
  socklen_t length = sizeof *address;
  return static_cast<int>(call(SYS_getsockname, fd, address, &length));
}
template <typename Address>
int getpeername(int fd, Address* address) {
  socklen_t length = sizeof *address;
  return static_cast<int>(call(SYS_getpeername, fd, address, &length));
}

}  // namespace lxnet::sim::sys
