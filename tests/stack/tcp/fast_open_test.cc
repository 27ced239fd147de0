// RFC 7413: data in SYNs, from both sides.
#include "stack/tcp/option_calls.hh"
#include "tests/stack/tcp/tcp_wire.hh"

namespace lxnet::testing {
namespace {

using Calls = TcpOptionCalls;

constexpr char kKeyText[] = "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4";

TEST(FastOpenKeys, MakeLinuxsCookies) {
  const FastOpenKeys keys = FastOpenKeys::parse(kKeyText).take();
  const TcpFastOpenCookie cookie = keys.cookie(0, Ipv4Address(192, 0, 2, 1), Ipv4Address(192, 168, 0, 1));
  const uint8_t expected[] = {0x30, 0x21, 0xb9, 0xd8, 0x89, 0x01, 0x7e, 0xeb};
  ASSERT_EQ(cookie.size, sizeof expected);
  EXPECT_EQ(0, memcmp(cookie.bytes, expected, sizeof expected));
  EXPECT_EQ(keys.find(cookie, Ipv4Address(192, 0, 2, 1), Ipv4Address(192, 168, 0, 1)), 1u);
  EXPECT_EQ(keys.find(cookie, Ipv4Address(192, 0, 2, 1), Ipv4Address(192, 168, 0, 2)), 0u);
}

TEST(FastOpenKeys, AreReadAndShownAsTheTunableHasThem) {
  TcpHost host;
  char text[128] = {};
  Tunables& tunables = host.stack().tunables();
  EXPECT_TRUE(tunables.get("net.ipv4.tcp_fastopen_key", text).is_ok());
  EXPECT_STREQ(text, "00000000-00000000-00000000-00000000\n");
  EXPECT_TRUE(tunables.set("net.ipv4.tcp_fastopen_key", "1-2-3-4,5-6-7-ff\n").is_ok());
  EXPECT_TRUE(tunables.get("net.ipv4.tcp_fastopen_key", text).is_ok());
  EXPECT_STREQ(text, "00000001-00000002-00000003-00000004,00000005-00000006-00000007-000000ff\n");
  for (const char* bad : {"", "1-2-3", "1-2-3-4,", "1-2-3-4,5", "zz"})
    EXPECT_TRUE(tunables.set("net.ipv4.tcp_fastopen_key", bad).is_error(Errno::EINVAL)) << bad;
}

class FastOpenServer : public ::testing::Test {
 protected:
  void SetUp() override {
    wire_.tunables().tcp_fastopen = 3;
    EXPECT_TRUE(wire_.stack().tunables().set("net.ipv4.tcp_fastopen_key", kKeyText).is_ok());
    cookie_ = FastOpenKeys::parse(kKeyText).take().cookie(0, wire_.peer, wire_.local);
    listener_ = wire_.socket();
    ASSERT_EQ(wire_.bind(*listener_, "192.0.2.1", 80), Errno{});
    ASSERT_EQ(wire_.listen(*listener_, 4), Errno{});
    Entry entry(wire_.stack());
    ASSERT_TRUE(Calls::set_fast_open(entry, *listener_, 2).is_ok());
  }
  void TearDown() override {
    wire_.expect_nothing();
    wire_.close(listener_);
    wire_.device.sent.clear();
  }
  void open(const std::string& text, uint16_t port = TcpWire::kPeerPort) {
    wire_.peer_port = port;
    wire_.inject({.flags = "S", .seq = 0, .text = text, .mss = 1000, .fast_open = cookie_});
    wire_.learn_iss();
  }
  uint64_t count(Mib counter) { return wire_.stack().mib().get(counter); }
  TcpInfo info(TcpSocket& socket) {
    Entry entry(wire_.stack());
    return Calls::info(entry, socket);
  }

  TcpWire wire_;
  TcpFastOpenCookie cookie_;
  Ref<TcpSocket> listener_;
};

TEST_F(FastOpenServer, GivesACookieToWhoAsks) {
  wire_.inject({.flags = "S", .seq = 0, .text = "abc", .mss = 1000, .fast_open = TcpFastOpenCookie()});
  wire_.learn_iss();
  wire_.expect("SA 0:0 ack 1 win 64240 mss 1460 cookie " + TcpWire::hex(cookie_));
  EXPECT_EQ(count(Mib::TcpExtTCPFastOpenCookieReqd), 1u);
  EXPECT_FALSE(wire_.accept(*listener_));
}

TEST_F(FastOpenServer, TalksBeforeTheHandshakeIsOver) {
  open("hello");
  wire_.expect("SA 0:0 ack 6 win 64240 mss 1460");
  EXPECT_EQ(count(Mib::TcpExtTCPFastOpenPassive), 1u);
  Ref<TcpSocket> accepted = wire_.accept(*listener_);
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->state(), TcpState::SynReceived);
  EXPECT_EQ(wire_.poll(*accepted), kPollIn | kPollReadNormal | kPollOut | kPollWriteNormal);
  EXPECT_EQ(wire_.read(*accepted), "hello");
  EXPECT_EQ(wire_.send(*accepted, "world"), 5);
  wire_.expect("PA 1:6 ack 6 win 64240");
  EXPECT_EQ(info(*accepted).options, kInfoSynData | kInfoFastOpenChild);
  wire_.inject({.flags = "A", .seq = 6, .ack = 6});
  EXPECT_EQ(accepted->state(), TcpState::Established);
  EXPECT_EQ(TcpTestAccess::recovery(*accepted).out, 0u);
  wire_.inject({.flags = "R", .seq = 6});
  wire_.close(accepted);
}

TEST_F(FastOpenServer, HasRoomForMoreBehindWhatTheSynCarried) {
  open("hello");
  wire_.expect("SA 0:0 ack 6 win 64240 mss 1460");
  Ref<TcpSocket> accepted = wire_.accept(*listener_);
  ASSERT_TRUE(accepted);
  wire_.inject({.flags = "PA", .seq = 6, .ack = 1, .text = "there"});
  EXPECT_EQ(TcpTestAccess::receive_charge(*accepted), 832u);
  EXPECT_EQ(wire_.read(*accepted), "hellothere");
  wire_.device.sent.clear();
  wire_.inject({.flags = "R", .seq = 11});
  wire_.close(accepted);
}

// The request answers what is out of the window while the handshake lasts, not the connection, which does not count it.
TEST_F(FastOpenServer, AnswersForTheRequestWhileTheHandshakeLasts) {
  open("hello");
  wire_.expect("SA 0:0 ack 6 win 64240 mss 1460");
  Ref<TcpSocket> accepted = wire_.accept(*listener_);
  EXPECT_EQ(wire_.send(*accepted, "world"), 5);
  wire_.expect("PA 1:6 ack 6 win 64240");
  wire_.advance(Duration::millis(600));
  wire_.device.sent.clear();
  const uint32_t before = info(*accepted).segs_out;
  wire_.inject({.flags = "A", .seq = 500'000, .ack = 1});
  wire_.expect("A 6:6 ack 6 win 64240");
  EXPECT_EQ(info(*accepted).segs_out, before);
  wire_.inject({.flags = "R", .seq = 6});
  wire_.close(accepted);
}

TEST_F(FastOpenServer, DoesNotTakeAFalseCookieAndTellsTheRightOne) {
  const TcpFastOpenCookie right = cookie_;
  cookie_.bytes[0] ^= 1;
  open("hello");
  wire_.expect("SA 0:0 ack 1 win 64240 mss 1460 cookie " + TcpWire::hex(right));
  EXPECT_EQ(count(Mib::TcpExtTCPFastOpenPassiveFail), 1u);
}

TEST_F(FastOpenServer, TakesTheOldKeysCookieAndGivesANewOne) {
  FastOpenKeys keys = FastOpenKeys::parse("1-2-3-4,a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4").take();
  {
    Entry entry(wire_.stack());
    ASSERT_TRUE(Calls::set_fast_open_keys(entry, *listener_, keys).is_ok());
  }
  open("hello");
  wire_.expect("SA 0:0 ack 6 win 64240 mss 1460 cookie " + TcpWire::hex(keys.cookie(0, wire_.peer, wire_.local)));
  EXPECT_EQ(count(Mib::TcpExtTCPFastOpenPassiveAltKey), 1u);
}

TEST_F(FastOpenServer, NeedsNoCookieWhereTheTunableSaysSo) {
  wire_.tunables().tcp_fastopen = 0x203;
  wire_.inject({.flags = "S", .seq = 0, .text = "abc", .mss = 1000});
  wire_.learn_iss();
  wire_.expect("SA 0:0 ack 4 win 64240 mss 1460");
}

TEST_F(FastOpenServer, IsOffWithoutTheOptionOrTheTunable) {
  wire_.tunables().tcp_fastopen = 1;
  open("hello");
  wire_.expect("SA 0:0 ack 1 win 64240 mss 1460");
  wire_.tunables().tcp_fastopen = 3;
  {
    Entry entry(wire_.stack());
    ASSERT_TRUE(Calls::set_fast_open(entry, *listener_, 0).is_ok());
  }
  open("hello", 5001);
  wire_.expect("SA 0:0 ack 1 win 64240 mss 1460");
}

TEST_F(FastOpenServer, CountsUnconfirmedConnectionsAgainstItsLimit) {
  open("a", 1);
  wire_.expect("SA 0:0 ack 2 win 64240 mss 1460");
  const uint32_t first_iss = wire_.iss;
  open("b", 2);
  wire_.expect("SA 0:0 ack 2 win 64240 mss 1460");
  open("c", 3);
  wire_.expect("SA 0:0 ack 1 win 64240 mss 1460");
  EXPECT_EQ(count(Mib::TcpExtTCPFastOpenListenOverflow), 1u);
  // The first is confirmed and makes room.
  wire_.peer_port = 1;
  wire_.iss = first_iss;
  wire_.inject({.flags = "A", .seq = 2, .ack = 1});
  open("d", 4);
  wire_.expect("SA 0:0 ack 2 win 64240 mss 1460");
}

TEST_F(FastOpenServer, RemembersResetsOfAcceptedConnectionsForAMinute) {
  {
    Entry entry(wire_.stack());
    ASSERT_TRUE(Calls::set_fast_open(entry, *listener_, 1).is_ok());
  }
  open("a", 1);
  wire_.expect("SA 0:0 ack 2 win 64240 mss 1460");
  Ref<TcpSocket> accepted = wire_.accept(*listener_);
  ASSERT_TRUE(accepted);
  wire_.inject({.flags = "R", .seq = 2});
  EXPECT_EQ(wire_.read(*accepted, 1), "a");
  EXPECT_EQ(wire_.receive(*accepted, 1), minus(Errno::ECONNRESET));
  wire_.close(accepted);
  open("b", 2);
  wire_.expect("SA 0:0 ack 1 win 64240 mss 1460");
  wire_.advance(Duration::seconds(61));
  wire_.device.sent.clear();  // the plain request's SYN,ACKs
  open("c", 3);
  wire_.expect("SA 0:0 ack 2 win 64240 mss 1460");
}

TEST_F(FastOpenServer, RepeatsItsSynAckAndNothingElse) {
  open("a");
  wire_.expect("SA 0:0 ack 2 win 64240 mss 1460");
  Ref<TcpSocket> accepted = wire_.accept(*listener_);
  wire_.send(*accepted, "x");
  wire_.expect("PA 1:2 ack 2 win 64240");
  wire_.advance(Duration::millis(1001));
  wire_.expect("SA 0:0 ack 2 win 64240 mss 1460");
  wire_.advance(Duration::millis(2001));
  wire_.expect("SA 0:0 ack 2 win 64240 mss 1460");
  // Confirmed, without the data: that is lost then.
  wire_.inject({.flags = "A", .seq = 2, .ack = 1});
  EXPECT_EQ(accepted->state(), TcpState::Established);
  wire_.device.sent.clear();
  wire_.inject({.flags = "R", .seq = 2});
  wire_.close(accepted);
}

TEST_F(FastOpenServer, AnswersARepeatedSyn) {
  open("a");
  wire_.expect("SA 0:0 ack 2 win 64240 mss 1460");
  wire_.inject({.flags = "S", .seq = 0, .mss = 1000});
  wire_.expect("SA 0:0 ack 2 win 64240 mss 1460");
}

TEST_F(FastOpenServer, FinishesWhenTheUserClosesEarly) {
  open("a");
  wire_.expect("SA 0:0 ack 2 win 64240 mss 1460");
  Ref<TcpSocket> accepted = wire_.accept(*listener_);
  wire_.read(*accepted);
  wire_.send(*accepted, "x");
  wire_.expect("PA 1:2 ack 2 win 64240");
  wire_.close(accepted);
  wire_.expect("FA 2:2 ack 2 win 64240");
  wire_.inject({.flags = "A", .seq = 2, .ack = 3});
  wire_.inject({.flags = "FA", .seq = 2, .ack = 3});
  wire_.expect("A 3:3 ack 3 win 64239");
}

// ---- the client

class FastOpenClient : public ::testing::Test {
 protected:
  FastOpenClient() {
    for (size_t i = 0; i < 8; ++i) cookie_.bytes[i] = static_cast<uint8_t>(i + 1);
    cookie_.size = 8;
  }
  void SetUp() override {
    // Timestamps would hide what each test is about.
    wire_.tunables().tcp_timestamps = 0;
    wire_.tunables().tcp_sack = 0;
    wire_.tunables().tcp_window_scaling = 0;
  }
  int64_t send_fast(TcpSocket& socket, const std::string& text, bool blocks = false) {
    Entry entry(wire_.stack());
    SpanSource source(ByteSpan(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
    const Endpoint peer = TcpHost::endpoint("192.0.2.2", 5000);
    SendRequest request{.source = source,
                        .flags = kMessageFastOpen | (blocks ? 0u : uint32_t{kMessageDontWait}),
                        .destination = &peer,
                        .control = {}};
    return TcpHost::number_of(socket.send(entry, request));
  }
  void finish(Ref<TcpSocket>& socket, uint32_t seq = 1) {
    wire_.inject({.flags = "R", .seq = seq});
    wire_.close(socket);
    wire_.device.sent.clear();
  }
  // A connection that learns the server's cookie and MSS.
  void learn_cookie() {
    Ref<TcpSocket> socket = wire_.socket();
    EXPECT_EQ(send_fast(*socket, "ab"), minus(Errno::EINPROGRESS));
    wire_.learn_iss();
    wire_.expect("S 0:0 win 64240 mss 1460 cookie");
    wire_.inject({.flags = "SA", .seq = 0, .ack = 1, .mss = 1000, .fast_open = cookie_});
    wire_.expect("A 1:1 ack 1 win 64240");
    EXPECT_EQ(wire_.send(*socket, "ab"), 2);
    wire_.expect("PA 1:3 ack 1 win 64240");
    finish(socket);
  }
  TcpInfo info(TcpSocket& socket) {
    Entry entry(wire_.stack());
    return Calls::info(entry, socket);
  }

  TcpWire wire_;
  TcpFastOpenCookie cookie_;
};

TEST_F(FastOpenClient, AsksForACookieAndUsesItTheNextTime) {
  learn_cookie();
  Ref<TcpSocket> socket = wire_.socket();
  EXPECT_EQ(send_fast(*socket, std::string(1500, 'x')), 960);  // the server's MSS, less forty for options
  wire_.learn_iss();
  wire_.expect("S 0:960 win 64240 mss 1460 cookie " + TcpWire::hex(cookie_));
  EXPECT_EQ(wire_.last_text, std::string(960, 'x'));
  wire_.inject({.flags = "SA", .seq = 0, .ack = 961, .mss = 1000});
  wire_.expect("A 961:961 ack 1 win 64240");
  EXPECT_EQ(info(*socket).options, kInfoSynData);
  EXPECT_EQ(info(*socket).flags >> 1, 0);
  EXPECT_EQ(wire_.stack().mib().get(Mib::TcpExtTCPFastOpenActive), 1u);
  EXPECT_EQ(wire_.send(*socket, "rest"), 4);
  wire_.expect("PA 961:965 ack 1 win 64240");
  finish(socket);
}

TEST_F(FastOpenClient, SendsAgainAtOnceWhatTheSynAckDidNotTake) {
  learn_cookie();
  Ref<TcpSocket> socket = wire_.socket();
  EXPECT_EQ(send_fast(*socket, "hello"), 5);
  wire_.learn_iss();
  wire_.expect("S 0:5 win 64240 mss 1460 cookie " + TcpWire::hex(cookie_));
  wire_.inject({.flags = "SA", .seq = 0, .ack = 1, .mss = 1000});
  wire_.expect("PA 1:6 ack 1 win 64240");
  EXPECT_EQ(info(*socket).flags >> 1, 2);
  EXPECT_EQ(wire_.stack().mib().get(Mib::TcpExtTCPFastOpenActiveFail), 1u);
  EXPECT_EQ(info(*socket).snd_cwnd, 10u);
  finish(socket);
}

TEST_F(FastOpenClient, RepeatsTheSynBare) {
  learn_cookie();
  Ref<TcpSocket> socket = wire_.socket();
  EXPECT_EQ(send_fast(*socket, "hello"), 5);
  wire_.learn_iss();
  wire_.expect("S 0:5 win 64240 mss 1460 cookie " + TcpWire::hex(cookie_));
  wire_.advance(Duration::millis(1001));
  wire_.expect("S 0:0 win 64240 mss 1460");
  wire_.inject({.flags = "SA", .seq = 0, .ack = 1, .mss = 1000});
  wire_.expect("PA 1:6 ack 1 win 64240");
  EXPECT_EQ(info(*socket).flags >> 1, 3);
  finish(socket);
}

TEST_F(FastOpenClient, WaitsForTheHandshakeWhenItMayBlock) {
  learn_cookie();
  Ref<TcpSocket> socket = wire_.socket();
  EXPECT_EQ(send_fast(*socket, "hello", true), minus(Errno::EAGAIN));
  wire_.learn_iss();
  wire_.expect("S 0:5 win 64240 mss 1460 cookie " + TcpWire::hex(cookie_));
  wire_.inject({.flags = "RA", .seq = 0, .ack = 1});
  EXPECT_EQ(send_fast(*socket, "", true), minus(Errno::ECONNREFUSED));
  wire_.close(socket);
}

TEST_F(FastOpenClient, DefersTheSynOfAConnectUntilThereIsData) {
  learn_cookie();
  Ref<TcpSocket> socket = wire_.socket();
  {
    Entry entry(wire_.stack());
    EXPECT_TRUE(Calls::set_fast_open_connect(entry, *socket, 1).is_ok());
  }
  EXPECT_EQ(wire_.connect(*socket, "192.0.2.2", 5000), Errno{});
  wire_.expect_nothing();
  EXPECT_EQ(wire_.poll(*socket), kPollOut | kPollWriteNormal);
  EXPECT_EQ(wire_.connect(*socket, "192.0.2.2", 5000), Errno::EISCONN);
  EXPECT_EQ(wire_.send(*socket, "hello", kMessageDontWait), 5);
  wire_.learn_iss();
  wire_.expect("S 0:5 win 64240 mss 1460 cookie " + TcpWire::hex(cookie_));
  EXPECT_EQ(wire_.poll(*socket), 0u);
  wire_.inject({.flags = "SA", .seq = 0, .ack = 6, .text = "hi", .mss = 1000});
  wire_.expect("A 6:6 ack 3 win 64238");
  EXPECT_EQ(wire_.read(*socket), "hi");
  finish(socket, 3);
}

TEST_F(FastOpenClient, AsksForACookieWithAConnect) {
  Ref<TcpSocket> socket = wire_.socket();
  {
    Entry entry(wire_.stack());
    EXPECT_TRUE(Calls::set_fast_open_connect(entry, *socket, 1).is_ok());
  }
  EXPECT_EQ(wire_.connect(*socket, "192.0.2.2", 5000), Errno::EINPROGRESS);
  wire_.learn_iss();
  wire_.expect("S 0:0 win 64240 mss 1460 cookie");
  EXPECT_EQ(info(*socket).flags >> 1, 1);
  wire_.inject({.flags = "SA", .seq = 0, .ack = 1, .mss = 1000});
  wire_.expect("A 1:1 ack 1 win 64240");
  finish(socket);
  // No cookie came: the experimental form is tried.
  Ref<TcpSocket> again = wire_.socket();
  EXPECT_EQ(send_fast(*again, "x"), minus(Errno::EINPROGRESS));
  wire_.learn_iss();
  wire_.expect("S 0:0 win 64240 mss 1460 experimental cookie");
  wire_.inject({.flags = "RA", .seq = 0, .ack = 1});
  wire_.close(again);
}

TEST_F(FastOpenClient, NeedsNoCookieWhereTheSocketSaysSo) {
  Ref<TcpSocket> socket = wire_.socket();
  {
    Entry entry(wire_.stack());
    EXPECT_TRUE(Calls::set_fast_open_no_cookie(entry, *socket, 1).is_ok());
  }
  EXPECT_EQ(send_fast(*socket, "hello"), 5);
  wire_.learn_iss();
  wire_.expect("S 0:5 win 64240 mss 1460");
  wire_.inject({.flags = "RA", .seq = 0, .ack = 1});
  wire_.close(socket);
}

TEST_F(FastOpenClient, PausesWhereTheNetworkSwallowsIt) {
  learn_cookie();
  wire_.tunables().tcp_fastopen_blackhole_seconds = 60;
  Ref<TcpSocket> socket = wire_.socket();
  EXPECT_EQ(send_fast(*socket, "hello"), 5);
  wire_.advance(Duration::seconds(4));  // the third timeout in a row
  wire_.device.sent.clear();
  EXPECT_EQ(wire_.stack().mib().get(Mib::TcpExtTCPFastOpenBlackhole), 1u);
  wire_.close(socket);
  Ref<TcpSocket> again = wire_.socket();
  EXPECT_EQ(send_fast(*again, "hello"), minus(Errno::EINPROGRESS));
  wire_.learn_iss();
  wire_.expect("S 0:0 win 64240 mss 1460");
  wire_.close(again);
  wire_.advance(Duration::seconds(60));
  Ref<TcpSocket> later = wire_.socket();
  EXPECT_EQ(send_fast(*later, "hello"), 5);
  wire_.device.sent.clear();
  wire_.close(later);
}

TEST_F(FastOpenClient, IsOffWhereTheTunableSaysSo) {
  wire_.tunables().tcp_fastopen = 2;
  Ref<TcpSocket> socket = wire_.socket();
  EXPECT_EQ(send_fast(*socket, "x"), minus(Errno::EOPNOTSUPP));
  Entry entry(wire_.stack());
  EXPECT_TRUE(Calls::set_fast_open_connect(entry, *socket, 1).is_error(Errno::EOPNOTSUPP));
  socket->close(entry);
}

}  // namespace
}  // namespace lxnet::testing
