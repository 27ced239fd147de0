// What is changed of a link that is there: RTM_SETLINK, and RTM_NEWLINK where it names one (do_setlink()).
#include "compat/afnetlink/link_request.hh"
#include "stack/stack.hh"
#include "stack/virtual_link.hh"

namespace lxnet {

Result<> change_link_flags(Entry& entry, Interface& link, const LinkMessage& asked) {
  if (asked.flags == 0 && asked.change == 0) return ok();
  InterfaceRegistry& registry = link.stack().interfaces();
  const uint32_t mask = asked.change == 0 ? ~0u : asked.change;
  constexpr uint32_t kChangeable = kInterfaceNoArp | kInterfacePromiscuous | kInterfaceAllMulticast;
  registry.change_flags(entry, link, asked.flags, mask & kChangeable);
  if ((mask & kInterfaceUp) == 0) return ok();
  return registry.set_state(entry, link, (asked.flags & kInterfaceUp) != 0 ? LinkState::Up : LinkState::Down);
}

Result<> check_master(Stack& stack, const NetlinkAttributes& attributes) {
  uint32_t master = 0;
  if (!TRY(attributes.read(kLinkMaster, master)) || master == 0) return ok();
  return stack.interfaces().find(master) == nullptr ? Errno::EINVAL : Errno::EOPNOTSUPP;
}

Result<> change_link(SyscallContext& context, Ref<Interface> link, Stack& target, const LinkMessage& asked,
                     const NetlinkAttributes& attributes) {
  const auto address = attributes.find(kLinkAddress);
  const size_t address_size = link->link_kind() == LinkKind::Ip ? 0 : MacAddress::kSize;
  if (address && address->size() < address_size) return Errno::EINVAL;
  const auto broadcast = attributes.find(kLinkBroadcast);
  if (broadcast && broadcast->size() < address_size) return Errno::EINVAL;
  char name[Interface::kNameSize];
  read_text(attributes, kLinkName, name);
  if (&target != &link->stack()) {
    uint32_t index = 0;
    TRY(attributes.read(kLinkNewIndex, index));
    link = TRY(InterfaceRegistry::move(context.entry(), *link, target, name[0] == 0 ? nullptr : name, index));
  }
  EntryInto into(context.entry(), link->stack());
  Entry& entry = into.get();
  InterfaceRegistry& registry = link->stack().interfaces();
  if (attributes.find(kLinkMap)) return Errno::EOPNOTSUPP;
  TRY(check_link_group(attributes));
  if (address) {
    if (address_size == 0) return Errno::EOPNOTSUPP;
    TRY(registry.set_mac(entry, *link, MacAddress::from_bytes(address->first<MacAddress::kSize>())));
  }
  uint32_t mtu = 0;
  if (TRY(attributes.read(kLinkMtu, mtu))) TRY(registry.set_mtu(entry, *link, mtu));
  if (asked.index > 0 && name[0] != 0) TRY(registry.rename(entry, *link, name));
  TRY(change_link_flags(entry, *link, asked));
  TRY(check_master(link->stack(), attributes));
  uint32_t length = 0;
  if (TRY(attributes.read(kLinkQueueLength, length))) TRY(registry.set_queue_length(entry, *link, length));
  return ok();
}

Result<> set_link(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  const auto asked = TRY(read_message<LinkMessage>(request));
  const auto attributes = attributes_behind<LinkMessage>(request);
  TRY(check_link_attributes(attributes));
  TRY(check_one_namespace(attributes));
  Stack* target = TRY(target_namespace(context, attributes));
  return change_link(context, TRY(find_link(context, asked, attributes)), *target, asked, attributes);
}

}  // namespace lxnet
