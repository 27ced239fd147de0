// When SIGIO tells of room to send.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "tests/conformance/unix/unix_posix.hh"

namespace conformance {
namespace {

volatile sig_atomic_t told_of_room;

TEST(UnixSignals, RoomThatNobodyMissedIsNotToldOf) {
  struct sigaction action {};
  action.sa_handler = [](int) { told_of_room = told_of_room + 1; };
  sigaction(SIGIO, &action, nullptr);
  told_of_room = 0;
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  const Fd writer(pair[0]), reader(pair[1]);
  ASSERT_EQ(::fcntl(writer, F_SETOWN, getpid()), 0);
  ASSERT_EQ(::fcntl(writer, F_SETFL, O_NONBLOCK | O_ASYNC), 0);
  char room[65536] = {};
  ASSERT_EQ(::send(writer, "x", 1, 0), 1);
  ASSERT_EQ(::recv(reader, room, 1, 0), 1);
  EXPECT_EQ(told_of_room, 0);
  while (::send(writer, room, sizeof room, 0) > 0) {
  }
  while (::recv(reader, room, sizeof room, 0) > 0) {
  }
  EXPECT_GE(told_of_room, 1);
  ASSERT_EQ(::fcntl(writer, F_SETOWN, 0), 0);
}

TEST(UnixSignals, WhatADatagramThatWasNotSentGivesBackIsNotToldOf) {
  struct sigaction action {};
  action.sa_handler = [](int) { told_of_room = told_of_room + 1; };
  sigaction(SIGIO, &action, nullptr);
  told_of_room = 0;
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM, 0));
  ASSERT_EQ(::fcntl(fd, F_SETOWN, getpid()), 0);
  ASSERT_EQ(::fcntl(fd, F_SETFL, O_ASYNC), 0);
  EXPECT_EQ(::send(fd, "x", 1, 0), -1);
  EXPECT_EQ(told_of_room, 0);
}

}  // namespace
}  // namespace conformance
