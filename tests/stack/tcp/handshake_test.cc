// RFC 9293 3.5 and 3.10.7.2 to 3.10.7.4: opening a connection, segment by segment.
#include "stack/wire/address_text.hh"
#include "tests/stack/tcp/tcp_wire.hh"

namespace lxnet::testing {
namespace {

TEST(TcpHandshake, OpensActivelyWithEveryOption) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.socket();
  EXPECT_EQ(wire.connect(*socket, "192.0.2.2", 5000), Errno::EINPROGRESS);
  wire.learn_iss();
  wire.expect("S 0:0 win 64240 mss 1460 sackOK ts ws 10");
  EXPECT_EQ(wire.poll(*socket), 0u);
  EXPECT_EQ(wire.connect(*socket, "192.0.2.2", 5000), Errno::EALREADY);
  wire.inject({.flags = "SA", .seq = 0, .ack = 1, .mss = 1460});
  wire.expect("A 1:1 ack 1 win 64240");
  EXPECT_EQ(wire.poll(*socket), kPollOut | kPollWriteNormal);
  EXPECT_EQ(wire.connect(*socket, "192.0.2.2", 5000), Errno{});
  EXPECT_EQ(wire.connect(*socket, "192.0.2.2", 5000), Errno::EISCONN);
  wire.inject({.flags = "R", .seq = 1});
  EXPECT_EQ(socket->state(), TcpState::Closed);
  wire.close(socket);
}

TEST(TcpHandshake, RepeatsItsSynAndGivesUp) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.socket();
  wire.tunables().tcp_syn_retries = 1;
  wire.tunables().tcp_syn_linear_timeouts = 1;
  wire.connect(*socket, "192.0.2.2", 5000);
  wire.learn_iss();
  wire.expect("S 0:0 win 64240 mss 1460 sackOK ts ws 10");
  wire.advance(Duration::millis(1001));
  wire.expect("S 0:0 win 64240 mss 1460 sackOK ts ws 10");
  wire.advance(Duration::millis(1001));
  wire.expect("S 0:0 win 64240 mss 1460 sackOK ts ws 10");
  wire.advance(Duration::millis(1900));
  EXPECT_EQ(socket->state(), TcpState::SynSent);
  wire.advance(Duration::millis(200));
  EXPECT_EQ(socket->state(), TcpState::Closed);
  EXPECT_EQ(wire.connect(*socket, "192.0.2.2", 5000), Errno::ETIMEDOUT);
  wire.close(socket);
}

TEST(TcpHandshake, AnswersAnUnacceptableAckInSynSentWithAReset) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.socket();
  wire.connect(*socket, "192.0.2.2", 5000);
  wire.learn_iss();
  wire.expect("S 0:0 win 64240 mss 1460 sackOK ts ws 10");
  wire.inject({.flags = "SA", .seq = 0, .ack = 5});
  wire.expect("R 5:5 win 0");
  EXPECT_EQ(socket->state(), TcpState::SynSent);
  wire.inject({.flags = "R", .seq = 0});  // a reset without ACK means nothing here
  EXPECT_EQ(socket->state(), TcpState::SynSent);
  wire.inject({.flags = "RA", .seq = 0, .ack = 1});
  EXPECT_EQ(wire.connect(*socket, "192.0.2.2", 5000), Errno::ECONNREFUSED);
  wire.close(socket);
}

TEST(TcpHandshake, MeetsASimultaneousOpen) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.socket();
  wire.connect(*socket, "192.0.2.2", 5000);
  wire.learn_iss();
  wire.expect("S 0:0 win 64240 mss 1460 sackOK ts ws 10");
  wire.inject({.flags = "S", .seq = 0, .mss = 1000});
  wire.expect("SA 0:0 ack 1 win 64240 mss 1460 sackOK ts ws 10");
  EXPECT_EQ(socket->state(), TcpState::SynReceived);
  wire.inject({.flags = "SA", .seq = 0, .ack = 1, .mss = 1000});
  EXPECT_EQ(socket->state(), TcpState::Established);
  wire.inject({.flags = "R", .seq = 1});
  while (wire.next() != "nothing") {
  }
  wire.close(socket);
}

TEST(TcpHandshake, ListensAndRepeatsItsSynAck) {
  TcpWire wire;
  Ref<TcpSocket> listener = wire.socket();
  wire.bind(*listener, "0.0.0.0", 80);
  wire.listen(*listener, 1);
  wire.inject({.flags = "S",
               .seq = 0,
               .window = 1000,
               .mss = 1400,
               .scale = 3,
               .sack_permitted = true,
               .timestamps = TcpTimestamps{7, 0}});
  wire.learn_iss();
  wire.expect("SA 0:0 ack 1 win 65160 mss 1460 sackOK ts ws 10");
  wire.advance(Duration::millis(1001));
  wire.expect("SA 0:0 ack 1 win 65160 mss 1460 sackOK ts ws 10");
  // Of the two answers that may come only the right one counts.
  wire.inject({.flags = "A", .seq = 1, .ack = 9, .timestamps = TcpTimestamps{8, 0}});
  wire.expect("R 9:9 win 0");
  wire.inject({.flags = "A", .seq = 1, .ack = 1, .timestamps = TcpTimestamps{8, 0}});
  Ref<TcpSocket> accepted = wire.accept(*listener);
  ASSERT_TRUE(accepted);
  EXPECT_EQ(TcpTestAccess::send(*accepted).wnd, 65535u << 3);
  EXPECT_EQ(TcpTestAccess::send(*accepted).mss, 1388u);
  wire.inject({.flags = "R", .seq = 1, .timestamps = TcpTimestamps{8, 0}});
  EXPECT_EQ(wire.receive(*accepted, 1), minus(Errno::ECONNRESET));
  wire.close(accepted);
  wire.close(listener);
}

TEST(TcpHandshake, AnswersSegmentsForNobodyWithResets) {
  TcpWire wire;
  wire.inject({.flags = "S", .seq = 10});
  wire.expect("RA 0:0 ack 11 win 0");
  wire.inject({.flags = "A", .seq = 10, .ack = 77});
  wire.expect("R 77:77 win 0");
  wire.inject({.flags = "R", .seq = 10});
  wire.inject({.flags = "FPU", .seq = 10, .text = "xyz"});
  wire.expect("RA 0:0 ack 14 win 0");
}

TEST(TcpHandshake, DeliversAConnectionThatWasResetWhileItWaited) {
  TcpWire wire;
  Ref<TcpSocket> listener = wire.socket();
  wire.bind(*listener, "0.0.0.0", 80);
  wire.listen(*listener, 1);
  wire.inject({.flags = "S", .seq = 0});
  wire.learn_iss();
  wire.expect("SA 0:0 ack 1 win 64240 mss 1460");
  wire.inject({.flags = "A", .seq = 1, .ack = 1});
  wire.inject({.flags = "R", .seq = 1});
  Ref<TcpSocket> accepted = wire.accept(*listener);
  ASSERT_TRUE(accepted);
  EXPECT_EQ(wire.receive(*accepted, 1), minus(Errno::ECONNRESET));
  wire.close(accepted);
  wire.close(listener);
}

}  // namespace
}  // namespace lxnet::testing
