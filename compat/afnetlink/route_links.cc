// Links as they are shown: RTM_GETLINK and its dump (net/core/rtnetlink.c).
#include "compat/afnetlink/link_request.hh"
#include "compat/afnetlink/netlink_domain.hh"
#include "compat/afnetlink/route_family.hh"
#include "compat/afnetlink/route_messages.hh"
#include "netdev/virtual_device.hh"
#include "stack/hardware_type.hh"
#include "stack/stack.hh"
#include "stack/virtual_link.hh"

namespace lxnet {
namespace {

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

// A link whose carrier nobody ever told of says that it does not know.
uint8_t operating_state_of(const Interface& interface) {
  constexpr uint8_t kUnknown = 0, kDown = 2, kLowerLayerDown = 3, kUp = 6;
  if (!interface.is_up()) return kDown;
  if (interface.device().is_link_up()) return interface.device().capabilities().reports_carrier ? kUp : kUnknown;
  const VirtualDevice* made = interface.device().as_virtual();
  return made != nullptr && made->is_lower_layer_down() ? kLowerLayerDown : kDown;
}

bool is_end_of_pair(const Interface& interface) {
  VirtualDevice* made = interface.device().as_virtual();
  return made != nullptr && made->peer() != nullptr;
}

Result<> put_peer(NetlinkWriter& writer, const Interface& interface, const Interface& peer) {
  const bool is_here = &peer.stack() == &interface.stack();
  if (!is_here || peer.index() != interface.index()) TRY(writer.attribute(kLinkLink, peer.index()));
  if (is_here) return ok();
  return writer.attribute(kLinkLinkNamespace, NetlinkDomain::of(interface.stack()).namespace_id(peer.stack().cookie()));
}

Result<> put_kind(NetlinkWriter& writer, const VirtualDevice& device) {
  const size_t place = TRY(writer.begin_nested(kLinkInfo));
  TRY(put_text(writer, kInfoKind, device.kind()));
  VirtualDevice::Fact facts[VirtualDevice::kMostFacts];
  if (const size_t count = device.describe(facts); count != 0) {
    const size_t data = TRY(writer.begin_nested(kInfoData));
    for (size_t i = 0; i < count; ++i) TRY(writer.attribute(facts[i].type, bytes_of(facts[i].value).first(facts[i].size)));
    writer.end_nested(data);
  }
  writer.end_nested(place);
  return ok();
}

Result<> put_statistics(NetlinkWriter& writer, const Interface& interface) {
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
  return ok();
}

// What a packet may be as long as before a device cuts it, and after one put it together (netif_set_gso_max_size() and its like).
Result<> put_limits(NetlinkWriter& writer, const Interface& interface) {
  constexpr uint32_t kMost = 65536, kMostOfSoftware = 8 * 65535, kMostSegments = 65535;
  const bool is_software = interface.is_loopback() || is_end_of_pair(interface);
  TRY(writer.attribute(kLinkMostSegments, kMostSegments));
  for (const uint16_t type : {kLinkMostSegmented, kLinkMostReassembled, kLinkMostSegmented4, kLinkMostReassembled4})
    TRY(writer.attribute(type, kMost));
  TRY(writer.attribute(kLinkDeviceSegmented, is_software ? kMostOfSoftware : kMost));
  TRY(writer.attribute(kLinkDeviceSegments, kMostSegments));
  return writer.attribute(kLinkPacingHorizon, uint32_t{0});
}

// IFLA_XDP: none is attached.
Result<> put_no_program(NetlinkWriter& writer) {
  constexpr uint16_t kAttached = 2;
  const size_t place = TRY(writer.begin_nested(kLinkXdp));
  TRY(writer.attribute(kAttached, uint8_t{0}));
  writer.end_nested(place);
  return ok();
}

constexpr uint16_t kIsNested = 0x8000;
struct LinkMap {  // struct rtnl_link_ifmap: no device's memory or interrupts are shown
  uint8_t bytes[32] = {};
};

}  // namespace

Result<> write_link(NetlinkWriter& writer, const Interface& interface, uint16_t type, uint16_t flags, uint32_t change) {
  const bool is_loopback = interface.is_loopback();
  const LinkMessage message{.family = 0,
                            .pad = 0,
                            .device_type = hardware_type_of(interface),
                            .index = static_cast<int32_t>(interface.index()),
                            .flags = interface.flags(),
                            .change = change};
  const DeviceCapabilities& device = interface.device().capabilities();
  const Ref<Interface> peer = peer_of(interface);
  TRY(writer.begin(type, flags, bytes_of(message)));
  TRY(put_text(writer, kLinkName, interface.name()));
  TRY(writer.attribute(kLinkQueueLength, interface.queue_length()));
  TRY(writer.attribute(kLinkOperatingState, operating_state_of(interface)));
  TRY(writer.attribute(kLinkMode, uint8_t{0}));
  TRY(writer.attribute(kLinkNamespaceImmutable, static_cast<uint8_t>(is_loopback)));
  TRY(writer.attribute(kLinkMtu, interface.mtu()));
  TRY(writer.attribute(kLinkMinMtu, is_loopback ? 0 : device.min_mtu));
  TRY(writer.attribute(kLinkMaxMtu, is_loopback ? 0 : device.max_mtu));
  TRY(writer.attribute(kLinkGroup, uint32_t{0}));
  TRY(writer.attribute(kLinkPromiscuity, interface.promiscuity()));
  TRY(writer.attribute(kLinkAllMulticast, interface.all_multicast()));
  TRY(writer.attribute(kLinkSendQueues, uint32_t{1}));
  TRY(put_limits(writer, interface));
  TRY(writer.attribute(kLinkReceiveQueues, uint32_t{1}));
  TRY(writer.attribute(kLinkCarrier, static_cast<uint8_t>(interface.device().is_link_up())));
  TRY(writer.attribute(kLinkHeadroom, uint16_t{0}));
  TRY(writer.attribute(kLinkTailroom, uint16_t{0}));
  TRY(writer.attribute(kLinkProtocolDown, uint8_t{0}));
  if (interface.link_kind() != LinkKind::Ip) {
    const MacAddress broadcast = is_loopback ? MacAddress() : MacAddress::broadcast();
    TRY(writer.attribute(kLinkAddress, ByteSpan(interface.mac().bytes())));
    TRY(writer.attribute(kLinkBroadcast, ByteSpan(broadcast.bytes())));
  }
  TRY(put_statistics(writer, interface));
  TRY(put_no_program(writer));
  if (VirtualDevice* made = interface.device().as_virtual()) TRY(put_kind(writer, *made));
  if (peer != nullptr) TRY(put_peer(writer, interface, *peer));
  if (peer == nullptr && is_end_of_pair(interface)) TRY(writer.attribute(kLinkLink, uint32_t{0}));  // the other is not there yet
  TRY(put_text(writer, kLinkQueueing, interface.is_up() ? "noqueue" : "noop"));
  TRY(writer.attribute(kLinkMap, ByteSpan(LinkMap{}.bytes)));
  TRY(writer.attribute(kLinkDevlinkPort | kIsNested, ByteSpan()));
  TRY(writer.attribute(kLinkClockPin | kIsNested, ByteSpan()));
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

}  // namespace lxnet
