// Socket addresses across the user boundary.
#include "compat/syscalls/sockaddr.hh"

namespace lxnet {

Result<SockAddr> SockAddr::read(SyscallContext& context, UserAddress from, int length) {
  if (length < 0 || static_cast<size_t>(length) > kCapacity) return Errno::EINVAL;
  SockAddr address;
  address.resize(static_cast<size_t>(length));
  TRY(copy_in(context.hal(), address.storage().first(address.size()), from));
  return address;
}

uint16_t SockAddr::family() const { return size_ < sizeof(uint16_t) ? uint16_t{0} : as<uint16_t>(); }

Result<> SockAddr::write(SyscallContext& context, UserAddress to, UserAddress length) const {
  const int room = TRY(read_user<int>(context.hal(), length));
  if (room < 0) return Errno::EINVAL;
  TRY(write_user(context.hal(), length, static_cast<int>(size_)));
  return copy_out(context.hal(), to, bytes().first(static_cast<size_t>(room) < size_ ? static_cast<size_t>(room) : size_));
}

}  // namespace lxnet
