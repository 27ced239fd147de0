// struct msghdr and mmsghdr, in both layouts, taken in once and written back field by field.
#pragma once

#include "compat/syscalls/io_segments.hh"
#include "compat/syscalls/sockaddr.hh"

namespace lxnet {

// Only what the kernel writes back, by offset in the caller's layout.
struct MessageLayout {
  bool is_32bit = false;

  size_t size() const { return is_32bit ? 28 : 56; }
  size_t name_length_at() const { return is_32bit ? 4 : 8; }
  size_t control_length_at() const { return is_32bit ? 20 : 40; }
  size_t flags_at() const { return is_32bit ? 24 : 48; }
  // struct mmsghdr: a msghdr, then msg_len.
  size_t vector_length_at() const { return size(); }
  size_t vector_size() const { return is_32bit ? 32 : 64; }
};

struct MessageHeader {
  UserAddress name;
  int name_length = 0;  // 0 without a name, at most sizeof(struct sockaddr_storage)
  UserAddress vector;
  uint64_t vector_count = 0;
  UserAddress control;
  uint64_t control_size = 0;
  uint32_t flags = 0;

  // EFAULT; EINVAL for a negative name length.
  static Result<MessageHeader> read(SyscallContext& context, UserAddress from);
  // EMSGSIZE for more than UIO_MAXIOV segments, then what IoSegments says.
  Result<IoSegments> import_segments(SyscallContext& context) const;
};

}  // namespace lxnet
