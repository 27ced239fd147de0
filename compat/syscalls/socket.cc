// socket and socketpair.
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/compat_state.hh"
#include "compat/syscalls/descriptors.hh"

namespace lxnet {
namespace {

constexpr int kFamilyCount = 46;  // NPROTO
constexpr int kTypeCount = 11;    // SOCK_MAX

struct SocketKind {
  const SocketFamily* family = nullptr;
  int type = 0;
  uint32_t file_flags = 0;
};

// The checks of __sys_socket() and __sock_create(), in their order.
Result<int> parse_type(int type) {
  if ((type & ~kSockTypeMask & ~(kSockCloseOnExec | kSockNonBlock)) != 0) return Errno::EINVAL;
  return type & kSockTypeMask;
}

Result<const SocketFamily*> parse_family(SyscallContext& context, int family, int type) {
  if (family < 0 || family >= kFamilyCount) return Errno::EAFNOSUPPORT;
  if (type >= kTypeCount) return Errno::EINVAL;
  // Since Linux 2.0 SOCK_PACKET under AF_INET means AF_PACKET.
  if (family == kFamilyInet && type == kSockPacket) family = kFamilyPacket;
  const SocketFamily* row = CompatState::of(context.stack()).find_family(family);
  if (row == nullptr) return Errno::EAFNOSUPPORT;
  return row;
}

uint32_t descriptor_flags(int type) { return (type & kSockCloseOnExec) != 0 ? uint32_t{kOpenCloseOnExec} : 0; }

// EFAULT comes before every error of creation: Linux stores the numbers before it makes the sockets.
Result<> check_pair_is_writable(SyscallContext& context, UserAddress pair) {
  const uint64_t old = TRY(read_user<uint64_t>(context.hal(), pair));
  return write_user(context.hal(), pair, old);
}

Result<> create_pair(SyscallContext& context, int family_number, int type, int protocol, Ref<SocketFile> (&pair)[2]) {
  const SocketFamily* family = TRY(parse_family(context, family_number, type));
  if (family->create_pair != nullptr) return family->create_pair(context, type, protocol, pair);
  // A family without pairs still refuses a wrong type or protocol first.
  TRY(family->create(context, type, protocol));
  return Errno::EOPNOTSUPP;
}

}  // namespace

Result<int64_t> sys_socket(SyscallContext& context, int family_number, int type_and_flags, int protocol) {
  const int type = TRY(parse_type(type_and_flags));
  const SocketFamily* family = TRY(parse_family(context, family_number, type));
  Ref<SocketFile> socket = TRY(family->create(context, type, protocol));
  if ((type_and_flags & kSockNonBlock) != 0) socket->set_status_flags(kOpenNonBlock, kOpenNonBlock);
  NewDescriptor descriptor = TRY(NewDescriptor::install(context, socket, descriptor_flags(type_and_flags)));
  return descriptor.keep();
}

Result<int64_t> sys_socketpair(SyscallContext& context, int family, int type_and_flags, int protocol, UserAddress user_pair) {
  const int type = TRY(parse_type(type_and_flags));
  TRY(check_pair_is_writable(context, user_pair));
  Ref<SocketFile> pair[2];
  TRY(create_pair(context, family, type, protocol, pair));
  if ((type_and_flags & kSockNonBlock) != 0) {
    for (Ref<SocketFile>& end : pair) end->set_status_flags(kOpenNonBlock, kOpenNonBlock);
  }
  NewDescriptor first = TRY(NewDescriptor::install(context, pair[0], descriptor_flags(type_and_flags)));
  NewDescriptor second = TRY(NewDescriptor::install(context, pair[1], descriptor_flags(type_and_flags)));
  const int numbers[2] = {first.number(), second.number()};
  TRY(write_user(context.hal(), user_pair, numbers));
  first.keep();
  second.keep();
  return 0;
}

}  // namespace lxnet
