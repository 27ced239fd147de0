#include "compat/afnetlink/link_kinds.hh"

#include "stack/stack.hh"

namespace lxnet {
namespace {

Result<> check_address(const NetlinkAttributes& attributes) {
  const auto address = attributes.find(kLinkAddress);
  if (!address) return ok();
  if (address->size() != MacAddress::kSize) return Errno::EINVAL;
  if (!MacAddress::from_bytes(address->first<MacAddress::kSize>()).is_valid_unicast()) return Errno::EADDRNOTAVAIL;
  return ok();
}

Result<> check_veth(const NetlinkAttributes& attributes) {
  TRY(check_address(attributes));
  uint32_t mtu = 1500;
  TRY(attributes.read(kLinkMtu, mtu));
  return mtu < 68 || mtu > 65535 ? Result<>(Errno::EINVAL) : ok();
}

// Made by /dev/net/tun alone.
Result<> refuse_tun(const NetlinkAttributes&) { return Errno::EOPNOTSUPP; }

// rtnl_create_link(), as far as it can fail.
Result<VirtualLink> read_link(const Hal& hal, const NetlinkAttributes& attributes, Stack& stack, const LinkKindRow& row,
                              char (&name)[Interface::kNameSize]) {
  constexpr uint32_t kMostQueues = 4096;
  for (uint16_t type : {kLinkSendQueues, kLinkReceiveQueues}) {
    uint32_t queues = 1;
    TRY(attributes.read(type, queues));
    if (queues < 1 || queues > kMostQueues) return Errno::EINVAL;
  }
  VirtualLink link{.stack = stack, .name = name, .address = random_mac(hal)};
  if (const auto address = attributes.find(kLinkAddress)) {
    if (address->size() < MacAddress::kSize) return Errno::EINVAL;
    link.address = MacAddress::from_bytes(address->first<MacAddress::kSize>());
  }
  const auto broadcast = attributes.find(kLinkBroadcast);
  if (broadcast && broadcast->size() < MacAddress::kSize) return Errno::EINVAL;
  if (TRY(attributes.read(kLinkMtu, link.mtu))) {
    if (link.mtu < row.min_mtu || link.mtu > INT32_MAX || (row.max_mtu != 0 && link.mtu > row.max_mtu)) return Errno::EINVAL;
  }
  if (read_text(attributes, kLinkName, name)) return link;
  // The kind's name, and a number.
  size_t size = 0;
  for (; row.name[size] != 0; ++size) name[size] = row.name[size];
  name[size] = '%';
  name[size + 1] = 'd';
  return link;
}

Result<Ref<Interface>> create_dummy(SyscallContext& context, const LinkRequest& request, const LinkKindRow& row) {
  char name[Interface::kNameSize];
  VirtualLink link = TRY(read_link(context.hal(), request.attributes, request.target, row, name));
  link.index = static_cast<uint32_t>(request.asked.index);
  return add_dummy(context.entry(), link);
}

// Of the peer a message of its own tells; without one it is made as the link itself, but for name and address.
Result<Ref<Interface>> create_veth(SyscallContext& context, const LinkRequest& request, const LinkKindRow& row) {
  char name[Interface::kNameSize], peer_name[Interface::kNameSize];
  VirtualLink link = TRY(read_link(context.hal(), request.attributes, request.target, row, name));
  link.index = static_cast<uint32_t>(request.asked.index);
  const auto message = request.data == nullptr ? std::nullopt : request.data->find(kVethPeer);
  Stack& peer_stack = request.peer_target != nullptr ? *request.peer_target : context.stack();
  LinkMessage peer_asked{};
  if (message) copy_bytes(mutable_bytes_of(peer_asked), *message);
  const NetlinkAttributes peer_attributes(message ? message->subspan(sizeof peer_asked) : ByteSpan());
  VirtualLink peer = TRY(read_link(context.hal(), peer_attributes, peer_stack, row, peer_name));
  if (!message) peer.mtu = link.mtu;
  if (link.index != 0 && peer_asked.index > 0) peer.index = static_cast<uint32_t>(peer_asked.index);
  const auto set_up_peer = [](void* asked_of_peer, Entry& entry, Interface& interface) {
    return change_link_flags(entry, interface, *static_cast<const LinkMessage*>(asked_of_peer));
  };
  return add_veth_pair(context.entry(), link, peer, {.run = set_up_peer, .context = &peer_asked});
}

constexpr LinkKindRow kKinds[] = {
    {.name = "veth", .min_mtu = 68, .max_mtu = 65535, .validate = &check_veth, .has_peer = true, .create = &create_veth},
    {.name = "dummy", .min_mtu = 0, .max_mtu = 0, .validate = &check_address, .create = &create_dummy},
    {.name = "tun", .min_mtu = 68, .max_mtu = 65535, .validate = &refuse_tun},
};

}  // namespace

const LinkKindRow* find_link_kind(const char* name) {
  for (const LinkKindRow& row : kKinds) {
    size_t i = 0;
    while (row.name[i] != 0 && row.name[i] == name[i]) ++i;
    if (row.name[i] == name[i]) return &row;
  }
  return nullptr;
}

}  // namespace lxnet
