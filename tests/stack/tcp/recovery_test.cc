// Loss recovery: RFC 6298 (timeouts), RFC 6675 and 8985 (SACK, RACK-TLP), RFC 6937 (PRR), RFC 5682 (F-RTO), RFC 6582 (without
// SACK).
#include "stack/wire/address_text.hh"
#include "tests/stack/tcp/tcp_wire.hh"
#include "tests/support/own_options.hh"

namespace lxnet::testing {
namespace {

std::string bytes(size_t size) { return std::string(size, 'x'); }

class TcpRecovery : public ::testing::Test {
 protected:
  void TearDown() override {
    while (wire.next() != "nothing") {
    }
    wire.inject({.flags = "R", .seq = 1});
    EXPECT_EQ(socket->state(), TcpState::Closed);
    wire.close(socket);
    wire.close(wire.listener);
  }
  // Sends `count` full segments, all of which leave.
  void send_segments(uint32_t count) {
    wire.send(*socket, bytes(count * 1460));
    for (uint32_t i = 0; i < count; ++i) {
      const std::string at = std::to_string(sent_) + ":" + std::to_string(sent_ + 1460);
      // Two at a time, on a path of this length; each pair ends with a push.
      wire.expect((i + 1 == count || i % 2 == 1 ? "PA " : "A ") + at + " ack 1 win 64240");
      sent_ += 1460;
    }
    wire.expect_nothing();
  }
  void ack(uint32_t ack, std::vector<std::pair<uint32_t, uint32_t>> sacks = {}) {
    wire.inject({.seq = 1, .ack = ack, .sacks = sacks});
  }
  const RecoveryState& recovery() { return TcpTestAccess::recovery(*socket); }
  const CongestionState& congestion() { return TcpTestAccess::congestion(*socket); }

  TcpWire wire;
  Ref<TcpSocket> socket;
  uint32_t sent_ = 1;
};

class TcpSackRecovery : public TcpRecovery {
 protected:
  void SetUp() override {
    socket = wire.accept_from_peer(true, 65535, Duration::millis(50));
    // A round trip of 50 ms is known.
    wire.send(*socket, bytes(1460));
    wire.expect("PA 1:1461 ack 1 win 64240");
    wire.advance(Duration::millis(50));
    ack(1461);
    sent_ = 1461;
  }
};

class TcpRenoRecovery : public TcpRecovery {
 protected:
  void SetUp() override {
    socket = wire.accept_from_peer(false, 65535, Duration::millis(50));
    wire.send(*socket, bytes(1460));
    wire.expect("PA 1:1461 ack 1 win 64240");
    wire.advance(Duration::millis(50));
    ack(1461);
    sent_ = 1461;
  }
};

TEST_F(TcpSackRecovery, RetransmitsAfterThreeSegmentsWereSelectivelyAcknowledged) {
  send_segments(8);
  wire.advance(Duration::millis(50));
  ack(1461, {{2921, 4381}});
  wire.expect_nothing();
  ack(1461, {{2921, 5841}});
  wire.expect_nothing();
  ack(1461, {{2921, 7301}});
  wire.expect("A 1461:2921 ack 1 win 64240");
  EXPECT_EQ(congestion().loss_state, LossState::Recovery);
  EXPECT_EQ(congestion().ssthresh, 7u);  // 0.7 of 11 segments
  ack(13141);
  EXPECT_EQ(congestion().loss_state, LossState::Open);
  EXPECT_EQ(congestion().cwnd, 7u);
}

TEST_F(TcpSackRecovery, RetransmitsEachHoleOnce) {
  send_segments(10);
  wire.advance(Duration::millis(50));
  ack(1461, {{2921, 4381}, {5841, 7301}, {8761, 10221}});
  wire.expect("A 1461:2921 ack 1 win 64240");
  ack(1461, {{2921, 4381}, {5841, 7301}, {8761, 13141}});
  wire.expect("A 4381:5841 ack 1 win 64240");
  ack(1461, {{2921, 4381}, {5841, 7301}, {8761, 16061}});
  wire.expect("A 7301:8761 ack 1 win 64240");
  wire.expect_nothing();
  ack(16061);
  EXPECT_EQ(congestion().loss_state, LossState::Open);
  EXPECT_EQ(recovery().retransmitted, 0u);
  EXPECT_EQ(recovery().lost, 0u);
  EXPECT_EQ(recovery().sacked, 0u);
  EXPECT_EQ(recovery().out, 0u);
}

TEST_F(TcpSackRecovery, ProbesTheTailAfterTwoRoundTrips) {
  send_segments(3);
  wire.advance(Duration::millis(90));
  wire.expect_nothing();
  wire.advance(Duration::millis(20));
  wire.expect("PA 4381:5841 ack 1 win 64240");
  // The SACK of the probe shows the two before it as lost, a quarter of a round trip later.
  wire.advance(Duration::millis(50));
  ack(1461, {{4381, 5841}});
  wire.advance(Duration::millis(20));
  wire.expect("A 1461:2921 ack 1 win 64240");
  ack(2921, {{4381, 5841}});
  wire.expect("A 2921:4381 ack 1 win 64240");
  ack(5841);
  EXPECT_EQ(recovery().out, 0u);
}

TEST_F(TcpSackRecovery, BacksTheTimerOff) {
  send_segments(1);
  // The loss probe of a lone segment would wait for a delayed acknowledgment, and no longer than the timeout of 250 ms.
  wire.advance(Duration::millis(251));
  const std::string probe = wire.next();
  EXPECT_EQ(probe, "PA 1461:2921 ack 1 win 64240");
  wire.advance(Duration::millis(319));
  wire.expect("PA 1461:2921 ack 1 win 64240");
  EXPECT_EQ(congestion().loss_state, LossState::Loss);
  EXPECT_EQ(congestion().cwnd, 1u);
  wire.advance(Duration::millis(420));
  wire.expect_nothing();
  wire.advance(Duration::millis(20));
  wire.expect("PA 1461:2921 ack 1 win 64240");
  wire.advance(Duration::millis(980));
  wire.expect_nothing();
  wire.advance(Duration::millis(20));
  wire.expect("PA 1461:2921 ack 1 win 64240");
  ack(2921);
  EXPECT_EQ(recovery().out, 0u);
}

TEST_F(TcpSackRecovery, GivesUpWhenNothingIsEverAcknowledged) {
  send_segments(1);
  wire.advance(Duration::minutes(14));
  EXPECT_EQ(socket->state(), TcpState::Established);
  wire.advance(Duration::minutes(3));
  EXPECT_EQ(socket->state(), TcpState::Closed);
  EXPECT_EQ(wire.receive(*socket, 1), minus(Errno::ETIMEDOUT));
}

TEST_F(TcpSackRecovery, GivesUpAfterTheUsersTimeout) {
  own(*socket, socket->tcp_options).user_timeout = Duration::seconds(5);
  send_segments(1);
  wire.advance(Duration::seconds(4));
  EXPECT_EQ(socket->state(), TcpState::Established);
  wire.advance(Duration::seconds(6));
  EXPECT_EQ(socket->state(), TcpState::Closed);
  EXPECT_EQ(wire.receive(*socket, 1), minus(Errno::ETIMEDOUT));
}

TEST_F(TcpSackRecovery, TakesAReductionBackWhenDsackSaysItWasSpurious) {
  send_segments(8);
  const uint32_t before = congestion().cwnd;
  wire.advance(Duration::millis(50));
  ack(1461, {{2921, 7301}});
  wire.expect("A 1461:2921 ack 1 win 64240");
  // The original had only been late.
  ack(7301);
  ack(13141, {{1461, 2921}});
  EXPECT_EQ(congestion().loss_state, LossState::Open);
  EXPECT_GE(congestion().cwnd, before);
}

TEST_F(TcpSackRecovery, SurvivesReneging) {
  send_segments(4);
  wire.advance(Duration::millis(50));
  ack(1461, {{2921, 4381}});
  while (wire.next() != "nothing") {
  }
  ack(2921);  // and not 4381: the peer threw the SACKed segment away
  wire.advance(Duration::millis(400));
  EXPECT_EQ(wire.next().substr(0, 12), "A 2921:4381 ");
  ack(7301);
  EXPECT_EQ(recovery().out, 0u);
  EXPECT_EQ(recovery().sacked, 0u);
}

TEST_F(TcpSackRecovery, JoinsWhatIsSacked) {
  send_segments(8);
  const uint32_t before = TcpTestAccess::send_queue(*socket).charge();
  wire.advance(Duration::millis(50));
  ack(1461, {{2921, 4381}});
  ack(1461, {{5841, 7301}, {2921, 4381}});
  ack(1461, {{2921, 7301}});
  EXPECT_EQ(recovery().sacked, 3u);
  // Where two segments of a record became one and were cut from it, they are one again.
  EXPECT_LE(TcpTestAccess::send_queue(*socket).charge(), before);
  ack(13141);
}

TEST_F(TcpSackRecovery, IgnoresImpossibleSackBlocks) {
  send_segments(3);
  ack(1461, {{5841, 9000}});
  ack(1461, {{4381, 2921}});
  ack(1461, {{0xf000'0000, 2921}});
  EXPECT_EQ(recovery().sacked, 0u);
  ack(5841);
}

TEST_F(TcpRenoRecovery, RetransmitsOnTheThirdDuplicate) {
  send_segments(8);
  ack(1461);
  ack(1461);
  wire.expect_nothing();
  ack(1461);
  wire.expect("A 1461:2921 ack 1 win 64240");
  EXPECT_EQ(congestion().loss_state, LossState::Recovery);
  // A partial acknowledgment shows the next hole (RFC 6582, 3.2 step 3).
  ack(5841);
  EXPECT_EQ(wire.next().substr(0, 12), "A 5841:7301 ");
  ack(13141);
  wire.send(*socket, "x");
  wire.expect("PA 13141:13142 ack 1 win 64240");
  ack(13142);
  EXPECT_EQ(congestion().loss_state, LossState::Open);
}

// RFC 3042: the first two duplicates let one new segment go each.
TEST_F(TcpRenoRecovery, TransmitsOnTheFirstTwoDuplicates) {
  wire.send(*socket, bytes(14 * 1460));
  for (int i = 0; i < 10; ++i) EXPECT_NE(wire.next(), "nothing");
  wire.expect_nothing();
  ack(1461);
  wire.expect("A 16061:17521 ack 1 win 64240");
  ack(1461);
  wire.expect("A 17521:18981 ack 1 win 64240");
  // Two more than the window would let go.
  EXPECT_EQ(recovery().out, congestion().cwnd + 2);
  ack(1461);
  EXPECT_EQ(wire.next().substr(0, 12), "A 1461:2921 ");
}

// Karn: the acknowledgment may have waited for what was sent again, and the others with it.
TEST_F(TcpRenoRecovery, LearnsNoRoundTripTimeFromWhatWasSentAgain) {
  const uint32_t before = TcpTestAccess::rtt(*socket).srtt_micros();
  send_segments(2);
  wire.advance(Duration::millis(260));
  wire.expect("A 1461:2921 ack 1 win 64240");
  ack(4381);
  EXPECT_EQ(TcpTestAccess::rtt(*socket).srtt_micros(), before);
  EXPECT_EQ(recovery().backoff, 1u);
}

// More duplicates than what is in flight can cause: the network reorders, and losses are believed later.
TEST_F(TcpRenoRecovery, TakesTooManyDuplicatesForReordering) {
  send_segments(3);
  for (int i = 0; i < 3; ++i) ack(1461);
  EXPECT_EQ(recovery().reordering_seen, 1u);
}

TEST_F(TcpRenoRecovery, RetransmitsAfterATimeout) {
  send_segments(2);
  wire.advance(Duration::millis(260));
  wire.expect("A 1461:2921 ack 1 win 64240");
  ack(2921);
  wire.expect("PA 2921:4381 ack 1 win 64240");
  ack(4381);
  EXPECT_EQ(recovery().out, 0u);
}

}  // namespace
}  // namespace lxnet::testing
