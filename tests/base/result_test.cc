#include "base/result.hh"

#include <gtest/gtest.h>

#include <memory>

#include "base/ref.hh"

namespace lxnet {
namespace {

Result<int> half_of(int number) {
  if (number % 2 != 0) return Errno::EINVAL;
  return number / 2;
}
Result<int> quarter_of(int number) { return TRY(half_of(TRY(half_of(number)))); }
Result<> check_even(int number) {
  TRY(half_of(number));
  return ok();
}

TEST(Result, HoldsAValueOrAnError) {
  auto value = half_of(6);
  ASSERT_TRUE(value.is_ok());
  EXPECT_EQ(3, value.take());
  const auto error = half_of(7);
  EXPECT_FALSE(error.is_ok());
  EXPECT_EQ(Errno::EINVAL, error.error());
  EXPECT_TRUE(error.is_error(Errno::EINVAL));
  EXPECT_FALSE(error.is_error(Errno::EPERM));
}

TEST(Result, TryGivesTheValueOrReturnsTheError) {
  EXPECT_EQ(2, quarter_of(8).take());
  EXPECT_EQ(Errno::EINVAL, quarter_of(6).error());
  EXPECT_TRUE(check_even(2).is_ok());
  EXPECT_EQ(Errno::EINVAL, check_even(3).error());
}

TEST(Result, MovesValuesThatCannotBeCopied) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(5); };
  auto result = make();
  Result<std::unique_ptr<int>> moved(std::move(result));
  EXPECT_EQ(5, *moved.take());
}

struct Counted {
  explicit Counted(int& alive) : alive_(&alive) { ++alive; }
  Counted(Counted&& other) : alive_(other.alive_) { ++*alive_; }
  ~Counted() { --*alive_; }
  int* alive_;
};

TEST(Result, DestroysItsValueOnce) {
  int alive = 0;
  {
    Result<Counted> result = Counted(alive);
    EXPECT_EQ(1, alive);
    Result<Counted> moved(std::move(result));
    Counted taken = moved.take();
    EXPECT_EQ(3, alive);
  }
  EXPECT_EQ(0, alive);
}

struct Base {};
struct Child : Base {};

TEST(Result, ConvertsPointersToABase) {
  Child child;
  const auto find = [&]() -> Result<Base*> { return &child; };
  EXPECT_EQ(&child, find().take());
}

TEST(ResultDeathTest, RefusesToGiveWhatItDoesNotHold) {
  EXPECT_DEATH(half_of(1).take(), "");
  EXPECT_DEATH(static_cast<void>(half_of(2).error()), "");
}

// A Result of a number travels in registers; the packet path relies on it.
static_assert(std::is_trivially_destructible_v<Result<int>> && sizeof(Result<int>) == 8);

}  // namespace
}  // namespace lxnet
