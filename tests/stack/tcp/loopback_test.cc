// Connections of a stack with itself: what a program sees of a connection's life.
#include "stack/wire/address_text.hh"
#include "tests/stack/tcp/tcp_host.hh"

namespace lxnet::testing {
namespace {

using Host = TcpHost;

TEST(TcpLoopback, IsEstablishedWhenConnectReturns) {
  Host host;
  Host::Pair pair = host.connected_pair();
  EXPECT_EQ(pair.client->state(), TcpState::Established);
  EXPECT_EQ(pair.server->state(), TcpState::Established);
  host.close(pair);
}

TEST(TcpLoopback, CarriesBytesBothWays) {
  Host host;
  Host::Pair pair = host.connected_pair();
  EXPECT_EQ(host.send(*pair.client, "hello"), 5);
  EXPECT_EQ(host.read(*pair.server), "hello");
  EXPECT_EQ(host.send(*pair.server, "world"), 5);
  EXPECT_EQ(host.read(*pair.client), "world");
  EXPECT_EQ(host.receive(*pair.client, 10), minus(Errno::EAGAIN));
  host.close(pair);
}

TEST(TcpLoopback, StreamsMoreThanBothBuffersHold) {
  Host host;
  Host::Pair pair = host.connected_pair();
  std::string data;
  for (size_t i = 0; i < 4'000'000; ++i) data.push_back(static_cast<char>(i * 7 + i / 251));
  std::string got;
  size_t sent = 0;
  int idle = 0;
  while (got.size() < data.size() && idle < 1000) {
    bool progress = false;
    if (sent < data.size()) {
      const int64_t n = host.send(*pair.client, data.substr(sent, 100'000));
      if (n > 0) sent += static_cast<size_t>(n), progress = true;
    }
    const std::string piece = host.read(*pair.server, 70'000);
    got += piece;
    if (!piece.empty()) progress = true;
    if (!progress) ++idle, host.advance(Duration::millis(50));
  }
  EXPECT_TRUE(got == data) << got.size();
  EXPECT_LT(idle, 5);
  host.close(pair);
}

// A write smaller than the loopback's segment waits, by Nagle, while another is unacknowledged: so who has read all of one must
// say so at once, whatever sizes came before.
TEST(TcpLoopback, NeverWaitsForTheAcknowledgmentOfWhatWasRead) {
  for (const size_t size : {size_t{1}, size_t{88}, size_t{535}, size_t{1000}, size_t{4096}, size_t{20'000}, size_t{65'000}}) {
    Host host;
    Host::Pair pair = host.connected_pair();
    const std::string text(size, 'x');
    for (int i = 0; i < 300; ++i) {
      ASSERT_EQ(host.send(*pair.client, text), static_cast<int64_t>(size)) << i;
      ASSERT_EQ(host.read(*pair.server).size(), size) << "write " << i;
    }
    host.close(pair);
  }
}

// Linux waits once: the second smaller one is taken for a full segment of a sender with more to come.
TEST(TcpLoopback, WaitsOnceWhereWritesBecomeSmaller) {
  Host host;
  Host::Pair pair = host.connected_pair();
  const struct {
    size_t size;
    int waits;
  } kRuns[] = {{9000, 0}, {4096, 1}, {600, 1}, {4096, 0}};
  for (const auto& [size, expected] : kRuns) {
    int waits = 0;
    for (int i = 0; i < 100; ++i) {
      host.send(*pair.client, std::string(size, 'x'));
      if (host.read(*pair.server).size() == size) continue;
      ++waits;
      host.advance(Duration::millis(40));
      ASSERT_EQ(host.read(*pair.server).size(), size) << "write " << i << " of " << size;
    }
    EXPECT_EQ(waits, expected) << size;
  }
  host.close(pair);
}

TEST(TcpLoopback, EndsTheStreamAfterShutdown) {
  Host host;
  Host::Pair pair = host.connected_pair();
  host.send(*pair.client, "bye");
  EXPECT_EQ(host.shutdown(*pair.client, ShutdownHow::Write), Errno{});
  // The peer's acknowledgment waits for an answer to carry it.
  EXPECT_EQ(pair.client->state(), TcpState::FinWait1);
  host.advance(Duration::millis(41));
  EXPECT_EQ(pair.client->state(), TcpState::FinWait2);
  EXPECT_EQ(pair.server->state(), TcpState::CloseWait);
  EXPECT_EQ(host.read(*pair.server), "bye");
  EXPECT_EQ(host.receive(*pair.server, 10), 0);
  EXPECT_EQ(host.send(*pair.client, "x"), minus(Errno::EPIPE));
  EXPECT_EQ(host.send(*pair.server, "late"), 4);
  EXPECT_EQ(host.read(*pair.client), "late");
  EXPECT_EQ(host.shutdown(*pair.server, ShutdownHow::Write), Errno{});
  EXPECT_EQ(pair.server->state(), TcpState::Closed);
  EXPECT_EQ(host.stack().tcp().time_waits(), 1);
  EXPECT_EQ(host.receive(*pair.client, 10), 0);
  host.close(pair);
}

TEST(TcpLoopback, RefusesWhereNobodyListens) {
  Host host;
  Ref<TcpSocket> socket = host.socket();
  EXPECT_EQ(host.connect(*socket, "127.0.0.1", 9), Errno::EINPROGRESS);
  EXPECT_EQ(host.poll(*socket),
            kPollIn | kPollReadNormal | kPollOut | kPollWriteNormal | kPollReadHangUp | kPollHangUp | kPollError);
  EXPECT_EQ(host.connect(*socket, "127.0.0.1", 9), Errno::ECONNREFUSED);
  host.close(socket);
}

TEST(TcpLoopback, ResetsThePeerWhenClosedWithUnreadData) {
  Host host;
  Host::Pair pair = host.connected_pair();
  host.send(*pair.client, "unread");
  host.close(pair.server);
  EXPECT_EQ(pair.client->state(), TcpState::Closed);
  EXPECT_EQ(host.receive(*pair.client, 10), minus(Errno::ECONNRESET));
  EXPECT_EQ(host.receive(*pair.client, 10), 0);
  EXPECT_EQ(host.send(*pair.client, "x"), minus(Errno::EPIPE));
  host.close(pair);
}

TEST(TcpLoopback, ServesConnectionsInTheOrderTheyCame) {
  Host host;
  Ref<TcpSocket> listener = host.socket();
  host.bind(*listener, "127.0.0.1", 80);
  host.listen(*listener, 4);
  Ref<TcpSocket> first = host.socket(), second = host.socket();
  host.connect(*first, "127.0.0.1", 80);
  host.connect(*second, "127.0.0.1", 80);
  EXPECT_EQ(host.poll(*listener), kPollIn | kPollReadNormal);
  Ref<TcpSocket> a = host.accept(*listener), b = host.accept(*listener);
  ASSERT_TRUE(a && b);
  host.send(*first, "1");
  host.send(*second, "2");
  EXPECT_EQ(host.read(*a), "1");
  EXPECT_EQ(host.read(*b), "2");
  EXPECT_FALSE(host.accept(*listener));
  EXPECT_EQ(host.last_error, Errno::EAGAIN);
  for (Ref<TcpSocket>* socket : {&first, &second, &a, &b, &listener}) host.close(*socket);
}

TEST(TcpLoopback, DropsWhatTheAcceptQueueCannotHold) {
  Host host;
  Ref<TcpSocket> listener = host.socket();
  host.bind(*listener, "127.0.0.1", 80);
  host.listen(*listener, 1);
  std::vector<Ref<TcpSocket>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(host.socket());
    host.connect(*clients.back(), "127.0.0.1", 80);
  }
  // Linux counts full when there is one more than the backlog.
  EXPECT_EQ(clients[1]->state(), TcpState::Established);
  EXPECT_EQ(clients[2]->state(), TcpState::SynSent);
  Ref<TcpSocket> accepted = host.accept(*listener);
  host.advance(Duration::seconds(2));
  EXPECT_EQ(clients[2]->state(), TcpState::Established);
  host.close(accepted);
  for (Ref<TcpSocket>& client : clients) host.close(client);
  host.close(listener);
}

TEST(TcpLoopback, TellsTheQueuedThatTheListenerIsGone) {
  Host host;
  Ref<TcpSocket> listener = host.socket();
  host.bind(*listener, "127.0.0.1", 80);
  host.listen(*listener, 4);
  Ref<TcpSocket> client = host.socket();
  host.connect(*client, "127.0.0.1", 80);
  host.close(listener);
  EXPECT_EQ(client->state(), TcpState::Closed);
  EXPECT_EQ(host.receive(*client, 1), minus(Errno::ECONNRESET));
  host.close(client);
}

TEST(TcpLoopback, ConnectsToItself) {
  Host host;
  Ref<TcpSocket> socket = host.socket();
  host.bind(*socket, "127.0.0.1", 7000);
  EXPECT_EQ(host.connect(*socket, "127.0.0.1", 7000), Errno::EINPROGRESS);
  EXPECT_EQ(socket->state(), TcpState::Established);
  EXPECT_EQ(host.send(*socket, "echo"), 4);
  EXPECT_EQ(host.read(*socket), "echo");
  host.close(socket);
}

TEST(TcpLoopback, DeliversUrgentDataOutOfBand) {
  Host host;
  Host::Pair pair = host.connected_pair();
  host.send(*pair.client, "abc");
  host.send(*pair.client, "X", kMessageOutOfBand);
  host.send(*pair.client, "def");
  EXPECT_TRUE(host.poll(*pair.server) & kPollPriority);
  EXPECT_EQ(host.receive(*pair.server, 10, kMessageOutOfBand), 1);
  EXPECT_EQ(host.received, "X");
  EXPECT_EQ(host.read(*pair.server), "abc");
  EXPECT_EQ(host.read(*pair.server), "def");
  EXPECT_EQ(host.receive(*pair.server, 10, kMessageOutOfBand), minus(Errno::EINVAL));
  host.close(pair);
}

TEST(TcpLoopback, PeeksWithoutTaking) {
  Host host;
  Host::Pair pair = host.connected_pair();
  host.send(*pair.client, "peek");
  EXPECT_EQ(host.receive(*pair.server, 2, kMessagePeek), 2);
  EXPECT_EQ(host.received, "pe");
  EXPECT_EQ(host.read(*pair.server), "peek");
  host.close(pair);
}

TEST(TcpLoopback, AnswersAConnectionOverIpv6) {
  Host host;
  Ref<TcpSocket> listener = host.socket(IpFamily::V6);
  EXPECT_EQ(host.bind(*listener, "::", 80), Errno{});
  EXPECT_EQ(host.listen(*listener, 4), Errno{});
  Ref<TcpSocket> six = host.socket(IpFamily::V6), four = host.socket();
  host.connect(*six, "::1", 80);
  host.connect(*four, "127.0.0.1", 80);
  EXPECT_EQ(six->state(), TcpState::Established);
  EXPECT_EQ(four->state(), TcpState::Established);
  Ref<TcpSocket> a = host.accept(*listener), b = host.accept(*listener);
  host.send(*six, std::string(100'000, 'x'));
  // As Linux, the receiver lets in more than it said at first, before anybody has read.
  EXPECT_EQ(host.read(*a).size(), 100'000u);
  for (Ref<TcpSocket>* socket : {&six, &four, &a, &b, &listener}) host.close(*socket);
}

}  // namespace
}  // namespace lxnet::testing
