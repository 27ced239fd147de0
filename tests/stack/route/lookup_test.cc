// Which way packets go: what Linux answered for the same configuration in a namespace of its own (docs/linux_notes/routing.md).
#include "tests/support/wire_stack.hh"

namespace lxnet::testing {
namespace {

class Lookup : public ::testing::Test {
 protected:
  Lookup() { wire.up_without_ipv6(); }
  void expect_error(const FlowKey& key, Errno error) {
    Result<Route> route = wire.lookup(key);
    ASSERT_FALSE(route.is_ok());
    EXPECT_STREQ(errno_name(route.error()), errno_name(error));
  }
  void expect_error(const char* destination, Errno error) { expect_error({.destination = WireStack::ip(destination)}, error); }
  Route expect_route(const char* destination, const char* next_hop, const char* source) {
    Result<Route> found = wire.lookup(destination);
    if (!found.is_ok()) {
      ADD_FAILURE() << destination << ": " << errno_name(found.error());
      return {};
    }
    Route route = found.take();
    EXPECT_EQ(route.next_hop, WireStack::ip(next_hop)) << destination;
    EXPECT_EQ(route.source, WireStack::ip(source)) << destination;
    return route;
  }

  WireStack wire;
};

TEST_F(Lookup, WithoutRoutesTheNetworkIsUnreachable) {
  expect_error("192.0.2.1", Errno::ENETUNREACH);
  expect_error("2001:db8::1", Errno::ENETUNREACH);
  expect_error("255.255.255.255", Errno::ENETUNREACH);
  expect_error("224.0.0.1", Errno::ENETUNREACH);
}

TEST_F(Lookup, WhoHasNoIpv6AddressHearsOfThatAndNotOfRoutes) {
  WireStack bare(LXNET_CONFIG_LOOPBACK_DOWN);
  EXPECT_TRUE(bare.lookup("2001:db8::1").is_error(Errno::EADDRNOTAVAIL));
  EXPECT_TRUE(bare.lookup("::1").is_error(Errno::EADDRNOTAVAIL));
  EXPECT_TRUE(bare.lookup("127.0.0.1").is_error(Errno::ENETUNREACH));
  EXPECT_TRUE(bare.lookup("0.0.0.0").is_error(Errno::ENETUNREACH));
}

TEST_F(Lookup, TheNetworkOfZeroIsAnOrdinaryOne) {
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  expect_error("0.1.2.3", Errno::ENETUNREACH);
  ASSERT_TRUE(wire.add_route("0.0.0.0", 0, "10.0.0.2").is_ok());
  expect_route("0.1.2.3", "10.0.0.2", "10.0.0.1");
}

TEST_F(Lookup, AnInterfaceThatWasAskedForMayLackTheDestination) {
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  const auto through = [&](const char* destination, uint32_t interface) {
    return wire.lookup({.destination = WireStack::ip(destination), .output_interface = interface}).take();
  };
  EXPECT_EQ(through("127.0.0.1", wire.eth0->index()).source, WireStack::ip("10.0.0.1"));
  EXPECT_EQ(through("10.0.0.7", 1).source, WireStack::ip("10.0.0.1")) << "lo's own address reaches nobody";
}

TEST_F(Lookup, ARouteThatEndsIsListedUntilTheNextCollection) {
  RouteEntry ending{.destination = {WireStack::ip("2001:db8:9::"), 64}, .output_interface = wire.eth0->index()};
  ending.expires = wire.hal.now() + Duration::seconds(10);
  {
    Entry entry(*wire.stack);
    ASSERT_TRUE(wire.routes().add(entry, ending).is_ok());
  }
  const auto is_listed = [&] {
    bool is_there = false;
    wire.routes().for_each_route(IpFamily::V6,
                                 [&](const RouteEntry& route) { is_there |= route.destination == ending.destination; });
    return is_there;
  };
  wire.advance(Duration::seconds(9));
  EXPECT_TRUE(wire.lookup("2001:db8:9::1").is_ok());
  wire.advance(Duration::seconds(2));
  expect_error("2001:db8:9::1", Errno::ENETUNREACH);
  EXPECT_TRUE(is_listed());
  wire.advance(Duration::seconds(18));
  EXPECT_TRUE(is_listed()) << "half a minute after it came";
  wire.advance(Duration::seconds(2));
  EXPECT_FALSE(is_listed());
}

TEST_F(Lookup, AnAddressBringsItsSubnetAndItsBroadcasts) {
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  EXPECT_EQ(expect_route("10.0.0.7", "10.0.0.7", "10.0.0.1").output, wire.eth0);
  EXPECT_EQ(expect_route("10.0.0.255", "10.0.0.255", "10.0.0.1").kind, RouteKind::Broadcast);
  EXPECT_EQ(expect_route("10.0.0.0", "10.0.0.0", "10.0.0.1").kind, RouteKind::Unicast) << "no broadcast since Linux 5.14";
  const Route own = expect_route("10.0.0.1", "10.0.0.1", "10.0.0.1");
  EXPECT_EQ(own.kind, RouteKind::Local);
  EXPECT_TRUE(own.output->is_loopback());
  ASSERT_TRUE(wire.remove("10.0.0.1", 24).is_ok());
  expect_error("10.0.0.7", Errno::ENETUNREACH);
  expect_error("10.0.0.1", Errno::ENETUNREACH);
}

TEST_F(Lookup, APointToPointPrefixHasNoBroadcast) {
  ASSERT_TRUE(wire.add("10.0.0.0", 31).is_ok());
  EXPECT_EQ(expect_route("10.0.0.1", "10.0.0.1", "10.0.0.0").kind, RouteKind::Unicast);
}

TEST_F(Lookup, PrefersTheLongestPrefixThenTheSmallestMetric) {
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  ASSERT_TRUE(wire.add_route("0.0.0.0", 0, "10.0.0.2").is_ok());
  ASSERT_TRUE(wire.add_route("192.0.2.0", 24, "10.0.0.3", 10).is_ok());
  ASSERT_TRUE(wire.add_route("192.0.2.0", 24, "10.0.0.4", 5).is_ok());
  ASSERT_TRUE(wire.add_route("192.0.2.128", 25, "10.0.0.5", 99).is_ok());
  expect_route("8.8.8.8", "10.0.0.2", "10.0.0.1");
  expect_route("192.0.2.1", "10.0.0.4", "10.0.0.1");
  expect_route("192.0.2.200", "10.0.0.5", "10.0.0.1");
}

TEST_F(Lookup, NobodyMeansOurselves) {
  const Route any = expect_route("0.0.0.0", "127.0.0.1", "127.0.0.1");
  EXPECT_EQ(any.kind, RouteKind::Local);
  EXPECT_EQ(any.destination, WireStack::ip("127.0.0.1"));
  EXPECT_EQ(expect_route("::", "::1", "::1").kind, RouteKind::Local);
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  Result<Route> bound = wire.lookup({.source = WireStack::ip("10.0.0.1"), .destination = WireStack::ip("0.0.0.0")});
  EXPECT_EQ(bound.take().destination, WireStack::ip("10.0.0.1"));
}

TEST_F(Lookup, ErrorTypesAnswerTheirErrno) {
  const auto add = [&](const char* prefix, RouteType type) {
    Entry entry(*wire.stack);
    RouteEntry route;
    route.destination = {WireStack::ip(prefix), 24};
    route.type = type;
    return wire.routes().add(entry, route).is_ok();
  };
  ASSERT_TRUE(add("198.51.100.0", RouteType::Unreachable));
  ASSERT_TRUE(add("198.51.101.0", RouteType::Prohibit));
  ASSERT_TRUE(add("198.51.102.0", RouteType::Blackhole));
  ASSERT_TRUE(add("198.51.103.0", RouteType::Throw));
  expect_error("198.51.100.1", Errno::EHOSTUNREACH);
  expect_error("198.51.101.1", Errno::EACCES);
  expect_error("198.51.102.1", Errno::EINVAL);
  expect_error("198.51.103.1", Errno::ENETUNREACH);
}

TEST_F(Lookup, ASourceMustBeOurs) {
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  FlowKey key{.source = WireStack::ip("10.0.0.9"), .destination = WireStack::ip("10.0.0.2")};
  expect_error(key, Errno::ENETUNREACH);
  key.may_use_foreign_source = true;
  EXPECT_TRUE(wire.lookup(key).is_ok());
  key.source = WireStack::ip("224.0.0.1");
  expect_error(key, Errno::EINVAL);
  key.source = WireStack::ip("127.0.0.1");
  expect_error(key, Errno::EINVAL);
}

TEST_F(Lookup, AnOutputInterfaceReplacesMissingRoutes) {
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  Result<Route> forced = wire.lookup({.destination = WireStack::ip("8.8.8.8"), .output_interface = wire.eth0->index()});
  ASSERT_TRUE(forced.is_ok());
  EXPECT_EQ(forced.take().next_hop, WireStack::ip("8.8.8.8")) << "Linux takes the destination for a neighbour";
  expect_error({.destination = WireStack::ip("8.8.8.8"), .output_interface = 77}, Errno::ENODEV);
  ASSERT_TRUE(wire.set_up(LinkState::Down).is_ok());
  expect_error({.destination = WireStack::ip("8.8.8.8"), .output_interface = wire.eth0->index()}, Errno::ENETUNREACH);
}

TEST_F(Lookup, DontRouteIgnoresGateways) {
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  ASSERT_TRUE(wire.add_route("0.0.0.0", 0, "10.0.0.2").is_ok());
  expect_error({.destination = WireStack::ip("8.8.8.8"), .on_link_only = true}, Errno::ENETUNREACH);
  EXPECT_TRUE(wire.lookup({.destination = WireStack::ip("10.0.0.5"), .on_link_only = true}).is_ok());
}

TEST_F(Lookup, MulticastFollowsTheDefaultRouteButNotItsGateway) {
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  ASSERT_TRUE(wire.add_route("0.0.0.0", 0, "10.0.0.2").is_ok());
  EXPECT_EQ(expect_route("239.1.2.3", "239.1.2.3", "10.0.0.1").kind, RouteKind::Multicast);
  EXPECT_EQ(expect_route("255.255.255.255", "255.255.255.255", "10.0.0.1").kind, RouteKind::Broadcast);
}

TEST_F(Lookup, AnInterfaceThatIsDownKeepsOnlyTheWayToItself) {
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  ASSERT_TRUE(wire.add_route("0.0.0.0", 0, "10.0.0.2").is_ok());
  ASSERT_TRUE(wire.set_up(LinkState::Down).is_ok());
  expect_error("10.0.0.2", Errno::ENETUNREACH);
  expect_error("8.8.8.8", Errno::ENETUNREACH);
  EXPECT_EQ(expect_route("10.0.0.1", "10.0.0.1", "10.0.0.1").kind, RouteKind::Local);
  ASSERT_TRUE(wire.set_up().is_ok());
  expect_route("10.0.0.2", "10.0.0.2", "10.0.0.1");
  expect_error("8.8.8.8", Errno::ENETUNREACH);
}

TEST_F(Lookup, RefusesGatewaysNobodyKnowsTheWayTo) {
  const auto error = [](const Result<>& result) { return result.is_ok() ? "" : errno_name(result.error()); };
  EXPECT_STREQ(error(wire.add_route("0.0.0.0", 0, "10.0.0.2")), "ENETUNREACH");
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  ASSERT_TRUE(wire.add_route("0.0.0.0", 0, "10.0.0.2").is_ok());
  EXPECT_STREQ(error(wire.add_route("0.0.0.0", 0, "10.0.0.2")), "EEXIST");
  EXPECT_STREQ(error(wire.add_route("192.0.2.0", 24, "8.8.8.8")), "ENETUNREACH") << "a gateway behind a gateway";
  EXPECT_STREQ(error(wire.add_route("192.0.2.1", 24, nullptr)), "EINVAL") << "bits behind the prefix";
  EXPECT_STREQ(error(wire.add_route("192.0.2.0", 33, nullptr)), "EINVAL");
  EXPECT_STREQ(error(wire.add_route("2001:db8::", 32, "2001:db8:1::1")), "EHOSTUNREACH");
}

TEST_F(Lookup, RulesChooseTheTable) {
  ASSERT_TRUE(wire.add("10.0.0.1", 24).is_ok());
  Entry entry(*wire.stack);
  RouteEntry route;
  route.destination = {WireStack::ip("0.0.0.0"), 0};
  route.gateway = WireStack::ip("10.0.0.9");
  route.has_gateway = true;
  route.table = 100;
  ASSERT_TRUE(wire.routes().add(entry, route).is_ok());
  expect_error("8.8.8.8", Errno::ENETUNREACH);
  RoutingRule rule{.priority = 1000, .table = 100};
  rule.mark = rule.mark_mask = 7;
  ASSERT_TRUE(wire.routes().add_rule(entry, rule).is_ok());
  EXPECT_TRUE(wire.routes().add_rule(entry, rule).is_error(Errno::EEXIST));
  expect_error("8.8.8.8", Errno::ENETUNREACH);
  EXPECT_TRUE(wire.lookup({.destination = WireStack::ip("8.8.8.8"), .mark = 7}).is_ok());
  ASSERT_TRUE(wire.routes().remove_rule(entry, rule).is_ok());
  expect_error({.destination = WireStack::ip("8.8.8.8"), .mark = 7}, Errno::ENETUNREACH);
  EXPECT_TRUE(wire.routes().remove_rule(entry, rule).is_error(Errno::ENOENT));
  RoutingRule prohibit{.action = RuleAction::Prohibit, .priority = 5};
  prohibit.destination = {WireStack::ip("10.0.0.4"), 32};
  ASSERT_TRUE(wire.routes().add_rule(entry, prohibit).is_ok());
  expect_error("10.0.0.4", Errno::EACCES);
}

TEST_F(Lookup, EveryChangeMakesCachedRoutesStale) {
  const auto changes = [&](auto&& change) {
    const uint32_t before = wire.routes().generation();
    change();
    return wire.routes().generation() != before;
  };
  EXPECT_TRUE(changes([&] { EXPECT_TRUE(wire.add("10.0.0.1", 24).is_ok()); }));
  EXPECT_TRUE(changes([&] { EXPECT_TRUE(wire.add_route("0.0.0.0", 0, "10.0.0.2").is_ok()); }));
  EXPECT_TRUE(changes([&] { EXPECT_TRUE(wire.set_up(LinkState::Down).is_ok()); }));
  EXPECT_TRUE(changes([&] { EXPECT_TRUE(wire.remove("10.0.0.1", 24).is_ok()); }));
}

class Input : public Lookup {
 protected:
  Input() {
    EXPECT_TRUE(wire.add("10.0.0.1", 24).is_ok());
    EXPECT_TRUE(wire.add_route("0.0.0.0", 0, "10.0.0.2").is_ok());
  }
  Result<Route> input(const char* source, const char* destination) {
    Entry entry(*wire.stack);
    return wire.routes().lookup_input(entry, {.source = WireStack::ip(source), .destination = WireStack::ip(destination)},
                                      *wire.eth0);
  }
  void expect_kind(const char* source, const char* destination, RouteKind kind) {
    Result<Route> found = input(source, destination);
    if (!found.is_ok()) FAIL() << source << " " << destination << " " << errno_name(found.error());
    EXPECT_EQ(found.take().kind, kind) << source << " " << destination;
  }
  void expect_refused(const char* source, const char* destination, Errno error) {
    Result<Route> found = input(source, destination);
    ASSERT_FALSE(found.is_ok()) << source << " " << destination;
    EXPECT_STREQ(errno_name(found.error()), errno_name(error)) << source << " " << destination;
  }
};

TEST_F(Input, TakesWhatIsForUs) {
  expect_kind("10.0.0.2", "10.0.0.1", RouteKind::Local);
  expect_kind("192.0.2.1", "10.0.0.1", RouteKind::Local);
  expect_kind("10.0.0.2", "10.0.0.255", RouteKind::Broadcast);
  expect_kind("10.0.0.2", "255.255.255.255", RouteKind::Broadcast);
  expect_kind("0.0.0.0", "255.255.255.255", RouteKind::Broadcast);
  expect_kind("10.0.0.2", "224.0.0.1", RouteKind::Multicast);
}

TEST_F(Input, KnowsMartians) {
  expect_refused("127.0.0.1", "10.0.0.1", Errno::EINVAL);
  expect_refused("10.0.0.2", "127.0.0.1", Errno::EINVAL);
  expect_refused("224.0.0.1", "10.0.0.1", Errno::EINVAL);
  expect_refused("255.255.255.255", "10.0.0.1", Errno::EINVAL);
  expect_refused("0.0.0.0", "10.0.0.1", Errno::EINVAL);
  expect_refused("10.0.0.1", "10.0.0.1", Errno::EINVAL);
  expect_refused("10.0.0.2", "0.0.0.0", Errno::EINVAL);
  wire.interfaces().settings_of_all().v4.accept_local = 1;
  wire.eth0->settings().v4.accept_local = 1;
  expect_kind("10.0.0.1", "10.0.0.1", RouteKind::Local);
}

TEST_F(Input, ForwardsOnlyWhenAskedTo) {
  expect_refused("10.0.0.2", "8.8.8.8", Errno::EHOSTUNREACH);
  wire.stack->tunables().values().ip_forward = 1;
  Result<Route> found = input("10.0.0.5", "8.8.8.8");
  ASSERT_TRUE(found.is_ok());
  const Route route = found.take();
  EXPECT_EQ(route.kind, RouteKind::Unicast);
  EXPECT_EQ(route.next_hop, WireStack::ip("10.0.0.2"));
}

TEST_F(Input, ChecksTheWayBackIfToldTo) {
  Entry entry(*wire.stack);
  ASSERT_TRUE(wire.routes().remove(entry, {.destination = {WireStack::ip("0.0.0.0"), 0}, .type = RouteType::Unicast}).is_ok());
  expect_kind("192.0.2.1", "10.0.0.1", RouteKind::Local);
  wire.eth0->settings().v4.rp_filter = 2;
  expect_refused("192.0.2.1", "10.0.0.1", Errno::EXDEV);
  expect_kind("10.0.0.7", "10.0.0.1", RouteKind::Local);
}

}  // namespace
}  // namespace lxnet::testing
