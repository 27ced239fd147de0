// splice between sockets and pipes, and what tee and vmsplice say of sockets.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#include <algorithm>
#include <string>

#include "tests/conformance/options/tools.hh"

namespace conformance {
namespace {

struct Pipe {
  Pipe() {
    int fds[2];
    if (::pipe(fds) != 0) return;
    out = Fd(fds[0]);
    in = Fd(fds[1]);
  }
  Fd out{-1}, in{-1};
};

struct UdpPair {
  UdpPair() {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof name;
    EXPECT_EQ(::bind(receiver, reinterpret_cast<sockaddr*>(&name), length), 0);
    EXPECT_EQ(::getsockname(receiver, reinterpret_cast<sockaddr*>(&name), &length), 0);
    EXPECT_EQ(::connect(sender, reinterpret_cast<sockaddr*>(&name), length), 0);
  }
  Fd receiver{::socket(AF_INET, SOCK_DGRAM, 0)}, sender{::socket(AF_INET, SOCK_DGRAM, 0)};
};

struct TcpPair {
  TcpPair() {
    const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof name;
    EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&name), length), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &length), 0);
    EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&name), length), 0);
    server = Fd(::accept(listener, nullptr, nullptr));
  }
  Fd client{::socket(AF_INET, SOCK_STREAM, 0)}, server{-1};
};

long splice(int in, int out, size_t count, unsigned flags = 0) {
  return answer(::splice(in, nullptr, out, nullptr, count, flags));
}

std::string read_all(int fd, size_t most) {
  std::string bytes(most, '\0');
  const long got = ::read(fd, bytes.data(), most);
  bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return bytes;
}

TEST(SpliceTest, AStreamGoesIntoAPipeAndOutOfIt) {
  TcpPair pair;
  Pipe pipe;
  ASSERT_EQ(::send(pair.client, "through a pipe", 14, 0), 14);
  EXPECT_EQ(splice(pair.server, pipe.in, 100), 14);
  EXPECT_EQ(splice(pipe.out, pair.server, 7), 7);
  EXPECT_EQ(splice(pipe.out, pair.server, 100), 7);
  std::string echo(14, '\0');
  ASSERT_EQ(::recv(pair.client, echo.data(), echo.size(), MSG_WAITALL), 14);
  EXPECT_EQ(echo, "through a pipe");
}

TEST(SpliceTest, TheEndOfAStreamIsZero) {
  TcpPair pair;
  Pipe pipe;
  ASSERT_EQ(::shutdown(pair.client, SHUT_WR), 0);
  EXPECT_EQ(splice(pair.server, pipe.in, 100), 0);
  pipe.in = Fd(-1);
  EXPECT_EQ(splice(pipe.out, pair.server, 100), 0);
}

TEST(SpliceTest, ADatagramIsTakenByItselfAndSentByItself) {
  UdpPair pair;
  Pipe pipe;
  const std::string large(9000, 'x');
  ASSERT_EQ(::send(pair.sender, "one", 3, 0), 3);
  ASSERT_EQ(::send(pair.sender, "two", 3, 0), 3);
  ASSERT_EQ(::send(pair.sender, large.data(), large.size(), 0), 9000);
  EXPECT_EQ(splice(pair.receiver, pipe.in, 100), 3);
  EXPECT_EQ(splice(pair.receiver, pipe.in, 2), 2);  // the rest of it is lost
  EXPECT_EQ(read_all(pipe.out, 100), "onetw");
  EXPECT_EQ(splice(pair.receiver, pipe.in, 20000), 9000);
  EXPECT_EQ(splice(pipe.out, pair.sender, 20000), 9000);
  EXPECT_EQ(receive_message(pair.receiver, 0, 20000).size, 9000);
}

// SPLICE_F_NONBLOCK is about the pipe; the socket has its own flag.
TEST(SpliceTest, NothingIsWaitedForWhereThatIsSaid) {
  UdpPair pair;
  Pipe pipe;
  EXPECT_EQ(splice(pipe.out, pair.sender, 10, SPLICE_F_NONBLOCK), -EAGAIN);
  ASSERT_EQ(::fcntl(pair.receiver, F_SETFL, O_NONBLOCK), 0);
  EXPECT_EQ(splice(pair.receiver, pipe.in, 10), -EAGAIN);
  TcpPair streams;
  ASSERT_EQ(::fcntl(streams.server, F_SETFL, O_NONBLOCK), 0);
  EXPECT_EQ(splice(streams.server, pipe.in, 10), -EAGAIN);
}

TEST(SpliceTest, WhatCannotBeIsRefusedInLinuxsOrder) {
  UdpPair pair;
  Pipe pipe;
  loff_t offset = 0;
  EXPECT_EQ(splice(-1, -1, 0, ~0u), 0);
  EXPECT_EQ(splice(-1, pipe.in, 1, 0x10), -EINVAL);
  EXPECT_EQ(splice(-1, pipe.in, 1), -EBADF);
  EXPECT_EQ(splice(pair.receiver, -1, 1), -EBADF);
  EXPECT_EQ(splice(pair.receiver, pair.sender, 1), -EINVAL);
  EXPECT_EQ(answer(::splice(pair.receiver, &offset, pipe.in, nullptr, 1, 0)), -EINVAL);
  EXPECT_EQ(answer(::splice(pair.receiver, nullptr, pipe.in, &offset, 1, 0)), -ESPIPE);
  EXPECT_EQ(answer(::splice(pipe.out, nullptr, pair.sender, &offset, 1, 0)), -EINVAL);
  EXPECT_EQ(answer(::splice(pipe.out, &offset, pair.sender, nullptr, 1, 0)), -ESPIPE);
}

TEST(SpliceTest, AFileMustBeOpenForWhatIsDoneToIt) {
  UdpPair pair;
  Pipe pipe;
  const Fd readable(::open("/dev/zero", O_RDONLY)), writable(::open("/dev/null", O_WRONLY)), path(::open("/dev/null", O_PATH));
  EXPECT_EQ(splice(pipe.in, pair.sender, 1), -EBADF);
  EXPECT_EQ(splice(pair.receiver, pipe.out, 1), -EBADF);
  EXPECT_EQ(splice(pair.receiver, pipe.out, 1, SPLICE_F_NONBLOCK), -EBADF);
  EXPECT_EQ(splice(readable, pair.sender, 1), -EINVAL);
  EXPECT_EQ(splice(pair.receiver, readable, 1), -EBADF);
  EXPECT_EQ(splice(writable, pair.sender, 1), -EBADF);
  EXPECT_EQ(splice(pair.receiver, writable, 1), -EINVAL);
  const Fd timer(::timerfd_create(CLOCK_MONOTONIC, 0));  // has no positions, and is no pipe
  EXPECT_EQ(splice(timer, pair.sender, 1), -EINVAL);
  EXPECT_EQ(splice(pair.receiver, timer, 1), -EINVAL);
  EXPECT_EQ(splice(path, pair.sender, 1), -EBADF);
  EXPECT_EQ(splice(pair.receiver, path, 1), -EBADF);
  loff_t offset = 0;
  EXPECT_EQ(answer(::splice(pipe.in, &offset, pair.sender, nullptr, 1, 0)), -ESPIPE);
  EXPECT_EQ(answer(::splice(pair.receiver, static_cast<loff_t*>(bad_pointer()), readable, nullptr, 1, 0)), -EFAULT);
}

TEST(SpliceTest, APipeThatNobodyReadsIsBroken) {
  UdpPair pair;
  Pipe pipe;
  ::signal(SIGPIPE, SIG_IGN);
  ASSERT_EQ(::send(pair.sender, "lost", 4, 0), 4);
  pipe.out = Fd(-1);
  EXPECT_EQ(splice(pair.receiver, pipe.in, 10), -EPIPE);
  ::signal(SIGPIPE, SIG_DFL);
}

TEST(SpliceTest, LocalSocketsAreSplicedToo) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  const Fd a(fds[0]), b(fds[1]);
  Pipe pipe;
  ASSERT_EQ(::write(pipe.in, "local", 5), 5);
  EXPECT_EQ(splice(pipe.out, a, 100), 5);
  EXPECT_EQ(splice(b, pipe.in, 100), 5);
  EXPECT_EQ(read_all(pipe.out, 100), "local");
}

long fill(int pipe, size_t size) {
  ::fcntl(pipe, F_SETFL, O_NONBLOCK);
  const std::string bytes(size, 'x');
  return answer(::write(pipe, bytes.data(), size));
}

// What is written later goes into pages of its own.
TEST(SpliceTest, SplicedBytesTakeWholePagesOfAPipe) {
  for (const size_t size : {size_t{7}, size_t{4096}, size_t{5000}}) {
    UdpPair pair;
    Pipe pipe;
    const long room = ::fcntl(pipe.in, F_GETPIPE_SZ), page = ::sysconf(_SC_PAGESIZE);
    const std::string datagram(size, 'd');
    ASSERT_EQ(::send(pair.sender, datagram.data(), size, 0), static_cast<long>(size));
    ASSERT_EQ(splice(pair.receiver, pipe.in, 10'000), static_cast<long>(size));
    const long pages = (static_cast<long>(size) + page - 1) / page;
    EXPECT_EQ(fill(pipe.in, 70'000), std::min(room, 70'000L) - pages * page) << size;
    EXPECT_EQ(read_all(pipe.out, size), datagram);
  }
}

TEST(SpliceTest, OfAStreamTheyDoToo) {
  TcpPair pair;
  Pipe pipe;
  const long room = ::fcntl(pipe.in, F_GETPIPE_SZ), page = ::sysconf(_SC_PAGESIZE);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(::send(pair.client, "piece", 5, 0), 5);
    ASSERT_EQ(splice(pair.server, pipe.in, 100), 5);
  }
  EXPECT_EQ(fill(pipe.in, 70'000), std::min(room, 70'000L) - 2 * page);
  EXPECT_EQ(read_all(pipe.out, 10), "piecepiece");
}

TEST(SpliceTest, OfADatagramWhatThePipeHasNoRoomForIsLost) {
  UdpPair pair;
  Pipe pipe;
  const long room = ::fcntl(pipe.in, F_GETPIPE_SZ), page = ::sysconf(_SC_PAGESIZE);
  const std::string bytes(static_cast<size_t>(room - page), 'x'), datagram(static_cast<size_t>(page) * 2 + 7, 'd');
  ASSERT_EQ(::write(pipe.in, bytes.data(), bytes.size()), room - page);
  ASSERT_EQ(::send(pair.sender, datagram.data(), datagram.size(), 0), static_cast<long>(datagram.size()));
  ::fcntl(pair.receiver, F_SETFL, O_NONBLOCK);
  EXPECT_EQ(splice(pair.receiver, pipe.in, 65'536), page);
  EXPECT_EQ(splice(pair.receiver, pipe.in, 65'536, SPLICE_F_NONBLOCK), -EAGAIN);
  EXPECT_EQ(read_all(pipe.out, bytes.size()), bytes);
  EXPECT_EQ(splice(pair.receiver, pipe.in, 65'536, SPLICE_F_NONBLOCK), -EAGAIN);
  EXPECT_EQ(read_all(pipe.out, 65'536), datagram.substr(0, static_cast<size_t>(page)));
}

TEST(SpliceTest, TeeAndVmspliceKnowNoSockets) {
  UdpPair pair;
  Pipe pipe;
  char byte = 'x';
  const iovec vector{&byte, 1};
  EXPECT_EQ(answer(::tee(pair.receiver, pipe.in, 1, 0)), -EINVAL);
  EXPECT_EQ(answer(::tee(pipe.out, pair.sender, 1, 0)), -EINVAL);
  EXPECT_EQ(answer(::tee(pair.receiver, -1, 1, 0)), -EBADF);
  EXPECT_EQ(answer(::tee(pair.receiver, pipe.in, 0, 0)), 0);
  EXPECT_EQ(answer(::tee(pair.receiver, pipe.in, 0, 0x10)), -EINVAL);
  EXPECT_EQ(answer(::vmsplice(pair.sender, &vector, 1, 0)), -EBADF);
  EXPECT_EQ(answer(::vmsplice(pair.sender, &vector, 1, 0x10)), -EINVAL);
}

}  // namespace
}  // namespace conformance
