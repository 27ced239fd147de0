// What a message about a link asks for: which link, in which namespace, and whether its attributes are what they should be.
#pragma once

#include "compat/afnetlink/route_family.hh"
#include "compat/afnetlink/route_messages.hh"

namespace lxnet {

// A text of an attribute, with or without its end, cut to fit.
template <size_t Size>
bool read_text(const NetlinkAttributes& attributes, uint16_t type, char (&text)[Size]) {
  const auto value = attributes.find(type);
  memset(text, 0, Size);
  if (!value) return false;
  for (size_t i = 0; i < value->size() && i + 1 < Size && (*value)[i] != 0; ++i) text[i] = static_cast<char>((*value)[i]);
  return true;
}

// By index, or by name where there is none. ENODEV; EINVAL: neither was given.
Result<Ref<Interface>> find_link(SyscallContext& context, const LinkMessage& asked, const NetlinkAttributes& attributes);
// ifla_policy. ERANGE: an attribute is too short for what it holds, or a name or an address too long.
Result<> check_link_attributes(const NetlinkAttributes& attributes);
// All links are in group 0: EOPNOTSUPP for another.
Result<> check_link_group(const NetlinkAttributes& attributes);
// EINVAL: more than one attribute says where.
Result<> check_one_namespace(const NetlinkAttributes& attributes);
// Where IFLA_NET_NS_PID or IFLA_NET_NS_FD point to; null when neither is there. ESRCH, EBADF, EINVAL; EPERM without CAP_NET_ADMIN
// over it.
Result<Stack*> find_namespace(SyscallContext& context, const NetlinkAttributes& attributes);
// The same, and the caller's own for none.
Result<Stack*> target_namespace(SyscallContext& context, const NetlinkAttributes& attributes);

// do_setlink(): of a link of the context's stack, its namespace, address, MTU, name, flags and queue.
Result<> change_link(SyscallContext& context, Ref<Interface> link, Stack& target, const LinkMessage& asked,
                     const NetlinkAttributes& attributes);
// Only the flags.
Result<> change_link_flags(Entry& entry, Interface& link, const LinkMessage& asked);
// IFLA_MASTER: nothing here may be one.
Result<> check_master(Stack& stack, const NetlinkAttributes& attributes);

}  // namespace lxnet
