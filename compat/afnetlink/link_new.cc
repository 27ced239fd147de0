// RTM_NEWLINK and RTM_DELLINK, in the order of rtnl_newlink()'s checks: the attributes, the kind and its data, the namespaces,
// the link that is there, and then what is to be made.
#include "compat/afnetlink/link_kinds.hh"
#include "netdev/virtual_device.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

// IFLA_LINKINFO taken apart.
struct LinkInfo {
  bool has_data = false;
  NetlinkAttributes data{ByteSpan()};
  const LinkKindRow* kind = nullptr;
};

Result<LinkInfo> read_info(const NetlinkAttributes& attributes) {
  LinkInfo info;
  const auto nested = attributes.find(kLinkInfo);
  if (!nested) return info;
  const NetlinkAttributes inner(*nested);
  if (const auto data = inner.find(kInfoData)) {
    if (!data->empty() && data->size() < 4) return Errno::ERANGE;
    info.has_data = true;
    info.data = NetlinkAttributes(*data);
  }
  char kind[56];  // MODULE_NAME_LEN
  if (read_text(inner, kInfoKind, kind)) info.kind = find_link_kind(kind);
  return info;
}

// rtnl_get_peer_net(): of the message about the peer, or without one of the link's own.
Result<Stack*> find_peer_namespace(SyscallContext& context, const LinkInfo& info, const NetlinkAttributes& own) {
  const auto message = info.data.find(kVethPeer);
  if (!message) return find_namespace(context, own);
  const NetlinkAttributes attributes(message->subspan(sizeof(LinkMessage)));
  TRY(check_link_attributes(attributes));
  TRY(info.kind->validate(attributes));
  return find_namespace(context, attributes);
}

Result<> finish_link(SyscallContext& context, Interface& made, const LinkRequest& request) {
  EntryInto into(context.entry(), request.target);
  uint32_t length = 0;
  if (TRY(request.attributes.read(kLinkQueueLength, length))) {
    TRY(request.target.interfaces().set_queue_length(into.get(), made, length));
  }
  TRY(change_link_flags(into.get(), made, request.asked));
  return check_master(request.target, request.attributes);
}

Result<> make_link(SyscallContext& context, const LinkRequest& request, const LinkKindRow* kind) {
  if (request.attributes.find(kLinkMap) || request.attributes.find(kLinkProtocolInfo)) return Errno::EOPNOTSUPP;
  if (kind == nullptr) return Errno::EOPNOTSUPP;
  TRY(check_link_group(request.attributes));
  const Ref<Interface> made = TRY(kind->create(context, request, *kind));
  const Result<> finished = finish_link(context, *made, request);
  if (!finished.is_ok()) remove_link(context.entry(), *made);
  return finished.is_ok() ? ok() : Result<>(finished.error());
}

}  // namespace

Result<> new_link(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  const auto asked = TRY(read_message<LinkMessage>(request));
  const auto attributes = attributes_behind<LinkMessage>(request);
  TRY(check_link_attributes(attributes));
  TRY(check_one_namespace(attributes));
  const LinkInfo info = TRY(read_info(attributes));
  Stack* peer_target = nullptr;
  if (info.kind != nullptr) {
    const auto peer = info.data.find(kVethPeer);
    if (info.kind->has_peer && peer && peer->size() < sizeof(LinkMessage)) return Errno::ERANGE;
    TRY(info.kind->validate(attributes));
    if (info.kind->has_peer) peer_target = TRY(find_peer_namespace(context, info, attributes));
  }
  Stack* target = TRY(target_namespace(context, attributes));
  if (attributes.find(kLinkLinkNamespace)) return Errno::EINVAL;  // no number is known

  const uint16_t flags = request.header.flags;
  constexpr uint16_t kNew = kNetlinkCreate | kNetlinkExclusive;
  Stack& place = (flags & kNew) == kNew ? *target : context.stack();
  char name[Interface::kNameSize];
  Ref<Interface> present;
  if (asked.index < 0) return Errno::EINVAL;
  if (asked.index > 0) {
    present = place.interfaces().find(static_cast<uint32_t>(asked.index));
  } else if (read_text(attributes, kLinkName, name)) {
    present = place.interfaces().find(name);
  }
  if (present != nullptr) {
    if ((flags & kNetlinkExclusive) != 0) return Errno::EEXIST;
    if ((flags & kNetlinkReplace) != 0 || info.has_data) return Errno::EOPNOTSUPP;
    return change_link(context, present, *target, asked, attributes);
  }
  if ((flags & kNetlinkCreate) == 0) return Errno::ENODEV;
  return make_link(context,
                   {.asked = asked,
                    .attributes = attributes,
                    .target = *target,
                    .data = info.has_data ? &info.data : nullptr,
                    .peer_target = peer_target},
                   info.kind);
}

// Those of the host's are its own to remove.
Result<> delete_link(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  const auto asked = TRY(read_message<LinkMessage>(request));
  const auto attributes = attributes_behind<LinkMessage>(request);
  TRY(check_link_attributes(attributes));
  if (attributes.find(kLinkProcessNamespace) || attributes.find(kLinkFileNamespace)) return Errno::EOPNOTSUPP;
  if (attributes.find(kLinkTargetNamespace)) return Errno::EINVAL;
  const Ref<Interface> link = TRY(find_link(context, asked, attributes));
  if (link->device().as_virtual() == nullptr) return Errno::EOPNOTSUPP;
  remove_link(context.entry(), *link);
  return ok();
}

}  // namespace lxnet
