// Which free ports are chosen.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

#include "tests/support/fake_socket.hh"
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
    claim.local = endpoint("127.0.0.1", 0);
    return claim;
  }
  // The port, or -errno.
  int bind(uint8_t protocol) {
    PortClaim& claim = new_claim(protocol);
    Entry entry(*stack.stack);
    const auto result = hooks().claim(hooks().table, entry, claim);
    return result.is_ok() ? claim.local.port : -static_cast<int>(result.error());
  }
  int connect(const Endpoint& remote) {
    PortClaim& claim = new_claim(6);
    Entry entry(*stack.stack);
    const auto result = hooks().claim_for_connect(hooks().table, entry, claim, remote);
    if (!result.is_ok()) return -static_cast<int>(result.error());
    return claim.local.port;
  }

  TestStack stack;
  Ref<FakeSocket> socket;
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
    // As TCP does when it sends the SYN.
    flows.push_back(std::make_unique<DemuxEntry>());
    DemuxEntry& flow = *flows.back();
    flow.socket = socket.get();
    flow.space = DemuxSpace::Tcp;
    flow.local = flow.remote = endpoint("127.0.0.1", 0).address;
    flow.local_port = static_cast<uint16_t>(port);
    flow.remote_port = 80;
    EXPECT_TRUE(stack.stack->sockets().add_flow(flow, FlowSharing::Unique).is_ok());
  }
  // The same ports serve another peer.
  EXPECT_EQ(connect(endpoint("127.0.0.1", 81)) % 2, 0);
  // Towards the first one the odd ports are left.
  EXPECT_EQ(connect(endpoint("127.0.0.1", 80)) % 2, 1);
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
  socket->ip_options.local_port_low = 40003;
  socket->ip_options.local_port_high = 40004;
  EXPECT_EQ(bind(17) + bind(17), 40003 + 40004);
  EXPECT_EQ(bind(17), minus(Errno::EADDRINUSE));
  // A bound outside of the system's range is not obeyed.
  socket->ip_options.local_port_low = 1000;
  socket->ip_options.local_port_high = 40000;
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
