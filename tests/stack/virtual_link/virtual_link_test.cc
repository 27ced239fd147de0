// Links across stacks: made whole or not at all, moved, and gone together.
#include "stack/virtual_link.hh"

#include <gmock/gmock.h>

#include "stack/stack.hh"
#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::for_each_failing_allocation;
using ::lxnet::testing::TestHal;
using ::testing::ElementsAre;

class VirtualLinkTest : public ::testing::Test {
 protected:
  VirtualLinkTest() : here_(create()), there_(create()) {}
  ~VirtualLinkTest() override {
    for (Stack* stack : {here_, there_}) {
      if (stack != nullptr) Stack::destroy(stack);
    }
  }
  Stack* create() {
    lxnet_config config{};
    config.struct_size = sizeof config;
    return Stack::create(hal_.table(), config, nullptr).take();
  }
  Result<Ref<Interface>> add_pair(const char* name, const char* peer, Errno setup_error = Errno{}) {
    Entry entry(*here_);
    const LinkSetup setup{.run = [](void* context, Entry&, Interface&) -> Result<> {
                            const Errno error = *static_cast<Errno*>(context);
                            return error == Errno{} ? ok() : Result<>(error);
                          },
                          .context = &setup_error};
    return add_veth_pair(entry, {.stack = *here_, .name = name, .address = random_mac(hal_)},
                         {.stack = *there_, .name = peer, .address = random_mac(hal_)}, setup);
  }
  static std::vector<std::string> names(Stack& stack) {
    std::vector<std::string> all;
    for (Ref<Interface> one = stack.interfaces().find_next(0); one; one = stack.interfaces().find_next(one->index())) {
      all.push_back(one->name());
    }
    return all;
  }
  static void set_up(Stack& stack, const char* name) {
    Entry entry(stack);
    EXPECT_TRUE(stack.interfaces().set_state(entry, *stack.interfaces().find(name), LinkState::Up).is_ok());
  }
  // Timers that are due, of both stacks in turn, until none is.
  void settle() {
    for (int round = 0; round < 20; ++round) {
      for (Stack* stack : {here_, there_}) {
        Entry entry(*stack);
        stack->timers().expire(entry, hal_.now());
      }
    }
  }

  TestHal hal_;
  Stack* here_;
  Stack* there_;
};

TEST_F(VirtualLinkTest, EndsKnowEachOtherAndGoTogether) {
  ASSERT_TRUE(add_pair("left", "right").is_ok());
  const Ref<Interface> left = here_->interfaces().find("left"), right = there_->interfaces().find("right");
  EXPECT_EQ(peer_of(*left).get(), right.get());
  EXPECT_EQ(peer_of(*right).get(), left.get());
  set_up(*here_, "left");
  set_up(*there_, "right");
  settle();
  EXPECT_TRUE(left->is_running() && right->is_running());
  Entry entry(*there_);
  remove_link(entry, *right);
  EXPECT_THAT(names(*here_), ElementsAre("lo"));
  EXPECT_THAT(names(*there_), ElementsAre("lo"));
  EXPECT_EQ(peer_of(*left).get(), nullptr);
}

TEST_F(VirtualLinkTest, AStackThatIsDestroyedTakesTheOtherEndsAlong) {
  ASSERT_TRUE(add_pair("left", "right").is_ok());
  set_up(*here_, "left");
  set_up(*there_, "right");
  Stack::destroy(std::exchange(there_, nullptr));
  EXPECT_THAT(names(*here_), ElementsAre("lo"));
}

TEST_F(VirtualLinkTest, WhatCannotBeMadeWholeIsNotMade) {
  EXPECT_TRUE(add_pair("lo", "right").is_error(Errno::EEXIST));
  EXPECT_TRUE(add_pair("left", "lo").is_error(Errno::EEXIST));
  EXPECT_TRUE(add_pair("left", "right", Errno::ENOTCONN).is_error(Errno::ENOTCONN));
  EXPECT_THAT(names(*here_), ElementsAre("lo"));
  EXPECT_THAT(names(*there_), ElementsAre("lo"));
  for_each_failing_allocation(hal_, [&] {
    const bool is_made = add_pair("left", "right").is_ok();
    EXPECT_EQ(names(*here_).size(), is_made ? 2u : 1u);
    EXPECT_EQ(names(*there_).size(), is_made ? 2u : 1u);
    if (!is_made) return;
    Entry entry(*here_);
    remove_link(entry, *here_->interfaces().find("left"));
  });
}

TEST_F(VirtualLinkTest, AMoveThatFailsLeavesEverythingWhereItWas) {
  ASSERT_TRUE(add_pair("left", "right").is_ok());
  const auto move = [&](const char* name, uint32_t index) {
    Entry entry(*here_);
    return InterfaceRegistry::move(entry, *here_->interfaces().find("left"), *there_, name, index);
  };
  EXPECT_TRUE(move(nullptr, 1).is_error(Errno::EBUSY)) << "lo's index";
  for_each_failing_allocation(hal_, [&] {
    const bool is_moved = move(nullptr, 0).is_ok();
    if (!is_moved) {
      EXPECT_THAT(names(*here_), ElementsAre("lo", "left"));
      EXPECT_THAT(names(*there_), ElementsAre("lo", "right"));
      return;
    }
    EXPECT_THAT(names(*here_), ElementsAre("lo"));
    EXPECT_THAT(names(*there_), ElementsAre("lo", "right", "left"));
    hal_.allow_all_allocations();
    Entry entry(*there_);
    ASSERT_TRUE(InterfaceRegistry::move(entry, *there_->interfaces().find("left"), *here_, nullptr, 0).is_ok());
  });
  Entry entry(*here_);
  EXPECT_TRUE(InterfaceRegistry::move(entry, here_->interfaces().loopback(), *there_, nullptr, 0).is_error(Errno::EINVAL));
}

TEST_F(VirtualLinkTest, AnIndexIsFoundAgainAndListsStayInTheirOrder) {
  Entry entry(*here_);
  ASSERT_TRUE(add_dummy(entry, {.stack = *here_, .name = "late", .index = 9, .address = random_mac(hal_)}).is_ok());
  ASSERT_TRUE(add_dummy(entry, {.stack = *here_, .name = "d%d", .address = random_mac(hal_)}).is_ok());
  EXPECT_TRUE(add_dummy(entry, {.stack = *here_, .name = "x", .index = 9, .address = random_mac(hal_)}).is_error(Errno::EBUSY));
  EXPECT_THAT(names(*here_), ElementsAre("lo", "d0", "late"));
  EXPECT_EQ(here_->interfaces().find("d0")->index(), 2u);
}

}  // namespace
}  // namespace lxnet
