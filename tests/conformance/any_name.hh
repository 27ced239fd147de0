// Names of sockets of any family, for programs that try the same on all.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace conformance {

struct Name {
  sockaddr_storage bytes{};
  socklen_t length = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

// Loopback's, with this port; of AF_UNIX an abstract one, new each time.
inline Name loopback(int family, uint16_t port) {
  Name name;
  if (family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.length = sizeof in;
    memcpy(&name.bytes, &in, sizeof in);
  } else if (family == AF_INET6) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    in.sin6_addr = in6addr_loopback;
    name.length = sizeof in;
    memcpy(&name.bytes, &in, sizeof in);
  } else {
    static int count = 0;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const int size = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "name %d %d", getpid(), ++count);
    name.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + static_cast<size_t>(size));
    memcpy(&name.bytes, &address, name.length);
  }
  return name;
}

inline Name own_name(int fd) {
  Name name;
  name.length = sizeof name.bytes;
  if (getsockname(fd, name.get(), &name.length) != 0) {
    perror("getsockname");
    abort();
  }
  return name;
}

}  // namespace conformance
