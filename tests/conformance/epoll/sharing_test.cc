// One set or one file under several numbers and in several processes: an entry is a file and the number it was added under, and
// lives as long as the file is open anywhere.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <csignal>

#include "tests/conformance/epoll/blocked.hh"
#include "tests/conformance/epoll/set.hh"

namespace conformance {
namespace {

TEST(EntryTest, TheSameFileMayBeAddedUnderEachNumber) {
  const Set set;
  const LocalPair pair;
  const Fd copy(::dup(pair.b));
  ASSERT_EQ(set.add(pair.b, EPOLLIN, 1), 0);
  ASSERT_EQ(set.add(copy, EPOLLIN, 2), 0);
  EXPECT_EQ(set.add(copy, EPOLLIN, 3), -EEXIST);
  pair.send();
  EXPECT_EQ(set.order(4).size(), 2u);
  ASSERT_EQ(set.remove(pair.b), 0);
  EXPECT_EQ(set.order(4), "2");
}

TEST(EntryTest, OutlivesTheNumberItWasAddedUnder) {
  const Set set;
  LocalPair pair;
  const int number = pair.b;
  Fd copy(::dup(number));
  ASSERT_EQ(set.add(number, EPOLLIN, 1), 0);
  pair.b.reset();
  pair.send();
  EXPECT_EQ(set.order(1), "1");
  // Neither number finds it: the one is closed, the other was never added.
  EXPECT_EQ(set.remove(number), -EBADF);
  EXPECT_EQ(set.remove(copy), -ENOENT);
  // Put back under its number it is found again.
  ASSERT_EQ(::dup2(copy, number), number);
  EXPECT_EQ(set.modify(number, EPOLLIN, 2), 0);
  EXPECT_EQ(set.order(1), "2");
  ::close(number);
  copy.reset();
  EXPECT_EQ(set.order(1), "");
}

TEST(EntryTest, AnotherFileUnderTheNumberIsAnotherEntry) {
  const Set set;
  LocalPair pair;
  const LocalPair other;
  const int number = pair.b;
  const Fd copy(::dup(number));
  ASSERT_EQ(set.add(number, EPOLLIN, 1), 0);
  ASSERT_EQ(::dup2(other.b, number), number);
  EXPECT_EQ(set.modify(number, EPOLLIN, 5), -ENOENT);
  ASSERT_EQ(set.add(number, EPOLLIN, 2), 0);
  pair.send();
  other.send();
  EXPECT_EQ(set.order(4), "12");
  ASSERT_EQ(set.remove(number), 0);
  EXPECT_EQ(set.order(4), "1");
}

TEST(EntryTest, OfAPipeBehavesTheSame) {
  const Set set;
  Pipe pipe;
  const int number = pipe.read_end;
  Fd copy(::dup(number));
  ASSERT_EQ(set.add(number, EPOLLIN, 1), 0);
  ASSERT_EQ(set.add(copy, EPOLLIN, 2), 0);
  pipe.read_end.reset();
  ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
  EXPECT_EQ(set.order(4, -1).size(), 2u);
  ASSERT_EQ(set.remove(copy), 0);
  EXPECT_EQ(set.order(4), "1");
  copy.reset();
  EXPECT_EQ(set.order(4), "");
}

TEST(EntryTest, StaysWhileAnotherProcessHasTheFile) {
  const Set set;
  LocalPair pair;
  Pipe release;
  ASSERT_EQ(set.add(pair.b, EPOLLIN, 1), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte;
    release.write_end.reset();
    ::read(release.read_end, &byte, 1);
    ::_exit(0);
  }
  pair.b.reset();
  pair.send();
  EXPECT_EQ(set.order(1), "1");
  release.write_end.reset();
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(set.order(1), "");
}

TEST(SharedSetTest, WhatAChildAddsTheParentSees) {
  const Set set;
  const LocalPair pair;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(set.add(pair.b, EPOLLIN, 3) == 0 ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  pair.send();
  EXPECT_EQ(set.order(1), "3");
  EXPECT_EQ(set.add(pair.b, EPOLLIN), -EEXIST);
}

TEST(SharedSetTest, AFileOfTheChildAloneIsTheSetsUntilItEnds) {
  const Set set;
  Pipe added, release;
  const pid_t child = ::fork();
  if (child == 0) {
    const LocalPair own;
    set.add(own.b, EPOLLIN, 4);
    own.send();
    ::write(added.write_end, "x", 1);
    char byte;
    release.write_end.reset();
    ::read(release.read_end, &byte, 1);
    ::_exit(0);
  }
  char byte;
  ::read(added.read_end, &byte, 1);
  EXPECT_EQ(set.order(1), "4");
  release.write_end.reset();
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(set.order(1), "");
}

// Two processes wait on one set with a listener in it, and each accepts what it is told of.
TEST(SharedSetTest, TwoProcessesServeOneBacklog) {
  for (const uint32_t trigger : {0u, uint32_t{EPOLLET}, uint32_t{EPOLLEXCLUSIVE}}) {
    const Set set;
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    bind_to(listener, loopback4());
    ASSERT_EQ(::listen(listener, 64), 0);
    const Fd end(::eventfd(0, 0));
    ASSERT_EQ(set.add(listener, EPOLLIN | trigger, 1), 0);
    ASSERT_EQ(set.add(end, EPOLLIN, 2), 0);
    const auto serve = [&] {
      long served = 0;
      for (;;) {
        epoll_event event{};
        if (::epoll_wait(set, &event, 1, -1) != 1) return -1L;
        if (event.data.u64 == 2) return served;
        for (;;) {
          const Fd connection(::accept(listener, nullptr, nullptr));
          if (connection < 0) break;
          ::send(connection, "s", 1, 0);
          ++served;
          if (trigger == 0) break;
        }
      }
    };
    BlockedProcess first(serve), second(serve);
    first.await_sleep();
    second.await_sleep();
    constexpr long kConnections = 40;
    Fd clients[kConnections];
    for (Fd& client : clients) {
      client = Fd(::socket(AF_INET, SOCK_STREAM, 0));
      ASSERT_EQ(connect_to(client, name_of(listener)), 0);
    }
    for (Fd& client : clients) {
      char byte = 0;
      ASSERT_EQ(::recv(client, &byte, 1, 0), 1);
    }
    const uint64_t one = 1;
    ASSERT_EQ(::write(end, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    EXPECT_EQ(first.result() + second.result(), kConnections) << trigger;
  }
}

TEST(SharedSetTest, BothProcessesAreToldOfALevelAndOneOfAnEdge) {
  for (const uint32_t trigger : {0u, uint32_t{EPOLLET}}) {
    const Set set;
    const LocalPair pair;
    ASSERT_EQ(set.add(pair.b, EPOLLIN | trigger), 0);
    BlockedProcess first([&] { return set.wait_one(-1); }), second([&] { return set.wait_one(-1); });
    first.await_sleep();
    second.await_sleep();
    // An edge is one waiter's, so the other needs one of its own, after the first was taken.
    pair.send();
    while (!first.has_result() && !second.has_result()) ::usleep(100);
    if (trigger != 0) {
      ::usleep(2000);
      EXPECT_FALSE(first.has_result() && second.has_result());
      pair.send();
    }
    EXPECT_EQ(first.result(), EPOLLIN);
    EXPECT_EQ(second.result(), EPOLLIN);
  }
}

TEST(PassedSetTest, ASetThatWasSentIsTheSame) {
  const Set set;
  const LocalPair channel, pair;
  ASSERT_EQ(set.add(pair.b, EPOLLIN, 6), 0);
  char byte = 'f';
  iovec bytes{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  *header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  const int number = set;
  std::memcpy(CMSG_DATA(header), &number, sizeof number);
  ASSERT_EQ(::sendmsg(channel.a, &message, 0), 1);
  message.msg_controllen = sizeof control;
  ASSERT_EQ(::recvmsg(channel.b, &message, 0), 1);
  int received;
  std::memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
  const Fd copy(received);
  pair.send();
  epoll_event event{};
  ASSERT_EQ(::epoll_wait(copy, &event, 1, 0), 1);
  EXPECT_EQ(event.data.u64, 6u);
  ASSERT_EQ(::epoll_ctl(copy, EPOLL_CTL_DEL, pair.b, nullptr), 0);
  EXPECT_EQ(set.order(1), "");
  // A copy of a set is the set: it cannot be put into itself.
  EXPECT_EQ(set.add(copy, EPOLLIN), -EINVAL);
}

TEST(PassedSetTest, WhoClosesTheSetUnderAWaiterDoesNotWakeIt) {
  Set set;
  const LocalPair pair;
  ASSERT_EQ(set.add(pair.b, EPOLLIN), 0);
  BlockedThread waiter([&, number = static_cast<int>(set)] {
    epoll_event event{};
    return answer(::epoll_wait(number, &event, 1, -1));
  });
  waiter.await_sleep();
  set.reset();
  await_sleep_of(waiter.tid());
  EXPECT_FALSE(waiter.is_done());
  pair.send();
  EXPECT_EQ(waiter.result(), 1);
}

}  // namespace
}  // namespace conformance
