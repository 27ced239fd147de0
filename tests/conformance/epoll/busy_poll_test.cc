// EPIOCSPARAMS and EPIOCGPARAMS: what they take, refuse and tell.
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include "tests/conformance/epoll/set.hh"

namespace conformance {
namespace {

// struct epoll_params, of Linux 6.9.
struct BusyPoll {
  uint32_t micros;
  uint16_t budget;
  uint8_t prefer, padding;
};
constexpr unsigned long kSet = 0x40088a01, kGet = 0x80088a02;

long set_parameters(int set, const BusyPoll& wanted) { return answer(::ioctl(set, kSet, &wanted)); }
void expect_parameters(int set, uint32_t micros, uint16_t budget, uint8_t prefer) {
  BusyPoll told{7, 7, 7, 7};
  ASSERT_EQ(answer(::ioctl(set, kGet, &told)), 0);
  EXPECT_EQ(told.micros, micros);
  EXPECT_EQ(told.budget, budget);
  EXPECT_EQ(told.prefer, prefer);
  EXPECT_EQ(told.padding, 0);
}

class BusyPollTest : public testing::Test {
 protected:
  void SetUp() override {
    BusyPoll told{};
    if (answer(::ioctl(set_, kGet, &told)) == -EOPNOTSUPP) GTEST_SKIP() << "a kernel without busy polling";
  }
  const Set set_;
};

TEST_F(BusyPollTest, ParametersAreKeptPerSet) {
  const Set other;
  expect_parameters(set_, 0, 0, 0);
  EXPECT_EQ(set_parameters(set_, {200, 16, 1, 0}), 0);
  expect_parameters(set_, 200, 16, 1);
  expect_parameters(other, 0, 0, 0);
  EXPECT_EQ(set_parameters(set_, {INT32_MAX, 64, 0, 0}), 0);
  expect_parameters(set_, INT32_MAX, 64, 0);
}

TEST_F(BusyPollTest, WhatIsOutOfRangeIsRefusedAndChangesNothing) {
  ASSERT_EQ(set_parameters(set_, {9, 8, 1, 0}), 0);
  EXPECT_EQ(set_parameters(set_, {9, 8, 1, 1}), -EINVAL);
  EXPECT_EQ(set_parameters(set_, {uint32_t{INT32_MAX} + 1, 8, 1, 0}), -EINVAL);
  EXPECT_EQ(set_parameters(set_, {9, 8, 2, 0}), -EINVAL);
  // Before the budget, which needs a privilege, is looked at.
  EXPECT_EQ(set_parameters(set_, {9, 65, 2, 0}), -EINVAL);
  expect_parameters(set_, 9, 8, 1);
}

TEST_F(BusyPollTest, BadPointersAndOtherFiles) {
  EXPECT_EQ(answer(::ioctl(set_, kSet, bad_pointer<BusyPoll>())), -EFAULT);
  EXPECT_EQ(answer(::ioctl(set_, kGet, bad_pointer<BusyPoll>())), -EFAULT);
  EXPECT_EQ(answer(::ioctl(set_, kGet + 1, nullptr)), -EINVAL);
  const LocalPair pair;
  BusyPoll told{};
  EXPECT_EQ(answer(::ioctl(pair.a, kGet, &told)), -ENOTTY);
}

TEST_F(BusyPollTest, ASetThatPollsBusilyReportsTheSame) {
  const LocalPair pair;
  ASSERT_EQ(set_parameters(set_, {1000, 8, 1, 0}), 0);
  ASSERT_EQ(set_.add(pair.b, EPOLLIN), 0);
  EXPECT_EQ(set_.wait_one(1), 0);
  pair.send();
  EXPECT_EQ(set_.wait_one(-1), EPOLLIN);
}

}  // namespace
}  // namespace conformance
