#include "tests/conformance/uring/ring.hh"

namespace lxnet::uring_test {

int listener(sockaddr_in& address, int flags) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | flags, 0);
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(fd, 16), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return fd;
}

Pair connected(int flags) {
  sockaddr_in address;
  const int listening = listener(address);
  Pair pair;
  pair.one = ::socket(AF_INET, SOCK_STREAM | flags, 0);
  if ((flags & SOCK_NONBLOCK) == 0) {
    EXPECT_EQ(::connect(pair.one, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  } else {
    EXPECT_EQ(::connect(pair.one, reinterpret_cast<sockaddr*>(&address), sizeof address), -1);
  }
  pair.other = ::accept4(listening, nullptr, nullptr, flags);
  EXPECT_GE(pair.other, 0);
  ::close(listening);
  return pair;
}

Pair datagrams() {
  Pair pair{::socket(AF_INET, SOCK_DGRAM, 0), ::socket(AF_INET, SOCK_DGRAM, 0)};
  sockaddr_in addresses[2] = {};
  for (int i = 0; i < 2; i++) {
    addresses[i].sin_family = AF_INET;
    addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof addresses[i];
    const int fd = i == 0 ? pair.one : pair.other;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&addresses[i]), size), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&addresses[i]), &size), 0);
  }
  EXPECT_EQ(::connect(pair.one, reinterpret_cast<sockaddr*>(&addresses[1]), sizeof addresses[1]), 0);
  EXPECT_EQ(::connect(pair.other, reinterpret_cast<sockaddr*>(&addresses[0]), sizeof addresses[0]), 0);
  return pair;
}

}  // namespace lxnet::uring_test
