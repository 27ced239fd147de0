// The functions that only compilers call: declared here, because no header does.
#include <gtest/gtest.h>

#include <cstdint>

extern "C" {
int __clzdi2(uint64_t value);
int __ctzdi2(uint64_t value);
int __popcountdi2(uint64_t value);
}

namespace lxnet {
namespace {

TEST(Runtime, CountsZerosOnBothSidesOfEveryBit) {
  for (int bit = 0; bit < 64; ++bit) {
    const uint64_t only = uint64_t{1} << bit;
    EXPECT_EQ(63 - bit, __clzdi2(only));
    EXPECT_EQ(63 - bit, __clzdi2(only | (only - 1)));
    EXPECT_EQ(bit, __ctzdi2(only));
    EXPECT_EQ(bit, __ctzdi2(~(only - 1)));
  }
}

TEST(Runtime, CountsSetBits) {
  EXPECT_EQ(0, __popcountdi2(0));
  for (int bit = 0; bit < 64; ++bit) {
    const uint64_t only = uint64_t{1} << bit;
    EXPECT_EQ(1, __popcountdi2(only));
    EXPECT_EQ(bit, __popcountdi2(only - 1));
    EXPECT_EQ(63, __popcountdi2(~only));
  }
}

}  // namespace
}  // namespace lxnet
