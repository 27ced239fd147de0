// SCM_RIGHTS: what arrives, what is cut, and what is refused whole.
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/conformance/unix/unix_posix.hh"

namespace conformance {
namespace {

constexpr int kTypes[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

Fd scratch_file(const std::string& content) {
  char path[] = "/tmp/lxnet-unix-XXXXXX";
  Fd fd(::mkstemp(path));
  ::unlink(path);
  EXPECT_EQ(::write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return fd;
}

TEST(UnixRights, AsManyAsFitTheControlBuffer) {
  // Control room, how many of three descriptors, msg_controllen, MSG_CTRUNC.
  struct Row {
    size_t room;
    size_t count;
    size_t used;
    bool is_cut;
  };
  const Row rows[] = {{0, 0, 0, true},    {8, 0, 0, true},    {16, 0, 0, true},  {19, 0, 0, true},   {20, 1, 20, true},
                      {23, 1, 23, true},  {24, 2, 24, true},  {27, 2, 24, true}, {28, 3, 28, false}, {31, 3, 31, false},
                      {32, 3, 32, false}, {40, 3, 32, false}, {64, 3, 32, false}};
  for (int type : kTypes) {
    for (const Row& row : rows) {
      Pair pair = make_pair_of(type);
      ASSERT_EQ(send_with(pair.a, "d", Control().rights({pair.a, pair.b, pair.a})), 1);
      const int before = open_descriptors();
      const Received got = receive(pair.b, 8, MSG_DONTWAIT, row.room);
      EXPECT_EQ(got.result, 1);
      EXPECT_EQ(got.fds.size(), row.count) << row.room;
      EXPECT_EQ(got.control_size, row.used) << row.room;
      EXPECT_EQ((got.flags & MSG_CTRUNC) != 0, row.is_cut) << row.room;
      EXPECT_EQ(open_descriptors(), before + static_cast<int>(row.count));
    }
  }
}

TEST(UnixRights, TwoHundredAndFiftyThreeAndNotOneMore) {
  Pair pair = make_pair_of(SOCK_DGRAM);
  EXPECT_EQ(send_with(pair.a, "d", Control().rights(std::vector<int>(254, pair.a))), -EINVAL);
  EXPECT_EQ(send_with(pair.a, "d", Control().rights(std::vector<int>(200, pair.a)).rights(std::vector<int>(54, pair.a))),
            -EINVAL);
  ASSERT_EQ(send_with(pair.a, "d", Control().rights(std::vector<int>(253, pair.a))), 1);
  ASSERT_EQ(send_with(pair.a, "e", Control().rights(std::vector<int>(100, pair.a)).rights(std::vector<int>(153, pair.a))), 1);
  EXPECT_EQ(receive(pair.b).fds.size(), 253u);
  const Received joined = receive(pair.b);
  EXPECT_EQ(joined.fds.size(), 253u);
  EXPECT_EQ(joined.text, "e");
}

TEST(UnixRights, CloseOnExecIsTheReceiversChoice) {
  Pair pair = make_pair_of(SOCK_STREAM);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd read_end(ends[0]), write_end(ends[1]);
  for (int flags : {0, int{MSG_CMSG_CLOEXEC}}) {
    ASSERT_EQ(send_with(pair.a, "d", Control().rights({pair.a, read_end})), 1);
    const Received got = receive(pair.b, 8, MSG_DONTWAIT | flags);
    ASSERT_EQ(got.fds.size(), 2u);
    for (const Fd& fd : got.fds) EXPECT_EQ(::fcntl(fd, F_GETFD), flags != 0 ? FD_CLOEXEC : 0);
    EXPECT_EQ(got.flags, flags);
  }
}

TEST(UnixRights, APeekShowsCopiesAndLeavesThem) {
  for (int type : kTypes) {
    Pair pair = make_pair_of(type), carried = make_pair_of(SOCK_STREAM);
    ASSERT_EQ(send_with(pair.a, "ab", Control().rights({carried.a})), 2);
    for (int round = 0; round < 3; ++round) {
      const Received peeked = receive(pair.b, 1, MSG_DONTWAIT | MSG_PEEK);
      EXPECT_EQ(peeked.text, "a");
      ASSERT_EQ(peeked.fds.size(), 1u);
      EXPECT_EQ(::send(peeked.fds[0], "x", 1, 0), 1);
    }
    carried.a.reset();
    EXPECT_EQ(receive(carried.b).text, "xxx");
    {
      const Received got = receive(pair.b);
      EXPECT_EQ(got.fds.size(), 1u);
      EXPECT_EQ(receive(carried.b).result, -EAGAIN);
    }
    EXPECT_EQ(receive(carried.b).result, 0);
  }
}

TEST(UnixRights, AStreamReadNeverPassesDescriptors) {
  Pair pair = make_pair_of(SOCK_STREAM);
  ::send(pair.a, "one", 3, 0);
  send_with(pair.a, "two", Control().rights({pair.a}));
  send_with(pair.a, "three", Control().rights({pair.a, pair.a}));
  ::send(pair.a, "four", 4, 0);
  Received first = receive(pair.b);
  EXPECT_EQ(first.text, "onetwo");
  EXPECT_EQ(first.fds.size(), 1u);
  Received second = receive(pair.b, 2);
  EXPECT_EQ(second.text, "th");
  EXPECT_EQ(second.fds.size(), 2u);
  Received third = receive(pair.b);
  EXPECT_EQ(third.text, "reefour");
  EXPECT_EQ(third.fds.size(), 0u);
}

TEST(UnixRights, WithoutBytesAStreamSendsNothing) {
  Pair pair = make_pair_of(SOCK_STREAM), carried = make_pair_of(SOCK_STREAM);
  EXPECT_EQ(send_with(pair.a, "", Control().rights({carried.a})), 0);
  carried.a.reset();
  EXPECT_EQ(receive(pair.b).result, -EAGAIN);
  EXPECT_EQ(receive(carried.b).result, 0);
  Pair packets = make_pair_of(SOCK_DGRAM);
  EXPECT_EQ(send_with(packets.a, "", Control().rights({packets.a})), 0);
  EXPECT_EQ(receive(packets.b).fds.size(), 1u);
}

TEST(UnixRights, PlainReadsThrowThemAway) {
  for (int type : kTypes) {
    Pair pair = make_pair_of(type), carried = make_pair_of(SOCK_STREAM);
    ASSERT_EQ(send_with(pair.a, "d", Control().rights({carried.a})), 1);
    carried.a.reset();
    char byte;
    EXPECT_EQ(::read(pair.b, &byte, 1), 1);
    EXPECT_EQ(receive(carried.b).result, 0);
  }
}

// Every kind of mistake: the call fails, nothing is queued, nothing stays open.
TEST(UnixRights, AMistakeRefusesTheWholeMessage) {
  const Fd closed_number(::dup(0));
  const int closed = closed_number.get();
  struct Row {
    const char* text;
    Control control;
    long expected;
  };
  for (int type : kTypes) {
    Pair pair = make_pair_of(type);
    const int own = pair.a;
    std::vector<Row> rows = {
        {"closed", Control().rights({own, 987}), -EBADF},
        {"negative", Control().rights({own, -1}), -EBADF},
        {"negative first", Control().rights({-5, own}), -EBADF},
        {"unknown type", Control().rights({own}).add(99, "abcd", 4), -EINVAL},
        {"short credentials", Control().rights({own}).add(SCM_CREDENTIALS, "abcdefgh", 8), -EINVAL},
        {"long credentials", Control().rights({own}).add(SCM_CREDENTIALS, "abcdefghijklmnop", 16), -EINVAL},
        {"nobody's process", Control().rights({own}).credentials({0x3fffffff, 0, 0}), ::geteuid() == 0 ? -ESRCH : -EPERM},
        {"no such user", Control().credentials({::getpid(), ~0u, 0}), -EINVAL},
        {"security", Control().add(3, "abcd", 4), -EINVAL},
    };
    Control shorter = Control().rights({own});
    reinterpret_cast<cmsghdr*>(shorter.bytes().data())->cmsg_len = 15;
    rows.push_back({"length below the header", shorter, -EINVAL});
    Control longer = Control().rights({own});
    reinterpret_cast<cmsghdr*>(longer.bytes().data())->cmsg_len = 1000;
    rows.push_back({"length beyond the buffer", longer, -EINVAL});
    Control second = Control().rights({own}).rights({own});
    reinterpret_cast<cmsghdr*>(second.bytes().data() + CMSG_SPACE(4))->cmsg_len = 0;
    rows.push_back({"second of length 0", second, -EINVAL});
    const int before = open_descriptors();
    for (Row& row : rows) {
      EXPECT_EQ(send_with(pair.a, "d", row.control), row.expected) << row.text << " " << type_name(type);
      EXPECT_EQ(receive(pair.b).result, -EAGAIN) << row.text;
      EXPECT_EQ(ask(pair.a, kBytesUnsent), 0) << row.text;
    }
    EXPECT_EQ(open_descriptors(), before);
  }
  EXPECT_GE(closed, 0);
}

TEST(UnixRights, OtherLevelsAndPartsOfNumbersArePassedOver) {
  Pair pair = make_pair_of(SOCK_DGRAM);
  Control foreign = Control().rights({pair.a});
  reinterpret_cast<cmsghdr*>(foreign.bytes().data())->cmsg_level = IPPROTO_IP;
  EXPECT_EQ(send_with(pair.a, "d", foreign), 1);
  EXPECT_EQ(receive(pair.b).fds.size(), 0u);
  const int numbers[2] = {pair.a, 12345};
  EXPECT_EQ(send_with(pair.a, "d", Control().add(SCM_RIGHTS, numbers, 7)), 1);
  EXPECT_EQ(receive(pair.b).fds.size(), 1u);
  EXPECT_EQ(send_with(pair.a, "d", Control().add(SCM_RIGHTS, numbers, 3)), 1);
  EXPECT_EQ(receive(pair.b).control_size, 0u);
}

TEST(UnixRights, ABadControlBufferLeaksNothing) {
  Pair pair = make_pair_of(SOCK_DGRAM);
  ASSERT_EQ(send_with(pair.a, "d", Control().rights({pair.a, pair.b})), 1);
  const int before = open_descriptors();
  char byte;
  iovec vector{&byte, 1};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = bad_pointer();
  message.msg_controllen = 64;
  EXPECT_EQ(answer(::recvmsg(pair.b, &message, MSG_DONTWAIT)), 1);
  EXPECT_EQ(message.msg_flags & MSG_CTRUNC, MSG_CTRUNC);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(UnixRights, NoNumberLeftCutsTheRest) {
  Pair pair = make_pair_of(SOCK_STREAM);
  ASSERT_EQ(send_with(pair.a, "d", Control().rights({pair.a, pair.a, pair.a})), 1);
  rlimit old{};
  ::getrlimit(RLIMIT_NOFILE, &old);
  const int lowest = ::dup(0);
  ::close(lowest);
  rlimit tight = old;
  tight.rlim_cur = static_cast<rlim_t>(lowest) + 1;
  // Numbers above the lowest free one may be in use; they do not matter to the limit.
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  const Received got = receive(pair.b);
  ::setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_EQ(got.fds.size(), 1u);
  EXPECT_EQ(got.flags & MSG_CTRUNC, MSG_CTRUNC);
}

TEST(UnixRights, WhoDoesNotTakeThemIsNotSentThem) {
  if (set(make_pair_of(SOCK_STREAM).a, kPassRights, 1) != 0) GTEST_SKIP() << "a kernel without SO_PASSRIGHTS";
  for (int type : kTypes) {
    Pair pair = make_pair_of(type);
    EXPECT_EQ(get(pair.b, kPassRights), 1);
    EXPECT_EQ(set(pair.b, kPassRights, 0), 0);
    EXPECT_EQ(get(pair.b, kPassRights), 0);
    EXPECT_EQ(send_with(pair.a, "d", Control().rights({pair.a})), -EPERM);
    EXPECT_EQ(receive(pair.b).result, -EAGAIN);
    EXPECT_EQ(send_with(pair.a, "d", Control()), 1);
  }
}

// A user without privilege may not have more in unread messages than it may have open.
TEST(UnixRights, InFlightIsLimitedByUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to become another user";
  const pid_t child = ::fork();
  if (child == 0) {
    Pair pair = make_pair_of(SOCK_DGRAM | SOCK_NONBLOCK);
    rlimit limit{30, 30};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0 || ::setgid(54321) != 0 || ::setuid(54321) != 0) ::_exit(2);
    int sent = 0;
    long last = 0;
    while (sent < 20 && (last = send_with(pair.a, "d", Control().rights(std::vector<int>(10, 0)))) == 1) ++sent;
    // 10, 20, 30 are not above the limit when the next is asked for; 40 are.
    if (last != -ETOOMANYREFS || sent != 4) ::_exit(static_cast<int>(10 + sent));
    { const Received got = receive(pair.b, 8, MSG_DONTWAIT, 0); }
    if (send_with(pair.a, "d", Control().rights({0})) != 1) ::_exit(3);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(UnixRights, ATwoProcessExchangeOfFilesPipesAndSockets) {
  Pair pair = make_pair_of(SOCK_STREAM);
  const pid_t child = ::fork();
  if (child == 0) {
    pair.a.reset();
    Received got = receive(pair.b, 8, 0);
    if (got.fds.size() != 3) ::_exit(1);
    char text[8] = {};
    if (::pread(got.fds[0], text, 4, 0) != 4 || std::string(text) != "file") ::_exit(2);
    if (::write(got.fds[1], "pipe", 4) != 4) ::_exit(3);
    if (::send(got.fds[2], "sock", 4, 0) != 4) ::_exit(4);
    // And back: a pipe of the child's and one end of a pair whose other end it keeps until the answer is there.
    int ends[2];
    Pair own = make_pair_of(SOCK_SEQPACKET);
    if (::pipe(ends) != 0 || ::write(ends[1], "back", 4) != 4) ::_exit(5);
    if (send_with(pair.b, "b", Control().rights({ends[0], own.a, got.fds[0]})) != 1) ::_exit(6);
    own.a.reset();
    ::close(ends[0]);
    if (receive(own.b, 8, 0).text != "hello") ::_exit(7);
    ::_exit(0);
  }
  pair.b.reset();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd file = scratch_file("file"), read_end(ends[0]);
  Fd write_end(ends[1]);
  Pair carried = make_pair_of(SOCK_STREAM);
  ASSERT_EQ(send_with(pair.a, "d", Control().rights({file, write_end, carried.b})), 1);
  write_end.reset();
  carried.b.reset();
  char text[8] = {};
  EXPECT_EQ(::read(read_end, text, sizeof text), 4);
  EXPECT_EQ(std::string(text), "pipe");
  EXPECT_EQ(receive(carried.a, 8, 0).text, "sock");
  Received back = receive(pair.a, 8, 0);
  ASSERT_EQ(back.fds.size(), 3u);
  EXPECT_EQ(::read(back.fds[0], text, sizeof text), 4);
  EXPECT_EQ(std::string(text), "back");
  EXPECT_EQ(::send(back.fds[1], "hello", 5, 0), 5);
  EXPECT_EQ(::lseek(back.fds[2], 0, SEEK_CUR), 4);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(receive(carried.a, 8, 0).result, 0);
}

TEST(UnixRights, AListenerInItsOwnBacklogIsFreedAndItsClientHearsOfIt) {
  const Name name = abstract_name("cycle");
  Fd client = unix_socket(SOCK_STREAM);
  {
    const Fd listener = unix_socket(SOCK_STREAM);
    bind_name(listener, name);
    ::listen(listener, 1);
    ASSERT_EQ(connect_name(client, name), 0);
    ASSERT_EQ(send_with(client, "d", Control().rights({listener})), 1);
  }
  // Linux looks for cycles in the background, when a socket is closed.
  long events = 0;
  for (int round = 0; round < 200 && (events & POLLHUP) == 0; ++round) {
    make_pair_of(SOCK_DGRAM);
    events = poll_now(client, POLLIN, 20);
  }
  EXPECT_EQ(events & POLLHUP, POLLHUP);
  EXPECT_EQ(get(client, SO_ERROR), ECONNRESET);
  const Fd again = unix_socket(SOCK_STREAM);
  EXPECT_EQ(bind_name(again, name), 0);
}

}  // namespace
}  // namespace conformance
