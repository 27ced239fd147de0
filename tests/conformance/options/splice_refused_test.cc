// What a socket does not take of a splice stays in the pipe, and of a sendfile() in the file.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/options/tools.hh"

namespace conformance {
namespace {

class SpliceRefusedTest : public ::testing::Test {
 protected:
  SpliceRefusedTest() {
    int fds[2];
    EXPECT_EQ(::pipe(fds), 0);
    out_ = Fd(fds[0]);
    in_ = Fd(fds[1]);
    ::signal(SIGPIPE, SIG_IGN);
  }
  ~SpliceRefusedTest() override { ::signal(SIGPIPE, SIG_DFL); }

  void put(const std::string& text) { ASSERT_EQ(::write(in_, text.data(), text.size()), static_cast<long>(text.size())); }
  long splice_to(int socket, size_t count, unsigned flags = 0) {
    return answer(::splice(out_, nullptr, socket, nullptr, count, flags));
  }
  int left() {
    int size = -1;
    EXPECT_EQ(::ioctl(out_, FIONREAD, &size), 0);
    return size;
  }
  std::string rest() {
    std::string text(static_cast<size_t>(left()), '\0');
    EXPECT_EQ(::read(out_, text.data(), text.size()), static_cast<long>(text.size()));
    return text;
  }

  Fd out_{-1}, in_{-1};
};

TEST_F(SpliceRefusedTest, SocketsWithoutAPeer) {
  struct Case {
    int family, type;
    long answer;
  };
  const Case cases[] = {{AF_INET, SOCK_STREAM, -EPIPE},        {AF_INET, SOCK_DGRAM, -EDESTADDRREQ},
                        {AF_INET6, SOCK_DGRAM, -EDESTADDRREQ}, {AF_UNIX, SOCK_STREAM, -ENOTCONN},
                        {AF_UNIX, SOCK_DGRAM, -ENOTCONN},      {AF_UNIX, SOCK_SEQPACKET, -ENOTCONN}};
  put("kept");
  for (const Case& row : cases) {
    const Fd fd(::socket(row.family, row.type, 0));
    EXPECT_EQ(splice_to(fd, 100), row.answer) << row.family << " " << row.type;
    EXPECT_EQ(left(), 4) << row.family << " " << row.type;
  }
  EXPECT_EQ(rest(), "kept");
}

TEST_F(SpliceRefusedTest, AnEndThatWasShut) {
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM}) {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, type, 0, fds), 0);
    const Fd a(fds[0]), b(fds[1]);
    put("kept");
    ASSERT_EQ(::shutdown(a, SHUT_WR), 0);
    EXPECT_EQ(splice_to(a, 100), -EPIPE);
    EXPECT_EQ(rest(), "kept");
  }
}

TEST_F(SpliceRefusedTest, WhatHasNoRoomComesLater) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  const Fd a(fds[0]), b(fds[1]);
  const std::string filling(1000, 'f');
  size_t sent = 0;
  for (long done; (done = ::send(a, filling.data(), filling.size(), 0)) > 0;) sent += static_cast<size_t>(done);
  put("later");
  EXPECT_EQ(splice_to(a, 100), -EAGAIN);
  EXPECT_EQ(left(), 5);
  std::string got(sent, '\0');
  for (size_t at = 0; at < sent;) at += static_cast<size_t>(::recv(b, got.data() + at, sent - at, 0));
  EXPECT_EQ(splice_to(a, 100), 5);
  EXPECT_EQ(left(), 0);
  EXPECT_EQ(::recv(b, got.data(), got.size(), 0), 5);
  EXPECT_EQ(got.substr(0, 5), "later");
}

// As much as there is room for, and every byte once.
TEST_F(SpliceRefusedTest, WhatHasSomeRoomGoesInPart) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  const Fd a(fds[0]), b(fds[1]);
  ASSERT_EQ(::fcntl(in_, F_SETFL, O_NONBLOCK), 0);
  std::string sent, got, room(100000, '\0');
  for (int round = 0; sent.size() < 3000000; ++round) {
    std::string piece(static_cast<size_t>(7000 + 1000 * (round % 5)), '\0');
    for (size_t i = 0; i < piece.size(); ++i) piece[i] = static_cast<char>(sent.size() + i * 31 + i / 251);
    const long put = ::write(in_, piece.data(), piece.size());
    if (put > 0) sent.append(piece, 0, static_cast<size_t>(put));
    const long spliced = splice_to(a, 100000);
    if (spliced != -EAGAIN) {
      ASSERT_GT(spliced, 0);
    }
    if (round % 3 == 0) {
      const long taken = ::recv(b, room.data(), room.size() / 2, 0);
      if (taken > 0) got.append(room, 0, static_cast<size_t>(taken));
    }
  }
  while (got.size() < sent.size()) {
    splice_to(a, 100000, SPLICE_F_NONBLOCK);
    const long taken = ::recv(b, room.data(), room.size(), 0);
    ASSERT_GT(taken, 0);
    got.append(room, 0, static_cast<size_t>(taken));
  }
  EXPECT_TRUE(got == sent);
}

TEST_F(SpliceRefusedTest, ADatagramThatIsTooLarge) {
  const Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0)), sender(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof name;
  ASSERT_EQ(::bind(receiver, reinterpret_cast<sockaddr*>(&name), length), 0);
  ASSERT_EQ(::getsockname(receiver, reinterpret_cast<sockaddr*>(&name), &length), 0);
  ASSERT_EQ(::connect(sender, reinterpret_cast<sockaddr*>(&name), length), 0);
  put(std::string(65536, 'x'));
  EXPECT_EQ(splice_to(sender, 65536), -EMSGSIZE);
  EXPECT_EQ(left(), 65536);
  EXPECT_EQ(splice_to(sender, 1000), 1000);
  EXPECT_EQ(left(), 64536);
}

// The peer goes while a splice waits for room.
TEST_F(SpliceRefusedTest, ASpliceThatWaitedForAPeerThatWent) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  const Fd a(fds[0]);
  Fd b(fds[1]);
  const std::string filling(1000, 'f');
  while (::send(a, filling.data(), filling.size(), MSG_DONTWAIT) > 0) {
  }
  put("kept");
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(b);
    // It had not read everything.
    const long result = splice_to(a, 100);
    _exit(result != -ECONNRESET ? static_cast<int>(-result) : left() == 4 ? 0 : 200);
  }
  ::usleep(50000);
  b = Fd(-1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(rest(), "kept");
}

// sendfile() without an offset moves a file by what was sent, and no further.
TEST(SendfileRefusedTest, TheFileStaysWhereTheSocketStopped) {
  const Fd file(::memfd_create("file", 0)), unconnected(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(::ftruncate(file, 4 << 20), 0);
  ASSERT_EQ(::lseek(file, 3, SEEK_SET), 3);
  EXPECT_EQ(answer(::sendfile(unconnected, file, nullptr, 100)), -EDESTADDRREQ);
  EXPECT_EQ(::lseek(file, 0, SEEK_CUR), 3);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  const Fd near(ends[0]), far(ends[1]);
  const long sent = answer(::sendfile(near, file, nullptr, 4 << 20));
  EXPECT_GT(sent, 0);
  EXPECT_LT(sent, (4 << 20) - 3);
  EXPECT_EQ(::lseek(file, 0, SEEK_CUR), 3 + sent);
  EXPECT_EQ(answer(::sendfile(near, file, nullptr, 100)), -EAGAIN);
  EXPECT_EQ(::lseek(file, 0, SEEK_CUR), 3 + sent);
}

TEST(SendfileRefusedTest, NegativeCountsAndDirectories) {
  const Fd file(::memfd_create("file", 0)), directory(::open("/", O_RDONLY | O_DIRECTORY));
  ASSERT_EQ(::ftruncate(file, 100), 0);
  const TcpPair pair = tcp_pair();
  off_t offset = 0;
  EXPECT_EQ(answer(::sendfile(pair.client, file, &offset, static_cast<size_t>(-1))), -EINVAL);
  EXPECT_EQ(offset, 0);
  EXPECT_EQ(answer(::sendfile(pair.client, file, nullptr, static_cast<size_t>(-1))), -EINVAL);
  EXPECT_EQ(answer(::sendfile(pair.client, directory, nullptr, 10)), -EINVAL);
}

TEST(SendfileRefusedTest, AFileWithoutAPositionIsNoSource) {
  int pipe_ends[2], ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const Fd reader(pipe_ends[0]), writer(pipe_ends[1]), near(ends[0]), far(ends[1]);
  ASSERT_EQ(::write(writer, "x", 1), 1);
  EXPECT_EQ(answer(::sendfile(near, reader, nullptr, 1)), -EINVAL);
  char byte = 0;
  EXPECT_EQ(::read(reader, &byte, 1), 1);
}

}  // namespace
}  // namespace conformance
