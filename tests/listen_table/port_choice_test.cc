// Which free ports are chosen.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

#include "tests/support/fake_socket.hh"
#include "tests/support/own_options.hh"
#include "tests/support/test_stack.hh"

namespace lxnet {
namespace {

using namespace lxnet::testing;

class PortChoiceTest : public ::testing::Test {
 protected:
  PortChoiceTest() : socket(FakeSocket::create(*stack.stack, IpFamily::V4)) { set_range(40000, 40009); }
  ~PortChoiceTest() override {
    for (auto& claim : claims) hooks().release(hooks().table, *claim);
  }
  void set_range(int low, int high) {
    stack.stack->tunables().values().ip_local_port_low = low;
    stack.stack->tunables().values().ip_local_port_high = high;
  }
  PortHooks& hooks() { return stack.stack->ports(); }
  PortClaim& new_claim(uint8_t protocol) {
    claims.push_back(std::make_unique<PortClaim>());
    PortClaim& claim = *claims.back();
    claim.owner = socket.get();
    claim.protocol = protocol;
    claim.address = &address;
    return claim;
  }
  // The port, or -errno.
  int bind(uint8_t protocol) {
    PortClaim& claim = new_claim(protocol);
    Entry entry(*stack.stack);
    const auto result = hooks().claim(hooks().table, entry, claim);
    return result.is_ok() ? claim.port : -static_cast<int>(result.error());
  }
  int connect(const Endpoint& remote) {
    PortClaim& claim = new_claim(6);
    Entry entry(*stack.stack);
    const auto result = hooks().claim_for_connect(hooks().table, entry, claim, remote);
    if (!result.is_ok()) return -static_cast<int>(result.error());
    return claim.port;
  }

  // As TCP does when it sends the SYN.
  void add_flow(int port, uint16_t remote_port) {
    flows.push_back(std::make_unique<DemuxEntry>());
    DemuxEntry& flow = *flows.back();
    flow.socket = socket.get();
    flow.space = DemuxSpace::Tcp;
    flow.local = flow.remote = endpoint("127.0.0.1", 0).address;
    flow.local_port = static_cast<uint16_t>(port);
    flow.remote_port = remote_port;
    EXPECT_TRUE(stack.stack->sockets().add_flow(flow, FlowSharing::Unique).is_ok());
  }

  TestStack stack;
  Ref<FakeSocket> socket;
  IpAddress address = endpoint("127.0.0.1", 0).address;
  std::vector<std::unique_ptr<PortClaim>> claims;
  std::vector<std::unique_ptr<DemuxEntry>> flows;
};

TEST_F(PortChoiceTest, EveryPortOfTheRangeIsFoundOnceAndThenNone) {
  for (const uint8_t protocol : {uint8_t{6}, uint8_t{17}}) {
    std::set<int> seen;
    for (int i = 0; i < 10; ++i) {
      const int port = bind(protocol);
      EXPECT_GE(port, 40000);
      EXPECT_LE(port, 40009);
      EXPECT_TRUE(seen.insert(port).second) << port;
    }
    EXPECT_EQ(bind(protocol), minus(Errno::EADDRINUSE));
  }
}

TEST_F(PortChoiceTest, BindTakesTheOddPortsFirstAndConnectTheEven) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(bind(6) % 2, 1);
  EXPECT_EQ(bind(6) % 2, 0);
  set_range(41000, 41009);
  for (int i = 0; i < 5; ++i) {
    const int port = connect(endpoint("127.0.0.1", 80));
    EXPECT_EQ(port % 2, 0);
    add_flow(port, 80);
  }
  // The same ports serve another peer.
  EXPECT_EQ(connect(endpoint("127.0.0.1", 81)) % 2, 0);
  // Towards the first one the odd ports are left.
  EXPECT_EQ(connect(endpoint("127.0.0.1", 80)) % 2, 1);
  for (auto& flow : flows) stack.stack->sockets().remove(*flow);
}

TEST_F(PortChoiceTest, ConnectFindsEveryPortOfALargeRangeAndThenNone) {
  set_range(40001, 41000);
  const Endpoint remote = endpoint("127.0.0.1", 80);
  std::set<int> seen;
  for (int i = 0; i < 1000; ++i) {
    const int port = connect(remote);
    ASSERT_GE(port, 40001);
    ASSERT_LE(port, 41000);
    // As the range begins with an odd one, those come first.
    ASSERT_EQ(port % 2, i < 500 ? 1 : 0) << i;
    ASSERT_TRUE(seen.insert(port).second) << port;
    add_flow(port, 80);
  }
  EXPECT_EQ(connect(remote), minus(Errno::EADDRNOTAVAIL));
  // One comes free, wherever it is.
  for (const size_t place : {size_t{0}, size_t{499}, size_t{999}}) {
    stack.stack->sockets().remove(*flows[place]);
    hooks().release(hooks().table, *claims[place]);
    EXPECT_EQ(connect(remote), flows[place]->local_port);
    EXPECT_TRUE(stack.stack->sockets().add_flow(*flows[place], FlowSharing::Unique).is_ok());
  }
  // All of them serve another peer.
  EXPECT_GT(connect(endpoint("127.0.0.1", 81)), 0);
  for (auto& flow : flows) stack.stack->sockets().remove(*flow);
}

TEST_F(PortChoiceTest, ConnectLeavesPortsAloneThatABindHolds) {
  set_range(42000, 42001);
  const int bound = bind(6);
  const int connected = connect(endpoint("127.0.0.1", 80));
  EXPECT_NE(connected, bound);
  EXPECT_GT(connected, 0);
}

TEST_F(PortChoiceTest, OwnRangeOfASocketCountsInsideTheSystems) {
  own(*socket, socket->ip_options).local_port_low = 40003;
  own(*socket, socket->ip_options).local_port_high = 40004;
  EXPECT_EQ(bind(17) + bind(17), 40003 + 40004);
  EXPECT_EQ(bind(17), minus(Errno::EADDRINUSE));
  // A bound outside of the system's range is not obeyed.
  own(*socket, socket->ip_options).local_port_low = 1000;
  own(*socket, socket->ip_options).local_port_high = 40000;
  EXPECT_EQ(bind(17), 40000);
}

TEST_F(PortChoiceTest, FailingAllocationLeavesThePortFree) {
  for_each_failing_allocation(stack.hal, [&] {
    const int port = bind(6);
    EXPECT_TRUE(port > 0 || port == minus(Errno::ENOMEM));
    hooks().release(hooks().table, *claims.back());
  });
}

}  // namespace
}  // namespace lxnet
