// Options that most sockets do not set: who shares them, and who has their own.
#include "stack/option_set.hh"

#include <gtest/gtest.h>

#include "stack/socket_options.hh"
#include "stack/tcp/socket_options.hh"
#include "tests/support/test_hal.hh"

namespace lxnet::testing {
namespace {

static_assert(sizeof(OptionSet<SocketOptions>) == sizeof(void*));

struct Values {
  bool flag = false;
  uint32_t number = 7;
  bool operator==(const Values&) const = default;
};
constexpr OptionRecord kDefaults{Values{}};
constexpr OptionRecord kOthers{Values{.flag = true}};

class OptionSetTest : public ::testing::Test {
 protected:
  TestHal hal_;
};

TEST_F(OptionSetTest, CostsNothingUntilOneIsSet) {
  OptionSet<Values> options(kDefaults), others(kDefaults);
  EXPECT_EQ(options->number, 7u);
  EXPECT_EQ(options.own(), nullptr);
  EXPECT_TRUE(options.set(hal_, &Values::number, 7).is_ok());
  EXPECT_EQ(hal_.live_blocks(), 0u);
  EXPECT_TRUE(options.shares_with(others));
  EXPECT_TRUE(options.set(hal_, &Values::number, 8).is_ok());
  EXPECT_EQ(hal_.live_blocks(), 1u);
  EXPECT_EQ(options->number, 8u);
  EXPECT_EQ(options.own()->number, 8u);
  EXPECT_EQ(others->number, 7u);
}

TEST_F(OptionSetTest, HasItsKindsDefaults) {
  OptionSet<Values> options(kDefaults);
  options.begin_with(kOthers);
  EXPECT_TRUE(options->flag);
  EXPECT_EQ(hal_.live_blocks(), 0u);
}

TEST_F(OptionSetTest, IsChangedWhereItStands) {
  OptionSet<Values> options(kDefaults);
  Values* own = options.change(hal_).take();
  EXPECT_EQ(options.change(hal_).take(), own);
  own->flag = true;
  EXPECT_TRUE(options->flag);
  EXPECT_TRUE(options->*&Values::flag);
}

TEST_F(OptionSetTest, StaysAsItWasWithoutMemory) {
  OptionSet<Values> options(kDefaults);
  hal_.fail_allocation(0);
  EXPECT_TRUE(options.set(hal_, &Values::number, 8).is_error(Errno::ENOMEM));
  EXPECT_EQ(options->number, 7u);
  hal_.allow_all_allocations();
  EXPECT_TRUE(options.set(hal_, &Values::number, 8).is_ok());
  OptionSet<Values> child(kDefaults);
  hal_.fail_allocation(0);
  EXPECT_TRUE(child.inherit(hal_, options).is_error(Errno::ENOMEM));
  EXPECT_EQ(child->number, 7u);
}

TEST_F(OptionSetTest, IsSharedByThoseWhoAreAccepted) {
  OptionSet<Values> listener(kDefaults), first(kDefaults), second(kDefaults), third(kDefaults), fourth(kDefaults);
  ASSERT_TRUE(first.inherit(hal_, listener).is_ok());
  EXPECT_TRUE(first.shares_with(listener)) << "defaults";
  ASSERT_TRUE(listener.set(hal_, &Values::number, 8).is_ok());
  ASSERT_TRUE(second.inherit(hal_, listener).is_ok());
  ASSERT_TRUE(third.inherit(hal_, listener).is_ok());
  EXPECT_EQ(hal_.live_blocks(), 2u) << "the listener's, and one copy for all";
  EXPECT_TRUE(second.shares_with(third));
  EXPECT_FALSE(second.shares_with(listener));
  EXPECT_EQ(first->number, 7u);
  EXPECT_EQ(second->number, 8u);
  // What the listener sets later is for those who come later.
  ASSERT_TRUE(listener.set(hal_, &Values::number, 9).is_ok());
  ASSERT_TRUE(fourth.inherit(hal_, listener).is_ok());
  EXPECT_EQ(third->number, 8u);
  EXPECT_EQ(fourth->number, 9u);
}

TEST_F(OptionSetTest, IsNoMoreSharedByWhoChangesIt) {
  OptionSet<Values> listener(kDefaults), sibling(kDefaults), grandchild(kDefaults);
  ASSERT_TRUE(listener.set(hal_, &Values::number, 8).is_ok());
  {
    OptionSet<Values> child(kDefaults);
    ASSERT_TRUE(child.inherit(hal_, listener).is_ok());
    ASSERT_TRUE(sibling.inherit(hal_, listener).is_ok());
    const Values& found = *child;
    ASSERT_TRUE(child.set(hal_, &Values::flag, true).is_ok());
    EXPECT_TRUE(child->flag);
    EXPECT_EQ(child->number, 8u);
    EXPECT_FALSE(found.flag) << "who looked before may be looking yet";
    ASSERT_TRUE(grandchild.inherit(hal_, child).is_ok());
  }
  EXPECT_FALSE(listener->flag);
  EXPECT_FALSE(sibling->flag);
  EXPECT_TRUE(grandchild->flag);
}

TEST_F(OptionSetTest, OutlivesWhoItWasInheritedFrom) {
  OptionSet<Values> child(kDefaults);
  {
    OptionSet<Values> listener(kDefaults);
    ASSERT_TRUE(listener.set(hal_, &Values::number, 8).is_ok());
    ASSERT_TRUE(child.inherit(hal_, listener).is_ok());
  }
  EXPECT_EQ(child->number, 8u);
  EXPECT_EQ(hal_.live_blocks(), 1u);
}

TEST_F(OptionSetTest, GivesUpWhatItHadForWhatItInherits) {
  OptionSet<Values> child(kDefaults), listener(kOthers);
  ASSERT_TRUE(child.set(hal_, &Values::number, 8).is_ok());
  ASSERT_TRUE(child.inherit(hal_, listener).is_ok());
  EXPECT_TRUE(child.shares_with(listener));
  EXPECT_EQ(hal_.live_blocks(), 0u);
}

TEST_F(OptionSetTest, HoldsWhatTheStackChangesBesideIt) {
  SocketOptionSet listener, child;
  listener.receive_buffer = 4000;
  listener.receive_buffer_locked = true;
  listener.bound_interface = 3;
  ASSERT_TRUE(child.inherit(hal_, listener).is_ok());
  EXPECT_EQ(child.receive_buffer, 4000u);
  EXPECT_TRUE(child.receive_buffer_locked);
  EXPECT_EQ(child.bound_interface, 3u);
  EXPECT_EQ(hal_.live_blocks(), 0u);
}

}  // namespace
}  // namespace lxnet::testing
