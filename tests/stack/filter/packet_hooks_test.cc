// The lists of hooks: order, joining, leaving, and who ends a packet's way.
#include <string>

#include "stack/filter/packet_hooks.hh"
#include "tests/stack/filter/filter_bench.hh"

namespace lxnet::testing {
namespace {

std::string* trail = nullptr;

struct Marker : PacketHook {
  Marker(char name, int32_t order, FilterVerdict verdict = FilterVerdict::Accept) : name(name), verdict(verdict) {
    hook = FilterHook::LocalIn;
    priority = order;
    run = [](PacketHook& self, FilterPacket&) {
      auto& marker = static_cast<Marker&>(self);
      *trail += marker.name;
      return marker.verdict;
    };
  }
  char name;
  FilterVerdict verdict;
};

class PacketHooksTest : public ::testing::Test {
 protected:
  PacketHooksTest() { trail = &passed; }

  FilterVerdict pass(FilterHook hook = FilterHook::LocalIn, IpFamily family = IpFamily::V4) {
    passed.clear();
    Entry entry(*bench.stack);
    Ref<Packet> packet = Packet::create(bench.stack->pool()).take();
    const MutableByteSpan header = packet->append(40);
    memset(header.data(), 0, header.size());
    header[0] = 0x45;
    FilterPacket seen(entry, *packet, family, hook, nullptr, nullptr);
    return hooks.pass(seen);
  }
  bool is_active(FilterHook hook, IpFamily family = IpFamily::V4) { return hooks.is_active(family, hook_bit(hook)); }

  TestStack bench;
  PacketHooks& hooks = bench.stack->hooks();
  std::string passed;
};

TEST_F(PacketHooksTest, PacketsPassInOrderOfPriority) {
  Marker middle('m', 0), last('l', INT32_MAX), first('f', INT32_MIN), nat('n', hook_priority::kDestinationNat);
  for (Marker* each : {&middle, &last, &first, &nat}) hooks.add(*each);
  EXPECT_EQ(pass(), FilterVerdict::Accept);
  EXPECT_EQ(passed, "fnml");
  for (Marker* each : {&middle, &last, &first, &nat}) hooks.remove(*each);
}

TEST_F(PacketHooksTest, OfTwoWithOnePriorityTheLaterComesFirst) {
  Marker one('1', 7), two('2', 7), three('3', 7), lower('0', 6);
  for (Marker* each : {&one, &two, &lower, &three}) hooks.add(*each);
  pass();
  EXPECT_EQ(passed, "0321");
  for (Marker* each : {&one, &two, &lower, &three}) hooks.remove(*each);
}

TEST_F(PacketHooksTest, WhatOneRefusesTheOthersDoNotSee) {
  Marker before('b', 1), refuses('r', 2, FilterVerdict::Drop), after('a', 3);
  for (Marker* each : {&before, &refuses, &after}) hooks.add(*each);
  EXPECT_EQ(pass(), FilterVerdict::Drop);
  EXPECT_EQ(passed, "br");
  refuses.verdict = FilterVerdict::Queue;
  EXPECT_EQ(pass(), FilterVerdict::Queue);
  hooks.remove(refuses);
  EXPECT_EQ(pass(), FilterVerdict::Accept);
  EXPECT_EQ(passed, "ba");
  for (Marker* each : {&before, &after}) hooks.remove(*each);
}

TEST_F(PacketHooksTest, AHookIsActiveWhileItHasMembers) {
  EXPECT_FALSE(is_active(FilterHook::LocalIn));
  Marker one('1', 0), two('2', 1);
  hooks.add(one);
  hooks.add(two);
  EXPECT_TRUE(is_active(FilterHook::LocalIn));
  EXPECT_FALSE(is_active(FilterHook::Forward));
  EXPECT_FALSE(is_active(FilterHook::LocalIn, IpFamily::V6));
  hooks.remove(one);
  EXPECT_TRUE(is_active(FilterHook::LocalIn));
  hooks.remove(two);
  EXPECT_FALSE(is_active(FilterHook::LocalIn));
}

TEST_F(PacketHooksTest, ListsAreOfOneFamilyAndOneHook) {
  Marker v4('4', 0), v6('6', 0), forward('f', 0);
  v6.family = IpFamily::V6;
  forward.hook = FilterHook::Forward;
  for (Marker* each : {&v4, &v6, &forward}) hooks.add(*each);
  pass();
  EXPECT_EQ(passed, "4");
  pass(FilterHook::LocalIn, IpFamily::V6);
  EXPECT_EQ(passed, "6");
  pass(FilterHook::Forward);
  EXPECT_EQ(passed, "f");
  for (Marker* each : {&v4, &v6, &forward}) hooks.remove(*each);
}

}  // namespace
}  // namespace lxnet::testing
