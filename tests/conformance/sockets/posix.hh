// What every conformance test needs: descriptors that close themselves, and calls whose errno is part of the answer.
//
// These tests know nothing but the C library: the same binary runs on Linux and on lxnet, and must pass on both.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

namespace conformance {

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }
  operator int() const { return fd_; }

 private:
  int fd_;
};

// 0 and above, or the negative errno.
template <typename Result>
long answer(Result result) {
  return result < 0 ? -static_cast<long>(errno) : static_cast<long>(result);
}

// An address that no program has, hidden from the compiler's own checks.
template <typename T = void>
T* bad_pointer() {
  static volatile uintptr_t address = 8;
  return reinterpret_cast<T*>(address);
}

inline sockaddr_in loopback4(uint16_t port = 0) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline sockaddr_in6 loopback6(uint16_t port = 0) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  return address;
}

template <typename Address>
long bind_to(int fd, const Address& address) {
  return answer(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}
template <typename Address>
long connect_to(int fd, const Address& address) {
  return answer(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

inline sockaddr_in name_of(int fd) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return address;
}

// A listener on 127.0.0.1 and a connection through it.
struct TcpPair {
  Fd listener, client, server;
};
inline TcpPair tcp_pair() {
  TcpPair pair{Fd(::socket(AF_INET, SOCK_STREAM, 0)), Fd(::socket(AF_INET, SOCK_STREAM, 0)), Fd()};
  bind_to(pair.listener, loopback4());
  ::listen(pair.listener, 8);
  connect_to(pair.client, name_of(pair.listener));
  pair.server = Fd(::accept(pair.listener, nullptr, nullptr));
  return pair;
}

inline long poll_now(int fd, short events, int timeout = 0) {
  pollfd entry{fd, events, 0};
  const int ready = ::poll(&entry, 1, timeout);
  return ready < 0 ? answer(ready) : entry.revents;
}

}  // namespace conformance
