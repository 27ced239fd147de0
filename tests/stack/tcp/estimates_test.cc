// What connections compute: retransmission timeouts (RFC 6298), initial sequence numbers (RFC 6528), congestion windows (RFC
// 5681, 9406, 9438).
#include <array>
#include <cstring>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

#include "stack/tcp/congestion/algorithms.hh"
#include "stack/tcp/isn.hh"
#include "stack/tcp/rtt_estimator.hh"
#include "tests/stack/tcp/tcp_host.hh"

namespace lxnet::testing {
namespace {

// ---- RFC 6298

TEST(Rtt, BeginsWithASecond) { EXPECT_EQ(RttEstimator().rto(), Duration::seconds(1)); }

// 2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 * RTTVAR.
TEST(Rtt, TakesTheFirstSampleWhole) {
  RttEstimator rtt;
  rtt.add_sample(500'000, SeqNum(1), SeqNum(2));
  EXPECT_EQ(rtt.srtt_micros(), 500'000u);
  EXPECT_EQ(rtt.rto(), Duration::micros(1'500'000));
}

// 2.3: alpha = 1/8.
TEST(Rtt, MovesAnEighthOfTheWay) {
  RttEstimator rtt;
  rtt.add_sample(800'000, SeqNum(1), SeqNum(2));
  rtt.add_sample(1'600'000, SeqNum(2), SeqNum(3));
  EXPECT_EQ(rtt.srtt_micros(), 900'000u);
}

// 2.4, with Linux's bound: no deviation is taken to be under 200 ms.
TEST(Rtt, NeverComesCloserThanTheLeast) {
  RttEstimator rtt;
  for (uint32_t i = 0; i < 100; ++i) rtt.add_sample(1000, SeqNum(i), SeqNum(i + 1));
  EXPECT_EQ(rtt.rto(), Duration::millis(201));
}

// 2.5.
TEST(Rtt, NeverExceedsTwoMinutes) {
  RttEstimator rtt;
  rtt.add_sample(100'000'000, SeqNum(1), SeqNum(2));
  EXPECT_EQ(rtt.rto(), Duration::seconds(120));
}

// 5.7: without a sample from the handshake data begins with three seconds.
TEST(Rtt, AssumesThreeSecondsAfterALostHandshake) {
  RttEstimator rtt;
  rtt.assume_slow_path();
  EXPECT_EQ(rtt.rto(), Duration::seconds(3));
}

TEST(Rtt, RemembersTheShortestOfTheWindow) {
  RttEstimator rtt;
  const Duration window = Duration::seconds(300);
  const auto at = [](int64_t seconds) { return Instant::from_nanos(seconds * 1'000'000'000); };
  rtt.add_min_sample(5000, at(1), window);
  rtt.add_min_sample(9000, at(100), window);
  EXPECT_EQ(rtt.min_micros(), 5000u);
  rtt.add_min_sample(8000, at(250), window);
  rtt.add_min_sample(8500, at(302), window);
  EXPECT_EQ(rtt.min_micros(), 8000u);
}

// ---- RFC 6528

Endpoint peer(uint8_t host, uint16_t port) {
  return Endpoint{.address = Ipv4Address(192, 0, 2, host), .port = port, .scope_id = 0};
}

TEST(Isn, GrowsWithTheClockForTheSameFlow) {
  const SipKey key{1, 2};
  const IsnSource source(key, peer(1, 80), peer(2, 5000));
  const Instant now = Instant::from_nanos(1'000'000'000);
  // 3: M is a 4 microsecond timer; Linux's is faster, 64 ns.
  EXPECT_EQ(source.initial_sequence(now + Duration::micros(4)).bytes_since(source.initial_sequence(now)), 4000u / 64);
}

TEST(Isn, OfOneFlowTellsNothingOfAnother) {
  const SipKey key{1, 2}, other{3, 4};
  const Instant now = Instant::from_nanos(1'000'000'000);
  std::set<uint32_t> seen;
  for (uint16_t port = 1000; port < 1256; ++port) {
    seen.insert(IsnSource(key, peer(1, 80), peer(2, port)).initial_sequence(now).value());
    seen.insert(IsnSource(other, peer(1, 80), peer(2, port)).initial_sequence(now).value());
  }
  EXPECT_EQ(seen.size(), 512u);
  // Neighbours are not near: the top bits of 256 of them take many values.
  std::set<uint32_t> tops;
  for (const uint32_t isn : seen) tops.insert(isn >> 24);
  EXPECT_GT(tops.size(), 150u);
}

// ---- congestion control

// Round trips of a path that loses nothing, driven by hand.
class Window {
 public:
  explicit Window(const CongestionAlgorithm& algorithm, uint32_t cwnd, uint32_t ssthresh) {
    state.cwnd = cwnd;
    state.ssthresh = ssthresh;
    facts.now = Instant::from_nanos(1'000'000'000);
    facts.mss = 1448;
    EXPECT_TRUE(state.start(hal, algorithm, facts));
  }
  ~Window() { state.release(hal); }
  // Acknowledgments come as evenly as segments leave, or all within `spread`.
  void round_trip(Duration rtt, Duration spread = Duration::max()) {
    const uint32_t window = state.cwnd;
    facts.min_rtt = std::min(facts.min_rtt, static_cast<uint32_t>(rtt.in_micros()));
    state.is_cwnd_limited = true;
    facts.nxt = una + window;
    spread = std::min(spread, rtt);
    for (uint32_t i = 0; i < window; ++i) {
      facts.now = facts.now + spread / static_cast<int64_t>(window);
      una += 1;
      state.max_in_flight = state.cwnd;
      facts.in_flight = state.cwnd;
      if (state.algorithm->on_rtt != nullptr) state.algorithm->on_rtt(state, facts, una, rtt.in_micros());
      state.algorithm->on_ack(state, facts, 1);
      facts.nxt = una + state.cwnd;
    }
    facts.now = facts.now + (rtt - spread);
  }
  void lose() {
    state.prior_cwnd = state.cwnd;
    state.ssthresh = state.algorithm->threshold(state);
    state.cwnd = state.ssthresh;
  }
  TestHal hal;
  CongestionFacts facts;
  SeqNum una;
  CongestionState state;
};

// CUBIC's state, and NewReno's, is part of every connection; BBR's is larger and has memory of its own while it is in use.
TEST(CongestionState, HasMemoryForBbrWhileBbrIsInUse) {
  Window window(kCubic, 10, 40);
  EXPECT_EQ(window.hal.live_blocks(), 0u);
  EXPECT_TRUE(window.state.start(window.hal, kBbr, window.facts));
  EXPECT_EQ(window.hal.live_blocks(), 1u);
  EXPECT_TRUE(window.state.start(window.hal, kBbr, window.facts));
  EXPECT_EQ(window.hal.live_blocks(), 1u);
  EXPECT_TRUE(window.state.start(window.hal, kNewReno, window.facts));
  EXPECT_EQ(window.hal.live_blocks(), 0u);
  EXPECT_TRUE(window.state.start(window.hal, kBbr, window.facts));
  window.state.choose(window.hal, kBbr);
  EXPECT_EQ(window.hal.live_blocks(), 0u) << "it will be started anew";
}

TEST(CongestionState, StaysWithWhatItHasWithoutMemoryForBbr) {
  Window window(kCubic, 10, 40);
  window.hal.fail_allocation(0);
  EXPECT_FALSE(window.state.start(window.hal, kBbr, window.facts));
  EXPECT_EQ(window.state.algorithm, &kCubic);
  EXPECT_TRUE(window.state.is_started);
  window.state.choose(window.hal, kBbr);
  window.hal.fail_allocation(0);
  window.state.start_chosen(window.hal, window.facts);
  EXPECT_EQ(window.state.algorithm, &kNewReno) << "a connection needs one";
  EXPECT_FALSE(window.state.wants_pacing);
}

// A SYN may time out, and TCP_CC_INFO be asked for, before there is a connection to look after.
TEST(Bbr, KnowsNothingBeforeItIsStarted) {
  Window window(kCubic, 10, 40);
  CongestionState& state = window.state;
  state.choose(window.hal, kBbr);
  EXPECT_EQ(kBbr.threshold(state), 40u);
  EXPECT_EQ(kBbr.undo(state), 10u);
  kBbr.on_event(state, window.facts, CongestionEvent::TransmitStart);
  kBbr.on_loss_state(state, window.facts, LossState::Loss);
  std::array<uint8_t, CongestionAlgorithm::kMaxInfo> info;
  info.fill(1);
  EXPECT_EQ(kBbr.info(state, window.facts, info), info.size());
  EXPECT_EQ(info, (std::array<uint8_t, CongestionAlgorithm::kMaxInfo>{}));
}

// RFC 5681, 3.1: slow start doubles, congestion avoidance adds one a round trip, and a loss halves.
TEST(NewReno, DoublesThenAddsOneAndHalves) {
  Window window(kNewReno, 10, 40);
  window.round_trip(Duration::millis(50));
  EXPECT_EQ(window.state.cwnd, 20u);
  window.round_trip(Duration::millis(50));
  EXPECT_EQ(window.state.cwnd, 40u);
  window.round_trip(Duration::millis(50));
  EXPECT_EQ(window.state.cwnd, 41u);
  window.lose();
  EXPECT_EQ(window.state.cwnd, 20u);
}

// Where a flight is acknowledged in one burst, as much as came at once is allowed for beyond twice the path's product: as in
// Linux since 5.1 (bbr_update_ack_aggregation).
TEST(Bbr, AllowsForAcknowledgmentsInBursts) {
  Window window(kBbr, 10, CongestionState::kNoThreshold);
  CongestionState& state = window.state;
  const Duration rtt = Duration::millis(100);
  for (int round = 0; round < 12; ++round) {
    RateSample sample;
    sample.prior_delivered = state.delivered;
    sample.delivered = 10;
    sample.newly_delivered = 10;
    sample.interval_micros = sample.rtt_micros = rtt.in_micros();
    window.facts.now = state.delivered_at = window.facts.now + rtt;
    state.delivered += 10;
    window.facts.in_flight = 0;
    window.facts.srtt_8 = static_cast<uint32_t>(rtt.in_micros()) * 8;
    kBbr.control(state, window.facts, sample);
  }
  // Twice 10; of the burst what a tenth of a second brings, rounded down; three of what leaves at once; evened. Two more in the
  // phase that probes.
  EXPECT_GE(state.cwnd, 32u);
  EXPECT_LE(state.cwnd, 34u);
}

// A round trip of a tenth of a second in which so many segments are delivered and lost; what TCP_CC_INFO says after it.
struct BbrPath {
  struct Told {
    uint64_t segments_per_second;
    uint32_t pacing_gain;
  };
  Told round_trip(uint32_t delivered, uint32_t lost, uint32_t in_flight = 0) {
    CongestionState& state = window.state;
    RateSample sample;
    sample.prior_delivered = state.delivered;
    sample.delivered = static_cast<int32_t>(delivered);
    sample.newly_delivered = delivered;
    sample.losses = lost;
    sample.prior_in_flight = in_flight;
    sample.interval_micros = sample.rtt_micros = 100'000;
    window.facts.now = state.delivered_at = window.facts.now + Duration::millis(100);
    state.delivered += delivered;
    state.lost += lost;
    window.facts.srtt_8 = 800'000;
    kBbr.control(state, window.facts, sample);
    std::array<uint8_t, CongestionAlgorithm::kMaxInfo> info;
    EXPECT_EQ(kBbr.info(state, window.facts, info), info.size());
    uint32_t fields[5];
    memcpy(fields, info.data(), sizeof fields);
    return {(fields[0] + window.facts.mss - 1) / window.facts.mss, fields[3]};
  }
  Window window{kBbr, 10, CongestionState::kNoThreshold};
};

// Two intervals of four rounds with a fifth of all lost agree: somebody polices the path, and lets 200 a second through however
// fast a burst was. After 48 rounds it is tried again.
TEST(Bbr, BelievesAPolicerForFortyEightRounds) {
  BbrPath path;
  EXPECT_EQ(path.round_trip(40, 0).segments_per_second, 400u);
  for (int round = 0; round < 7; ++round) EXPECT_EQ(path.round_trip(20, 5).segments_per_second, 400u) << round;
  EXPECT_EQ(path.round_trip(20, 5).segments_per_second, 200u);
  for (int round = 1; round < 48; ++round) {
    const BbrPath::Told told = path.round_trip(round == 10 ? 40 : 20, 0);
    EXPECT_EQ(told.segments_per_second, 200u) << round;
    EXPECT_EQ(told.pacing_gain, 256u) << round;
  }
  path.round_trip(20, 0);
  EXPECT_EQ(path.round_trip(30, 0).segments_per_second, 300u);
}

// Losses that are fewer, or of intervals that do not agree, are of the path itself.
TEST(Bbr, TakesOtherLossesForThePaths) {
  BbrPath few, apart;
  few.round_trip(40, 0);
  apart.round_trip(40, 0);
  for (uint32_t round = 0; round < 9; ++round) {
    EXPECT_EQ(few.round_trip(20, 3).segments_per_second, 400u);
    EXPECT_EQ(apart.round_trip(round < 4 ? 20 : 30, 8).segments_per_second, 400u);
  }
}

// RFC 9438, 4.6: beta is 0.7.
TEST(Cubic, FallsToSevenTenths) {
  Window window(kCubic, 1000, 1000);
  window.lose();
  EXPECT_EQ(window.state.cwnd, 700u);
}

// 4.2: back at W_max after K = cbrt(W_max (1 - beta) / C), flat around it and steep beyond.
TEST(Cubic, ComesBackToItsPlateauInTimeK) {
  Window window(kCubic, 1000, 1000);
  window.lose();
  const Duration rtt = Duration::millis(100);
  Duration passed;
  // cbrt(300 / 0.4) is 9.09 s.
  for (; passed < Duration::millis(4500); passed = passed + rtt) window.round_trip(rtt);
  EXPECT_NEAR(window.state.cwnd, 1000 - 0.4 * 4.59 * 4.59 * 4.59, 12);
  for (; passed < Duration::millis(9100); passed = passed + rtt) window.round_trip(rtt);
  EXPECT_NEAR(window.state.cwnd, 1000, 12);
  for (; passed < Duration::millis(13'100); passed = passed + rtt) window.round_trip(rtt);
  EXPECT_NEAR(window.state.cwnd, 1000 + 0.4 * 64, 12);
}

// 4.3: alpha = 3 (1 - beta) / (1 + beta) = 0.53 segments a round trip up to the window of the loss, one beyond it, however short
// the round trip is.
TEST(Cubic, KeepsUpWithRenoOnAShortPath) {
  Window window(kCubic, 20, 20);
  window.lose();
  EXPECT_EQ(window.state.cwnd, 14u);
  const Duration rtt = Duration::micros(100);
  for (int i = 0; i < 12; ++i) window.round_trip(rtt);
  EXPECT_NEAR(window.state.cwnd, 20, 1);
  const uint32_t before = window.state.cwnd;
  for (int i = 0; i < 20; ++i) window.round_trip(rtt);
  EXPECT_NEAR(window.state.cwnd, before + 20, 2);
}

// 4.7: who loses before it was back makes room.
TEST(Cubic, ConvergesFast) {
  Window slow(kCubic, 1000, 1000), fast(kCubic, 1000, 1000);
  slow.lose();
  fast.lose();
  fast.lose();  // at 700: its plateau is 595 and not 700
  EXPECT_EQ(fast.state.cwnd, 490u);
  const Duration rtt = Duration::millis(100);
  // cbrt((595 - 490) / 0.4) is 6.4 s.
  for (Duration passed; passed < Duration::millis(6400); passed = passed + rtt) fast.round_trip(rtt);
  EXPECT_NEAR(fast.state.cwnd, 595, 12);
}

// Eight round trips of a round are longer by an eighth: the queue of the path is filling.
TEST(HyStart, LeavesSlowStartWhenRoundTripsGrow) {
  Window window(kCubic, 10, CongestionState::kNoThreshold);
  for (int i = 0; i < 2; ++i) window.round_trip(Duration::millis(100), Duration::millis(10));
  EXPECT_EQ(window.state.cwnd, 40u);
  window.round_trip(Duration::millis(112), Duration::millis(10));
  EXPECT_TRUE(window.state.in_slow_start());
  window.round_trip(Duration::millis(113), Duration::millis(10));
  EXPECT_FALSE(window.state.in_slow_start());
  EXPECT_EQ(window.state.ssthresh, 88u);
}

// Acknowledgments two milliseconds apart or less, for half the least round trip: the path is full of them.
TEST(HyStart, LeavesSlowStartWhenAcknowledgmentsFillTheRoundTrip) {
  Window window(kCubic, 10, CongestionState::kNoThreshold);
  for (int i = 0; i < 2; ++i) window.round_trip(Duration::millis(100), Duration::millis(10));
  window.round_trip(Duration::millis(100), Duration::millis(70));
  EXPECT_FALSE(window.state.in_slow_start());
}

TEST(HyStart, StaysWhereNeitherIsSo) {
  Window window(kCubic, 10, CongestionState::kNoThreshold);
  for (int i = 0; i < 6; ++i) window.round_trip(Duration::millis(100), Duration::millis(10));
  EXPECT_EQ(window.state.cwnd, 640u);
  EXPECT_TRUE(window.state.in_slow_start());
}

// RFC 9406, 4.2: round trips longer by an eighth make slow start careful, a quarter of a segment for each; after five such rounds
// it ends.
TEST(HyStartPlusPlus, GrowsAQuarterAsFastForFiveRounds) {
  Window window(kCubicPlusPlus, 10, CongestionState::kNoThreshold);
  for (int i = 0; i < 2; ++i) window.round_trip(Duration::millis(100));
  EXPECT_EQ(window.state.cwnd, 40u);
  window.round_trip(Duration::millis(113));
  EXPECT_EQ(window.state.cwnd, 40u + 7 + 33 / 4) << "seven of the round's samples came before the eighth, which decides";
  for (uint32_t expected : {69u, 86u, 108u, 134u}) {
    window.round_trip(Duration::millis(113));
    EXPECT_NEAR(window.state.cwnd, expected, 1);
    EXPECT_TRUE(window.state.in_slow_start());
  }
  window.round_trip(Duration::millis(113));
  EXPECT_FALSE(window.state.in_slow_start());
  EXPECT_NEAR(window.state.ssthresh, 134, 1);
}

// Round trips fall again below what they were when the care began: they were jitter, and slow start goes on.
TEST(HyStartPlusPlus, GoesOnWhenRoundTripsFallAgain) {
  Window window(kCubicPlusPlus, 10, CongestionState::kNoThreshold);
  for (int i = 0; i < 2; ++i) window.round_trip(Duration::millis(100));
  window.round_trip(Duration::millis(113));
  const uint32_t careful = window.state.cwnd;
  window.round_trip(Duration::millis(112));
  EXPECT_GT(window.state.cwnd, careful + careful / 2);
  window.round_trip(Duration::millis(112));
  EXPECT_TRUE(window.state.in_slow_start());
  EXPECT_GT(window.state.cwnd, careful * 3);
}

// Bounds of the rise that counts: never under 4 ms, never above 16.
TEST(HyStartPlusPlus, WantsARiseOfFourToSixteenMilliseconds) {
  for (const auto& [before, calm, risen] : {std::tuple{8, 11, 12}, {400, 415, 416}}) {
    Window still(kCubicPlusPlus, 20, CongestionState::kNoThreshold), careful(kCubicPlusPlus, 20, CongestionState::kNoThreshold);
    for (Window* window : {&still, &careful}) window->round_trip(Duration::millis(before));
    still.round_trip(Duration::millis(calm));
    EXPECT_EQ(still.state.cwnd, 80u) << before;
    careful.round_trip(Duration::millis(risen));
    EXPECT_LT(careful.state.cwnd, 60u) << before;
  }
}

// After a loss the path's end is known: section 4.3 keeps HyStart++ for the first slow start.
TEST(HyStartPlusPlus, IsForTheFirstSlowStartAlone) {
  Window window(kCubicPlusPlus, 10, 1000);
  window.round_trip(Duration::millis(100));
  window.round_trip(Duration::millis(150));
  EXPECT_EQ(window.state.cwnd, 40u);
}

// L of section 4.3: one acknowledgment of many segments sets no burst free where nothing paces it.
TEST(HyStartPlusPlus, TakesAtMostEightSegmentsOfAnAcknowledgment) {
  Window window(kCubicPlusPlus, 100, CongestionState::kNoThreshold);
  window.state.is_cwnd_limited = true;
  window.state.algorithm->on_ack(window.state, window.facts, 40);
  EXPECT_EQ(window.state.cwnd, 108u);
  window.state.wants_pacing = true;
  window.state.algorithm->on_ack(window.state, window.facts, 40);
  EXPECT_EQ(window.state.cwnd, 148u);
}

}  // namespace
}  // namespace lxnet::testing
