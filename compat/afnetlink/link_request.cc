#include "compat/afnetlink/link_request.hh"

#include "stack/stack.hh"

namespace lxnet {
namespace {

struct Rule {
  uint16_t type;
  uint16_t least = 0, most = UINT16_MAX;
  bool is_text = false;  // its end does not count
};

constexpr Rule kRules[] = {
    {.type = kLinkName, .least = 1, .most = Interface::kNameSize - 1, .is_text = true},
    {.type = kLinkAddress, .most = 32},
    {.type = kLinkBroadcast, .most = 32},
    {.type = kLinkMap, .least = 28},
    {.type = kLinkMtu, .least = 4},
    {.type = kLinkLink, .least = 4},
    {.type = kLinkMaster, .least = 4},
    {.type = kLinkCarrier, .least = 1},
    {.type = kLinkQueueLength, .least = 4},
    {.type = kLinkOperatingState, .least = 1},
    {.type = kLinkMode, .least = 1},
    {.type = kLinkProcessNamespace, .least = 4},
    {.type = kLinkFileNamespace, .least = 4},
    {.type = kLinkSendQueues, .least = 4},
    {.type = kLinkReceiveQueues, .least = 4},
    {.type = kLinkGroup, .least = 4},
    {.type = kLinkLinkNamespace, .least = 4},
    {.type = kLinkTargetNamespace, .least = 4},
    {.type = kLinkNewIndex, .least = 4},
};

}  // namespace

Result<> check_link_attributes(const NetlinkAttributes& attributes) {
  for (const Rule& rule : kRules) {
    const auto value = attributes.find(rule.type);
    if (!value) continue;
    size_t size = value->size();
    if (size < rule.least) return Errno::ERANGE;
    if (rule.is_text && value->back() == 0) --size;
    if (size > rule.most) return Errno::ERANGE;
  }
  int32_t index = 1;
  TRY(attributes.read(kLinkNewIndex, index));
  if (index < 1) return Errno::ERANGE;
  // Of nested ones as much as a first attribute's head, or nothing.
  const auto info = attributes.find(kLinkInfo);
  return info && !info->empty() && info->size() < 4 ? Result<>(Errno::ERANGE) : ok();
}

Result<> check_link_group(const NetlinkAttributes& attributes) {
  uint32_t group = 0;
  TRY(attributes.read(kLinkGroup, group));
  return group != 0 ? Result<>(Errno::EOPNOTSUPP) : ok();
}

Result<> check_one_namespace(const NetlinkAttributes& attributes) {
  int count = 0;
  for (uint16_t type : {kLinkProcessNamespace, kLinkFileNamespace, kLinkTargetNamespace}) {
    if (attributes.find(type)) ++count;
  }
  return count > 1 ? Result<>(Errno::EINVAL) : ok();
}

Result<Stack*> find_namespace(SyscallContext& context, const NetlinkAttributes& attributes) {
  int32_t number = 0;
  int kind = LXNET_NAMESPACE_OF_PROCESS;
  if (!TRY(attributes.read(kLinkProcessNamespace, number))) {
    kind = LXNET_NAMESPACE_OF_FD;
    if (!TRY(attributes.read(kLinkFileNamespace, number))) return static_cast<Stack*>(nullptr);
  }
  lxnet_stack* found = TRY(context.hal().find_stack(kind, number));
  if (!context.hal().capable_over(found, LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  return reinterpret_cast<Stack*>(found);
}

Result<Stack*> target_namespace(SyscallContext& context, const NetlinkAttributes& attributes) {
  if (attributes.find(kLinkTargetNamespace)) return Errno::EINVAL;  // no number is known
  Stack* found = TRY(find_namespace(context, attributes));
  return found == nullptr ? &context.stack() : found;
}

Result<Ref<Interface>> find_link(SyscallContext& context, const LinkMessage& asked, const NetlinkAttributes& attributes) {
  InterfaceRegistry& registry = context.stack().interfaces();
  char name[Interface::kNameSize];
  Ref<Interface> found;
  if (asked.index > 0) {
    found = registry.find(static_cast<uint32_t>(asked.index));
  } else if (read_text(attributes, kLinkName, name)) {
    found = registry.find(name);
  } else {
    return Errno::EINVAL;
  }
  if (found == nullptr) return Errno::ENODEV;
  return found;
}

}  // namespace lxnet
