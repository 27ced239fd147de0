// A signalfd that is given another mask while somebody watches it.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <initializer_list>
#include <thread>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

sigset_t mask_of(std::initializer_list<int> signals) {
  sigset_t mask;
  sigemptyset(&mask);
  for (int signal : signals) sigaddset(&mask, signal);
  return mask;
}
int set_mask(int fd, std::initializer_list<int> signals) {
  const sigset_t mask = mask_of(signals);
  return ::signalfd(fd, &mask, SFD_NONBLOCK);
}

// SIGUSR1 and SIGUSR2 are blocked, and gone afterwards.
class SignalMask : public ::testing::Test {
 protected:
  void SetUp() override {
    const sigset_t both = mask_of({SIGUSR1, SIGUSR2});
    pthread_sigmask(SIG_BLOCK, &both, &before_);
    epoll_ = Fd(::epoll_create1(0));
    signals_ = Fd(set_mask(-1, {SIGUSR1}));
    // A set with sockets in it, too.
    socket_ = Fd(::socket(AF_INET, SOCK_DGRAM, 0));
    add(socket_, EPOLLIN);
  }
  void TearDown() override {
    const sigset_t both = mask_of({SIGUSR1, SIGUSR2});
    const timespec now{};
    while (::sigtimedwait(&both, nullptr, &now) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  void add(int fd, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ASSERT_EQ(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), 0);
  }
  int ready(int timeout = 0) {
    epoll_event event{};
    const int count = ::epoll_wait(epoll_, &event, 1, timeout);
    return count == 1 && event.data.fd == signals_ && event.events == EPOLLIN ? 1 : -count;
  }
  int read_signal() {
    signalfd_siginfo info;
    return ::read(signals_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : -errno;
  }
  Fd epoll_, signals_, socket_;
  sigset_t before_;
};

TEST_F(SignalMask, ASignalThatIsAddedIsSeen) {
  ASSERT_NO_FATAL_FAILURE(add(signals_, EPOLLIN));
  ::raise(SIGUSR2);
  EXPECT_EQ(ready(), 0);
  ASSERT_EQ(set_mask(signals_, {SIGUSR1, SIGUSR2}), signals_);
  EXPECT_EQ(ready(), 1);
  EXPECT_EQ(read_signal(), SIGUSR2);
  EXPECT_EQ(ready(), 0);
  ::raise(SIGUSR1);
  EXPECT_EQ(ready(), 1);
}

TEST_F(SignalMask, ASignalThatIsTakenAwayIsNot) {
  ASSERT_NO_FATAL_FAILURE(add(signals_, EPOLLIN));
  ::kill(::getpid(), SIGUSR1);
  EXPECT_EQ(ready(), 1);
  ASSERT_EQ(set_mask(signals_, {SIGUSR2}), signals_);
  EXPECT_EQ(ready(), 0);
  EXPECT_EQ(read_signal(), -EAGAIN);
  ASSERT_EQ(set_mask(signals_, {SIGUSR1}), signals_);
  EXPECT_EQ(ready(), 1);
}

TEST_F(SignalMask, AnyMaskTellsAtAnEdgeOfWhatWaits) {
  ASSERT_NO_FATAL_FAILURE(add(signals_, EPOLLIN | EPOLLET));
  ::raise(SIGUSR1);
  EXPECT_EQ(ready(), 1);
  EXPECT_EQ(ready(), 0);
  ASSERT_EQ(set_mask(signals_, {SIGUSR1}), signals_);
  EXPECT_EQ(ready(), 1);
  EXPECT_EQ(ready(), 0);
  ASSERT_EQ(set_mask(signals_, {SIGUSR2}), signals_);
  EXPECT_EQ(ready(), 0);
}

TEST_F(SignalMask, WhoWaitsIsWoken) {
  ASSERT_NO_FATAL_FAILURE(add(signals_, EPOLLIN));
  ::kill(::getpid(), SIGUSR2);
  std::thread other([this] {
    ::poll(nullptr, 0, 20);
    set_mask(signals_, {SIGUSR2});
  });
  EXPECT_EQ(ready(5000), 1);
  other.join();
}

TEST_F(SignalMask, WhatIsNoMaskChangesNothing) {
  ASSERT_NO_FATAL_FAILURE(add(signals_, EPOLLIN));
  ::raise(SIGUSR2);
  const sigset_t mask = mask_of({SIGUSR2});
  EXPECT_EQ(answer(::signalfd(signals_, &mask, 0x40000)), -EINVAL);
  EXPECT_EQ(answer(::signalfd(signals_, bad_pointer<sigset_t>(), 0)), -EFAULT);
  EXPECT_EQ(answer(::signalfd(socket_, &mask, 0)), -EINVAL);
  EXPECT_EQ(answer(::signalfd(4711, &mask, 0)), -EBADF);
  EXPECT_EQ(ready(), 0);
}

}  // namespace
}  // namespace conformance
