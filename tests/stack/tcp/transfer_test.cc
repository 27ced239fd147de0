// RFC 9293 3.8 and 3.10.7.4: data, acknowledgments and windows, segment by segment.
#include "stack/wire/address_text.hh"
#include "tests/stack/tcp/tcp_wire.hh"
#include "tests/support/own_options.hh"

namespace lxnet::testing {
namespace {

std::string bytes(size_t size) { return std::string(size, 'x'); }

class TcpTransfer : public ::testing::Test {
 protected:
  void TearDown() override {
    wire.inject({.flags = "R", .seq = 1 + taken});
    EXPECT_EQ(socket->state(), TcpState::Closed);
    wire.close(socket);
    wire.close(wire.listener);
  }
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer();
  uint32_t taken = 0;  // what the peer has sent in order
};

TEST_F(TcpTransfer, SendsAtOnceWhatFits) {
  EXPECT_EQ(wire.send(*socket, "hello"), 5);
  wire.expect("PA 1:6 ack 1 win 64240");
  EXPECT_EQ(wire.last_text, "hello");
  wire.inject({.seq = 1, .ack = 6});
}

TEST_F(TcpTransfer, CutsAtTheSegmentSizeAndMarksTheEnd) {
  wire.send(*socket, bytes(3000));
  wire.expect(R"(A 1:1461 ack 1 win 64240
                 A 1461:2921 ack 1 win 64240
                 PA 2921:3001 ack 1 win 64240)");
  wire.inject({.seq = 1, .ack = 3001});
}

TEST_F(TcpTransfer, StartsWithTenSegments) {
  wire.send(*socket, bytes(30'000));
  for (uint32_t i = 0; i < 10; ++i) {
    const std::string at = std::to_string(1 + i * 1460) + ":" + std::to_string(1 + (i + 1) * 1460);
    // In two bursts, each half the window, whose ends are marked.
    wire.expect((i % 5 == 4 ? "PA " : "A ") + at + " ack 1 win 64240");
  }
  wire.expect_nothing();
  // Each segment acknowledged lets two go.
  wire.inject({.seq = 1, .ack = 1 + 2 * 1460});
  wire.expect(R"(A 14601:16061 ack 1 win 64240
                 A 16061:17521 ack 1 win 64240
                 A 17521:18981 ack 1 win 64240
                 PA 18981:20441 ack 1 win 64240)");
}

TEST_F(TcpTransfer, HoldsASmallSegmentWhileAnotherIsUnacknowledged) {
  wire.send(*socket, "a");
  wire.expect("PA 1:2 ack 1 win 64240");
  wire.send(*socket, "b");
  wire.send(*socket, "c");
  wire.expect_nothing();
  wire.inject({.seq = 1, .ack = 2});
  wire.expect("PA 2:4 ack 1 win 64240");
  wire.inject({.seq = 1, .ack = 4});
}

TEST_F(TcpTransfer, SendsSmallSegmentsAtOnceWithNoDelay) {
  own(*socket, socket->tcp_options).no_delay = true;
  wire.send(*socket, "a");
  wire.send(*socket, "b");
  wire.expect(R"(PA 1:2 ack 1 win 64240
                 PA 2:3 ack 1 win 64240)");
  wire.inject({.seq = 1, .ack = 3});
}

TEST_F(TcpTransfer, WaitsForMoreWhenToldThatItComes) {
  wire.send(*socket, "a", kMessageMore);
  wire.expect_nothing();
  wire.send(*socket, "b");
  wire.expect("PA 1:3 ack 1 win 64240");
  wire.inject({.seq = 1, .ack = 3});
}

TEST_F(TcpTransfer, AcknowledgesEverySecondFullSegmentOnceTheStartIsOver) {
  uint32_t seq = 1;
  // The first segments are acknowledged at once, and each that opens the window: the peer is in slow start.
  for (int i = 0; i < 60; ++i) {
    wire.inject({.flags = "A", .seq = seq, .ack = 1, .text = bytes(1460)});
    seq += 1460;
    wire.read(*socket);
    while (wire.next() != "nothing") {
    }
  }
  wire.advance(Duration::millis(50));
  while (wire.next() != "nothing") {
  }
  wire.inject({.flags = "A", .seq = seq, .ack = 1, .text = bytes(1460)});
  wire.expect_nothing();
  wire.read(*socket);
  wire.inject({.flags = "A", .seq = seq + 1460, .ack = 1, .text = bytes(1460)});
  EXPECT_NE(wire.next().find("ack " + std::to_string(seq + 2920)), std::string::npos);
  wire.read(*socket);
  wire.inject({.flags = "A", .seq = seq + 2920, .ack = 1, .text = bytes(1460)});
  wire.expect_nothing();
  wire.advance(Duration::millis(41));
  EXPECT_NE(wire.next().find("ack " + std::to_string(seq + 4380)), std::string::npos);
  taken = seq + 4380 - 1;
}

TEST_F(TcpTransfer, NeverTakesMoreThanTheWindowItAnnounced) {
  wire.inject({.flags = "A", .seq = 1 + 64240, .ack = 1, .text = bytes(10)});
  wire.expect("A 1:1 ack 1 win 64240");
  wire.inject({.flags = "A", .seq = 1 + 64240 + 5, .ack = 1});
  wire.expect("A 1:1 ack 1 win 64240");
  EXPECT_EQ(wire.receive(*socket, 1), minus(Errno::EAGAIN));
}

TEST_F(TcpTransfer, ProbesAClosedWindowAtDoublingIntervals) {
  wire.inject({.seq = 1, .ack = 1, .window = 0});
  wire.send(*socket, "data");
  wire.expect_nothing();
  wire.advance(Duration::millis(230));
  wire.expect("A 0:0 ack 1 win 64240");
  wire.inject({.seq = 1, .ack = 1, .window = 0});
  wire.advance(Duration::millis(350));
  wire.expect_nothing();
  wire.advance(Duration::millis(80));
  wire.expect("A 0:0 ack 1 win 64240");
  wire.inject({.seq = 1, .ack = 1, .window = 100});
  wire.expect("PA 1:5 ack 1 win 64240");
  wire.inject({.seq = 1, .ack = 5, .window = 100});
}

// While a task owns the socket segments wait, and of all of them one acknowledgment is as good.
std::string acks_of_what_waited(int32_t defers) {
  TcpWire wire;
  wire.tunables().tcp_backlog_ack_defer = defers;
  Ref<TcpSocket> socket = wire.accept_from_peer();
  {
    Entry entry(wire.stack());
    socket->lock().acquire(entry);
  }
  for (uint32_t i = 0; i < 3; ++i) wire.inject({.flags = "A", .seq = 1 + 1460 * i, .ack = 1, .text = std::string(1460, 'x')});
  wire.expect_nothing();
  {
    Entry entry(wire.stack());
    socket->lock().release(entry);
  }
  std::string all;
  for (std::string got = wire.next(); got != "nothing"; got = wire.next()) all += got.substr(0, got.find(" win")) + "\n";
  wire.close(socket);
  wire.close(wire.listener);
  wire.device.sent.clear();
  return all;
}

TEST(TcpBacklog, IsAcknowledgedOnceForAll) {
  EXPECT_EQ(acks_of_what_waited(1), "A 1:1 ack 4381\n");
  EXPECT_EQ(acks_of_what_waited(0), "A 1:1 ack 1461\nA 1:1 ack 2921\nA 1:1 ack 4381\n");
}

TEST(TcpSmallWindow, IsFilledByHalves) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer(false, 1000);
  wire.send(*socket, bytes(5000));
  wire.expect(R"(A 1:501 ack 1 win 64240
                 PA 501:1001 ack 1 win 64240)");
  wire.expect_nothing();
  wire.inject({.seq = 1, .ack = 1001, .window = 65535});
  wire.expect(R"(A 1001:2461 ack 1 win 64240
                 A 2461:3921 ack 1 win 64240)");
  // Of the small records left one takes in the next, and no more (tcp_grow_skb).
  wire.expect(R"(PA 3921:4001 ack 1 win 64240)");
  wire.inject({.flags = "RA", .seq = 1, .ack = 5001});
  wire.close(socket);
  wire.close(wire.listener);
}

// What is sent again is cut once, where the window and what is to go both allow it.
TEST(TcpSmallWindow, TakesOnePieceOfWhatIsSentAgain) {
  TcpWire wire;
  wire.tunables().tcp_early_retrans = 0;
  Ref<TcpSocket> socket = wire.accept_from_peer(true);
  wire.send(*socket, bytes(2920));
  wire.expect(R"(A 1:1461 ack 1 win 64240
                 PA 1461:2921 ack 1 win 64240)");
  wire.inject({.seq = 1, .ack = 1, .window = 0});
  wire.inject({.seq = 1, .ack = 1, .window = 1});
  const size_t before = TcpTestAccess::send_queue(*socket).charge();
  wire.advance(Duration::millis(250));
  wire.expect("A 1:2 ack 1 win 64240");
  EXPECT_EQ(TcpTestAccess::send_queue(*socket).charge() - before, 832u);  // of one record
  EXPECT_EQ(TcpTestAccess::recovery(*socket).out, 3u);
  wire.inject({.flags = "R", .seq = 1});
  wire.close(socket);
  wire.close(wire.listener);
}

TEST_F(TcpTransfer, QueuesWhatComesOutOfOrder) {
  wire.inject({.flags = "A", .seq = 6, .ack = 1, .text = "world"});
  wire.expect("A 1:1 ack 1 win 64240");
  EXPECT_EQ(wire.receive(*socket, 1), minus(Errno::EAGAIN));
  wire.inject({.flags = "A", .seq = 1, .ack = 1, .text = "hello"});
  wire.expect("A 1:1 ack 11 win 64230");
  EXPECT_EQ(wire.read(*socket), "helloworld");
  taken = 10;
}

TEST_F(TcpTransfer, CutsWhatOverlaps) {
  wire.inject({.flags = "A", .seq = 4, .ack = 1, .text = "def"});
  wire.inject({.flags = "A", .seq = 8, .ack = 1, .text = "hi"});
  wire.inject({.flags = "A", .seq = 3, .ack = 1, .text = "CDEFGHIJ"});
  wire.inject({.flags = "A", .seq = 1, .ack = 1, .text = "ab?"});
  // What a later segment covers whole is replaced; what it only touches stays.
  EXPECT_EQ(wire.read(*socket), "ab?DEFGHIJ");
  while (wire.next() != "nothing") {
  }
  taken = 10;
}

TEST_F(TcpTransfer, AnswersOldDataAtOnce) {
  wire.inject({.flags = "PA", .seq = 1, .ack = 1, .text = "abc"});
  wire.expect("A 1:1 ack 4 win 64237");
  EXPECT_EQ(wire.read(*socket), "abc");
  wire.inject({.flags = "PA", .seq = 1, .ack = 1, .text = "abc"});
  wire.expect("A 1:1 ack 4 win 64237");
  EXPECT_EQ(wire.receive(*socket, 1), minus(Errno::EAGAIN));
  taken = 3;
}

TEST_F(TcpTransfer, ChallengesAResetThatIsNotExact) {
  wire.inject({.flags = "R", .seq = 100});
  wire.expect("A 1:1 ack 1 win 64240");
  EXPECT_EQ(socket->state(), TcpState::Established);
  wire.inject({.flags = "R", .seq = 0x7000'0000});
  wire.expect_nothing();
}

TEST_F(TcpTransfer, ChallengesASynWhereverItPoints) {
  wire.inject({.flags = "S", .seq = 1});
  wire.expect("A 1:1 ack 1 win 64240");
  wire.inject({.flags = "S", .seq = 1});  // not again within half a second
  wire.expect_nothing();
  EXPECT_EQ(socket->state(), TcpState::Established);
}

TEST_F(TcpTransfer, ChallengesAnAckOfWhatWasNeverSent) {
  wire.inject({.flags = "A", .seq = 1, .ack = 1000, .text = "evil"});
  EXPECT_EQ(wire.receive(*socket, 1), minus(Errno::EAGAIN));
  wire.expect("A 1:1 ack 1 win 64240");
  wire.inject({.flags = "A", .seq = 1, .ack = 1000, .text = "evil"});  // too soon for another
  wire.expect_nothing();
}

TEST_F(TcpTransfer, IgnoresASegmentWithoutAnyFlag) {
  wire.inject({.flags = "", .seq = 1, .text = "evil"});
  wire.inject({.flags = "F", .seq = 1});
  EXPECT_EQ(wire.receive(*socket, 1), minus(Errno::EAGAIN));
  wire.expect_nothing();
}

// BBR begins when the connection does: what the host did before is no time in which it measured nothing.
TEST(TcpBbr, GrowsItsWindowFromTheFirstAcknowledgment) {
  TcpWire wire;
  wire.advance(Duration::seconds(100));
  wire.stack().tcp().congestion = find_congestion_algorithm(std::span("bbr"));
  Ref<TcpSocket> socket = wire.accept_from_peer(true, 65535, Duration::millis(100));
  wire.stack().tcp().congestion = nullptr;
  wire.send(*socket, std::string(1000, 'x'));
  wire.expect("PA 1:1001 ack 1 win 64240");
  wire.advance(Duration::millis(100));
  wire.inject({.seq = 1, .ack = 1001});
  EXPECT_EQ(TcpTestAccess::congestion(*socket).cwnd, 11u);
  wire.inject({.flags = "R", .seq = 1});
  wire.close(socket);
  wire.close(wire.listener);
}

// Below 1.2 Mbit/s no device is given two segments at once, which would leave with a push.
TEST(TcpBbr, SendsSegmentsOneByOneWhereTheyArePacedSlowly) {
  for (const bool is_slow : {false, true}) {
    TcpWire wire;
    wire.stack().tcp().congestion = find_congestion_algorithm(std::span("bbr"));
    Ref<TcpSocket> socket = wire.accept_from_peer(true, 65535, Duration::millis(is_slow ? 400 : 100));
    wire.stack().tcp().congestion = nullptr;
    wire.send(*socket, std::string(4 * 1460, 'x'));
    wire.expect("A 1:1461 ack 1 win 64240");
    wire.expect(is_slow ? "A 1461:2921 ack 1 win 64240" : "PA 1461:2921 ack 1 win 64240");
    wire.expect("A 2921:4381 ack 1 win 64240");
    wire.expect("PA 4381:5841 ack 1 win 64240");
    wire.inject({.flags = "R", .seq = 1});
    wire.close(socket);
    wire.close(wire.listener);
  }
}

// RFC 5961, 5.2: older than SND.UNA - MAX.SND.WND, and than anything that was ever sent.
TEST_F(TcpTransfer, ChallengesAnAckTooOldToBeMeant) {
  wire.send(*socket, "hello");
  wire.expect("PA 1:6 ack 1 win 64240");
  wire.inject({.seq = 1, .ack = 6});
  wire.inject({.flags = "A", .seq = 1, .ack = 0xfff0'0000, .text = "evil"});
  wire.expect("A 6:6 ack 1 win 64240");
  EXPECT_EQ(wire.receive(*socket, 1), minus(Errno::EAGAIN));
}

// RFC 5961, 7.
TEST_F(TcpTransfer, LimitsChallengesOfTheWholeStack) {
  wire.tunables().tcp_invalid_ratelimit = 0;
  wire.tunables().tcp_challenge_ack_limit = 8;
  for (int second = 0; second < 3; ++second) {
    int challenges = 0;
    for (int i = 0; i < 30; ++i) wire.inject({.flags = "S", .seq = 1});
    while (wire.next() != "nothing") ++challenges;
    EXPECT_GE(challenges, 4);
    EXPECT_LE(challenges, 11);
    wire.advance(Duration::seconds(1));
  }
}

// RFC 9293, 3.10.7.4, in the states of closing: "If the ACK acks something not yet sent, then send an ACK".
TEST_F(TcpTransfer, AnswersAnAckOfWhatWasNeverSentOnceItCloses) {
  wire.inject({.flags = "FA", .seq = 1, .ack = 1});
  EXPECT_EQ(socket->state(), TcpState::CloseWait);
  wire.advance(Duration::millis(41));
  wire.expect("A 1:1 ack 2 win 64239");
  wire.inject({.flags = "A", .seq = 2, .ack = 1000});
  wire.expect("A 1:1 ack 2 win 64239");
  taken = 1;
}

TEST_F(TcpTransfer, KeepsAQuietConnectionAlive) {
  own(*socket, socket->tcp_options).keep_idle = Duration::seconds(10);
  own(*socket, socket->tcp_options).keep_interval = Duration::seconds(2);
  own(*socket, socket->options).keep_alive = true;
  Entry entry(wire.stack());
  socket->keep_alive_changed(entry);
  wire.advance(Duration::seconds(10));
  wire.expect("A 0:0 ack 1 win 64240");
  wire.inject({.seq = 1, .ack = 1});
  wire.advance(Duration::seconds(10));
  wire.expect("A 0:0 ack 1 win 64240");
  wire.inject({.seq = 1, .ack = 1});
  wire.expect_nothing();
}

TEST_F(TcpTransfer, SendsUrgentDataWithItsPointer) {
  wire.send(*socket, "abc", kMessageOutOfBand);
  wire.expect("PAU 1:4 ack 1 win 64240 urg 3");
  wire.inject({.seq = 1, .ack = 4});
}

TEST_F(TcpTransfer, NeverShrinksTheWindow) {
  socket->options.receive_buffer = 20'000;
  socket->options.receive_buffer_locked = true;
  uint32_t seq = 1;
  uint32_t edge = 1 + 64240;
  for (int i = 0; i < 6; ++i) {
    wire.inject({.flags = "PA", .seq = seq, .ack = 1, .text = bytes(1460)});
    seq += 1460;
    for (std::string line = wire.next(); line != "nothing"; line = wire.next()) {
      unsigned ack = 0, win = 0;
      ASSERT_EQ(sscanf(line.c_str(), "A 1:1 ack %u win %u", &ack, &win), 2) << line;
      EXPECT_GE(ack + win, edge);
      edge = ack + win;
    }
  }
  taken = seq - 1;
}

}  // namespace
}  // namespace lxnet::testing
