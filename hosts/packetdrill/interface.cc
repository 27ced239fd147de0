// The table: each function is a system call of lxnet's where the descriptor is lxnet's, and the host's own for the files and
// pipes that a script opens besides.
#include "hosts/packetdrill/interface.h"

#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "hosts/packetdrill/machine.hh"
#include "hosts/packetdrill/redirect.hh"
#include "hosts/packetdrill/transfer.hh"

namespace lxnet::packetdrill {
namespace {

Machine* the_machine = nullptr;  // for what packetdrill calls without its userdata

Machine& of(void* self) { return *static_cast<Machine*>(self); }

// As the C library does it.
int64_t answer(int64_t result) {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}
template <typename Result = int, typename... Arguments>
Result call(void* self, long number, Arguments... arguments) {
  return static_cast<Result>(answer(of(self).call(number, arguments...)));
}
// On a descriptor: lxnet's, or the host's.
template <typename Result = int, typename... Arguments>
Result call_on(void* self, long number, int fd, Arguments... arguments) {
  if (of(self).is_own(fd)) return call<Result>(self, number, fd, arguments...);
  return static_cast<Result>(syscall(number, fd, arguments...));
}

void fill_names(packetdrill_interface& table) {
  table.socket = [](void* self, int domain, int type, int protocol) {
    return static_cast<int>(answer(of(self).open_call(SYS_socket, domain, type, protocol)));
  };
  table.bind = [](void* self, int fd, const sockaddr* name, socklen_t size) {
    of(self).adopt(name, size);
    return call_on(self, SYS_bind, fd, name, size);
  };
  table.listen = [](void* self, int fd, int backlog) { return call_on(self, SYS_listen, fd, backlog); };
  table.accept = [](void* self, int fd, sockaddr* name, socklen_t* size) {
    return static_cast<int>(answer(of(self).open_call(SYS_accept, fd, name, size)));
  };
  table.connect = [](void* self, int fd, const sockaddr* name, socklen_t size) {
    return call_on(self, SYS_connect, fd, name, size);
  };
  table.close = [](void* self, int fd) {
    return of(self).is_own(fd) ? static_cast<int>(answer(of(self).close(fd))) : ::close(fd);
  };
  table.shutdown = [](void* self, int fd, int how) { return call_on(self, SYS_shutdown, fd, how); };
}

void fill_reading(packetdrill_interface& table) {
  table.read = [](void* self, int fd, void* to, size_t size) { return call_on<ssize_t>(self, SYS_read, fd, to, size); };
  table.readv = [](void* self, int fd, const iovec* pieces, int count) {
    return call_on<ssize_t>(self, SYS_readv, fd, pieces, count);
  };
  table.recv = [](void* self, int fd, void* to, size_t size, int flags) {
    return call_on<ssize_t>(self, SYS_recvfrom, fd, to, size, flags, nullptr, nullptr);
  };
  table.recvfrom = [](void* self, int fd, void* to, size_t size, int flags, sockaddr* name, socklen_t* name_size) {
    return call_on<ssize_t>(self, SYS_recvfrom, fd, to, size, flags, name, name_size);
  };
  table.recvmsg = [](void* self, int fd, msghdr* message, int flags) {
    return call_on<ssize_t>(self, SYS_recvmsg, fd, message, flags);
  };
}

void fill_writing(packetdrill_interface& table) {
  table.write = [](void* self, int fd, const void* from, size_t size) {
    return call_on<ssize_t>(self, SYS_write, fd, from, size);
  };
  table.writev = [](void* self, int fd, const iovec* pieces, int count) {
    return call_on<ssize_t>(self, SYS_writev, fd, pieces, count);
  };
  table.send = [](void* self, int fd, const void* from, size_t size, int flags) {
    return call_on<ssize_t>(self, SYS_sendto, fd, from, size, flags, nullptr, 0);
  };
  table.sendto = [](void* self, int fd, const void* from, size_t size, int flags, const sockaddr* name, socklen_t name_size) {
    return call_on<ssize_t>(self, SYS_sendto, fd, from, size, flags, name, name_size);
  };
  table.sendmsg = [](void* self, int fd, const msghdr* message, int flags) {
    return call_on<ssize_t>(self, SYS_sendmsg, fd, message, flags);
  };
}

int set_or_get_flags(void* self, int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const long argument = va_arg(arguments, long);
  va_end(arguments);
  return call_on(self, SYS_fcntl, fd, command, argument);
}

int control(void* self, int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return call_on(self, SYS_ioctl, fd, request, argument);
}

void fill_control(packetdrill_interface& table) {
  table.fcntl = set_or_get_flags;
  table.ioctl = control;
  table.getsockopt = [](void* self, int fd, int level, int name, void* value, socklen_t* size) {
    return call_on(self, SYS_getsockopt, fd, level, name, value, size);
  };
  table.setsockopt = [](void* self, int fd, int level, int name, const void* value, socklen_t size) {
    return call_on(self, SYS_setsockopt, fd, level, name, value, size);
  };
}

void fill_waiting(packetdrill_interface& table) {
  table.poll = [](void* self, pollfd* fds, nfds_t count, int timeout) { return call(self, SYS_poll, fds, count, timeout); };
  table.epoll_create = [](void* self, int size) { return static_cast<int>(answer(of(self).open_call(SYS_epoll_create, size))); };
  table.epoll_ctl = [](void* self, int set, int operation, int fd, epoll_event* event) {
    return call(self, SYS_epoll_ctl, set, operation, fd, event);
  };
  table.epoll_wait = [](void* self, int set, epoll_event* events, int room, int timeout) {
    return call(self, SYS_epoll_wait, set, events, room, timeout);
  };
  table.pipe = [](void*, int fds[2]) { return ::pipe(fds); };
  table.splice = [](void* self, int from, loff_t* from_offset, int to, loff_t* to_offset, size_t size, unsigned flags) {
    // packetdrill passes the addresses of its offsets, and means null when they hold zero.
    if (from_offset != nullptr && *from_offset == 0) from_offset = nullptr;
    if (to_offset != nullptr && *to_offset == 0) to_offset = nullptr;
    return static_cast<int>(answer(splice(of(self), from, from_offset, to, to_offset, size, flags)));
  };
}

void fill_network(packetdrill_interface& table) {
  table.netdev_send = [](void* self, const void* packet, size_t size) {
    of(self).receive(packet, size);
    return 0;
  };
  table.netdev_receive = [](void* self, void* packet, size_t* size, long long* micros) {
    int64_t when = 0;
    *size = of(self).take_packet(packet, *size, when);
    *micros = when;
    return 0;
  };
  table.usleep = [](void* self, useconds_t micros) {
    of(self).sleep(micros);
    return 0;
  };
  table.gettimeofday = [](void* self, timeval* time, struct timezone*) {
    const int64_t micros = of(self).clock_micros();
    *time = {.tv_sec = micros / 1'000'000, .tv_usec = micros % 1'000'000};
    return 0;
  };
}

int own_getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
  return call_on(the_machine, SYS_getsockopt, fd, level, name, value, size);
}

ssize_t own_sendfile(int to, int from, off_t* offset, size_t size) {
  return static_cast<ssize_t>(answer(send_file(*the_machine, to, from, offset, size)));
}

void free_machine(void* self) {
  the_machine = nullptr;
  delete static_cast<Machine*>(self);
}

}  // namespace
}  // namespace lxnet::packetdrill

void packetdrill_interface_init(const char* flags, packetdrill_interface* table) {
  using namespace lxnet::packetdrill;
  try {
    *table = {};
    table->userdata = the_machine = new Machine(read_settings(flags));
    table->free = free_machine;
    fill_names(*table);
    fill_reading(*table);
    fill_writing(*table);
    fill_control(*table);
    fill_waiting(*table);
    fill_network(*table);
    redirect_import("getsockopt", reinterpret_cast<void*>(&own_getsockopt));
    redirect_import("sendfile", reinterpret_cast<void*>(&own_sendfile));
    redirect_import("sendfile64", reinterpret_cast<void*>(&own_sendfile));
  } catch (const std::exception& error) {
    fprintf(stderr, "lxnet: %s\n", error.what());
    exit(1);
  }
}
