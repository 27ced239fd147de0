// Random sequences of binds, listens, connects, closes and option changes, made twice: with real sockets in a namespace of the
// host kernel and with the ListenTable. Every verdict must be the same.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "tests/listen_table/bind_plan.hh"
#include "tests/listen_table/host_namespace.hh"
#include "tests/support/own_options.hh"
#include "tests/support/wire_stack.hh"

namespace lxnet {
namespace {

using namespace lxnet::testing;

constexpr const char* kAddresses4[] = {"0.0.0.0", "127.0.0.1", "127.0.0.2"};
constexpr const char* kAddresses6[] = {"::", "::1", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "::ffff:127.0.0.2"};

struct Pair {
  BindPlan plan;
  std::unique_ptr<HostSocket> host;
  std::unique_ptr<OurSocket> ours;
  bool is_bound = false;
  bool is_listening = false;
};

class BindAgainstHostTest : public ::testing::Test {
 protected:
  static HostNamespace& host() {
    static HostNamespace* entered = [] {
      auto* made = new HostNamespace;
      made->enter();
      return made;
    }();
    return *entered;
  }

  BindPlan random_plan(std::mt19937& random, bool is_tcp) {
    const auto coin = [&](unsigned one_in) { return random() % one_in == 0; };
    BindPlan plan;
    plan.is_tcp = is_tcp;
    plan.family = coin(2) ? IpFamily::V4 : IpFamily::V6;
    plan.reuse_address = coin(2);
    plan.reuse_port = coin(2);
    plan.user = host().can_change_user() && coin(4) ? 1000 : 0;
    plan.port = static_cast<uint16_t>(5000 + random() % 3);
    if (coin(3)) plan.interface = host().second_interface().empty() || coin(2) ? 1 : 2;
    if (plan.family == IpFamily::V4) {
      plan.address = kAddresses4[random() % std::size(kAddresses4)];
      return plan;
    }
    plan.address = kAddresses6[random() % std::size(kAddresses6)];
    if (plan.address.find("ffff") == std::string::npos) plan.v6_only = coin(3);
    // An address must be on the interface.
    if (plan.interface == 2 && plan.address == "::1") plan.interface = 1;
    return plan;
  }

  // One call on both sides.
  void act(Pair& pair, unsigned action, const std::string& history) {
    BindPlan& plan = pair.plan;
    if (action == 0) {
      plan.reuse_address = !plan.reuse_address;
      pair.host->set_reuse_address(plan.reuse_address);
      own(pair.ours->socket(), pair.ours->socket().options).reuse_address = plan.reuse_address;
    } else if (action == 1) {
      plan.reuse_port = !plan.reuse_port;
      pair.host->set_reuse_port(plan.reuse_port);
      own(pair.ours->socket(), pair.ours->socket().options).reuse_port = plan.reuse_port;
    } else if (plan.is_tcp) {
      if (!pair.is_bound || pair.is_listening) return;
      const int expected = pair.host->listen();
      EXPECT_EQ(pair.ours->listen(), expected) << history;
      pair.is_listening = expected == 0;
    } else if (action == 4) {
      EXPECT_EQ(pair.ours->disconnect(), pair.host->disconnect()) << history;
    } else if (plan.interface != 2) {
      const std::string peer = action == 2 ? plan.own_loopback() : plan.v4_loopback();
      EXPECT_EQ(pair.ours->connect(peer), pair.host->connect(peer)) << history;
    }
  }

  void run_sequence(unsigned seed, bool is_tcp) {
    std::mt19937 random(seed);
    WireDevice second(WireStack::kMac);
    TestStack stack;
    {
      Entry entry(*stack.stack);
      ASSERT_TRUE(stack.stack->interfaces().add(entry, second, "second").is_ok());
    }
    std::vector<Pair> pairs;
    std::string history = "seed " + std::to_string(seed) + "\n";
    for (int i = 0; i < 25 && !HasFailure(); ++i) {
      const unsigned kind = static_cast<unsigned>(random() % 8);
      if (kind < 4 || pairs.empty()) {
        Pair pair;
        pair.plan = random_plan(random, is_tcp);
        pair.host = std::make_unique<HostSocket>(pair.plan, host().second_interface());
        pair.ours = std::make_unique<OurSocket>(stack, pair.plan);
        const int expected = pair.host->bind();
        history += std::to_string(pairs.size()) + ": " + pair.plan.text() + " -> " + std::to_string(expected) + "\n";
        EXPECT_EQ(pair.ours->bind(), expected) << history;
        pair.is_bound = expected == 0;
        ++verdicts_;
        pairs.push_back(std::move(pair));
        continue;
      }
      const size_t which = random() % pairs.size();
      if (kind == 4) {
        history += "close " + std::to_string(which) + "\n";
        pairs.erase(pairs.begin() + static_cast<long>(which));
        continue;
      }
      const auto action = static_cast<unsigned>(random() % 5);
      history += "action " + std::to_string(action) + " on " + std::to_string(which) + ": " + pairs[which].plan.text() + "\n";
      act(pairs[which], action, history);
    }
  }

  unsigned verdicts_ = 0;
};

TEST_F(BindAgainstHostTest, TcpVerdictsAreTheKernels) {
  if (!host().why().empty()) GTEST_SKIP() << host().why();
  for (unsigned seed = 1; seed <= 1500 && !HasFailure(); ++seed) run_sequence(seed, true);
  EXPECT_GT(verdicts_, 10000u);
}

TEST_F(BindAgainstHostTest, UdpVerdictsAreTheKernels) {
  if (!host().why().empty()) GTEST_SKIP() << host().why();
  for (unsigned seed = 1; seed <= 1500 && !HasFailure(); ++seed) run_sequence(seed, false);
  EXPECT_GT(verdicts_, 10000u);
}

}  // namespace
}  // namespace lxnet
