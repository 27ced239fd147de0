// RFC 9040: what connections teach those after them. The numbers are those a Linux 6.18 keeps (net/ipv4/tcp_metrics.c).
#include "tests/stack/tcp/tcp_wire.hh"

namespace lxnet::testing {
namespace {

class TcpPeerCache : public ::testing::Test {
 protected:
  static PeerCache::Pair pair(uint8_t last, uint64_t hash = 7) {
    return {Ipv4Address(192, 0, 2, 1), Ipv4Address(192, 168, 0, last), hash};
  }
  PeerMetrics learn(const PeerReport& report) {
    cache_.learn(pair(1), report, route_, now_);
    return cache_.find(pair(1), route_, now_).value_or(PeerMetrics());
  }

  TestHal hal_;
  PeerCache cache_{hal_.hal()};
  RouteMetrics route_;
  Instant now_ = Instant::from_nanos(5'000'000'000);
};

TEST_F(TcpPeerCache, TakesLongerTimesAtOnceAndShorterOnesSlowly) {
  EXPECT_FALSE(cache_.find(pair(1), route_, now_));
  PeerMetrics metrics = learn({.rtt_8 = 800, .mdev_4 = 100});
  EXPECT_EQ(metrics.rtt_8, 800u);
  EXPECT_EQ(metrics.rttvar_4, 400u);  // half the way from nothing
  metrics = learn({.rtt_8 = 1000, .mdev_4 = 600});
  EXPECT_EQ(metrics.rtt_8, 1000u);
  EXPECT_EQ(metrics.rttvar_4, 600u);
  metrics = learn({.rtt_8 = 200, .mdev_4 = 100});
  EXPECT_EQ(metrics.rtt_8, 900u);
  EXPECT_EQ(metrics.rttvar_4, 550u);
}

TEST_F(TcpPeerCache, KeepsWindowsByHowTheyCameAbout) {
  using Window = PeerReport::Window;
  PeerMetrics metrics = learn({.rtt_8 = 1, .window = 20, .threshold = ~0u / 2, .saves_threshold = true});
  EXPECT_EQ(metrics.window, 20u);
  EXPECT_EQ(metrics.threshold, 0u);  // slow start alone makes none
  metrics = learn({.rtt_8 = 1, .window = 40, .threshold = 12, .reordering = 9, .kind = Window::Settled, .saves_threshold = true});
  EXPECT_EQ(metrics.window, 30u);
  EXPECT_EQ(metrics.threshold, 20u);
  EXPECT_EQ(metrics.reordering, 0u);  // that comes of a disturbed one only
  metrics =
      learn({.rtt_8 = 1, .window = 2, .threshold = 10, .reordering = 9, .kind = Window::Disturbed, .saves_threshold = true});
  EXPECT_EQ(metrics.window, 20u);
  EXPECT_EQ(metrics.threshold, 20u);
  EXPECT_EQ(metrics.reordering, 9u);
  metrics = learn({.rtt_8 = 1, .window = 60, .threshold = ~0u / 2, .reordering = 5, .saves_threshold = true});
  EXPECT_EQ(metrics.window, 60u);
  EXPECT_EQ(metrics.threshold, 30u);
  metrics = learn({.rtt_8 = 1, .window = 80, .threshold = 70, .kind = Window::Settled});
  EXPECT_EQ(metrics.threshold, 30u);
}

TEST_F(TcpPeerCache, BeginsWithWhatTheRouteSaysAndNeverChangesWhatItLocks) {
  route_.set(RouteMetric::Rtt, 8);  // a millisecond
  route_.set(RouteMetric::CongestionWindow, 5);
  route_.set(RouteMetric::Reordering, 7);
  route_.set(RouteMetric::Lock,
             1u << static_cast<unsigned>(RouteMetric::Rtt) | 1u << static_cast<unsigned>(RouteMetric::CongestionWindow));
  const PeerMetrics metrics = learn({.rtt_8 = 80'000, .mdev_4 = 3, .window = 30});
  EXPECT_EQ(metrics.rtt_8, 8000u);
  EXPECT_EQ(metrics.rttvar_4, 36'000u);
  EXPECT_EQ(metrics.window, 5u);
  EXPECT_TRUE(metrics.locks_window);
  EXPECT_EQ(metrics.reordering, 7u);
  cache_.doubt(pair(1), route_, now_);
  EXPECT_EQ(cache_.find(pair(1), route_, now_)->rtt_8, 8000u);
}

TEST_F(TcpPeerCache, ForgetsTimesThatNoConnectionConfirmed) {
  learn({.rtt_8 = 800, .window = 12});
  cache_.doubt(pair(1), route_, now_);
  EXPECT_EQ(cache_.find(pair(1), route_, now_)->rtt_8, 0u);
  EXPECT_EQ(cache_.find(pair(1), route_, now_)->window, 12u);
}

TEST_F(TcpPeerCache, ForgetsAfterAnHourAllButTheCookie) {
  learn({.rtt_8 = 800});
  const TcpFastOpenCookie cookie{.size = 8};
  cache_.learn_server(pair(1), {.mss = 1000, .cookie = &cookie}, route_, now_);
  now_ = now_ + Duration::seconds(3600);
  EXPECT_EQ(cache_.find(pair(1), route_, now_)->rtt_8, 800u);
  now_ = now_ + Duration::seconds(1);
  EXPECT_EQ(cache_.find(pair(1), route_, now_)->rtt_8, 0u);
  EXPECT_EQ(cache_.find_server(pair(1), route_, now_).mss, 1000u);
  EXPECT_EQ(cache_.find_server(pair(1), route_, now_).cookie.size, 8u);
}

TEST_F(TcpPeerCache, HoldsSixInAChainAndGivesUpTheOldest) {
  for (uint8_t i = 1; i <= 6; ++i) {
    now_ = now_ + Duration::seconds(1);
    cache_.learn(pair(i), {.rtt_8 = i}, route_, now_);
  }
  now_ = now_ + Duration::seconds(1);
  cache_.learn(pair(1), {.rtt_8 = 10}, route_, now_);  // the second is the oldest now
  const TcpFastOpenCookie cookie{.size = 8};
  cache_.learn_server(pair(2), {.mss = 1000, .cookie = &cookie}, route_, now_);
  cache_.learn(pair(7), {.rtt_8 = 70}, route_, now_);
  EXPECT_EQ(cache_.size(), 6u);
  EXPECT_FALSE(cache_.find(pair(2), route_, now_));
  EXPECT_EQ(cache_.find(pair(7), route_, now_)->rtt_8, 70u);
  EXPECT_EQ(cache_.find_server(pair(7), route_, now_).cookie.size, 0u);
  cache_.learn(pair(8, 8), {.rtt_8 = 80}, route_, now_);
  EXPECT_EQ(cache_.size(), 7u);
}

TEST_F(TcpPeerCache, DoesWithoutWhereThereIsNoMemory) {
  for_each_failing_allocation(hal_, [this] {
    cache_.learn(pair(1), {.rtt_8 = 800}, route_, now_);
    EXPECT_EQ(cache_.find(pair(1), route_, now_).has_value(), !hal_.has_failed());
  });
  EXPECT_EQ(cache_.size(), 1u);
}

class TcpPeerMetrics : public ::testing::Test {
 protected:
  void TearDown() override { wire.close(wire.listener); }
  // A connection whose handshake takes so long, and which ends in good order, or by a reset.
  Ref<TcpSocket> open(Duration rtt) {
    wire.peer_port = ++port_;
    wire.inject({.flags = "S", .seq = 0, .mss = 1460, .sack_permitted = true});
    wire.learn_iss();
    wire.device.sent.clear();
    wire.advance(rtt);
    wire.inject({.flags = "A", .seq = 1, .ack = 1});
    return wire.accept(*wire.listener);
  }
  void end(Ref<TcpSocket>& socket, uint32_t sent = 0) {
    wire.inject({.flags = "FA", .seq = 1, .ack = 1 + sent});
    wire.close(socket);
    wire.inject({.flags = "A", .seq = 2, .ack = 2 + sent});
    wire.device.sent.clear();
  }
  int64_t rto_of_another() {
    Ref<TcpSocket> socket = open(Duration::millis(10));
    const int64_t rto = TcpTestAccess::rtt(*socket).rto().in_millis();
    wire.inject({.flags = "R", .seq = 1});
    wire.close(socket);
    wire.device.sent.clear();
    return rto;
  }

  TcpWire wire;
  uint16_t port_ = 6000;
  uint32_t first_iss_ = 0;
  Ref<TcpSocket> first_ = listen_first();
  Ref<TcpSocket> listen_first() {
    wire.listener = wire.socket();
    EXPECT_EQ(wire.bind(*wire.listener, "192.0.2.1", 80), Errno{});
    EXPECT_EQ(wire.listen(*wire.listener, 8), Errno{});
    Ref<TcpSocket> socket = open(Duration::millis(300));
    first_iss_ = wire.iss;
    return socket;
  }
};

TEST_F(TcpPeerMetrics, MakeTheFirstTimeoutOfTheNextConnection) {
  EXPECT_EQ(TcpTestAccess::rtt(*first_).rto().in_millis(), 900);
  end(first_);
  Ref<TcpSocket> second = open(Duration::millis(10));
  EXPECT_EQ(TcpTestAccess::rtt(*second).rto().in_millis(), 780);  // of 260 ms: the FIN was answered at once
  EXPECT_EQ(TcpTestAccess::rtt(*second).srtt_micros(), 10'000u);
  // Data's own time counts at once.
  EXPECT_EQ(wire.send(*second, "x"), 1);
  wire.device.sent.clear();
  wire.advance(Duration::millis(10));
  wire.inject({.flags = "A", .seq = 1, .ack = 2});
  EXPECT_LT(TcpTestAccess::rtt(*second).rto().in_millis(), 300);
  end(second, 1);
}

TEST_F(TcpPeerMetrics, AreKeptOfAConnectionThatEndsInTimeWaitToo) {
  wire.close(first_);
  wire.inject({.flags = "A", .seq = 1, .ack = 2});
  wire.inject({.flags = "FA", .seq = 1, .ack = 2});
  wire.device.sent.clear();
  EXPECT_EQ(rto_of_another(), 780);
}

TEST_F(TcpPeerMetrics, AreNotKeptOfOneThatWasReset) {
  wire.inject({.flags = "R", .seq = 1});
  wire.close(first_);
  EXPECT_EQ(rto_of_another(), 210);
}

TEST_F(TcpPeerMetrics, AreNotKeptWhereTheTunableSaysSo) {
  wire.tunables().tcp_no_metrics_save = 1;
  end(first_);
  EXPECT_EQ(rto_of_another(), 210);
}

TEST_F(TcpPeerMetrics, AreForgottenAfterAnHour) {
  end(first_);
  wire.advance(Duration::seconds(3601));
  wire.device.sent.clear();
  EXPECT_EQ(rto_of_another(), 210);
}

TEST_F(TcpPeerMetrics, SayHowMuchThePathReorders) {
  wire.inject({.flags = "R", .seq = 1});
  wire.close(first_);
  const PeerCache::Pair pair = PeerCache::Pair::of(wire.stack().sockets().key(), wire.local, wire.peer);
  const PeerReport report{.rtt_8 = 1, .window = 3, .threshold = 8, .reordering = 12, .kind = PeerReport::Window::Disturbed};
  wire.stack().tcp().peers().learn(pair, report, RouteMetrics(), wire.hal.now());
  Ref<TcpSocket> socket = open(Duration::millis(10));
  EXPECT_EQ(TcpTestAccess::recovery(*socket).reordering, 12u);
  EXPECT_EQ(TcpTestAccess::congestion(*socket).ssthresh, CongestionState::kNoThreshold);
  end(socket);
}

TEST_F(TcpPeerMetrics, BoundSlowStartWhereTheTunableLetsThem) {
  wire.tunables().tcp_no_ssthresh_metrics_save = 0;
  wire.inject({.flags = "R", .seq = 1});
  wire.close(first_);
  const PeerCache::Pair pair = PeerCache::Pair::of(wire.stack().sockets().key(), wire.local, wire.peer);
  const PeerReport report{
      .rtt_8 = 1, .window = 40, .threshold = 16, .kind = PeerReport::Window::Settled, .saves_threshold = true};
  wire.stack().tcp().peers().learn(pair, report, RouteMetrics(), wire.hal.now());
  Ref<TcpSocket> socket = open(Duration::millis(10));
  EXPECT_EQ(TcpTestAccess::congestion(*socket).ssthresh, 20u);
  end(socket);
}

TEST_F(TcpPeerMetrics, LetWhoIsKnownInWhereRoomIsShort) {
  wire.tunables().tcp_syncookies = 0;
  wire.tunables().tcp_max_syn_backlog = 4;
  const auto syn = [this](uint16_t port) {
    wire.peer_port = port;
    wire.inject({.flags = "S", .seq = 0, .mss = 1460});
    const bool is_answered = !wire.device.sent.is_empty();
    wire.device.sent.clear();
    return is_answered;
  };
  for (uint16_t port = 7000; port < 7004; ++port) EXPECT_TRUE(syn(port)) << port;
  EXPECT_FALSE(syn(7004));
  wire.peer_port = port_;
  wire.iss = first_iss_;
  end(first_);
  EXPECT_TRUE(syn(7005));
}

}  // namespace
}  // namespace lxnet::testing
