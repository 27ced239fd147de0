// Addresses of an interface: what may be added, in which order they stand, what goes when one goes.
#include <random>

#include "tests/support/wire_stack.hh"

namespace lxnet::testing {
namespace {

using ::testing::ElementsAre;

class Addresses : public ::testing::Test {
 protected:
  Addresses() { wire.up_without_ipv6(); }
  const char* add(const char* text, uint8_t prefix) {
    const Result<> added = wire.add(text, prefix);
    return added.is_ok() ? "" : errno_name(added.error());
  }
  const char* remove(const char* text, uint8_t prefix) {
    const Result<> removed = wire.remove(text, prefix);
    return removed.is_ok() ? "" : errno_name(removed.error());
  }
  // "10.0.0.1/24", with a star for secondary ones.
  std::vector<std::string> list() {
    std::vector<std::string> out;
    wire.interfaces().any_address(*wire.eth0, [&](const InterfaceAddress& address) {
      const AddressText text = address.address.is_v4() ? format_ipv4(address.address.v4()) : format_ipv6(address.address.v6());
      out.push_back(std::string(text.c_str()) + "/" + std::to_string(address.prefix_length) +
                    (address.is_secondary() ? "*" : ""));
      return false;
    });
    return out;
  }
  // Everything the tables hold of IPv4, to compare before and after.
  std::vector<std::string> routes() {
    std::vector<std::string> out;
    wire.routes().for_each_route(IpFamily::V4, [&](const RouteEntry& route) {
      out.push_back(std::to_string(route.table) + " " + std::to_string(static_cast<int>(route.type)) + " " +
                    format_ipv4(route.destination.address.v4()).c_str() + "/" + std::to_string(route.destination.length) +
                    " src " + format_ipv4(route.preferred_source.v4()).c_str());
    });
    return out;
  }

  WireStack wire;
};

TEST_F(Addresses, TheSecondOfASubnetIsSecondary) {
  EXPECT_STREQ(add("10.0.0.1", 24), "");
  EXPECT_STREQ(add("10.0.0.2", 24), "");
  EXPECT_STREQ(add("10.1.0.1", 24), "");
  EXPECT_STREQ(add("10.0.0.3", 25), "");
  EXPECT_THAT(list(), ElementsAre("10.0.0.1/24", "10.1.0.1/24", "10.0.0.3/25", "10.0.0.2/24*"));
}

TEST_F(Addresses, TheSameAddressWithTheSamePrefixIsRefusedAndChangesNothing) {
  EXPECT_STREQ(add("10.0.0.1", 24), "");
  const auto before = routes();
  EXPECT_STREQ(add("10.0.0.1", 24), "EEXIST");
  EXPECT_EQ(routes(), before);
  EXPECT_STREQ(add("10.0.0.1", 16), "") << "Linux takes it with another prefix";
  EXPECT_STREQ(remove("10.0.0.1", 16), "");
  EXPECT_EQ(routes(), before);
}

TEST_F(Addresses, RefusesWhatNoInterfaceCanHave) {
  wire.eth0->settings().v6.disable_ipv6 = 0;
  EXPECT_STREQ(add("10.0.0.1", 33), "EINVAL");
  EXPECT_STREQ(add("2001:db8::1", 129), "EINVAL");
  EXPECT_STREQ(add("ff02::1", 64), "EADDRNOTAVAIL");
  EXPECT_STREQ(add("::1", 128), "EADDRNOTAVAIL");
  EXPECT_STREQ(add("::", 128), "EADDRNOTAVAIL");
  EXPECT_STREQ(add("2001:db8::1", 64), "");
  EXPECT_STREQ(add("2001:db8::1", 48), "EEXIST");
  EXPECT_STREQ(remove("10.0.0.1", 24), "EADDRNOTAVAIL");
  wire.eth0->settings().v6.disable_ipv6 = 1;
  EXPECT_STREQ(add("2001:db8::2", 64), "EACCES");
}

TEST_F(Addresses, APrimaryTakesItsSecondariesAlong) {
  const auto before = routes();
  add("10.0.0.1", 24);
  add("10.0.0.2", 24);
  add("10.0.0.3", 24);
  EXPECT_STREQ(remove("10.0.0.1", 24), "");
  EXPECT_THAT(list(), ElementsAre());
  EXPECT_EQ(routes(), before);
}

TEST_F(Addresses, OrASecondaryIsPromoted) {
  wire.eth0->settings().v4.promote_secondaries = 1;
  add("10.0.0.1", 24);
  add("10.0.0.2", 24);
  add("10.0.0.3", 24);
  EXPECT_EQ(wire.lookup("10.0.0.9").take().source, WireStack::ip("10.0.0.1"));
  EXPECT_STREQ(remove("10.0.0.1", 24), "");
  EXPECT_THAT(list(), ElementsAre("10.0.0.2/24", "10.0.0.3/24*"));
  EXPECT_EQ(wire.lookup("10.0.0.9").take().source, WireStack::ip("10.0.0.2"));
  EXPECT_EQ(wire.lookup("10.0.0.255").take().kind, RouteKind::Broadcast);
  EXPECT_TRUE(wire.lookup("10.0.0.1").take().kind == RouteKind::Unicast);
}

TEST_F(Addresses, OneThatEndsGoesByItself) {
  const auto add_now = [&](const InterfaceAddress& address) {
    Entry entry(*wire.stack);
    return wire.interfaces().add_address(entry, *wire.eth0, address);
  };
  InterfaceAddress address = WireStack::address_of("10.0.0.1", 24);
  address.preferred_until = wire.hal.now() + Duration::seconds(5);
  address.valid_until = wire.hal.now() + Duration::seconds(10);
  ASSERT_TRUE(add_now(address).is_ok());
  wire.advance(Duration::seconds(5));
  EXPECT_NE(wire.interfaces().find_address(*wire.eth0, address.address).take().flags & kAddressDeprecated, 0u);
  wire.advance(Duration::seconds(5));
  EXPECT_THAT(list(), ElementsAre());
  address.valid_until = wire.hal.now() - Duration::seconds(1);
  EXPECT_TRUE(add_now(address).is_error(Errno::EINVAL));
}

TEST_F(Addresses, FailingAllocationsLeaveEverythingAsItWas) {
  add("10.0.0.1", 24);
  const auto routes_before = routes();
  const auto list_before = list();
  for_each_failing_allocation(wire.hal, [&] {
    const Result<> added = wire.add("10.7.0.1", 16);
    wire.hal.allow_all_allocations();
    if (added.is_ok()) {
      EXPECT_EQ(wire.lookup("10.7.3.4").take().source, WireStack::ip("10.7.0.1"));
      EXPECT_STREQ(remove("10.7.0.1", 16), "");
    } else {
      EXPECT_EQ(added.error(), Errno::ENOMEM);
    }
    EXPECT_EQ(routes(), routes_before);
    EXPECT_EQ(list(), list_before);
  });
}

// Random additions and removals against a list that knows Linux's rules, and against the routes such a list calls for.
class AddressModel : public Addresses, public ::testing::WithParamInterface<uint64_t> {};

TEST_P(AddressModel, KeepsTheRulesOfSubnetsAndLeavesNothingBehind) {
  struct Known {
    uint32_t address;
    uint8_t prefix;
    bool is_secondary;
  };
  std::vector<Known> model;
  std::mt19937_64 random(GetParam());
  const auto empty = routes();
  for (int step = 0; step < 400; ++step) {
    const Ipv4Address address(10, 0, static_cast<uint8_t>(random() % 2), static_cast<uint8_t>(1 + random() % 6));
    const uint8_t prefix = random() % 2 == 0 ? 24 : 16;
    const auto same_subnet = [&](const Known& known) {
      return known.prefix == prefix && Ipv4Address(known.address).is_in(address, prefix);
    };
    const auto found = std::find_if(model.begin(), model.end(), [&](const Known& known) {
      return known.address == address.value() && known.prefix == prefix;
    });
    const std::string text = format_ipv4(address).c_str();
    if (random() % 3 != 0) {
      const char* error = add(text.c_str(), prefix);
      ASSERT_STREQ(error, found == model.end() ? "" : "EEXIST") << "seed " << GetParam();
      const bool is_secondary = std::any_of(model.begin(), model.end(), same_subnet);
      if (found == model.end()) model.push_back({address.value(), prefix, is_secondary});
    } else {
      const char* error = remove(text.c_str(), prefix);
      ASSERT_STREQ(error, found != model.end() ? "" : "EADDRNOTAVAIL") << "seed " << GetParam();
      if (found == model.end()) continue;
      const bool was_secondary = found->is_secondary;
      model.erase(found);
      if (!was_secondary) model.erase(std::remove_if(model.begin(), model.end(), same_subnet), model.end());
    }
    ASSERT_EQ(list().size(), model.size()) << "seed " << GetParam() << " step " << step;
    for (const Known& known : model) {
      const Ipv4Address own(known.address);
      ASSERT_TRUE(wire.interfaces().is_local_address(own));
      ASSERT_EQ(wire.routes().address_type(own), RouteType::Local);
      ASSERT_EQ(wire.routes().address_type(own.network_broadcast(known.prefix)), RouteType::Broadcast);
      const Ipv4Address neighbour(own.value() ^ 0x80);
      ASSERT_EQ(wire.lookup({.destination = neighbour}).take().next_hop, IpAddress(neighbour));
    }
  }
  for (const Known& known : std::vector<Known>(model)) {
    static_cast<void>(wire.remove(format_ipv4(Ipv4Address(known.address)).c_str(), known.prefix));
  }
  EXPECT_EQ(routes(), empty) << "seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Seeds, AddressModel, ::testing::Range(uint64_t{1}, uint64_t{9}));

}  // namespace
}  // namespace lxnet::testing
