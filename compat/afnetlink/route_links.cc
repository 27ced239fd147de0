// Links: RTM_GETLINK, and what RTM_NEWLINK and RTM_SETLINK change of a link that is there (net/core/rtnetlink.c).
#include "compat/afinet/hardware_type.hh"
#include "compat/afnetlink/route_family.hh"
#include "compat/afnetlink/route_messages.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

// IF_OPER_*: lo never says.
uint8_t operating_state_of(const Interface& interface) {
  constexpr uint8_t kUnknown = 0, kDown = 2, kUp = 6;
  if (interface.is_loopback()) return interface.is_up() ? kUnknown : kDown;
  return interface.is_running() ? kUp : kDown;
}

// struct rtnl_link_stats and rtnl_link_stats64 are the same in two widths.
template <typename T>
struct LinkStatistics {
  T rx_packets = 0, tx_packets = 0, rx_bytes = 0, tx_bytes = 0, rx_errors = 0, tx_errors = 0, rx_dropped = 0, tx_dropped = 0;
  T multicast = 0, collisions = 0;
  T detailed_errors[13] = {};  // of hardware, compression and names that are nobody's

  explicit LinkStatistics(const Interface& interface) {
    const DeviceStatistics device = interface.device().statistics();
    const LinkCounters link = interface.counters();
    rx_packets = static_cast<T>(device.rx_packets);
    tx_packets = static_cast<T>(device.tx_packets);
    rx_bytes = static_cast<T>(device.rx_bytes);
    tx_bytes = static_cast<T>(device.tx_bytes);
    rx_errors = static_cast<T>(device.rx_errors);
    tx_errors = static_cast<T>(device.tx_errors);
    rx_dropped = static_cast<T>(device.rx_dropped + link.rx_dropped);
    tx_dropped = static_cast<T>(device.tx_dropped + link.tx_dropped);
    multicast = static_cast<T>(device.multicast);
  }
};
static_assert(sizeof(LinkStatistics<uint32_t>) == 92 && sizeof(LinkStatistics<uint64_t>) == 184);

Result<> put_text(NetlinkWriter& writer, uint16_t type, const char* text) {
  size_t size = 0;
  while (text[size] != 0) ++size;
  return writer.attribute(type, ByteSpan(reinterpret_cast<const uint8_t*>(text), size + 1));
}

// A name in an attribute, with or without its end.
bool read_name(const NetlinkAttributes& attributes, char (&name)[Interface::kNameSize]) {
  const auto value = attributes.find(kLinkName);
  if (!value) return false;
  memset(name, 0, sizeof name);
  const size_t size = value->size() < sizeof name - 1 ? value->size() : sizeof name - 1;
  memcpy(name, value->data(), size);
  return true;
}

// By index, or by name where there is none. ENODEV; EINVAL: neither was given.
Result<Ref<Interface>> find_link(SyscallContext& context, const LinkMessage& asked, const NetlinkAttributes& attributes) {
  InterfaceRegistry& registry = context.stack().interfaces();
  char name[Interface::kNameSize];
  Ref<Interface> found;
  if (asked.index > 0) {
    found = registry.find(static_cast<uint32_t>(asked.index));
  } else if (read_name(attributes, name)) {
    found = registry.find(name);
  } else {
    return Errno::EINVAL;
  }
  if (found == nullptr) return Errno::ENODEV;
  return found;
}

}  // namespace

Result<> write_link(NetlinkWriter& writer, const Interface& interface, uint16_t type, uint16_t flags) {
  const bool is_loopback = interface.is_loopback();
  const LinkMessage message{.family = 0,
                            .pad = 0,
                            .device_type = hardware_type_of(interface),
                            .index = static_cast<int32_t>(interface.index()),
                            .flags = interface.flags(),
                            .change = 0};
  const DeviceCapabilities& device = interface.device().capabilities();
  TRY(writer.begin(type, flags, bytes_of(message)));
  TRY(put_text(writer, kLinkName, interface.name()));
  TRY(writer.attribute(kLinkQueueLength, uint32_t{1000}));
  TRY(writer.attribute(kLinkOperatingState, operating_state_of(interface)));
  TRY(writer.attribute(kLinkMode, uint8_t{0}));
  TRY(writer.attribute(kLinkMtu, interface.mtu()));
  TRY(writer.attribute(kLinkMinMtu, is_loopback ? 0 : device.min_mtu));
  TRY(writer.attribute(kLinkMaxMtu, is_loopback ? 0 : device.max_mtu));
  TRY(writer.attribute(kLinkGroup, uint32_t{0}));
  TRY(writer.attribute(kLinkPromiscuity, interface.promiscuity()));
  TRY(writer.attribute(kLinkAllMulticast, interface.all_multicast()));
  TRY(writer.attribute(kLinkSendQueues, uint32_t{1}));
  TRY(writer.attribute(kLinkReceiveQueues, uint32_t{1}));
  TRY(writer.attribute(kLinkCarrier, static_cast<uint8_t>(interface.device().is_link_up())));
  if (interface.link_kind() != LinkKind::Ip) {
    const MacAddress broadcast = is_loopback ? MacAddress() : MacAddress::broadcast();
    TRY(writer.attribute(kLinkAddress, ByteSpan(interface.mac().bytes())));
    TRY(writer.attribute(kLinkBroadcast, ByteSpan(broadcast.bytes())));
  }
  // Two words more than are counted: rx_nohandler and rx_otherhost_dropped.
  struct {
    LinkStatistics<uint64_t> counted;
    uint64_t unhandled = 0, of_others = 0;
  } statistics64{LinkStatistics<uint64_t>(interface)};
  struct {
    LinkStatistics<uint32_t> counted;
    uint32_t unhandled = 0;
  } statistics{LinkStatistics<uint32_t>(interface)};
  TRY(writer.attribute(kLinkStatistics64, statistics64));
  TRY(writer.attribute(kLinkStatistics, statistics));
  TRY(put_text(writer, kLinkQueueing, interface.is_up() ? "noqueue" : "noop"));
  return writer.end();
}

Result<> get_link(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter& writer) {
  const auto asked = TRY(read_message<LinkMessage>(request));
  const Ref<Interface> found = TRY(find_link(context, asked, attributes_behind<LinkMessage>(request)));
  return write_link(writer, *found, kNewLink, 0);
}

Result<> dump_links(SyscallContext& context, const NetlinkRequest&, NetlinkWriter& writer) {
  InterfaceRegistry& registry = context.stack().interfaces();
  for (Ref<Interface> one = registry.find_next(0); one != nullptr; one = registry.find_next(one->index())) {
    TRY(write_link(writer, *one, kNewLink, kNetlinkMulti));
  }
  return ok();
}

// do_setlink(): the address, the MTU, the name, and then the flags.
Result<> change_link(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  const auto asked = TRY(read_message<LinkMessage>(request));
  const auto attributes = attributes_behind<LinkMessage>(request);
  auto found = find_link(context, asked, attributes);
  if (!found.is_ok() && request.header.type == kNewLink) {
    // It would be of a kind that we cannot make.
    return (request.header.flags & kNetlinkCreate) != 0 ? Errno::EOPNOTSUPP : Errno::ENODEV;
  }
  const Ref<Interface> link = TRY(std::move(found));
  if (request.header.type == kNewLink && (request.header.flags & kNetlinkExclusive) != 0) return Errno::EEXIST;
  InterfaceRegistry& registry = context.stack().interfaces();
  if (const auto address = attributes.find(kLinkAddress)) {
    if (address->size() < MacAddress::kSize) return Errno::EINVAL;
    TRY(registry.set_mac(context.entry(), *link, MacAddress::from_bytes(address->first<MacAddress::kSize>())));
  }
  uint32_t mtu = 0;
  if (TRY(attributes.read(kLinkMtu, mtu))) TRY(registry.set_mtu(context.entry(), *link, mtu));
  char name[Interface::kNameSize];
  if (asked.index > 0 && read_name(attributes, name) && name[0] != 0) TRY(registry.rename(context.entry(), *link, name));
  if (asked.flags == 0 && asked.change == 0) return ok();
  const uint32_t mask = asked.change == 0 ? ~0u : asked.change;
  constexpr uint32_t kChangeable = kInterfaceNoArp | kInterfacePromiscuous | kInterfaceAllMulticast;
  registry.change_flags(context.entry(), *link, asked.flags, mask & kChangeable);
  if ((mask & kInterfaceUp) == 0) return ok();
  return registry.set_state(context.entry(), *link, (asked.flags & kInterfaceUp) != 0 ? LinkState::Up : LinkState::Down);
}

// Devices are the host's: none was made here, so none is removed.
Result<> delete_link(SyscallContext& context, const NetlinkRequest& request, NetlinkWriter&) {
  const auto asked = TRY(read_message<LinkMessage>(request));
  TRY(find_link(context, asked, attributes_behind<LinkMessage>(request)));
  return Errno::EOPNOTSUPP;
}

}  // namespace lxnet
