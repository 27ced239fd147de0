// SYN cookies: what they carry, and what a listener does whose queues are full.
#include "stack/tcp/syn_cookie.hh"

#include "tests/stack/tcp/tcp_wire.hh"

namespace lxnet::testing {
namespace {

constexpr Endpoint endpoint_of(uint8_t last, uint16_t port) {
  return {.address = Ipv4Address(192, 0, 2, last), .port = port, .scope_id = 0};
}

TEST(SynCookie, CarriesTheMssRoundedDownAndIsBoundToItsFlow) {
  const SynCookie cookie(SipKey{1, 2}, endpoint_of(1, 80), endpoint_of(2, 5000));
  const SynCookie other(SipKey{1, 2}, endpoint_of(1, 80), endpoint_of(2, 5001));
  const Instant now = Instant::from_nanos(1'000'000'000'000);
  const struct {
    uint16_t offered, carried;
  } kRows[] = {{1, 536}, {536, 536}, {1299, 536}, {1300, 1300}, {1459, 1440}, {1460, 1460}, {65535, 1460}};
  for (const auto& row : kRows) {
    uint16_t mss = row.offered;
    const SeqNum made = cookie.create(SeqNum(77), mss, now);
    EXPECT_EQ(mss, row.carried);
    EXPECT_EQ(cookie.check(made, SeqNum(77), now), row.carried);
    EXPECT_NE(cookie.check(made, SeqNum(78), now), row.carried);
    EXPECT_FALSE(other.check(made, SeqNum(77), now));
    EXPECT_TRUE(cookie.check(made, SeqNum(77), now + Duration::seconds(59)));
    EXPECT_FALSE(cookie.check(made, SeqNum(77), now + Duration::seconds(120)));
  }
}

TEST(SynCookie, KeepsOptionsInAClockThatNeverRunsAhead) {
  for (uint32_t millis = 1000; millis < 1200; ++millis) {
    for (uint8_t shift = 0; shift <= 14; ++shift) {
      const SynCookieOptions told{
          .negotiated = {.timestamps = true, .sack = shift % 2 == 0, .window_scale = true, .ecn = shift > 7},
          .peer_shift = shift};
      const uint32_t stamp = told.encode(millis);
      EXPECT_LE(stamp, millis);
      EXPECT_GT(stamp, millis - 64);
      const SynCookieOptions read = SynCookieOptions::decode(stamp);
      EXPECT_EQ(read.peer_shift, shift);
      EXPECT_EQ(read.negotiated.sack, told.negotiated.sack);
      EXPECT_EQ(read.negotiated.ecn, told.negotiated.ecn);
    }
  }
  EXPECT_FALSE(SynCookieOptions::decode(SynCookieOptions().encode(5000)).negotiated.window_scale);
}

class SynQueue : public ::testing::Test {
 protected:
  void listen(int backlog) {
    listener_ = wire_.socket();
    ASSERT_EQ(wire_.bind(*listener_, "192.0.2.1", 80), Errno{});
    ASSERT_EQ(wire_.listen(*listener_, backlog), Errno{});
  }
  // A SYN from another port of the peer's; true when it was answered, and then iss and stamp are the answer's.
  bool open_from(uint16_t port, std::optional<TcpTimestamps> stamps = TcpTimestamps{7, 0}) {
    wire_.peer_port = port;
    wire_.inject({.flags = "S", .seq = 0, .mss = 1450, .scale = 3, .sack_permitted = true, .timestamps = stamps});
    if (wire_.device.sent.front() == nullptr) return false;
    wire_.learn_iss();
    answer_ = wire_.next();
    return true;
  }
  uint64_t count(Mib counter) { return wire_.stack().mib().get(counter); }
  // Whoever waits still is reset.
  void TearDown() override {
    wire_.expect_nothing();
    wire_.close(listener_);
    wire_.device.sent.clear();
  }

  TcpWire wire_;
  Ref<TcpSocket> listener_;
  std::string answer_;
};

TEST_F(SynQueue, AnswersWithCookiesOnceItHoldsMoreThanTheBacklog) {
  listen(1);
  for (uint16_t port = 1; port <= 5; ++port) EXPECT_TRUE(open_from(port));
  EXPECT_EQ(count(Mib::TcpExtSyncookiesSent), 3u);
  EXPECT_EQ(count(Mib::TcpExtTCPReqQFullDoCookies), 3u);
  EXPECT_EQ(answer_, "SA 0:0 ack 1 win 65160 mss 1460 sackOK ts ws 10");
  // The last one's answer makes a connection with every option of its SYN, of which nothing was kept.
  wire_.inject({.flags = "A", .seq = 1, .ack = 1, .window = 1000, .timestamps = TcpTimestamps{8, wire_.last_stamp}});
  EXPECT_EQ(count(Mib::TcpExtSyncookiesRecv), 1u);
  Ref<TcpSocket> accepted = wire_.accept(*listener_);
  ASSERT_TRUE(accepted);
  EXPECT_EQ(TcpTestAccess::send(*accepted).wnd, 1000u << 3);
  EXPECT_EQ(TcpTestAccess::send(*accepted).mss, 1440u - 12);
  EXPECT_EQ(TcpTestAccess::receive(*accepted).ts_recent, 8u);
  EXPECT_EQ(wire_.send(*accepted, "x"), 1);
  wire_.expect("PA 1:2 ack 1 win 64 ts");
  wire_.inject({.flags = "R", .seq = 1, .timestamps = TcpTimestamps{8, 0}});
  wire_.close(accepted);
}

TEST_F(SynQueue, ForgetsOptionsWithoutTimestamps) {
  wire_.tunables().tcp_syncookies = 2;
  listen(8);
  ASSERT_TRUE(open_from(1, std::nullopt));
  EXPECT_EQ(answer_, "SA 0:0 ack 1 win 64240 mss 1460");
  wire_.inject({.flags = "A", .seq = 1, .ack = 1, .window = 10000});
  Ref<TcpSocket> accepted = wire_.accept(*listener_);
  ASSERT_TRUE(accepted);
  EXPECT_EQ(TcpTestAccess::send(*accepted).wnd, 10000u);
  EXPECT_EQ(TcpTestAccess::send(*accepted).mss, 1440u);
  wire_.inject({.flags = "R", .seq = 1});
  wire_.close(accepted);
}

TEST_F(SynQueue, BelievesACookieForTwoMinutesAndOnlyAfterOneWasSent) {
  wire_.tunables().tcp_syncookies = 2;
  listen(8);
  wire_.inject({.flags = "A", .seq = 1, .ack = 1});
  wire_.expect("R 1:1 win 0");
  EXPECT_EQ(count(Mib::TcpExtSyncookiesFailed), 0u);
  ASSERT_TRUE(open_from(1, std::nullopt));
  wire_.inject({.flags = "A", .seq = 1, .ack = 100});
  wire_.expect("R 100:100 win 0");
  EXPECT_EQ(count(Mib::TcpExtSyncookiesFailed), 1u);
  wire_.advance(Duration::seconds(180));
  wire_.inject({.flags = "A", .seq = 1, .ack = 1});
  wire_.expect("R 1:1 win 0");
  EXPECT_EQ(count(Mib::TcpExtSyncookiesRecv), 0u);
}

TEST_F(SynQueue, DropsWhereCookiesAreOff) {
  wire_.tunables().tcp_syncookies = 0;
  listen(1);
  EXPECT_TRUE(open_from(1));
  EXPECT_TRUE(open_from(2));
  EXPECT_FALSE(open_from(3));
  EXPECT_EQ(count(Mib::TcpExtTCPReqQFullDrop), 1u);
  EXPECT_EQ(count(Mib::TcpExtListenDrops), 1u);
}

TEST_F(SynQueue, KeepsTheLastQuarterForProvenPeersWhereCookiesAreOff) {
  wire_.tunables().tcp_syncookies = 0;
  wire_.tunables().tcp_max_syn_backlog = 4;
  listen(100);
  for (uint16_t port = 1; port <= 4; ++port) EXPECT_TRUE(open_from(port));
  EXPECT_FALSE(open_from(5));
  EXPECT_EQ(count(Mib::TcpExtListenDrops), 1u);
}

TEST_F(SynQueue, LeavesTheLastSegmentUnansweredWhenTheAcceptQueueIsFull) {
  listen(0);
  ASSERT_TRUE(open_from(1, std::nullopt));
  const uint32_t first = wire_.iss;
  ASSERT_TRUE(open_from(2, std::nullopt));
  const uint32_t second = wire_.iss;
  wire_.peer_port = 1;
  wire_.iss = first;
  wire_.inject({.flags = "A", .seq = 1, .ack = 1});
  EXPECT_EQ(count(Mib::TcpPassiveOpens), 1u);
  // One waits, which is one more than the backlog: the next is left where it is, and a new SYN is not answered at all.
  wire_.peer_port = 2;
  wire_.iss = second;
  wire_.inject({.flags = "A", .seq = 1, .ack = 1});
  EXPECT_EQ(count(Mib::TcpExtListenOverflows), 1u);
  EXPECT_EQ(count(Mib::TcpExtListenDrops), 1u);
  EXPECT_FALSE(open_from(3, std::nullopt));
  EXPECT_EQ(count(Mib::TcpExtListenOverflows), 2u);
  EXPECT_EQ(count(Mib::TcpExtListenDrops), 2u);
}

TEST_F(SynQueue, ResetsInsteadWithAbortOnOverflow) {
  wire_.tunables().tcp_abort_on_overflow = 1;
  listen(1);
  uint32_t iss[4] = {};
  for (uint16_t port = 1; port <= 2; ++port) {
    ASSERT_TRUE(open_from(port));
    iss[port] = wire_.iss;
  }
  wire_.tunables().tcp_syncookies = 0;
  for (uint16_t port = 1; port <= 2; ++port) {
    wire_.peer_port = port;
    wire_.iss = iss[port];
    wire_.inject({.flags = "A", .seq = 1, .ack = 1, .timestamps = TcpTimestamps{8, 0}});
  }
  ASSERT_EQ(count(Mib::TcpPassiveOpens), 2u);
  EXPECT_EQ(wire_.listen(*listener_, 2), Errno{});
  ASSERT_TRUE(open_from(3));
  EXPECT_EQ(wire_.listen(*listener_, 1), Errno{});
  wire_.inject({.flags = "A", .seq = 1, .ack = 1, .timestamps = TcpTimestamps{8, 0}});
  wire_.expect("R 1:1 win 0");
  EXPECT_EQ(count(Mib::TcpExtEmbryonicRsts), 1u);
}

TEST_F(SynQueue, GivesOldRequestsFewerSynAcksWhenMoreThanHalfFull) {
  wire_.tunables().tcp_synack_retries = 5;
  listen(4);
  for (uint16_t port = 1; port <= 5; ++port) ASSERT_TRUE(open_from(port));
  // All five are old after a second. The first to be asked again gets two retransmissions; then no more than half is taken, and
  // the others get all five.
  wire_.advance(Duration::seconds(64));
  size_t answers = 0;
  while (wire_.next() != "nothing") ++answers;
  EXPECT_EQ(answers, 2 + 4 * 5u);
  ASSERT_TRUE(open_from(9));
}

TEST(TcpHandshake, StartsAtOneSegmentOnlyAfterTwoLostSynAcks) {
  for (int losses = 1; losses <= 2; ++losses) {
    TcpWire wire;
    Ref<TcpSocket> listener = wire.socket();
    wire.bind(*listener, "0.0.0.0", 80);
    wire.listen(*listener, 1);
    wire.inject({.flags = "S", .seq = 0, .mss = 1460});
    wire.learn_iss();
    wire.expect("SA 0:0 ack 1 win 64240 mss 1460");
    wire.advance(Duration::millis(1001));
    wire.expect("SA 0:0 ack 1 win 64240 mss 1460");
    if (losses == 2) {
      wire.advance(Duration::millis(2001));
      wire.expect("SA 0:0 ack 1 win 64240 mss 1460");
    }
    wire.inject({.flags = "A", .seq = 1, .ack = 1});
    Ref<TcpSocket> accepted = wire.accept(*listener);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(TcpTestAccess::congestion(*accepted).cwnd, losses == 2 ? 1u : 10u);
    EXPECT_EQ(TcpTestAccess::statistics(*accepted).total_retransmits, static_cast<uint32_t>(losses));
    wire.inject({.flags = "R", .seq = 1});
    wire.close(accepted);
    wire.close(listener);
  }
}

TEST(TcpHandshake, AnswersARepeatedSynAndStartsTheTimerAnew) {
  TcpWire wire;
  Ref<TcpSocket> listener = wire.socket();
  wire.bind(*listener, "0.0.0.0", 80);
  wire.listen(*listener, 1);
  wire.inject({.flags = "S", .seq = 0, .mss = 1460});
  wire.learn_iss();
  wire.expect("SA 0:0 ack 1 win 64240 mss 1460");
  wire.advance(Duration::millis(600));
  wire.inject({.flags = "S", .seq = 0, .mss = 1460});
  wire.expect("SA 0:0 ack 1 win 64240 mss 1460");
  wire.inject({.flags = "S", .seq = 0, .mss = 1460});  // too soon
  wire.advance(Duration::millis(900));
  wire.expect_nothing();
  wire.advance(Duration::millis(101));
  wire.expect("SA 0:0 ack 1 win 64240 mss 1460");
  wire.close(listener);
}

}  // namespace
}  // namespace lxnet::testing
