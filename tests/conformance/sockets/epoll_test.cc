// epoll on sockets: triggers, one-shot, nesting, and the errno of every wrong use.
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

class EpollTest : public testing::Test {
 protected:
  void SetUp() override {
    set_ = Fd(::epoll_create1(0));
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    a_ = Fd(ends[0]);
    b_ = Fd(ends[1]);
  }
  long control(int operation, int fd, uint32_t events, uint64_t data = 7) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    return answer(::epoll_ctl(set_, operation, fd, &event));
  }
  // The events of the first entry, 0 when there are none.
  long wait_one(int timeout = 0) {
    epoll_event event{};
    const int count = ::epoll_wait(set_, &event, 1, timeout);
    return count < 0 ? answer(count) : count == 0 ? 0 : static_cast<long>(event.events);
  }

  Fd set_, a_, b_;
};

TEST_F(EpollTest, LevelTriggeredReportsUntilItIsRead) {
  ASSERT_EQ(control(EPOLL_CTL_ADD, b_, EPOLLIN), 0);
  EXPECT_EQ(wait_one(), 0);
  ::send(a_, "x", 1, 0);
  EXPECT_EQ(wait_one(), EPOLLIN);
  EXPECT_EQ(wait_one(), EPOLLIN);
  char byte;
  ::recv(b_, &byte, 1, 0);
  EXPECT_EQ(wait_one(), 0);
}

TEST_F(EpollTest, EdgeTriggeredReportsEachArrivalOnce) {
  ASSERT_EQ(control(EPOLL_CTL_ADD, b_, EPOLLIN | EPOLLET), 0);
  ::send(a_, "x", 1, 0);
  EXPECT_EQ(wait_one(), EPOLLIN);
  EXPECT_EQ(wait_one(), 0);
  ::send(a_, "y", 1, 0);
  EXPECT_EQ(wait_one(), EPOLLIN);
}

TEST_F(EpollTest, OneShotIsSilentUntilItIsArmedAgain) {
  ASSERT_EQ(control(EPOLL_CTL_ADD, b_, EPOLLIN | EPOLLONESHOT), 0);
  ::send(a_, "x", 1, 0);
  EXPECT_EQ(wait_one(), EPOLLIN);
  ::send(a_, "y", 1, 0);
  EXPECT_EQ(wait_one(), 0);
  ASSERT_EQ(control(EPOLL_CTL_MOD, b_, EPOLLIN | EPOLLONESHOT), 0);
  EXPECT_EQ(wait_one(), EPOLLIN);
}

TEST_F(EpollTest, TheErrorsOfControl) {
  EXPECT_EQ(control(EPOLL_CTL_MOD, b_, EPOLLIN), -ENOENT);
  EXPECT_EQ(control(EPOLL_CTL_DEL, b_, 0), -ENOENT);
  EXPECT_EQ(control(EPOLL_CTL_ADD, b_, EPOLLIN), 0);
  EXPECT_EQ(control(EPOLL_CTL_ADD, b_, EPOLLIN), -EEXIST);
  EXPECT_EQ(control(EPOLL_CTL_ADD, set_, EPOLLIN), -EINVAL);
  EXPECT_EQ(control(EPOLL_CTL_ADD, 9999, EPOLLIN), -EBADF);
  EXPECT_EQ(control(42, a_, EPOLLIN), -EINVAL);
  EXPECT_EQ(answer(::epoll_ctl(set_, EPOLL_CTL_ADD, a_, bad_pointer<epoll_event>())), -EFAULT);
  epoll_event event{};
  EXPECT_EQ(answer(::epoll_ctl(a_, EPOLL_CTL_ADD, b_, &event)), -EINVAL);
  EXPECT_EQ(control(EPOLL_CTL_MOD, b_, EPOLLIN | EPOLLEXCLUSIVE), -EINVAL);
}

TEST_F(EpollTest, TheErrorsOfWaiting) {
  epoll_event event{};
  EXPECT_EQ(answer(::epoll_wait(set_, &event, 0, 0)), -EINVAL);
  EXPECT_EQ(answer(::epoll_wait(a_, &event, 1, 0)), -EINVAL);
  EXPECT_EQ(answer(::epoll_wait(-1, &event, 1, 0)), -EBADF);
  ASSERT_EQ(control(EPOLL_CTL_ADD, b_, EPOLLOUT), 0);
  EXPECT_EQ(answer(::epoll_wait(set_, bad_pointer<epoll_event>(), 1, 0)), -EFAULT);
  EXPECT_EQ(wait_one(), EPOLLOUT);
}

TEST_F(EpollTest, HangUpIsReportedUnasked) {
  ASSERT_EQ(control(EPOLL_CTL_ADD, b_, 0), 0);
  a_.reset();
  EXPECT_EQ(wait_one(), EPOLLHUP);
  ASSERT_EQ(control(EPOLL_CTL_MOD, b_, EPOLLIN | EPOLLRDHUP), 0);
  EXPECT_EQ(wait_one(), EPOLLIN | EPOLLRDHUP | EPOLLHUP);
}

TEST_F(EpollTest, AClosedDescriptorLeavesTheSetWithItsLastCopy) {
  ASSERT_EQ(control(EPOLL_CTL_ADD, b_, EPOLLIN), 0);
  ::send(a_, "x", 1, 0);
  Fd copy(::dup(b_));
  b_.reset();
  EXPECT_EQ(wait_one(), EPOLLIN);
  copy.reset();
  EXPECT_EQ(wait_one(), 0);
}

TEST_F(EpollTest, ASetMayWatchASet) {
  const Fd outer(::epoll_create1(EPOLL_CLOEXEC));
  ASSERT_EQ(control(EPOLL_CTL_ADD, b_, EPOLLIN), 0);
  epoll_event event{};
  event.events = EPOLLIN;
  ASSERT_EQ(::epoll_ctl(outer, EPOLL_CTL_ADD, set_, &event), 0);
  EXPECT_EQ(poll_now(outer, POLLIN), 0);
  ::send(a_, "x", 1, 0);
  EXPECT_EQ(poll_now(outer, POLLIN), POLLIN);
  EXPECT_EQ(::epoll_wait(outer, &event, 1, 0), 1);
  EXPECT_EQ(control(EPOLL_CTL_ADD, outer, EPOLLIN), -ELOOP);
}

TEST_F(EpollTest, ReadyEntriesTakeTurns) {
  int other[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
  const Fd c(other[0]), d(other[1]);
  ASSERT_EQ(control(EPOLL_CTL_ADD, b_, EPOLLOUT, 1), 0);
  ASSERT_EQ(control(EPOLL_CTL_ADD, d, EPOLLOUT, 2), 0);
  std::string order;
  for (int i = 0; i < 4; ++i) {
    epoll_event event{};
    ASSERT_EQ(::epoll_wait(set_, &event, 1, 0), 1);
    order += std::to_string(event.data.u64);
  }
  EXPECT_EQ(order, "1212");
}

TEST_F(EpollTest, WhoIsDisconnectedIsReadyBeforeWhoDisconnected) {
  const TcpPair pair = tcp_pair();
  ASSERT_EQ(control(EPOLL_CTL_ADD, pair.client, EPOLLIN, 1), 0);
  ASSERT_EQ(control(EPOLL_CTL_ADD, pair.server, EPOLLIN, 2), 0);
  const sockaddr nobody{};  // AF_UNSPEC
  ASSERT_EQ(::connect(pair.client, &nobody, sizeof nobody), 0);
  epoll_event events[2];
  ASSERT_EQ(::epoll_wait(set_, events, 2, 1000), 2);
  EXPECT_EQ(events[0].data.u64, 2u);
  EXPECT_EQ(events[1].data.u64, 1u);
}

TEST_F(EpollTest, PipesAndSocketsMix) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd read_end(ends[0]), write_end(ends[1]);
  ASSERT_EQ(control(EPOLL_CTL_ADD, read_end, EPOLLIN, 1), 0);
  ASSERT_EQ(control(EPOLL_CTL_ADD, b_, EPOLLIN, 2), 0);
  ASSERT_EQ(::write(write_end, "p", 1), 1);
  epoll_event events[2];
  EXPECT_EQ(::epoll_wait(set_, events, 2, 1000), 1);
  EXPECT_EQ(events[0].data.u64, 1u);
  ::send(a_, "s", 1, 0);
  EXPECT_EQ(::epoll_wait(set_, events, 2, 1000), 2);
}

}  // namespace
}  // namespace conformance
