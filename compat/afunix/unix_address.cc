#include "compat/afunix/unix_address.hh"

namespace lxnet {

UnixAddress::UnixAddress(const Hal& hal, ByteSpan bytes) : hal_(hal) { size_ = static_cast<uint32_t>(copy_bytes(bytes_, bytes)); }

UnixAddress::~UnixAddress() {
  if (node_ != nullptr) hal_.table().foreign_unref(hal_.context(), node_);
}

Result<Ref<UnixAddress>> UnixAddress::create(const Hal& hal, ByteSpan bytes) {
  UnixAddress* address = construct<UnixAddress>(hal, hal, bytes);
  if (address == nullptr) return Errno::ENOMEM;
  return Ref<UnixAddress>::adopt(address);
}

SockAddr UnixAddress::to_sockaddr() const {
  SockAddr result;
  copy_bytes(result.storage(), bytes());
  result.resize(size_);
  return result;
}

Result<> check_unix_address(const SockAddr& address) {
  if (address.size() <= kUnixPathAt || address.size() > kUnixPathAt + kUnixPathSize) return Errno::EINVAL;
  if (address.family() != kFamilyUnix) return Errno::EINVAL;
  return ok();
}

// SockAddr's storage is longer than sun_path, and a zero stands behind its bytes: a path without a terminator finds one.
ByteSpan unix_path_name(const SockAddr& address) {
  const uint8_t* start = address.bytes().data();
  size_t size = kUnixPathAt;
  while (size < address.size() && start[size] != 0) ++size;
  return ByteSpan(start, size + 1);
}

}  // namespace lxnet
