// Neighbour discovery and autoconfiguration on the wire.
#include "stack/wire/ndp.hh"
#include "stack/ndp/ndp_interface.hh"
#include "stack/wire/ipv6.hh"
#include "stack/wire/pseudo_header.hh"
#include "tests/support/wire_stack.hh"

namespace lxnet::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr MacAddress kUs = WireStack::kMac;
constexpr MacAddress kRouterMac(0x02, 0, 0, 0, 0, 0x99);
const Ipv6Address kRouter = Ipv6Address::link_local(kRouterMac);
const Ipv6Address kLinkLocal = Ipv6Address::link_local(kUs);

// What a sent frame says, if it is ICMPv6.
struct Icmp {
  MacAddress to_mac;
  Ipv6Address source, destination;
  uint8_t hop_limit = 0;
  uint8_t type = 0;
  Frame message;
};

Icmp read_icmp(const Frame& frame) {
  Icmp out;
  constexpr size_t kIp = sizeof(EthernetHeader), kMessage = kIp + sizeof(Ipv6Header);
  if (frame.size() <= kMessage || frame[12] != 0x86 || frame[kIp + 6] != 58) return out;
  const auto address = [&](size_t at) {
    return Ipv6Address::from_bytes(std::span<const uint8_t, 16>(frame.data() + at, size_t{16}));
  };
  out.to_mac = MacAddress::from_bytes(std::span<const uint8_t, 6>(frame.data(), size_t{6}));
  out.hop_limit = frame[kIp + 7];
  out.source = address(kIp + 8);
  out.destination = address(kIp + 24);
  out.message.assign(frame.begin() + kMessage, frame.end());
  out.type = out.message[0];
  InternetChecksum sum =
      pseudo_header_checksum(out.source, out.destination, IpProtocol::Icmpv6, static_cast<uint32_t>(out.message.size()));
  sum.add(out.message);
  EXPECT_TRUE(sum.is_valid());
  return out;
}

template <typename Message>
Frame icmp_frame(MacAddress from_mac, const Ipv6Address& source, const Ipv6Address& destination, const Message& message,
                 uint8_t hop_limit = 255) {
  Frame body(message.encoded_size());
  message.emit(MutableByteSpan(body));
  InternetChecksum sum = pseudo_header_checksum(source, destination, IpProtocol::Icmpv6, static_cast<uint32_t>(body.size()));
  sum.add(body);
  const uint16_t checksum = sum.finish();
  body[2] = static_cast<uint8_t>(checksum >> 8);
  body[3] = static_cast<uint8_t>(checksum);
  Frame packet(sizeof(Ipv6Header));
  packet[0] = 0x60;
  packet[4] = static_cast<uint8_t>(body.size() >> 8);
  packet[5] = static_cast<uint8_t>(body.size());
  packet[6] = 58;
  packet[7] = hop_limit;
  std::copy(source.bytes().begin(), source.bytes().end(), packet.begin() + 8);
  std::copy(destination.bytes().begin(), destination.bytes().end(), packet.begin() + 24);
  packet.insert(packet.end(), body.begin(), body.end());
  const MacAddress to = destination.is_multicast() ? destination.multicast_mac() : kUs;
  return ethernet_frame(to, from_mac, EtherType::Ipv6, packet);
}

class Ndp : public ::testing::Test {
 protected:
  // Sent messages of one type; multicast reports and others are left out.
  std::vector<Icmp> take(Icmp6Type type) {
    std::vector<Icmp> found;
    for (const Frame& frame : wire.take_sent()) {
      const Icmp icmp = read_icmp(frame);
      if (icmp.type == static_cast<uint8_t>(type)) found.push_back(icmp);
    }
    return found;
  }
  void up() {
    ASSERT_TRUE(wire.set_up().is_ok());
    wire.advance(Duration::seconds(3));
    wire.take_sent();
  }
  uint32_t flags_of(const Ipv6Address& address) {
    Result<InterfaceAddress> found = wire.interfaces().find_address(*wire.eth0, address);
    return found.is_ok() ? found.take().flags : ~0u;
  }
  bool is_tentative(const Ipv6Address& address) { return (flags_of(address) & kAddressTentative) != 0; }
  bool has(const Ipv6Address& address) { return flags_of(address) != ~0u; }
  static NdpPrefix prefix(uint32_t valid, uint32_t preferred) {
    return {.prefix = Ipv6Address(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
            .prefix_length = 64,
            .is_on_link = true,
            .is_autonomous = true,
            .valid_lifetime = valid,
            .preferred_lifetime = preferred};
  }
  void advertise(uint16_t lifetime, std::vector<NdpPrefix> prefixes, std::optional<uint32_t> mtu = {}) {
    RouterAdvertisement message{.hop_limit = 32, .lifetime = lifetime, .options = {}};
    message.options.source_link_address = kRouterMac;
    message.options.mtu = mtu;
    message.options.sending_prefixes = prefixes;
    wire.inject(icmp_frame(kRouterMac, kRouter, Ipv6Address::all_nodes(), message));
  }
  static constexpr Ipv6Address kGlobal = Ipv6Address(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0).with_eui64(kUs);

  WireStack wire;
};

TEST_F(Ndp, ALinkThatComesUpGetsItsLinkLocalAddressAfterAskingForIt) {
  ASSERT_TRUE(wire.set_up().is_ok());
  EXPECT_TRUE(is_tentative(kLinkLocal));
  EXPECT_FALSE(wire.interfaces().is_local_address(kLinkLocal));
  EXPECT_THAT(take(Icmp6Type::NeighborSolicitation), IsEmpty()) << "not before a random delay";
  wire.advance(Duration::seconds(1));
  const std::vector<Icmp> probes = take(Icmp6Type::NeighborSolicitation);
  ASSERT_THAT(probes, SizeIs(1));
  EXPECT_TRUE(probes[0].source.is_unspecified());
  EXPECT_EQ(probes[0].destination, kLinkLocal.solicited_node());
  EXPECT_EQ(probes[0].to_mac, kLinkLocal.solicited_node().multicast_mac());
  EXPECT_EQ(probes[0].hop_limit, 255);
  const NeighborSolicitation message = NeighborSolicitation::parse(probes[0].message).take();
  EXPECT_EQ(message.target, kLinkLocal);
  EXPECT_FALSE(message.options.source_link_address);
  EXPECT_TRUE(message.options.nonce);
  wire.advance(Duration::seconds(1));
  EXPECT_FALSE(is_tentative(kLinkLocal));
  EXPECT_TRUE(wire.interfaces().is_local_address(kLinkLocal));
}

TEST_F(Ndp, SolicitsRoutersWithLongerAndLongerPausesUntilOneAnswers) {
  up();
  size_t asked = 0;
  wire.advance(Duration::seconds(120));
  for (const Icmp& icmp : take(Icmp6Type::RouterSolicitation)) {
    ++asked;
    EXPECT_EQ(icmp.source, kLinkLocal);
    EXPECT_EQ(icmp.destination, Ipv6Address::all_routers());
    EXPECT_EQ(RouterSolicitation::parse(icmp.message).take().options.source_link_address, kUs);
  }
  EXPECT_GE(asked, 3u);
  EXPECT_LE(asked, 6u);
  advertise(1800, {});
  wire.advance(Duration::minutes(60));
  EXPECT_THAT(take(Icmp6Type::RouterSolicitation), IsEmpty());
}

TEST_F(Ndp, AnAddressThatSomebodyHasStaysUnused) {
  ASSERT_TRUE(wire.set_up().is_ok());
  wire.advance(Duration::seconds(1));
  NeighborAdvertisement objection{.target = kLinkLocal, .overrides = true, .options = {}};
  objection.options.target_link_address = kRouterMac;
  wire.inject(icmp_frame(kRouterMac, kLinkLocal, Ipv6Address::all_nodes(), objection));
  EXPECT_NE(flags_of(kLinkLocal) & kAddressDadFailed, 0u);
  wire.advance(Duration::seconds(10));
  EXPECT_FALSE(wire.interfaces().is_local_address(kLinkLocal));
}

TEST_F(Ndp, TwoWhoDetectAtOnceBothGiveUpButAnEchoIsNotTwo) {
  ASSERT_TRUE(wire.set_up().is_ok());
  wire.advance(Duration::seconds(1));
  const std::vector<Icmp> probes = take(Icmp6Type::NeighborSolicitation);
  ASSERT_THAT(probes, SizeIs(1));
  const NeighborSolicitation own = NeighborSolicitation::parse(probes[0].message).take();
  wire.inject(icmp_frame(kUs, Ipv6Address(), kLinkLocal.solicited_node(), own));
  EXPECT_EQ(flags_of(kLinkLocal) & kAddressDadFailed, 0u) << "our own nonce";
  NeighborSolicitation other{.target = kLinkLocal, .options = {}};
  wire.inject(icmp_frame(kRouterMac, Ipv6Address(), kLinkLocal.solicited_node(), other));
  EXPECT_NE(flags_of(kLinkLocal) & kAddressDadFailed, 0u);
}

TEST_F(Ndp, AnswersForItsAddress) {
  up();
  NeighborSolicitation question{.target = kLinkLocal, .options = {}};
  question.options.source_link_address = kRouterMac;
  wire.inject(icmp_frame(kRouterMac, kRouter, kLinkLocal.solicited_node(), question));
  std::vector<Icmp> answers = take(Icmp6Type::NeighborAdvertisement);
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(answers[0].to_mac, kRouterMac);
  EXPECT_EQ(answers[0].destination, kRouter);
  const NeighborAdvertisement answer = NeighborAdvertisement::parse(answers[0].message).take();
  EXPECT_TRUE(answer.is_solicited && answer.overrides && !answer.is_router);
  EXPECT_EQ(answer.options.target_link_address, kUs);
  // A probe of who wants the address is answered to all.
  wire.inject(icmp_frame(kRouterMac, Ipv6Address(), kLinkLocal.solicited_node(),
                         NeighborSolicitation{.target = kLinkLocal, .options = {}}));
  answers = take(Icmp6Type::NeighborAdvertisement);
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(answers[0].destination, Ipv6Address::all_nodes());
  EXPECT_FALSE(NeighborAdvertisement::parse(answers[0].message).take().is_solicited);
}

TEST_F(Ndp, BelievesNothingThatMayHaveComeThroughARouter) {
  up();
  NeighborSolicitation question{.target = kLinkLocal, .options = {}};
  question.options.source_link_address = kRouterMac;
  const uint64_t before = wire.drops(DropReason::NdpHeader);
  wire.inject(icmp_frame(kRouterMac, kRouter, kLinkLocal.solicited_node(), question, 254));
  EXPECT_EQ(wire.drops(DropReason::NdpHeader), before + 1);
  Frame cut = icmp_frame(kRouterMac, kRouter, kLinkLocal.solicited_node(), question);
  cut[cut.size() - 7] = 0;  // an option of no length; the checksum is wrong too, which IP finds first
  wire.inject(cut);
  EXPECT_THAT(take(Icmp6Type::NeighborAdvertisement), IsEmpty());
}

TEST_F(Ndp, ResolvesANeighbourByItsSolicitedNodeGroup) {
  up();
  const Ipv6Address peer = kRouter;
  const auto send = [&] {
    Entry entry(*wire.stack);
    Ref<Packet> packet = Packet::create(wire.stack->pool()).take();
    MutableByteSpan bytes = packet->append(sizeof(Ipv6Header));
    std::fill(bytes.begin(), bytes.end(), uint8_t{0});
    bytes[0] = 0x60;
    bytes[6] = 59;
    wire.eth0->output(entry, std::move(packet), peer);
  };
  send();
  const std::vector<Icmp> questions = take(Icmp6Type::NeighborSolicitation);
  ASSERT_THAT(questions, SizeIs(1));
  EXPECT_EQ(questions[0].source, kLinkLocal);
  EXPECT_EQ(questions[0].destination, peer.solicited_node());
  EXPECT_EQ(NeighborSolicitation::parse(questions[0].message).take().options.source_link_address, kUs);
  NeighborAdvertisement answer{.target = peer, .is_router = true, .is_solicited = true, .overrides = true, .options = {}};
  answer.options.target_link_address = kRouterMac;
  wire.inject(icmp_frame(kRouterMac, peer, kLinkLocal, answer));
  EXPECT_THAT(wire.take_sent(), SizeIs(1)) << "what waited";
  const NeighbourInfo info = wire.neighbours().find(*wire.eth0, peer).take();
  EXPECT_EQ(info.state, NeighbourState::Reachable);
  EXPECT_TRUE(info.is_router);
  // Without the override flag another address only casts doubt.
  answer.overrides = false;
  answer.options.target_link_address = MacAddress(2, 0, 0, 0, 0, 5);
  wire.inject(icmp_frame(kRouterMac, peer, kLinkLocal, answer));
  EXPECT_EQ(wire.neighbours().find(*wire.eth0, peer).take().mac, kRouterMac);
  EXPECT_EQ(wire.neighbours().find(*wire.eth0, peer).take().state, NeighbourState::Stale);
}

TEST_F(Ndp, ConfiguresItselfAsARouterSays) {
  up();
  advertise(1800, {prefix(7200, 3600)}, 1400);
  EXPECT_TRUE(is_tentative(kGlobal));
  wire.advance(Duration::seconds(3));
  EXPECT_FALSE(is_tentative(kGlobal));
  const Route route = wire.lookup("2001:db8:ffff::1").take();
  EXPECT_EQ(route.next_hop, IpAddress(kRouter));
  EXPECT_EQ(route.source, IpAddress(kGlobal));
  EXPECT_EQ(route.mtu, 1400u);
  EXPECT_EQ(wire.eth0->settings().v6.hop_limit, 32);
  EXPECT_EQ(wire.lookup("2001:db8::7").take().next_hop, WireStack::ip("2001:db8::7")) << "on the link";
  EXPECT_TRUE(wire.neighbours().find(*wire.eth0, kRouter).take().is_router);
}

TEST_F(Ndp, ForgetsWhatIsNotRepeated) {
  up();
  advertise(600, {prefix(1200, 300)});
  wire.advance(Duration::seconds(310));
  EXPECT_NE(flags_of(kGlobal) & kAddressDeprecated, 0u);
  wire.advance(Duration::seconds(300));
  EXPECT_TRUE(wire.lookup("2001:db8:ffff::1").is_error(Errno::ENETUNREACH)) << "the router's lifetime is over";
  EXPECT_TRUE(has(kGlobal));
  wire.advance(Duration::seconds(600));
  EXPECT_FALSE(has(kGlobal));
  EXPECT_TRUE(wire.lookup("2001:db8::7").is_error(Errno::ENETUNREACH)) << "and the prefix's";
}

TEST_F(Ndp, ARouterThatRetiresIsNoDefaultAnyMore) {
  up();
  advertise(1800, {prefix(7200, 3600)});
  advertise(0, {});
  EXPECT_TRUE(wire.lookup("2001:db8:ffff::1").is_error(Errno::ENETUNREACH));
}

TEST_F(Ndp, NobodyShortensALifetimeBelowTwoHours) {
  up();
  advertise(1800, {prefix(86400, 3600)});
  const auto remaining = [&] {
    return (wire.interfaces().find_address(*wire.eth0, kGlobal).take().valid_until - wire.hal.now()).in_seconds();
  };
  EXPECT_EQ(remaining(), 86400);
  advertise(1800, {prefix(10, 10)});
  EXPECT_EQ(remaining(), 7200);
  wire.advance(Duration::seconds(1000));
  advertise(1800, {prefix(10, 10)});
  EXPECT_EQ(remaining(), 6200) << "what is left of less than two hours stays";
  advertise(1800, {prefix(9000, 10)});
  EXPECT_EQ(remaining(), 9000);
}

TEST_F(Ndp, IgnoresAdvertisementsThatAreNotARoutersOnTheLink) {
  up();
  RouterAdvertisement message{.lifetime = 1800, .options = {}};
  wire.inject(icmp_frame(kRouterMac, Ipv6Address(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9), Ipv6Address::all_nodes(), message));
  EXPECT_TRUE(wire.lookup("2001:db8:ffff::1").is_error(Errno::ENETUNREACH));
  wire.eth0->settings().v6.accept_ra = 0;
  wire.inject(icmp_frame(kRouterMac, kRouter, Ipv6Address::all_nodes(), message));
  EXPECT_TRUE(wire.lookup("2001:db8:ffff::1").is_error(Errno::ENETUNREACH));
}

TEST_F(Ndp, FollowsARedirectOfItsRouterOnly) {
  up();
  advertise(1800, {prefix(7200, 3600)});
  wire.advance(Duration::seconds(3));
  const Ipv6Address destination(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1);
  const Ipv6Address better = Ipv6Address::link_local(MacAddress(2, 0, 0, 0, 0, 0x55));
  const NdpRedirect redirect{.target = better, .destination = destination, .options = {}};
  wire.inject(icmp_frame(kRouterMac, better, kGlobal, redirect));
  EXPECT_EQ(wire.lookup({.destination = destination}).take().next_hop, IpAddress(kRouter)) << "not from whom it points to";
  wire.inject(icmp_frame(kRouterMac, kRouter, kGlobal, redirect));
  EXPECT_EQ(wire.lookup({.destination = destination}).take().next_hop, IpAddress(better));
  wire.advance(Duration::seconds(301));
  EXPECT_EQ(wire.lookup({.destination = destination}).take().next_hop, IpAddress(kRouter));
}

TEST_F(Ndp, ALinkThatGoesDownLosesItsAddresses) {
  up();
  advertise(1800, {prefix(7200, 3600)});
  ASSERT_TRUE(wire.set_up(LinkState::Down).is_ok());
  EXPECT_FALSE(has(kLinkLocal));
  EXPECT_FALSE(has(kGlobal));
  EXPECT_TRUE(wire.lookup("2001:db8::7").is_error(Errno::ENETUNREACH));
  up();
  EXPECT_TRUE(has(kLinkLocal));
}

TEST_F(Ndp, WaitsForTheCarrier) {
  wire.device.has_carrier = false;
  up();
  EXPECT_FALSE(has(kLinkLocal));
  wire.device.has_carrier = true;
  wire.device.tell_link_changed();
  wire.advance(Duration::seconds(3));
  EXPECT_TRUE(wire.interfaces().is_local_address(kLinkLocal));
}

TEST_F(Ndp, LivesThroughEveryFailureOfAnAllocation) {
  up();
  for (size_t n = 0; n < 40; ++n) {
    const NdpPrefix prefixes[] = {prefix(7200, 3600)};
    RouterAdvertisement message{.lifetime = 1800, .options = {}};
    message.options.source_link_address = kRouterMac;
    message.options.sending_prefixes = prefixes;
    const Frame frame = icmp_frame(kRouterMac, kRouter, Ipv6Address::all_nodes(), message);
    Entry entry(*wire.stack);
    Ref<Packet> packet = Packet::create_linear(wire.stack->pool(), frame.size(), 0).take();
    copy_bytes(packet->append(frame.size()), frame);
    wire.hal.fail_allocation(n);
    wire.device.deliver(entry, std::move(packet));
    entry.flush();
    wire.hal.allow_all_allocations();
    const bool was_reached = wire.hal.has_failed();
    ASSERT_TRUE(wire.set_up(LinkState::Down).is_ok());
    ASSERT_TRUE(wire.set_up().is_ok());
    wire.advance(Duration::seconds(3));
    EXPECT_TRUE(has(kLinkLocal)) << n;
    if (!was_reached) break;
  }
}

}  // namespace
}  // namespace lxnet::testing
