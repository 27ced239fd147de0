// RFC 9293 3.6 and 3.10.4: closing, segment by segment; and what Linux adds to it for sockets without an owner.
#include "stack/wire/address_text.hh"
#include "tests/stack/tcp/tcp_wire.hh"
#include "tests/support/own_options.hh"

namespace lxnet::testing {
namespace {

class TcpClose : public ::testing::Test {
 protected:
  void TearDown() override {
    if (socket) wire.close(socket);
    wire.close(wire.listener);
  }
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer();
};

TEST_F(TcpClose, ClosesActivelyAndWaits) {
  wire.close(socket);
  wire.expect("FA 1:1 ack 1 win 64240");
  wire.inject({.flags = "A", .seq = 1, .ack = 2});
  wire.inject({.flags = "FA", .seq = 1, .ack = 2});
  wire.expect("A 2:2 ack 2 win 64239");
  EXPECT_EQ(wire.stack().tcp().time_waits(), 1);
  // The acknowledgment was lost: the FIN comes again.
  wire.advance(Duration::seconds(1));
  wire.inject({.flags = "FA", .seq = 1, .ack = 2});
  wire.expect("A 2:2 ack 2 win 64239");
  wire.advance(Duration::seconds(59));
  EXPECT_EQ(wire.stack().tcp().time_waits(), 1);
  wire.advance(Duration::seconds(2));
  EXPECT_EQ(wire.stack().tcp().time_waits(), 0);
}

TEST_F(TcpClose, ClosesPassively) {
  wire.inject({.flags = "FA", .seq = 1, .ack = 1});
  EXPECT_EQ(socket->state(), TcpState::CloseWait);
  EXPECT_EQ(wire.receive(*socket, 1), 0);
  wire.close(socket);
  wire.expect("FA 1:1 ack 2 win 64239");
  wire.inject({.flags = "A", .seq = 2, .ack = 2});
  EXPECT_EQ(wire.stack().tcp().time_waits(), 0);
  wire.inject({.flags = "A", .seq = 2, .ack = 2});
  wire.expect("R 2:2 win 0");
}

TEST_F(TcpClose, ClosesBothWaysAtOnce) {
  wire.shutdown(*socket, ShutdownHow::Write);
  wire.expect("FA 1:1 ack 1 win 64240");
  wire.inject({.flags = "FA", .seq = 1, .ack = 1});
  wire.expect("A 2:2 ack 2 win 64239");
  EXPECT_EQ(socket->state(), TcpState::Closing);
  wire.inject({.flags = "A", .seq = 2, .ack = 2});
  EXPECT_EQ(wire.stack().tcp().time_waits(), 1);
}

TEST_F(TcpClose, SendsWhatIsQueuedBeforeTheFin) {
  wire.send(*socket, std::string(3000, 'x'));
  wire.close(socket);
  wire.expect(R"(A 1:1461 ack 1 win 64240
                 A 1461:2921 ack 1 win 64240
                 PA 2921:3001 ack 1 win 64240
                 FA 3001:3001 ack 1 win 64240)");
  wire.inject({.flags = "FA", .seq = 1, .ack = 3002});
  wire.expect("A 3002:3002 ack 2 win 64239");
}

TEST_F(TcpClose, ResetsInsteadWhenDataWasNotRead) {
  wire.inject({.flags = "PA", .seq = 1, .ack = 1, .text = "unread"});
  wire.expect("A 1:1 ack 7 win 64234");
  wire.close(socket);
  wire.expect("RA 1:1 ack 7 win 64234");
}

TEST_F(TcpClose, ResetsInsteadWithALingerOfZero) {
  own(*socket, socket->options).linger_on = true;
  wire.close(socket);
  wire.expect("RA 1:1 ack 1 win 64240");
}

TEST_F(TcpClose, ResetsAPeerThatStillSendsToNobody) {
  wire.close(socket);
  wire.expect("FA 1:1 ack 1 win 64240");
  wire.inject({.flags = "A", .seq = 1, .ack = 2});
  wire.inject({.flags = "PA", .seq = 1, .ack = 2, .text = "anybody?"});
  wire.expect("R 2:2 win 0");
}

TEST_F(TcpClose, DoesNotKeepFinWait2WithoutAUser) {
  wire.close(socket);
  wire.expect("FA 1:1 ack 1 win 64240");
  wire.inject({.flags = "A", .seq = 1, .ack = 2});
  wire.advance(Duration::seconds(61));
  wire.inject({.flags = "FA", .seq = 1, .ack = 2});
  wire.expect("R 2:2 win 0");
}

TEST_F(TcpClose, TakesANewConnectionInTimeWaitWhoseSynIsNewer) {
  wire.close(socket);
  wire.expect("FA 1:1 ack 1 win 64240");
  wire.inject({.flags = "FA", .seq = 1, .ack = 2});
  wire.expect("A 2:2 ack 2 win 64239");
  EXPECT_EQ(wire.stack().tcp().time_waits(), 1);
  wire.inject({.flags = "S", .seq = 100'000});
  EXPECT_EQ(wire.stack().tcp().time_waits(), 0);
  // It begins beyond what the old one sent, a window included.
  wire.expect("SA 65539:65539 ack 100001 win 64240 mss 1460");
  wire.inject({.flags = "R", .seq = 100'001});
}

TEST_F(TcpClose, ReportsEveryStateToPoll) {
  constexpr PollEvents kIn = kPollIn | kPollReadNormal, kOut = kPollOut | kPollWriteNormal;
  EXPECT_EQ(wire.poll(*socket), kOut);
  wire.inject({.flags = "FA", .seq = 1, .ack = 1});
  EXPECT_EQ(wire.poll(*socket), kIn | kOut | kPollReadHangUp);
  wire.shutdown(*socket, ShutdownHow::Write);
  wire.expect("FA 1:1 ack 2 win 64239");
  EXPECT_EQ(wire.poll(*socket), kIn | kOut | kPollReadHangUp | kPollHangUp);
  wire.inject({.flags = "R", .seq = 2});
  EXPECT_EQ(wire.poll(*socket), kIn | kOut | kPollReadHangUp | kPollHangUp | kPollError);
}

}  // namespace
}  // namespace lxnet::testing
