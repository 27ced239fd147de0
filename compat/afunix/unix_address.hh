// UnixAddress: a socket's name.
//
// A name is a path (found by the node it names, so that it survives rename and dies with unlink as on Linux), or abstract: any
// bytes after a leading zero, found by those bytes and the socket's type.
#pragma once

#include "compat/syscalls/sockaddr.hh"
#include "hal/memory.hh"

namespace lxnet {

inline constexpr size_t kUnixPathAt = 2;  // offsetof(sockaddr_un, sun_path)
inline constexpr size_t kUnixPathSize = 108;

class UnixAddress : public RefCounted<UnixAddress> {
 public:
  // `bytes`: the whole sockaddr_un, cut to what counts. ENOMEM.
  static Result<Ref<UnixAddress>> create(const Hal& hal, ByteSpan bytes);
  static void destroy(UnixAddress* address) { dispose(address->hal_, address); }

  ByteSpan bytes() const { return ByteSpan(bytes_, size_); }
  bool is_abstract() const { return bytes_[kUnixPathAt] == 0; }
  // The node a path names, open as O_PATH opens, with a count that the address takes over; null where the host gives none.
  void set_node(lxnet_foreign_file* node) { node_ = node; }
  lxnet_foreign_file* node() const { return node_; }
  SockAddr to_sockaddr() const;

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  UnixAddress(const Hal& hal, ByteSpan bytes);
  ~UnixAddress();

  const Hal& hal_;
  lxnet_foreign_file* node_ = nullptr;
  uint32_t size_ = 0;
  uint8_t bytes_[kUnixPathAt + kUnixPathSize + 1] = {};
};

// EINVAL: too short, too long, another family.
Result<> check_unix_address(const SockAddr& address);
// What a path is as a name: up to its first zero, which counts.
ByteSpan unix_path_name(const SockAddr& address);

}  // namespace lxnet
