// SockAddr: a socket address as bytes, as it crosses the user boundary; each family decodes its own.
#pragma once

#include "compat/syscalls/context.hh"

namespace lxnet {

// AF_*, Linux's numbers.
enum AddressFamily : uint16_t {
  kFamilyUnspecified = 0,
  kFamilyUnix = 1,
  kFamilyInet = 2,
  kFamilyInet6 = 10,
  kFamilyNetlink = 16,
  kFamilyPacket = 17,
  kFamilyAlg = 38,
};

class SockAddr {
 public:
  static constexpr size_t kCapacity = 128;  // sizeof(struct sockaddr_storage)

  // Of no bytes. Each receive has one and few fill it, so its room is left as it is.
  SockAddr() { resize(0); }

  // move_addr_to_kernel(): EINVAL for a length that is negative or above the capacity, then EFAULT.
  static Result<SockAddr> read(SyscallContext& context, UserAddress from, int length);

  MutableByteSpan storage() { return bytes_; }
  ByteSpan bytes() const { return ByteSpan(bytes_, size_); }
  size_t size() const { return size_; }
  // A zero stands behind the last byte, where there is room, so that a path finds its end.
  void resize(size_t size) {
    size_ = static_cast<uint32_t>(size);
    if (size < kCapacity) bytes_[size] = 0;
  }
  // sa_family of an address that has at least two bytes; AF_UNSPEC of a shorter one.
  uint16_t family() const;
  template <typename T>
  void set(const T& address) {
    static_assert(sizeof(T) <= kCapacity);
    resize(copy_bytes(bytes_, bytes_of(address)));
  }
  // The first sizeof(T) bytes; those past size() are zero.
  template <typename T>
  T as() const {
    T address{};
    copy_bytes(mutable_bytes_of(address), bytes());
    return address;
  }

  // move_addr_to_user(): reads *length (EFAULT, EINVAL if negative), stores the full size, then copies what fits.
  Result<> write(SyscallContext& context, UserAddress to, UserAddress length) const;

 private:
  uint8_t bytes_[kCapacity];  // the first size_ are set, and the zero behind them
  uint32_t size_ = 0;
};

}  // namespace lxnet
