// The same system call asked of Linux or of a stack in this process: a benchmark's sides are one template over these.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include "bench/support/solo_host.hh"
#include "hal/lxnet.h"
#include "hosts/threads/thread_host.hh"

namespace lxnet::bench {

// Both answer as lxnet_syscall does: the result, or a negative errno.
class Linux {
 public:
  template <typename... Arguments>
  int64_t call(long number, Arguments... arguments) {
    const long result = ::syscall(number, arguments...);
    return result < 0 ? -errno : result;
  }
};

// A host of its own, with its loopback up, on a machine of one processor.
class SoloLxnet {
 public:
  template <typename... Arguments>
  int64_t call(long number, Arguments... arguments) {
    return host_.call(number, arguments...);
  }
  SoloHost& host() { return host_; }

 private:
  SoloHost host_{"bench"};
};

// The same where several threads may call at once.
class Lxnet {
 public:
  template <typename... Arguments>
  int64_t call(long number, Arguments... arguments) {
    return host_.call(number, arguments...);
  }
  threads::ThreadHost& host() { return host_; }

 private:
  threads::ThreadHost host_{"bench"};
};

// The result, or an exception that says which call failed and how.
inline int64_t check(int64_t result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + strerror(static_cast<int>(-result)));
  return result;
}
inline void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

inline sockaddr_in loopback_address(uint16_t port = 0) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A socket bound to 127.0.0.1 and a port of the system's choice, and its name.
template <typename System>
int bound_socket(System& system, int type, sockaddr_in& name) {
  const int fd = static_cast<int>(check(system.call(SYS_socket, AF_INET, type, 0), "socket"));
  socklen_t size = sizeof name;
  name = loopback_address();
  check(system.call(SYS_bind, fd, &name, size), "bind");
  check(system.call(SYS_getsockname, fd, &name, &size), "getsockname");
  return fd;
}

}  // namespace lxnet::bench
