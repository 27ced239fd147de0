// Who is at the other end: SO_PEERCRED and its kin, SCM_CREDENTIALS, SCM_PIDFD, and what they do to a stream's boundaries.
#include <grp.h>
#include <sys/wait.h>

#include "tests/conformance/unix/unix_posix.hh"

namespace conformance {
namespace {

constexpr int kTypes[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

ucred peer_of(int fd) {
  ucred who{};
  socklen_t length = sizeof who;
  EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length), 0);
  return who;
}

TEST(UnixCredentials, PeersOfEveryKindOfSocket) {
  const Fd fresh = unix_socket(SOCK_STREAM);
  EXPECT_EQ(peer_of(fresh).pid, 0);
  EXPECT_EQ(peer_of(fresh).uid, ~0u);
  Pair pair = make_pair_of(SOCK_DGRAM);
  EXPECT_EQ(peer_of(pair.a).pid, ::getpid());
  const Name name = abstract_name("peers");
  const Fd listener = unix_socket(SOCK_SEQPACKET), client = unix_socket(SOCK_SEQPACKET);
  bind_name(listener, name);
  EXPECT_EQ(peer_of(listener).pid, 0);
  ::listen(listener, 1);
  EXPECT_EQ(peer_of(listener).pid, ::getpid());
  connect_name(client, name);
  EXPECT_EQ(peer_of(client).uid, ::geteuid());
  EXPECT_EQ(peer_of(Fd(::accept(listener, nullptr, nullptr))).gid, ::getegid());
  ucred cut{};
  socklen_t length = 6;
  EXPECT_EQ(::getsockopt(pair.a, SOL_SOCKET, SO_PEERCRED, &cut, &length), 0);
  EXPECT_EQ(length, 6u);
  EXPECT_EQ(set(pair.a, SO_PEERCRED, 1), -ENOPROTOOPT);
}

TEST(UnixCredentials, GroupsOfThePeer) {
  std::vector<gid_t> own(64);
  const int count = ::getgroups(64, own.data());
  ASSERT_GE(count, 0);
  own.resize(static_cast<size_t>(count));
  Pair pair = make_pair_of(SOCK_STREAM);
  gid_t groups[64];
  socklen_t length = sizeof groups;
  ASSERT_EQ(::getsockopt(pair.a, SOL_SOCKET, SO_PEERGROUPS, groups, &length), 0);
  EXPECT_EQ(length, own.size() * sizeof(gid_t));
  EXPECT_EQ(std::memcmp(groups, own.data(), length), 0);
  length = 0;
  EXPECT_EQ(answer(::getsockopt(pair.a, SOL_SOCKET, SO_PEERGROUPS, groups, &length)), own.empty() ? 0 : -ERANGE);
  EXPECT_EQ(length, own.size() * sizeof(gid_t));
  length = sizeof groups;
  EXPECT_EQ(answer(::getsockopt(unix_socket(SOCK_STREAM), SOL_SOCKET, SO_PEERGROUPS, groups, &length)), -ENODATA);
}

TEST(UnixCredentials, GroupsAreThoseOfTheMomentOfConnecting) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to change groups";
  const Name name = abstract_name("groups");
  const Fd listener = unix_socket(SOCK_STREAM);
  bind_name(listener, name);
  ::listen(listener, 1);
  const pid_t child = ::fork();
  if (child == 0) {
    const gid_t mine[] = {7, 77, 777};
    if (::setgroups(3, mine) != 0 || ::setgid(70) != 0) ::_exit(1);
    const Fd client = unix_socket(SOCK_STREAM);
    if (connect_name(client, name) != 0) ::_exit(2);
    ::setgroups(0, nullptr);
    ::pause();
    ::_exit(0);
  }
  ASSERT_EQ(poll_now(listener, POLLIN, 5000), POLLIN);
  const Fd server(::accept(listener, nullptr, nullptr));
  gid_t groups[8];
  socklen_t length = sizeof groups;
  ASSERT_EQ(::getsockopt(server, SOL_SOCKET, SO_PEERGROUPS, groups, &length), 0);
  ASSERT_EQ(length, 3 * sizeof(gid_t));
  EXPECT_EQ(groups[2], 777u);
  EXPECT_EQ(peer_of(server).pid, child);
  EXPECT_EQ(peer_of(server).gid, 70u);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST(UnixCredentials, SecurityLabelsAreUnknown) {
  Pair pair = make_pair_of(SOCK_STREAM);
  char label[64];
  socklen_t length = sizeof label;
  EXPECT_EQ(answer(::getsockopt(pair.a, SOL_SOCKET, SO_PEERSEC, label, &length)), -ENOPROTOOPT);
}

TEST(UnixCredentials, WhoAsksIsTold) {
  for (int type : kTypes) {
    for (bool sender_asks : {false, true}) {
      Pair pair = make_pair_of(type);
      EXPECT_EQ(get(pair.b, SO_PASSCRED), 0);
      ::send(pair.a, "a", 1, 0);
      EXPECT_EQ(set(sender_asks ? pair.a : pair.b, SO_PASSCRED, 1), 0);
      ::send(pair.a, "b", 1, 0);
      if (sender_asks) set(pair.b, SO_PASSCRED, 1);
      // What was sent before anybody asked is nobody's.
      const Received before = receive(pair.b);
      EXPECT_EQ(before.text, "a");
      EXPECT_TRUE(before.has_credentials);
      EXPECT_EQ(before.credentials.pid, 0);
      EXPECT_EQ(before.credentials.uid, 65534u);
      const Received after = receive(pair.b);
      EXPECT_EQ(after.text, "b");
      EXPECT_EQ(after.credentials.pid, ::getpid());
      EXPECT_EQ(after.credentials.uid, ::getuid());
      EXPECT_EQ(receive(pair.b, 1, MSG_DONTWAIT, 0).result, -EAGAIN);
    }
  }
}

TEST(UnixCredentials, OfAConnectionNobodyHasAcceptedYet) {
  const Name name = abstract_name("embryo");
  const Fd listener = unix_socket(SOCK_STREAM), client = unix_socket(SOCK_STREAM);
  bind_name(listener, name);
  ::listen(listener, 1);
  connect_name(client, name);
  ::send(client, "early", 5, 0);
  const Fd server(::accept(listener, nullptr, nullptr));
  set(server, SO_PASSCRED, 1);
  EXPECT_EQ(receive(server).credentials.pid, ::getpid());
}

TEST(UnixCredentials, AListenersFlagsAreInherited) {
  const Name name = abstract_name("inherit");
  const Fd listener = unix_socket(SOCK_STREAM), client = unix_socket(SOCK_STREAM);
  bind_name(listener, name);
  ::listen(listener, 1);
  set(listener, SO_PASSCRED, 1);
  connect_name(client, name);
  set(listener, SO_PASSCRED, 0);
  const Fd server(::accept(listener, nullptr, nullptr));
  EXPECT_EQ(get(server, SO_PASSCRED), 1);
  EXPECT_EQ(get(client, SO_PASSCRED), 0);
}

TEST(UnixCredentials, NamedOnesAreCheckedAndStopMerging) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to claim other ids";
  Pair pair = make_pair_of(SOCK_STREAM);
  set(pair.b, SO_PASSCRED, 1);
  EXPECT_EQ(send_with(pair.a, "one", Control().credentials({::getpid(), 5, 6})), 3);
  EXPECT_EQ(send_with(pair.a, "two", Control().credentials({::getpid(), 5, 6})), 3);
  EXPECT_EQ(send_with(pair.a, "three", Control().credentials({1, 5, 6})), 5);
  EXPECT_EQ(::send(pair.a, "four", 4, 0), 4);
  const Received both = receive(pair.b);
  EXPECT_EQ(both.text, "onetwo");
  EXPECT_EQ(both.credentials.uid, 5u);
  EXPECT_EQ(both.credentials.gid, 6u);
  const Received third = receive(pair.b);
  EXPECT_EQ(third.text, "three");
  EXPECT_EQ(third.credentials.pid, 1);
  EXPECT_EQ(receive(pair.b).text, "four");
}

TEST(UnixCredentials, OthersIdsNeedPrivilege) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to become another user";
  const pid_t child = ::fork();
  if (child == 0) {
    Pair pair = make_pair_of(SOCK_DGRAM);
    if (::setresgid(60, 61, 62) != 0 || ::setresuid(50, 51, 52) != 0) ::_exit(1);
    const auto try_ids = [&](pid_t pid, uid_t uid, gid_t gid) {
      return send_with(pair.a, "x", Control().credentials({pid, uid, gid}));
    };
    for (uid_t uid : {50u, 51u, 52u}) {
      for (gid_t gid : {60u, 61u, 62u}) {
        if (try_ids(::getpid(), uid, gid) != 1) ::_exit(2);
      }
    }
    if (try_ids(::getpid(), 53, 60) != -EPERM) ::_exit(3);
    if (try_ids(::getpid(), 50, 63) != -EPERM) ::_exit(4);
    if (try_ids(::getppid(), 50, 60) != -EPERM) ::_exit(5);
    if (try_ids(0x3fffffff, 50, 60) != -EPERM) ::_exit(6);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(UnixCredentials, ACutMessageSaysSo) {
  struct Row {
    size_t room, used;
    bool is_cut;
  };
  for (int type : kTypes) {
    for (const Row& row : {Row{0, 0, true}, Row{15, 0, true}, Row{16, 16, true}, Row{20, 20, true}, Row{27, 27, true},
                           Row{28, 28, false}, Row{32, 32, false}, Row{100, 32, false}}) {
      Pair pair = make_pair_of(type);
      set(pair.b, SO_PASSCRED, 1);
      ::send(pair.a, "x", 1, 0);
      const Received got = receive(pair.b, 4, MSG_DONTWAIT, row.room);
      EXPECT_EQ(got.control_size, row.used) << row.room;
      EXPECT_EQ((got.flags & MSG_CTRUNC) != 0, row.is_cut) << row.room;
    }
  }
}

TEST(UnixProcesses, ThePeersPidfd) {
  Pair pair = make_pair_of(SOCK_STREAM);
  int fd = -1;
  socklen_t length = sizeof fd;
  if (::getsockopt(pair.a, SOL_SOCKET, kPeerPidfd, &fd, &length) != 0) GTEST_SKIP() << "a kernel without SO_PEERPIDFD";
  const Fd process(fd);
  EXPECT_EQ(length, sizeof fd);
  EXPECT_EQ(::fcntl(process, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(poll_now(process, POLLIN), 0);
  EXPECT_EQ(answer(::getsockopt(unix_socket(SOCK_STREAM), SOL_SOCKET, kPeerPidfd, &fd, &length)), -ENODATA);
  const int before = open_descriptors();
  EXPECT_EQ(answer(::getsockopt(pair.a, SOL_SOCKET, kPeerPidfd, bad_pointer(), &length)), -EFAULT);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(UnixProcesses, APidfdOutlivesItsProcess) {
  const Name name = abstract_name("pidfd");
  const Fd listener = unix_socket(SOCK_STREAM);
  bind_name(listener, name);
  ::listen(listener, 1);
  const pid_t child = ::fork();
  if (child == 0) {
    const Fd client = unix_socket(SOCK_STREAM);
    ::_exit(connect_name(client, name) == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  const Fd server(::accept(listener, nullptr, nullptr));
  EXPECT_EQ(peer_of(server).pid, child);
  int fd = -1;
  socklen_t length = sizeof fd;
  const long result = answer(::getsockopt(server, SOL_SOCKET, kPeerPidfd, &fd, &length));
  if (result == -ENOPROTOOPT || result == -EINVAL || result == -ESRCH) GTEST_SKIP() << "a kernel before 6.16";
  ASSERT_EQ(result, 0);
  EXPECT_EQ(poll_now(Fd(fd), POLLIN), POLLIN | POLLHUP);
}

TEST(UnixProcesses, WhoAsksGetsThePidfdOfTheSender) {
  for (int type : kTypes) {
    Pair pair = make_pair_of(type);
    if (set(pair.b, kPassPidfd, 1) != 0) GTEST_SKIP() << "a kernel without SO_PASSPIDFD";
    EXPECT_EQ(get(pair.b, kPassPidfd), 1);
    ::send(pair.a, "x", 1, 0);
    const Received got = receive(pair.b);
    EXPECT_TRUE(got.has_process);
    EXPECT_EQ(::fcntl(got.process, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(got.control_size, CMSG_SPACE(sizeof(int)));
    ::send(pair.a, "x", 1, 0);
    EXPECT_EQ(receive(pair.b, 4, MSG_DONTWAIT, 16).flags & MSG_CTRUNC, MSG_CTRUNC);
    set(pair.b, SO_PASSCRED, 1);
    EXPECT_EQ(send_with(pair.a, "y", Control().rights({pair.a})), 1);
    const Received all = receive(pair.b);
    EXPECT_TRUE(all.has_credentials);
    EXPECT_EQ(all.fds.size(), 1u);
    EXPECT_TRUE(all.has_process);
  }
}

TEST(UnixProcesses, OnlyAfUnixHasThem) {
  const Fd inet(::socket(AF_INET, SOCK_STREAM, 0));
  for (int option : {SO_PASSCRED, kPassPidfd, kPassRights}) {
    const long result = set(inet, option, 1);
    EXPECT_TRUE(result == -EOPNOTSUPP || result == -ENOPROTOOPT) << option << " " << result;
  }
}

}  // namespace
}  // namespace conformance
