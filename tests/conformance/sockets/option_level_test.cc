// Options of levels that a socket does not have, and the error queue that has nothing: which errno, for each kind of socket.
#include <gtest/gtest.h>
#include <netinet/icmp6.h>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

constexpr int kNoOption = 9999;

struct LevelCase {
  int domain, type, protocol, level;
  long get, set;
};

class OptionLevelTest : public testing::TestWithParam<LevelCase> {};

TEST_P(OptionLevelTest, AnswersAsLinux) {
  const LevelCase& c = GetParam();
  const Fd fd(::socket(c.domain, c.type, c.protocol));
  if (fd < 0 && errno == EPERM) GTEST_SKIP() << "raw sockets need a privilege";
  ASSERT_GE(fd, 0);
  int value = 0;
  socklen_t size = sizeof value;
  EXPECT_EQ(answer(::getsockopt(fd, c.level, kNoOption, &value, &size)), c.get) << "level " << c.level;
  EXPECT_EQ(answer(::setsockopt(fd, c.level, kNoOption, &value, sizeof value)), c.set) << "level " << c.level;
}

constexpr long kNone = -ENOPROTOOPT, kUnsupported = -EOPNOTSUPP;

INSTANTIATE_TEST_SUITE_P(Kinds, OptionLevelTest,
                         testing::Values(LevelCase{AF_INET, SOCK_STREAM, 0, 500, kUnsupported, kNone},
                                         LevelCase{AF_INET, SOCK_STREAM, 0, -1, kUnsupported, kNone},
                                         LevelCase{AF_INET, SOCK_STREAM, 0, IPPROTO_TCP, kNone, kNone},
                                         LevelCase{AF_INET, SOCK_STREAM, 0, IPPROTO_UDP, kUnsupported, kNone},
                                         LevelCase{AF_INET, SOCK_STREAM, 0, IPPROTO_IP, kNone, kNone},
                                         LevelCase{AF_INET, SOCK_STREAM, 0, IPPROTO_IPV6, kUnsupported, kNone},
                                         LevelCase{AF_INET, SOCK_STREAM, 0, SOL_SOCKET, kNone, kNone},
                                         LevelCase{AF_INET, SOCK_DGRAM, 0, IPPROTO_TCP, kUnsupported, kNone},
                                         LevelCase{AF_INET, SOCK_DGRAM, 0, IPPROTO_UDP, kNone, kNone},
                                         LevelCase{AF_INET, SOCK_DGRAM, 0, IPPROTO_RAW, kUnsupported, kNone},
                                         LevelCase{AF_INET, SOCK_RAW, IPPROTO_ICMP, IPPROTO_RAW, kNone, kNone},
                                         LevelCase{AF_INET, SOCK_RAW, IPPROTO_ICMP, IPPROTO_ICMPV6, kUnsupported, kNone},
                                         LevelCase{AF_INET, SOCK_RAW, IPPROTO_ICMP, IPPROTO_UDP, kUnsupported, kNone},
                                         LevelCase{AF_INET6, SOCK_STREAM, 0, 500, kNone, kNone},
                                         LevelCase{AF_INET6, SOCK_STREAM, 0, IPPROTO_UDP, kNone, kNone},
                                         LevelCase{AF_INET6, SOCK_DGRAM, 0, IPPROTO_TCP, kNone, kNone},
                                         LevelCase{AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, IPPROTO_ICMPV6, kNone, kNone}));

TEST(EmptyErrorQueueTest, HasNothingToReadWhateverTheSocketsState) {
  for (const int domain : {AF_INET, AF_INET6}) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      const Fd fd(::socket(domain, type, 0));
      char byte;
      // Without MSG_DONTWAIT too: it never waits.
      EXPECT_EQ(answer(::recv(fd, &byte, 1, MSG_ERRQUEUE)), -EAGAIN) << domain << " " << type;
      if (type == SOCK_STREAM) {
        ASSERT_EQ(::listen(fd, 1), 0);
        EXPECT_EQ(answer(::recv(fd, &byte, 1, MSG_ERRQUEUE)), -EAGAIN);
      }
    }
  }
}

TEST(EmptyErrorQueueTest, IsAskedBeforeTheStreamsBytes) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM, 0)), client(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address = loopback4();
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), size), 0);
  const Fd server(::accept(listener, nullptr, nullptr));
  ASSERT_EQ(::send(client, "a", 1, 0), 1);
  char byte = 0;
  EXPECT_EQ(answer(::recv(server, &byte, 1, MSG_ERRQUEUE)), -EAGAIN);
  EXPECT_EQ(::recv(server, &byte, 1, 0), 1);
  EXPECT_EQ(byte, 'a');
}

}  // namespace
}  // namespace conformance
