// Timestamps (RFC 7323) and explicit congestion notification (RFC 3168), segment by segment.
#include "stack/mib.hh"
#include "stack/wire/address_text.hh"
#include "tests/stack/tcp/tcp_wire.hh"

namespace lxnet::testing {
namespace {

class TcpTimestampsTest : public ::testing::Test {
 protected:
  TcpTimestampsTest() {
    wire.listener = wire.socket();
    EXPECT_EQ(wire.bind(*wire.listener, "192.0.2.1", TcpWire::kLocalPort), Errno{});
    EXPECT_EQ(wire.listen(*wire.listener, 8), Errno{});
    wire.inject({.flags = "S", .seq = 0, .mss = 1460, .timestamps = TcpTimestamps{1000, 0}});
    wire.learn_iss();
    wire.expect("SA 0:0 ack 1 win 65160 mss 1460 ts");
    wire.inject({.flags = "A", .seq = 1, .ack = 1, .timestamps = TcpTimestamps{1001, wire.last_stamp}});
    socket = wire.accept(*wire.listener);
  }
  void TearDown() override {
    wire.inject({.flags = "R", .seq = 1 + taken});
    EXPECT_EQ(socket->state(), TcpState::Closed);
    wire.close(socket);
    wire.close(wire.listener);
  }
  void receive(uint32_t stamp, const char* text) {
    wire.inject({.flags = "PA", .seq = 1 + taken, .ack = 1, .text = text, .timestamps = TcpTimestamps{stamp, wire.last_stamp}});
  }

  TcpWire wire;
  Ref<TcpSocket> socket;
  uint32_t taken = 0;
};

// 5.3, R1: an old timestamp is answered and not taken.
TEST_F(TcpTimestampsTest, ProtectAgainstWrappedSequenceNumbers) {
  receive(2000, "new");
  taken = 3;
  EXPECT_EQ(wire.next().substr(0, 10), "A 1:1 ack ");
  receive(1500, "old");
  wire.expect("A 1:1 ack 4 win 65157 ts");
  EXPECT_EQ(wire.read(*socket), "new");
  while (wire.next() != "nothing") {
  }
}

// An old acknowledgment is what reordering makes: no answer.
TEST_F(TcpTimestampsTest, IgnoreAnOldAcknowledgment) {
  receive(2000, "new");
  taken = 3;
  EXPECT_EQ(wire.next().substr(0, 10), "A 1:1 ack ");
  wire.inject({.flags = "A", .seq = 1, .ack = 1, .timestamps = TcpTimestamps{1500, wire.last_stamp}});
  wire.expect_nothing();
  EXPECT_EQ(wire.stack().mib().get(Mib::TcpExtPAWSOldAck), 1u);
}

// 5.5: what is older than 24 days says nothing any more.
TEST_F(TcpTimestampsTest, AreForgottenAfterTwentyFourDays) {
  receive(2000, "new");
  taken = 3;
  wire.advance(Duration::seconds(25 * 24 * 3600));
  receive(1500, "again");
  taken = 8;
  EXPECT_EQ(wire.read(*socket), "newagain");
  while (wire.next() != "nothing") {
  }
}

// 5.3: a reset is not looked at for its timestamp.
TEST_F(TcpTimestampsTest, DoNotProtectFromAReset) {
  receive(2000, "new");
  taken = 3;
  while (wire.next() != "nothing") {
  }
  wire.inject({.flags = "R", .seq = 4, .timestamps = TcpTimestamps{5, 0}});
  EXPECT_EQ(socket->state(), TcpState::Closed);
}

class TcpEcn : public ::testing::Test {
 protected:
  // 6.1.1: an ECN-setup SYN has ECE and CWR, its answer ECE alone.
  TcpEcn() {
    wire.tunables().tcp_ecn = 1;
    wire.tunables().tcp_timestamps = 0;
    socket = wire.socket();
    EXPECT_EQ(wire.connect(*socket, "192.0.2.2", 5000), Errno::EINPROGRESS);
    wire.learn_iss();
    EXPECT_EQ(wire.next().substr(0, 8), "SEC 0:0 ");
    wire.inject({.flags = "SAE", .seq = 0, .ack = 1, .mss = 1460});
    EXPECT_EQ(codepoint(), 0);  // 6.1.5: not on pure acknowledgments
    wire.expect("A 1:1 ack 1 win 64240");
  }
  void TearDown() override {
    while (wire.next() != "nothing") {
    }
    wire.inject({.flags = "R", .seq = 1 + taken});
    EXPECT_EQ(socket->state(), TcpState::Closed);
    wire.close(socket);
  }
  // Of the next packet to leave.
  int codepoint() {
    uint8_t bytes[2] = {};
    if (Packet* packet = wire.device.sent.front()) packet->read(0, bytes);
    return bytes[1] & 3;
  }

  TcpWire wire;
  Ref<TcpSocket> socket;
  uint32_t taken = 0;
};

// 6.1.2 and 6.1.5: data is ECT(0), and sent again it is not.
TEST_F(TcpEcn, MarksNewDataAsCapableAlone) {
  wire.send(*socket, "hello");
  EXPECT_EQ(codepoint(), 2);
  wire.expect("PA 1:6 ack 1 win 64240");
  wire.advance(Duration::seconds(3));
  EXPECT_EQ(codepoint(), 0);
  EXPECT_EQ(wire.next().substr(0, 7), "PA 1:6 ");
}

// 6.1.3: ECE on every acknowledgment after a mark, until CWR comes.
TEST_F(TcpEcn, EchoesAMarkUntilItIsHeard) {
  wire.inject({.flags = "PA", .seq = 1, .ack = 1, .text = "a", .tos = 3});
  wire.expect("AE 1:1 ack 2 win 64239");
  wire.inject({.flags = "PA", .seq = 2, .ack = 1, .text = "b", .tos = 2});
  wire.expect("AE 1:1 ack 3 win 64238");
  wire.inject({.flags = "PAC", .seq = 3, .ack = 1, .text = "c", .tos = 2});
  wire.expect("A 1:1 ack 4 win 64237");
  taken = 3;
}

// 6.1.2: an echo halves (CUBIC: takes three tenths) the window once a round trip, and CWR says so.
TEST_F(TcpEcn, ReducesOnceForAnEcho) {
  const CongestionState& congestion = TcpTestAccess::congestion(*socket);
  wire.send(*socket, std::string(1460 * 4, 'x'));
  while (wire.next() != "nothing") {
  }
  wire.inject({.flags = "AE", .seq = 1, .ack = 1461});
  EXPECT_EQ(congestion.loss_state, LossState::Cwr);
  EXPECT_EQ(congestion.ssthresh, 7u);
  wire.inject({.flags = "AE", .seq = 1, .ack = 2921});
  EXPECT_EQ(congestion.ssthresh, 7u);
  wire.send(*socket, "y");
  wire.inject({.flags = "A", .seq = 1, .ack = 5841});
  const std::string next = wire.next();
  EXPECT_NE(next.find('C'), std::string::npos) << next;
  EXPECT_EQ(next.find('E'), std::string::npos) << next;
  wire.inject({.flags = "A", .seq = 1, .ack = 5842});
}

}  // namespace
}  // namespace lxnet::testing
