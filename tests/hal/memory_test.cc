#include "hal/memory.hh"

#include <gtest/gtest.h>

#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::TestHal;

class Shared : public RefCounted<Shared> {
 public:
  Shared(const Hal& hal, int value) : value(value), hal_(hal) {}
  static void destroy(Shared* shared) { dispose(shared->hal_, shared); }
  int value;

 private:
  const Hal& hal_;
};

// TestHal fails a test that leaves a block or frees one with another size.
TEST(Memory, ConstructedObjectIsDisposedWithItsSize) {
  TestHal host;
  uint64_t* number = construct<uint64_t>(host.hal(), 7u);
  EXPECT_EQ(7u, *number);
  EXPECT_EQ(sizeof(uint64_t), host.live_bytes());
  dispose(host.hal(), number);
}

TEST(Memory, ConstructGivesNullWithoutMemory) {
  TestHal host;
  host.fail_allocation(0);
  EXPECT_EQ(nullptr, construct<uint64_t>(host.hal(), 7u));
}

TEST(Memory, SharedObjectIsMadeOrEnomem) {
  TestHal host;
  { EXPECT_EQ(5, make_ref<Shared>(host.hal(), host.hal(), 5).take()->value); }
  host.fail_allocation(0);
  EXPECT_TRUE(make_ref<Shared>(host.hal(), host.hal(), 5).is_error(Errno::ENOMEM));
}

TEST(HeapArray, IsValueInitialised) {
  TestHal host;
  auto array = HeapArray<int>::create(host.hal(), 100).take();
  EXPECT_EQ(100u, array.size());
  for (int value : array) EXPECT_EQ(0, value);
}

TEST(HeapArray, MovesAndSwapsItsMemory) {
  TestHal host;
  auto first = HeapArray<int>::create(host.hal(), 3).take();
  first[2] = 9;
  HeapArray<int> second(std::move(first));
  EXPECT_TRUE(first.is_empty());
  EXPECT_EQ(9, second[2]);
  HeapArray<int> third;
  third = std::move(second);
  EXPECT_EQ(9, third[2]);
}

TEST(HeapArray, OfNothingIsStillAnArray) {
  TestHal host;
  auto array = HeapArray<int>::create(host.hal(), 0);
  ASSERT_TRUE(array.is_ok());
  EXPECT_TRUE(array.take().is_empty());
}

TEST(HeapArray, SaysEnomemInsteadOfWrapping) {
  TestHal host;
  EXPECT_TRUE(HeapArray<uint64_t>::create(host.hal(), SIZE_MAX / 4).is_error(Errno::ENOMEM));
  host.fail_allocation(0);
  EXPECT_TRUE(HeapArray<uint64_t>::create(host.hal(), 4).is_error(Errno::ENOMEM));
}

TEST(HeapArray, DestroysItsElements) {
  TestHal host;
  auto refs = HeapArray<Ref<Shared>>::create(host.hal(), 4).take();
  refs[1] = make_ref<Shared>(host.hal(), host.hal(), 1).take();
}

}  // namespace
}  // namespace lxnet
