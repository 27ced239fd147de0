// Signals that end a wait: the handler has run, the mask is the old one again, and what was stored.
#include <gtest/gtest.h>
#include <sys/select.h>
#include <sys/syscall.h>

#include <atomic>
#include <csignal>
#include <ctime>

#include "tests/conformance/epoll/blocked.hh"
#include "tests/conformance/epoll/set.hh"

namespace conformance {
namespace {

std::atomic<int> handled = 0;
std::atomic<bool> was_blocked_in_handler = false;

class InterruptedWaitTest : public testing::Test {
 protected:
  void SetUp() override {
    handled = 0;
    was_blocked_in_handler = false;
    struct sigaction action {};
    action.sa_handler = [](int) {
      sigset_t now;
      ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
      was_blocked_in_handler = ::sigismember(&now, SIGUSR2) == 1;
      ++handled;
    };
    ::sigaction(SIGUSR1, &action, &old_action_);
    ::pthread_sigmask(SIG_BLOCK, nullptr, &old_mask_);
    sigset_t blocked;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    // What the waits let through: everything but SIGUSR2.
    ::sigemptyset(&open_);
    ::sigaddset(&open_, SIGUSR2);
    ASSERT_EQ(set_.add(pair_.b, EPOLLIN), 0);
  }
  void TearDown() override {
    ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
    ::sigaction(SIGUSR1, &old_action_, nullptr);
  }
  static bool is_blocked(int signal) {
    sigset_t now;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
    return ::sigismember(&now, signal) == 1;
  }
  long pwait(int timeout) {
    epoll_event event{};
    return answer(::epoll_pwait(set_, &event, 1, timeout, &open_));
  }
  long pwait2(const timespec* timeout) {
    epoll_event event{};
    return answer(::syscall(SYS_epoll_pwait2, static_cast<int>(set_), &event, 1, timeout, &open_, 8));
  }
  void expect_handled() {
    EXPECT_EQ(handled, 1);
    EXPECT_TRUE(was_blocked_in_handler) << "the handler runs under the mask of the wait";
    EXPECT_TRUE(is_blocked(SIGUSR1));
    EXPECT_FALSE(is_blocked(SIGUSR2));
  }

  Set set_;
  LocalPair pair_;
  sigset_t open_;
  sigset_t old_mask_;
  struct sigaction old_action_ {};
};

TEST_F(InterruptedWaitTest, APendingSignalThatTheMaskLetsThroughEndsEpollPwait) {
  ::raise(SIGUSR1);
  ASSERT_EQ(handled, 0);
  EXPECT_EQ(pwait(-1), -EINTR);
  expect_handled();
  EXPECT_EQ(pwait(0), 0);
}

TEST_F(InterruptedWaitTest, ASignalOfTheProcessDoesToo) {
  ::kill(::getpid(), SIGUSR1);
  EXPECT_EQ(pwait(60'000), -EINTR);
  expect_handled();
}

TEST_F(InterruptedWaitTest, EpollPwait2IsTheSame) {
  ::raise(SIGUSR1);
  EXPECT_EQ(pwait2(nullptr), -EINTR);
  expect_handled();
  const timespec minute{60, 0};
  handled = 0;
  ::raise(SIGUSR1);
  EXPECT_EQ(pwait2(&minute), -EINTR);
  expect_handled();
}

TEST_F(InterruptedWaitTest, ASignalThatComesWhileItWaitsEndsEpollPwait) {
  std::atomic<pthread_t> self{};
  std::atomic<int> tid = 0;
  self = ::pthread_self();
  tid = static_cast<int>(::syscall(SYS_gettid));
  std::thread sender([&] {
    await_sleep_of(tid);
    ::pthread_kill(self, SIGUSR1);
  });
  EXPECT_EQ(pwait(-1), -EINTR);
  sender.join();
  expect_handled();
}

TEST_F(InterruptedWaitTest, WhatIsReadyComesFirst) {
  ::raise(SIGUSR1);
  pair_.send();
  EXPECT_EQ(pwait(-1), 1);
  EXPECT_EQ(handled, 0) << "Linux keeps the signal for a wait that has nothing to tell";
  pair_.receive();
  EXPECT_EQ(pwait(-1), -EINTR);
  expect_handled();
}

TEST_F(InterruptedWaitTest, NoTimeToWaitIsNoTimeForASignal) {
  ::raise(SIGUSR1);
  EXPECT_EQ(pwait(0), 0);
  EXPECT_EQ(handled, 0);
  EXPECT_EQ(pwait(-1), -EINTR);
}

TEST_F(InterruptedWaitTest, WithoutAMaskTheBlockedSignalStays) {
  ::raise(SIGUSR1);
  epoll_event event{};
  EXPECT_EQ(::epoll_wait(set_, &event, 1, 5), 0);
  EXPECT_EQ(::epoll_pwait(set_, &event, 1, 5, nullptr), 0);
  EXPECT_EQ(handled, 0);
  EXPECT_EQ(pwait(-1), -EINTR);
}

TEST_F(InterruptedWaitTest, EpollWaitIsNotRestartedThoughTheHandlerAsksForIt) {
  struct sigaction action {};
  ::sigaction(SIGUSR1, nullptr, &action);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &action, nullptr);
  BlockedThread waiter([&] {
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    return set_.wait_one(-1);
  });
  waiter.await_sleep();
  ::pthread_kill(waiter.native(), SIGUSR1);
  EXPECT_EQ(waiter.result(), -EINTR);
  EXPECT_EQ(handled, 1);
}

TEST_F(InterruptedWaitTest, APipeInTheSetChangesNothing) {
  const Pipe pipe;
  ASSERT_EQ(set_.add(pipe.read_end, EPOLLIN), 0);
  ::raise(SIGUSR1);
  EXPECT_EQ(pwait(-1), -EINTR);
  expect_handled();
}

// ---- poll and select

TEST_F(InterruptedWaitTest, PpollStoresTheTimeThatIsLeftAndNoEvents) {
  pollfd entries[2] = {{pair_.b, POLLIN, 0x7777}, {-1, POLLIN, 0x7777}};
  timespec timeout{100, 0};
  ::raise(SIGUSR1);
  EXPECT_EQ(answer(::syscall(SYS_ppoll, entries, 2, &timeout, &open_, 8)), -EINTR);
  expect_handled();
  EXPECT_EQ(entries[0].revents, 0);
  EXPECT_EQ(entries[1].revents, 0);
  EXPECT_TRUE(timeout.tv_sec == 99 || (timeout.tv_sec >= 90 && timeout.tv_sec < 100)) << timeout.tv_sec;
}

TEST_F(InterruptedWaitTest, PollStoresNoEventsEither) {
  std::atomic<short> seen = 0x7777;
  BlockedThread waiter([&] {
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    pollfd entry{pair_.b, POLLIN, 0x7777};
    const long result = answer(::poll(&entry, 1, -1));
    seen = entry.revents;
    return result;
  });
  waiter.await_sleep();
  ::pthread_kill(waiter.native(), SIGUSR1);
  EXPECT_EQ(waiter.result(), -EINTR);
  EXPECT_EQ(seen, 0);
}

TEST_F(InterruptedWaitTest, PselectLeavesTheSetsAlone) {
  fd_set readable;
  FD_ZERO(&readable);
  FD_SET(pair_.b, &readable);
  const timespec timeout{100, 0};
  ::raise(SIGUSR1);
  EXPECT_EQ(answer(::pselect(pair_.b + 1, &readable, nullptr, nullptr, &timeout, &open_)), -EINTR);
  expect_handled();
  EXPECT_TRUE(FD_ISSET(pair_.b, &readable));
}

}  // namespace
}  // namespace conformance
