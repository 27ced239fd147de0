// What ends a call that waits on a stream, and with which answer.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include "tests/conformance/epoll/blocked.hh"

namespace conformance {
namespace {

constexpr useconds_t kUntilItWaits = 20'000;

long take_connection_away(int fd) {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  return connect_to(fd, nobody);
}

long pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

// Which interrupts what it is sent to.
class Interruption {
 public:
  Interruption() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGUSR1, &action, &before_);
  }
  ~Interruption() { ::sigaction(SIGUSR1, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

class ReceiverTest : public testing::TestWithParam<size_t> {};

TEST_P(ReceiverTest, HearsThatItsConnectionWasTakenAwayAndLeavesTheErrorForTheNext) {
  const TcpPair pair = tcp_pair();
  BlockedThread reader([&] {
    char bytes[8];
    return answer(::recv(pair.client, bytes, GetParam(), 0));
  });
  reader.await_sleep();
  ::usleep(kUntilItWaits);
  ASSERT_EQ(take_connection_away(pair.client), 0);
  EXPECT_EQ(reader.result(), -EPIPE);
  EXPECT_EQ(pending_error(pair.client), ECONNRESET);
}
INSTANTIATE_TEST_SUITE_P(Sizes, ReceiverTest, testing::Values(0, 8));

TEST(BlockedStreamTest, WhoConnectsHearsThatTheAttemptWasTakenAway) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  bind_to(listener, loopback4());
  ASSERT_EQ(::listen(listener, 0), 0);
  const Fd first(::socket(AF_INET, SOCK_STREAM, 0)), second(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect_to(first, name_of(listener)), 0);
  BlockedThread connecting([&] { return connect_to(second, name_of(listener)); });
  connecting.await_sleep();
  ::usleep(kUntilItWaits);
  ASSERT_EQ(take_connection_away(second), 0);
  EXPECT_EQ(connecting.result(), -EPIPE);
  EXPECT_EQ(pending_error(second), ECONNRESET);
}

TEST(BlockedStreamTest, AnUrgentByteEndsWhatWaitsForAll) {
  const TcpPair pair = tcp_pair();
  ASSERT_EQ(::send(pair.client, "abc", 3, 0), 3);
  BlockedThread reader([&] {
    char bytes[8];
    return answer(::recv(pair.server, bytes, sizeof bytes, MSG_WAITALL));
  });
  reader.await_sleep();
  ::usleep(kUntilItWaits);
  ASSERT_EQ(::send(pair.client, "o", 1, MSG_OOB), 1);
  EXPECT_EQ(reader.result(), 3);
}

TEST(BlockedStreamTest, APeekThatASignalInterruptsGivesWhatItHasSeen) {
  const Interruption interruption;
  const TcpPair pair = tcp_pair();
  ASSERT_EQ(::send(pair.client, "abc", 3, 0), 3);
  BlockedThread reader([&] {
    char bytes[8];
    return answer(::recv(pair.server, bytes, sizeof bytes, MSG_PEEK | MSG_WAITALL));
  });
  reader.await_sleep();
  ::usleep(kUntilItWaits);
  ASSERT_EQ(::pthread_kill(reader.native(), SIGUSR1), 0);
  EXPECT_EQ(reader.result(), 3);
  char bytes[8];
  EXPECT_EQ(::recv(pair.server, bytes, sizeof bytes, 0), 3);
}

}  // namespace
}  // namespace conformance
