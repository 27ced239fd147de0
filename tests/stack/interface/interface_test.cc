// Interfaces coming, going and changing; their framing.
#include "tests/support/wire_stack.hh"

namespace lxnet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr MacAddress kUs = WireStack::kMac;
constexpr MacAddress kPeer(0x02, 0, 0, 0, 0, 0x99);

class InterfaceTest : public ::testing::Test {
 protected:
  static const char* name_of(const Result<>& result) { return result.is_ok() ? "" : errno_name(result.error()); }

  WireStack wire;
};

TEST_F(InterfaceTest, IsFoundByNameAndIndexAndInOrder) {
  EXPECT_EQ(wire.interfaces().find("eth0"), wire.eth0);
  EXPECT_EQ(wire.interfaces().find(2), wire.eth0);
  EXPECT_EQ(wire.interfaces().find_next(1), wire.eth0);
  EXPECT_FALSE(wire.interfaces().find_next(2));
  EXPECT_FALSE(wire.interfaces().find("eth"));
  EXPECT_FALSE(wire.interfaces().find(99));
}

TEST_F(InterfaceTest, TakesOnlyNamesLinuxTakes) {
  WireDevice device(kPeer);
  Entry entry(*wire.stack);
  const auto add = [&](const char* name) {
    Result<Ref<Interface>> added = wire.interfaces().add(entry, device, name);
    if (!added.is_ok()) return std::string(errno_name(added.error()));
    const Ref<Interface> interface = added.take();
    const std::string got = interface->name();
    wire.interfaces().remove(entry, *interface);
    return got;
  };
  EXPECT_EQ(add("eth0"), "EEXIST");
  EXPECT_EQ(add("lo"), "EEXIST");
  for (const char* bad : {"", ".", "..", "a/b", "a:b", "a b", "sixteen-letters.", "%s", "%d%d", "a%d%d"}) {
    EXPECT_EQ(add(bad), "EINVAL") << bad;
  }
  EXPECT_EQ(add("fifteen-letters"), "fifteen-letters");
  EXPECT_EQ(add(nullptr), "eth1");
  EXPECT_EQ(add("tun%d"), "tun0");
}

TEST_F(InterfaceTest, RenamesAndTellsObservers) {
  struct Counter : NetworkObserver {
    Counter()
        : NetworkObserver([](NetworkObserver& self, Entry&, const NetworkEvent& event) {
            static_cast<Counter&>(self).kinds.push_back(event.kind);
          }) {}
    std::vector<NetworkEvent::Kind> kinds;
  } observer;
  wire.interfaces().add_observer(observer);
  Entry entry(*wire.stack);
  EXPECT_STREQ(name_of(wire.interfaces().rename(entry, *wire.eth0, "lo")), "EEXIST");
  EXPECT_STREQ(name_of(wire.interfaces().rename(entry, *wire.eth0, "a/b")), "EINVAL");
  EXPECT_THAT(observer.kinds, IsEmpty());
  EXPECT_STREQ(name_of(wire.interfaces().rename(entry, *wire.eth0, "wan")), "");
  EXPECT_EQ(wire.interfaces().find("wan"), wire.eth0);
  EXPECT_FALSE(wire.interfaces().find("eth0"));
  wire.up_without_ipv6();
  using Kind = NetworkEvent::Kind;
  EXPECT_THAT(observer.kinds, ElementsAre(Kind::InterfaceChanged, Kind::InterfaceUp));
  wire.interfaces().remove_observer(observer);
}

TEST_F(InterfaceTest, ADeviceThatDoesNotStartLeavesItDown) {
  wire.device.start_error = Errno::EIO;
  EXPECT_STREQ(name_of(wire.set_up()), "EIO");
  EXPECT_FALSE(wire.eth0->is_up());
}

TEST_F(InterfaceTest, KeepsItsMtuWithinTheDevicesLimits) {
  Entry entry(*wire.stack);
  EXPECT_STREQ(name_of(wire.interfaces().set_mtu(entry, *wire.eth0, 67)), "EINVAL");
  EXPECT_STREQ(name_of(wire.interfaces().set_mtu(entry, *wire.eth0, 65536)), "EINVAL");
  EXPECT_STREQ(name_of(wire.interfaces().set_mtu(entry, *wire.eth0, 9000)), "");
  EXPECT_EQ(wire.eth0->mtu(), 9000u);
}

TEST_F(InterfaceTest, WithTooSmallAnMtuIpv6LeavesIt) {
  ASSERT_TRUE(wire.set_up().is_ok());
  wire.advance(Duration::seconds(3));
  const Ipv6Address own = Ipv6Address::link_local(kUs);
  EXPECT_TRUE(wire.interfaces().is_local_address(own));
  Entry entry(*wire.stack);
  ASSERT_TRUE(wire.interfaces().set_mtu(entry, *wire.eth0, 1279).is_ok());
  EXPECT_FALSE(wire.interfaces().is_local_address(own));
  ASSERT_TRUE(wire.interfaces().set_mtu(entry, *wire.eth0, 1280).is_ok());
  wire.advance(Duration::seconds(3));
  EXPECT_TRUE(wire.interfaces().is_local_address(own));
}

TEST_F(InterfaceTest, TakesItsAddressesAndRoutesAlongWhenRemoved) {
  wire.up_without_ipv6();
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  ASSERT_TRUE(wire.add_route("0.0.0.0", 0, "10.0.0.2").is_ok());
  {
    Entry entry(*wire.stack);
    wire.interfaces().remove(entry, *wire.eth0);
  }
  EXPECT_FALSE(wire.interfaces().is_local_address(Ipv4Address(10, 0, 0, 1)));
  EXPECT_TRUE(wire.lookup("10.0.0.1").is_error(Errno::ENETUNREACH));
  EXPECT_FALSE(wire.interfaces().find("eth0"));
  EXPECT_STREQ(name_of(wire.add("10.0.0.1", 24)), "ENODEV");
}

TEST_F(InterfaceTest, LeavesNoRouteAndNoNeighbourBehindWhenRemoved) {
  wire.up_without_ipv6();
  {
    Entry entry(*wire.stack);
    ASSERT_TRUE(wire.neighbours()
                    .learn(entry, *wire.eth0, Ipv4Address(10, 0, 0, 2),
                           {.state = NeighbourState::Permanent, .mac = kPeer, .has_mac = true, .by_administrator = true})
                    .is_ok());
    RouteEntry local;
    local.destination = {WireStack::ip("192.0.2.0"), 24};
    local.type = RouteType::Local;
    local.scope = AddressScope::Host;
    local.table = kTableLocal;
    local.output_interface = wire.eth0->index();
    ASSERT_TRUE(wire.routes().add(entry, local).is_ok());
    ASSERT_TRUE(wire.lookup("192.0.2.9").is_ok());
    wire.interfaces().remove(entry, *wire.eth0);
  }
  EXPECT_TRUE(wire.lookup("192.0.2.9").is_error(Errno::ENETUNREACH));
  size_t neighbours = 0;
  wire.neighbours().for_each([&](const NeighbourInfo&) { ++neighbours; });
  EXPECT_EQ(neighbours, 0u);
}

TEST_F(InterfaceTest, DropsWhatIsNotForItAndCountsWhy) {
  wire.up_without_ipv6();
  const Frame payload(46);
  wire.inject(ethernet_frame(kPeer, kPeer, EtherType::Ipv4, payload));
  EXPECT_EQ(wire.drops(DropReason::NotForUs), 1u);
  wire.inject(ethernet_frame(kUs, kPeer, EtherType{0x88cc}, payload));
  EXPECT_EQ(wire.drops(DropReason::UnknownEthertype), 1u);
  wire.inject(Frame(13));
  EXPECT_EQ(wire.drops(DropReason::LinkHeader), 1u);
  ASSERT_TRUE(wire.set_up(LinkState::Down).is_ok());
  wire.inject(ethernet_frame(kUs, kPeer, EtherType::Ipv4, payload));
  EXPECT_EQ(wire.drops(DropReason::InterfaceDown), 1u);
  EXPECT_THAT(wire.take_sent(), IsEmpty());
}

TEST_F(InterfaceTest, OpensPriorityTagsAndLeavesVlansAlone) {
  wire.up_without_ipv6();
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  const auto tagged = [&](uint16_t control) {
    Frame inner(ArpMessage::encoded_size());
    ArpMessage{.operation = ArpOperation::Request,
               .sender_mac = kPeer,
               .sender_address = Ipv4Address(10, 0, 0, 2),
               .target_mac = {},
               .target_address = Ipv4Address(10, 0, 0, 1)}
        .emit(MutableByteSpan(inner));
    Frame payload = {static_cast<uint8_t>(control >> 8), static_cast<uint8_t>(control), 0x08, 0x06};
    payload.insert(payload.end(), inner.begin(), inner.end());
    return ethernet_frame(MacAddress::broadcast(), kPeer, EtherType::Vlan, payload);
  };
  wire.inject(tagged(0xe000));
  EXPECT_EQ(wire.take_sent().size(), 1u) << "an answer";
  wire.inject(tagged(0x0005));
  EXPECT_THAT(wire.take_sent(), IsEmpty());
  EXPECT_EQ(wire.drops(DropReason::UnknownEthertype), 1u);
}

TEST_F(InterfaceTest, ShowsTapsWholeFramesOfBothDirections) {
  struct Tap : LinkTap {
    Tap()
        : LinkTap([](LinkTap& self, Entry&, Interface&, const Packet& frame, TapDirection direction) {
            Frame bytes(frame.size());
            frame.read(0, MutableByteSpan(bytes));
            auto& seen = direction == TapDirection::Sent ? static_cast<Tap&>(self).sent : static_cast<Tap&>(self).received;
            seen.push_back(bytes);
          }) {}
    std::vector<Frame> sent, received;
  } tap;
  wire.up_without_ipv6();
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  wire.interfaces().taps().add(tap);
  const Frame question = arp_frame(MacAddress::broadcast(), {.operation = ArpOperation::Request,
                                                             .sender_mac = kPeer,
                                                             .sender_address = Ipv4Address(10, 0, 0, 2),
                                                             .target_mac = {},
                                                             .target_address = Ipv4Address(10, 0, 0, 1)});
  wire.inject(question);
  const Frame foreign = ethernet_frame(kPeer, kPeer, EtherType::Ipv4, Frame(46));
  wire.inject(foreign);
  EXPECT_THAT(tap.received, ElementsAre(question, foreign));
  EXPECT_EQ(tap.sent, wire.take_sent());
  wire.interfaces().taps().remove(tap);
  wire.inject(question);
  EXPECT_EQ(tap.received.size(), 2u);
}

TEST(IpInterface, SendsBarePacketsWithoutAsking) {
  WireStack wire(0, LinkKind::Ip);
  wire.up_without_ipv6();
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  Frame bytes(20);
  bytes[0] = 0x45;
  {
    Entry entry(*wire.stack);
    Ref<Packet> packet = Packet::create(wire.stack->pool()).take();
    copy_bytes(packet->append(bytes.size()), bytes);
    wire.eth0->output(entry, std::move(packet), Ipv4Address(10, 0, 0, 2));
  }
  EXPECT_THAT(wire.take_sent(), ElementsAre(bytes));
}

}  // namespace
}  // namespace lxnet::testing
