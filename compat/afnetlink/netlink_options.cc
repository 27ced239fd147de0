// SOL_NETLINK. The options say which groups are heard and what of an error is quoted.
#include "compat/afnetlink/netlink_socket.hh"

namespace lxnet {
namespace {

constexpr int kLevel = 270;
constexpr int kCapabilityBroadcast = 11;  // CAP_NET_BROADCAST
enum : int {
  kAddMembership = 1,
  kDropMembership = 2,
  kPacketInfo = 3,
  kBroadcastError = 4,
  kNoBufferErrors = 5,
  kListenAllNamespaces = 8,
  kListMemberships = 9,
  kCapAcknowledgements = 10,
  kExtendedAcknowledgements = 11,
  kStrictChecks = 12,
};

}  // namespace

bool* NetlinkSocket::find_flag(int name) {
  switch (name) {
    case kPacketInfo:
      return &packet_info_;
    case kBroadcastError:
      return &broadcast_error_;
    case kNoBufferErrors:
      return &no_buffer_errors_;
    case kListenAllNamespaces:
      return &all_namespaces_;
    case kCapAcknowledgements:
      return &caps_errors_;
    case kExtendedAcknowledgements:
      return &extended_errors_;
    case kStrictChecks:
      return &strict_checks_;
    default:
      return nullptr;
  }
}

Result<> NetlinkSocket::set_option(SyscallContext& context, int level, int name, UserAddress value, int length) {
  if (level != kLevel) return Errno::ENOPROTOOPT;
  int number = 0;
  if (length >= static_cast<int>(sizeof number)) number = TRY(read_user<int>(context.hal(), value));
  if (name == kAddMembership || name == kDropMembership) {
    return change_membership(static_cast<uint32_t>(number), name == kAddMembership);
  }
  bool* flag = find_flag(name);
  if (flag == nullptr) return Errno::ENOPROTOOPT;
  if (name == kListenAllNamespaces && !context.hal().capable(kCapabilityBroadcast)) return Errno::EPERM;
  *flag = number != 0;
  return ok();
}

Result<> NetlinkSocket::get_option(SyscallContext& context, int level, int name, UserAddress value, UserAddress length_address) {
  if (level != kLevel) return Errno::ENOPROTOOPT;
  const int length = TRY(read_user<int>(context.hal(), length_address));
  if (length < 0) return Errno::EINVAL;
  if (name == kListMemberships) {
    const uint64_t groups = port_.groups;
    const size_t whole = has_groups_ ? (protocol_.groups + 31) / 32 * sizeof(uint32_t) : 0;
    const size_t fits = static_cast<size_t>(length) / sizeof(uint32_t) * sizeof(uint32_t);
    TRY(copy_out(context.hal(), value, bytes_of(groups).first(fits < whole ? fits : whole)));
    return write_user(context.hal(), length_address, static_cast<int>(whole));
  }
  const bool* flag = find_flag(name);
  if (flag == nullptr) return Errno::ENOPROTOOPT;
  if (length < static_cast<int>(sizeof(int))) return Errno::EINVAL;
  TRY(write_user(context.hal(), length_address, static_cast<int>(sizeof(int))));
  return write_user(context.hal(), value, *flag ? 1 : 0);
}

}  // namespace lxnet
