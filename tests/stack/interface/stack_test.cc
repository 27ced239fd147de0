// A stack's life, also where memory ends.
#include <gmock/gmock.h>

#include "stack/stack.hh"
#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using testing::TestHal;

lxnet_config config_with(uint32_t flags) {
  lxnet_config config{};
  config.struct_size = sizeof config;
  config.flags = flags;
  return config;
}

TEST(Stack, ComesWithLoThatIsUpAndHasLinuxsAddresses) {
  TestHal hal;
  Stack* stack = Stack::create(hal.table(), config_with(0), nullptr).take();
  Ref<Interface> lo = stack->interfaces().find("lo");
  ASSERT_TRUE(lo);
  EXPECT_EQ(lo->index(), 1u);
  EXPECT_EQ(lo->mtu(), 65536u);
  EXPECT_EQ(lo->flags(), kInterfaceUp | kInterfaceLoopback | kInterfaceRunning | kInterfaceLowerUp);
  EXPECT_TRUE(stack->interfaces().is_local_address(Ipv4Address(127, 0, 0, 1)));
  EXPECT_TRUE(stack->interfaces().is_local_address(Ipv4Address(127, 9, 9, 9)));
  EXPECT_TRUE(stack->interfaces().is_local_address(Ipv6Address::loopback()));
  EXPECT_FALSE(stack->interfaces().is_local_address(Ipv4Address(10, 0, 0, 1)));
  lo = nullptr;
  Stack::destroy(stack);
}

TEST(Stack, LeavesLoDownAndBareWhenAskedTo) {
  TestHal hal;
  Stack* stack = Stack::create(hal.table(), config_with(LXNET_CONFIG_LOOPBACK_DOWN), nullptr).take();
  EXPECT_FALSE(stack->interfaces().find("lo")->is_up());
  EXPECT_FALSE(stack->interfaces().is_local_address(Ipv4Address::loopback()));
  Stack::destroy(stack);
}

TEST(Stack, SaysWhichFunctionOfTheHalIsMissing) {
  TestHal hal;
  hal.table().park = nullptr;
  const char* message = nullptr;
  EXPECT_TRUE(Stack::create(hal.table(), config_with(0), &message).is_error(Errno::EINVAL));
  EXPECT_THAT(message, ::testing::HasSubstr("park"));
}

TEST(Stack, RefusesAConfigurationOfAnotherSize) {
  TestHal hal;
  lxnet_config config = config_with(0);
  config.struct_size = 3;
  const char* message = nullptr;
  EXPECT_TRUE(Stack::create(hal.table(), config, &message).is_error(Errno::EINVAL));
  EXPECT_THAT(message, ::testing::HasSubstr("struct_size"));
}

TEST(Stack, KeepsNothingWhenAnyAllocationOfItsCreationFails) {
  TestHal hal;
  size_t successes = 0;
  for_each_failing_allocation(hal, [&] {
    const char* message = nullptr;
    Result<Stack*> created = Stack::create(hal.table(), config_with(0), &message);
    hal.allow_all_allocations();
    if (created.is_ok()) {
      // What failed was not needed: nothing may be missing.
      ++successes;
      Stack* stack = created.take();
      {
        Entry entry(*stack);
        EXPECT_TRUE(stack->routes().lookup(entry, {.destination = Ipv4Address(127, 1, 2, 3)}).is_ok());
        EXPECT_TRUE(stack->routes().lookup(entry, {.destination = Ipv6Address::loopback()}).is_ok());
      }
      Stack::destroy(stack);
    } else {
      EXPECT_EQ(created.error(), Errno::ENOMEM);
      EXPECT_NE(message, nullptr);
    }
    EXPECT_EQ(hal.live_blocks(), 0u);
  });
  EXPECT_GE(successes, 1u);
}

}  // namespace
}  // namespace lxnet
