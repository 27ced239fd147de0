// Taking in msghdr.
#include "compat/syscalls/message.hh"

namespace lxnet {
namespace {

struct UserMessage64 {
  uint64_t name;
  int32_t name_length;
  uint32_t padding;
  uint64_t vector, vector_count;
  uint64_t control, control_size;
  uint32_t flags;
  uint32_t padding2;
};
struct UserMessage32 {
  uint32_t name;
  int32_t name_length;
  uint32_t vector, vector_count;
  uint32_t control, control_size;
  uint32_t flags;
};
static_assert(sizeof(UserMessage64) == 56 && sizeof(UserMessage32) == 28);

template <typename UserMessage>
Result<MessageHeader> read_message(SyscallContext& context, UserAddress from) {
  const UserMessage user = TRY(read_user<UserMessage>(context.hal(), from));
  MessageHeader header{.name = UserAddress(user.name),
                       .name_length = user.name == 0 ? 0 : user.name_length,
                       .vector = UserAddress(user.vector),
                       .vector_count = user.vector_count,
                       .control = UserAddress(user.control),
                       .control_size = user.control_size,
                       .flags = user.flags};
  if (header.name_length < 0) return Errno::EINVAL;
  if (static_cast<size_t>(header.name_length) > SockAddr::kCapacity) header.name_length = SockAddr::kCapacity;
  return header;
}

}  // namespace

Result<MessageHeader> MessageHeader::read(SyscallContext& context, UserAddress from) {
  if (context.is_32bit()) return read_message<UserMessage32>(context, from);
  return read_message<UserMessage64>(context, from);
}

Result<IoSegments> MessageHeader::import_segments(SyscallContext& context) const {
  if (vector_count > kMaxSegments) return Errno::EMSGSIZE;
  return IoSegments::import(context, vector, vector_count);
}

}  // namespace lxnet
