// socket(): which domain, type and protocol make a socket, and which errno answers the rest.
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

struct CreationCase {
  int domain, type, protocol;
  long expected;  // 0: a descriptor
};

class CreationTest : public testing::TestWithParam<CreationCase> {};

TEST_P(CreationTest, AnswersAsLinux) {
  const CreationCase& c = GetParam();
  const Fd fd(::socket(c.domain, c.type, c.protocol));
  EXPECT_EQ(fd < 0 ? -errno : 0, c.expected);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, CreationTest,
    testing::Values(CreationCase{AF_INET, SOCK_STREAM, 0, 0}, CreationCase{AF_INET, SOCK_STREAM, IPPROTO_TCP, 0},
                    CreationCase{AF_INET, SOCK_STREAM, IPPROTO_UDP, -EPROTONOSUPPORT}, CreationCase{AF_INET, SOCK_DGRAM, 0, 0},
                    CreationCase{AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0},
                    CreationCase{AF_INET, SOCK_DGRAM, IPPROTO_TCP, -EPROTONOSUPPORT},
                    CreationCase{AF_INET, SOCK_DGRAM, 300, -EINVAL}, CreationCase{AF_INET, SOCK_DGRAM, -1, -EINVAL},
                    CreationCase{AF_INET, SOCK_SEQPACKET, 0, -ESOCKTNOSUPPORT},
                    CreationCase{AF_INET, SOCK_RDM, 0, -ESOCKTNOSUPPORT}, CreationCase{AF_INET, 75, 0, -EINVAL},
                    CreationCase{0, SOCK_STREAM, 0, -EAFNOSUPPORT}, CreationCase{-1, SOCK_STREAM, 0, -EAFNOSUPPORT},
                    CreationCase{AF_INET6, SOCK_STREAM, 0, 0}, CreationCase{AF_INET6, SOCK_DGRAM, 0, 0},
                    CreationCase{AF_UNIX, SOCK_STREAM, 0, 0}, CreationCase{AF_UNIX, SOCK_DGRAM, 0, 0},
                    CreationCase{AF_UNIX, SOCK_SEQPACKET, 0, 0}, CreationCase{AF_UNIX, SOCK_RAW, 0, 0},
                    CreationCase{AF_UNIX, SOCK_STREAM, 7, -EPROTONOSUPPORT}, CreationCase{AF_UNIX, SOCK_RDM, 0, -ESOCKTNOSUPPORT},
                    CreationCase{AF_INET, SOCK_STREAM | 0x40000000, 0, -EINVAL}));

TEST(CreationTest, NonBlockingAndCloseOnExecAreSetByTheCall) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  char byte;
  EXPECT_EQ(answer(::recv(fd, &byte, 1, 0)), -EAGAIN);
}

TEST(CreationTest, AnInternetSocketpairIsNotSupported) {
  int pair[2];
  EXPECT_EQ(answer(::socketpair(AF_INET, SOCK_STREAM, 0, pair)), -EOPNOTSUPP);
  EXPECT_EQ(answer(::socketpair(AF_INET, SOCK_DGRAM, IPPROTO_TCP, pair)), -EPROTONOSUPPORT);
  EXPECT_EQ(answer(::socketpair(AF_UNIX, SOCK_STREAM, 0, bad_pointer<int>())), -EFAULT);
}

TEST(CreationTest, CallsOnWhatIsNoSocketSayWhich) {
  sockaddr_in address = loopback4();
  EXPECT_EQ(bind_to(-1, address), -EBADF);
  EXPECT_EQ(bind_to(9999, address), -EBADF);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd read_end(ends[0]), write_end(ends[1]);
  EXPECT_EQ(bind_to(read_end, address), -ENOTSOCK);
  EXPECT_EQ(connect_to(read_end, address), -ENOTSOCK);
  EXPECT_EQ(answer(::listen(read_end, 1)), -ENOTSOCK);
  EXPECT_EQ(answer(::accept(read_end, nullptr, nullptr)), -ENOTSOCK);
  EXPECT_EQ(answer(::send(write_end, "x", 1, 0)), -ENOTSOCK);
  EXPECT_EQ(answer(::accept4(read_end, nullptr, nullptr, 0x40000000)), -EINVAL);
}

}  // namespace
}  // namespace conformance
