// What the fuzz targets of the system calls share: one stack that is called by function, and input taken apart.
//
// Addresses that faults come from are the host's business; here every pointer is good, and what is hostile are the bytes behind
// it, the lengths and the flags.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "fuzz/support/wire.hh"
#include "hosts/threads/thread_host.hh"

namespace lxnet::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : bytes_(data, size) {}
  template <typename T>
  T take() {
    T value{};
    const size_t size = std::min(sizeof value, bytes_.size());
    if (size != 0) memcpy(&value, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
    return value;
  }
  // At most `most`, in a block of exactly that size.
  std::vector<uint8_t> take_bytes(size_t most) {
    const size_t size = std::min(most, bytes_.size());
    std::vector<uint8_t> taken(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(size));
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  size_t left() const { return bytes_.size(); }

 private:
  ByteSpan bytes_;
};

inline threads::ThreadHost& host() {
  static auto* the_host = new threads::ThreadHost("fuzz");
  return *the_host;
}

// A socket of one of the kinds, which does not block; some are connected to themselves, so that what is sent arrives.
class FuzzedSocket {
 public:
  explicit FuzzedSocket(uint8_t kind) {
    constexpr int kKinds[][3] = {{AF_INET, SOCK_DGRAM, 0},   {AF_INET6, SOCK_DGRAM, 0}, {AF_INET, SOCK_STREAM, 0},
                                 {AF_INET6, SOCK_STREAM, 0}, {AF_INET, SOCK_RAW, 253},  {AF_INET6, SOCK_RAW, 253},
                                 {AF_INET, SOCK_RAW, 1},     {AF_INET6, SOCK_RAW, 58}};
    const auto& [family, type, protocol] = kKinds[kind % 8];
    fd_ = static_cast<int>(host().call(SYS_socket, family, type | SOCK_NONBLOCK, protocol));
    check(fd_ >= 0);
    if ((kind & 8) == 0) return;
    uint8_t name[28] = {};
    name[0] = static_cast<uint8_t>(family);
    if (family == AF_INET) name[4] = 127, name[7] = 1;
    if (family == AF_INET6) name[23] = 1;
    socklen_t size = family == AF_INET ? 16 : 28;
    host().call(SYS_bind, fd_, name, size);
    host().call(SYS_getsockname, fd_, name, &size);
    host().call(SYS_connect, fd_, name, size);
  }
  ~FuzzedSocket() { host().call(SYS_close, fd_); }
  FuzzedSocket(const FuzzedSocket&) = delete;
  FuzzedSocket& operator=(const FuzzedSocket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace lxnet::fuzz
