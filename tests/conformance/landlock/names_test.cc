// Which AF_UNIX sockets a program that is scoped may reach by an abstract name, and where it may make paths.
#include <fcntl.h>

#include "tests/conformance/landlock/sandbox.hh"
#include "tests/conformance/unix/unix_posix.hh"

namespace conformance {
namespace {

constexpr long kOutOfReach = -EPERM;

long send_name(int fd, const Name& name) { return answer(::sendto(fd, "x", 1, 0, name.raw(), name.length)); }

// Sockets with abstract names, made by nobody confined: a listener, one for datagrams.
class ConfinedNames : public ::testing::Test {
 protected:
  void SetUp() override {
    NEEDS_LANDLOCK(kScopeAbi);
    ASSERT_EQ(bind_name(listener_, stream_name_), 0);
    ASSERT_EQ(::listen(listener_, 16), 0);
    ASSERT_EQ(bind_name(datagrams_, datagram_name_), 0);
  }

  Fd listener_ = unix_socket(SOCK_STREAM), datagrams_ = unix_socket(SOCK_DGRAM);
  Name stream_name_ = abstract_name("listener"), datagram_name_ = abstract_name("datagrams");
};

TEST_F(ConfinedNames, SocketsOfTheOutsideAreOutOfReach) {
  in_child([&] {
    confine_names();
    EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), stream_name_), kOutOfReach);
    EXPECT_EQ(connect_name(unix_socket(SOCK_DGRAM), datagram_name_), kOutOfReach);
    EXPECT_EQ(send_name(unix_socket(SOCK_DGRAM), datagram_name_), kOutOfReach);
  });
}

TEST_F(ConfinedNames, WhatWasConnectedBeforeIsReached) {
  const Fd connected = unix_socket(SOCK_DGRAM);
  ASSERT_EQ(connect_name(connected, datagram_name_), 0);
  in_child([&] {
    confine_names();
    EXPECT_EQ(answer(::send(connected, "x", 1, 0)), 1);
    EXPECT_EQ(send_name(connected, datagram_name_), 1) << "by its name as well";
    EXPECT_EQ(connect_name(connected, datagram_name_), 0);
  });
}

TEST_F(ConfinedNames, TheOutsideReachesIn) {
  int ready[2], done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const Name inside = abstract_name("inside");
  const pid_t child = ::fork();
  if (child == 0) {
    confine_names();
    const Fd listener = unix_socket(SOCK_STREAM);
    bind_name(listener, inside);
    ::listen(listener, 4);
    char byte = 'r';
    const bool is_told = ::write(ready[1], &byte, 1) == 1 && ::read(done[0], &byte, 1) == 1;
    ::_exit(is_told && connect_name(unix_socket(SOCK_STREAM), inside) == 0 ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), inside), 0);
  in_child([&] {
    confine_names();
    EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), inside), kOutOfReach) << "a sandbox beside it";
  });
  ASSERT_EQ(::write(done[1], "d", 1), 1);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(ConfinedNames, ANestedSandboxDoesNotReachTheOneAroundIt) {
  in_child([&] {
    confine_names();
    const Fd listener = unix_socket(SOCK_STREAM);
    ASSERT_EQ(bind_name(listener, abstract_name("outer")), 0);
    ASSERT_EQ(::listen(listener, 4), 0);
    const Name outer = abstract_name("outer");
    EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), outer), 0);
    in_child([&] {
      EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), outer), 0) << "born in it";
      // More rules, but no scope of their own.
      confine_ports(kBindTcp);
      EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), outer), 0);
      EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), stream_name_), kOutOfReach);
      confine_names();
      EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), outer), kOutOfReach);
    });
  });
}

TEST_F(ConfinedNames, WhoMadeASocketCountsAndNotWhoHasIt) {
  const Fd made_outside = unix_socket(SOCK_STREAM);
  in_child([&] {
    const Name name = abstract_name("made-outside");
    confine_names();
    ASSERT_EQ(bind_name(made_outside, name), 0);
    ASSERT_EQ(::listen(made_outside, 4), 0);
    EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), name), kOutOfReach);
  });
}

TEST_F(ConfinedNames, ASocketPassedOutStaysOfItsMaker) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  in_child([&] {
    confine_names();
    const Fd listener = unix_socket(SOCK_STREAM);
    bind_name(listener, name_from(std::string("\0lxnet passed out", 17)));
    ::listen(listener, 4);
    char byte = 'x', room[CMSG_SPACE(sizeof(int))] = {};
    iovec piece = {&byte, 1};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    cmsghdr* control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = listener;
    std::memcpy(CMSG_DATA(control), &fd, sizeof fd);
    EXPECT_EQ(::sendmsg(pair[1], &message, 0), 1);
  });
  // Its maker is gone; it lies in the queue. Another sandbox does not reach it either.
  in_child([&] {
    confine_names();
    EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), name_from(std::string("\0lxnet passed out", 17))), kOutOfReach);
  });
  EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), name_from(std::string("\0lxnet passed out", 17))), 0);
  ::close(pair[0]);
  ::close(pair[1]);
}

TEST_F(ConfinedNames, WhatElseIsWrongComesFirst) {
  const Fd bound = unix_socket(SOCK_STREAM), shut = unix_socket(SOCK_DGRAM), taken = unix_socket(SOCK_DGRAM);
  ASSERT_EQ(bind_name(bound, abstract_name("bound")), 0);
  ASSERT_EQ(bind_name(shut, abstract_name("shut")), 0);
  ASSERT_EQ(::shutdown(shut, SHUT_RD), 0);
  const Name bound_name = abstract_name("bound"), shut_name = abstract_name("shut");
  const Fd connected = unix_socket(SOCK_STREAM);
  ASSERT_EQ(connect_name(connected, stream_name_), 0);
  in_child([&] {
    confine_names();
    EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), bound_name), -ECONNREFUSED) << "nobody listens";
    EXPECT_EQ(connect_name(connected, stream_name_), -EISCONN);
    EXPECT_EQ(connect_name(unix_socket(SOCK_DGRAM), stream_name_), -ECONNREFUSED) << "another type has other names";
    EXPECT_EQ(answer(::sendto(unix_socket(SOCK_DGRAM), "x", 1, MSG_NOSIGNAL, shut_name.raw(), shut_name.length)), -EPIPE);
    EXPECT_EQ(connect_name(unix_socket(SOCK_DGRAM), shut_name), kOutOfReach);
  });
}

TEST_F(ConfinedNames, AFullQueueIsToldBeforeToWhoConnectsAndAfterToWhoSends) {
  const Fd full = unix_socket(SOCK_STREAM);
  const Name name = abstract_name("full");
  ASSERT_EQ(bind_name(full, name), 0);
  ASSERT_EQ(::listen(full, 0), 0);
  const Fd first = unix_socket(SOCK_STREAM);
  ASSERT_EQ(connect_name(first, name), 0);
  const Fd sender = unix_socket(SOCK_DGRAM);
  while (::sendto(sender, "x", 1, MSG_DONTWAIT, datagram_name_.raw(), datagram_name_.length) == 1) {
  }
  in_child([&] {
    confine_names();
    EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), name), -EAGAIN);
    EXPECT_EQ(send_name(unix_socket(SOCK_DGRAM), datagram_name_), kOutOfReach);
  });
}

TEST_F(ConfinedNames, PathsAndPairsAreEverybodys) {
  const Directory directory;
  const Name path = name_from(directory.path() + "/s");
  const Fd listener = unix_socket(SOCK_STREAM);
  ASSERT_EQ(bind_name(listener, path), 0);
  ASSERT_EQ(::listen(listener, 4), 0);
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
  in_child([&] {
    confine_names();
    EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), path), 0);
    EXPECT_EQ(answer(::send(pair[0], "x", 1, 0)), 1);
  });
  ::unlink(path.text().c_str());
  ::close(pair[0]);
  ::close(pair[1]);
}

TEST_F(ConfinedNames, PathsAreMadeWhereTheRulesetAllows) {
  const Directory directory;
  const std::string allowed = directory.path() + "/allowed";
  ASSERT_EQ(::mkdir(allowed.c_str(), 0755), 0);
  in_child([&] {
    const Fd ruleset = create_ruleset({.files = kMakeSocket});
    struct __attribute__((packed)) {
      uint64_t access;
      int parent;
    } rule = {kMakeSocket, ::open(allowed.c_str(), O_PATH)};
    ASSERT_EQ(answer(::syscall(SYS_landlock_add_rule, ruleset.get(), kRulePath, &rule, 0)), 0);
    ASSERT_EQ(enforce(ruleset), 0);
    EXPECT_EQ(bind_name(unix_socket(SOCK_STREAM), name_from(directory.path() + "/s")), -EACCES);
    EXPECT_EQ(bind_name(unix_socket(SOCK_STREAM), name_from(allowed + "/s")), 0);
    EXPECT_EQ(bind_name(unix_socket(SOCK_STREAM), name_from(allowed + "/s")), -EADDRINUSE);
    EXPECT_EQ(bind_name(unix_socket(SOCK_STREAM), abstract_name("no path")), 0);
  });
  ::unlink((allowed + "/s").c_str());
  ::rmdir(allowed.c_str());
}

TEST_F(ConfinedNames, FilesOfTheNetworkAreOpenedWhereTheRulesetAllows) {
  in_child([&] {
    ASSERT_EQ(enforce(create_ruleset({.files = kReadFile})), 0);
    EXPECT_EQ(answer(::open("/proc/net/tcp", O_RDONLY)), -EACCES);
    EXPECT_EQ(answer(::open("/proc/sys/net/ipv4/ip_forward", O_RDONLY)), -EACCES);
  });
}

}  // namespace
}  // namespace conformance
