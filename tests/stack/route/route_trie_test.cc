// The trie against a list that is searched from end to end.
#include "stack/route/route_trie.hh"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "stack/interface.hh"
#include "tests/support/test_hal.hh"

namespace lxnet::testing {
namespace {

struct Naive {
  std::vector<RouteEntry> routes;

  const RouteEntry* find(const IpAddress& address) const {
    const RouteEntry* best = nullptr;
    for (const RouteEntry& route : routes) {
      if (!route.destination.covers(address)) continue;
      const bool is_longer = best == nullptr || route.destination.length > best->destination.length;
      const bool is_cheaper =
          best != nullptr && route.destination.length == best->destination.length && route.metric < best->metric;
      if (is_longer || is_cheaper) best = &route;
    }
    return best;
  }
};

class TrieModel : public ::testing::TestWithParam<uint64_t> {
 protected:
  // Few distinct bits, so that prefixes nest and collide.
  IpAddress random_address(IpFamily family) {
    const auto pick = [&] { return static_cast<uint8_t>(random_() % 3 == 0 ? random_() : (random_() % 2) * 0x81); };
    if (family == IpFamily::V4) return Ipv4Address(pick(), pick(), pick(), pick());
    std::array<uint8_t, 16> bytes{};
    for (uint8_t& byte : bytes) byte = pick();
    return Ipv6Address::from_bytes(bytes);
  }
  Prefix random_prefix(IpFamily family) {
    const IpAddress address = random_address(family);
    const auto length = static_cast<uint8_t>(random_() % (family == IpFamily::V4 ? 33 : 129));
    if (family == IpFamily::V4) return {address.v4().network(length), length};
    return {address.v6().network(length), length};
  }

  std::mt19937_64 random_{GetParam()};
};

TEST_P(TrieModel, FindsWhatASearchOfAllFinds) {
  const IpFamily family = GetParam() % 2 == 0 ? IpFamily::V4 : IpFamily::V6;
  TestHal hal;
  RouteTrie trie(hal);
  Naive naive;
  std::vector<RouteNode*> nodes;
  for (int step = 0; step < 3000; ++step) {
    const uint64_t action = random_() % 10;
    if (action < 4 || nodes.empty()) {
      RouteEntry route;
      route.destination = random_prefix(family);
      route.metric = static_cast<uint32_t>(step);  // unique: which of equals counts is the order of insertion
      RouteNode* node = construct<RouteNode>(hal, route, nullptr);
      ASSERT_TRUE(trie.insert(*node).is_ok());
      nodes.push_back(node);
      naive.routes.push_back(route);
    } else if (action < 6) {
      const size_t victim = random_() % nodes.size();
      trie.take(*nodes[victim]);
      dispose(hal.hal(), nodes[victim]);
      nodes.erase(nodes.begin() + static_cast<ptrdiff_t>(victim));
      naive.routes.erase(naive.routes.begin() + static_cast<ptrdiff_t>(victim));
    } else {
      const IpAddress address = random_address(family);
      const RouteEntry* expected = naive.find(address);
      const RouteTrie::Node* found = trie.find_longest(address);
      ASSERT_EQ(found == nullptr, expected == nullptr) << "seed " << GetParam() << " step " << step;
      if (found != nullptr) {
        ASSERT_EQ(found->routes().front()->value.metric, expected->metric) << "seed " << GetParam() << " step " << step;
      }
    }
    ASSERT_EQ(trie.route_count(), naive.routes.size());
  }
  size_t visited = 0;
  trie.for_each([&](const RouteNode&) { ++visited; });
  EXPECT_EQ(visited, naive.routes.size());
  RouteTrie::RouteList taken;
  trie.take_if(taken, [](const RouteNode& node) { return node.value.metric % 2 == 0; });
  trie.for_each([&](const RouteNode& node) { EXPECT_EQ(node.value.metric % 2, 1u); });
  while (RouteNode* node = taken.take_front()) dispose(hal.hal(), node);
  trie.clear();
  EXPECT_TRUE(trie.is_empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, TrieModel, ::testing::Range(uint64_t{0}, uint64_t{12}));

TEST(RouteTrie, IsAsItWasWhenAnInsertionFails) {
  TestHal hal;
  RouteTrie trie(hal);
  const auto node_for = [&](Ipv4Address address, uint8_t length) {
    RouteEntry route;
    route.destination = {address, length};
    return construct<RouteNode>(hal, route, nullptr);
  };
  ASSERT_TRUE(trie.insert(*node_for(Ipv4Address(10, 0, 0, 0), 24)).is_ok());
  for (size_t n = 0; n < 2; ++n) {
    RouteNode* node = node_for(Ipv4Address(10, 0, 1, 0), 24);
    hal.fail_allocation(n);
    EXPECT_TRUE(trie.insert(*node).is_error(Errno::ENOMEM));
    hal.allow_all_allocations();
    EXPECT_EQ(trie.route_count(), 1u);
    EXPECT_EQ(trie.find_longest(Ipv4Address(10, 0, 1, 1)), nullptr);
    EXPECT_NE(trie.find_longest(Ipv4Address(10, 0, 0, 1)), nullptr);
    ASSERT_TRUE(trie.insert(*node).is_ok());
    EXPECT_NE(trie.find_longest(Ipv4Address(10, 0, 1, 1)), nullptr);
    trie.take(*node);
    dispose(hal.hal(), node);
  }
}

}  // namespace
}  // namespace lxnet::testing
