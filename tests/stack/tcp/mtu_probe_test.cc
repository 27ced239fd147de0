// RFC 4821: finding the path's MTU with segments (tcp_mtu_probing), segment by segment.
#include "stack/mib.hh"
#include "tests/stack/tcp/tcp_wire.hh"

namespace lxnet::testing {
namespace {

class TcpMtuProbe : public ::testing::Test {
 protected:
  void open(int mode) {
    wire.tunables().tcp_mtu_probing = mode;
    socket = wire.accept_from_peer(true, 65535, Duration::millis(50));
  }
  void TearDown() override {
    drain();
    wire.inject({.flags = "R", .seq = 1});
    EXPECT_EQ(socket->state(), TcpState::Closed);
    wire.close(socket);
    wire.close(wire.listener);
  }
  void drain() {
    while (wire.next() != "nothing") {
    }
  }
  // Twelve segments acknowledged in whole, so that the window may spare one for a probe.
  void open_window() {
    wire.send(*socket, std::string(14600, 'x'));
    drain();
    wire.advance(Duration::millis(50));
    for (uint32_t i = 1; i <= 5; ++i) wire.inject({.seq = 1, .ack = 1 + 2920 * i});
    acked = 14601;
    drain();
  }
  uint64_t count(Mib counter) { return wire.stack().mib().get(counter); }

  TcpWire wire;
  Ref<TcpSocket> socket;
  uint32_t acked = 1;
};

TEST_F(TcpMtuProbe, TakesASizeThatIsAcknowledged) {
  open(2);
  open_window();
  wire.send(*socket, std::string(20000, 'x'));
  // Half-way between the base of 1024 and the 1460 that the interface allows.
  wire.expect("A 14601:15843 ack 1 win 64240");
  wire.expect("A 15843:17303 ack 1 win 64240");
  drain();
  wire.advance(Duration::millis(50));
  wire.inject({.seq = 1, .ack = 15843});
  EXPECT_EQ(count(Mib::TcpExtTCPMTUPSuccess), 1u);
  EXPECT_EQ(TcpTestAccess::send(*socket).mss, 1242u);
  wire.inject({.seq = 1, .ack = 34601});
  wire.send(*socket, std::string(20000, 'x'));
  wire.expect("A 34601:35952 ack 1 win 64240");
  wire.expect("A 35952:37194 ack 1 win 64240");
}

TEST_F(TcpMtuProbe, KeepsTheWindowWhenTheProbeAloneIsLost) {
  open(2);
  open_window();
  wire.send(*socket, std::string(20000, 'x'));
  wire.expect("A 14601:15843 ack 1 win 64240");
  drain();
  const uint32_t window = TcpTestAccess::congestion(*socket).cwnd;
  wire.advance(Duration::millis(50));
  for (uint32_t i = 1; i <= 3; ++i) wire.inject({.seq = 1, .ack = 14601, .sacks = {{15843, 15843 + 1460 * i}}});
  EXPECT_EQ(count(Mib::TcpExtTCPMTUPFail), 1u);
  EXPECT_EQ(count(Mib::TcpExtTCPSackRecovery), 0u);
  EXPECT_EQ(TcpTestAccess::congestion(*socket).cwnd, window + 1);  // it had cost one
}

TEST_F(TcpMtuProbe, NeedsTheDataAndTheWindow) {
  open(2);
  open_window();
  wire.send(*socket, std::string(5000, 'x'));
  wire.expect("A 14601:16061 ack 1 win 64240");
}

TEST_F(TcpMtuProbe, HalvesTheSegmentsWhenLargeOnesVanish) {
  open(1);
  wire.send(*socket, std::string(1460, 'x'));
  wire.expect("PA 1:1461 ack 1 win 64240");
  wire.advance(Duration::millis(6500));
  drain();
  EXPECT_EQ(TcpTestAccess::send(*socket).mss, 1024u);
  EXPECT_EQ(TcpTestAccess::send(*socket).path_mtu, 1500u);
  wire.advance(Duration::seconds(7));
  EXPECT_EQ(wire.next(), "A 1:513 ack 1 win 64240");
}

}  // namespace
}  // namespace lxnet::testing
