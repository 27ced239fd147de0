#include "netdev/impair/impair.hh"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <optional>

#include "netdev/pair/pair_end.hh"
#include "tests/support/device_probe.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::Bytes;
using ::lxnet::testing::DeviceProbe;
using ::lxnet::testing::TestHal;
using ::testing::ElementsAre;
using ::testing::Pair;

// Sends through an Impair into a pair, and notes when each frame comes out of the far end.
class Link {
 public:
  explicit Link(const char* text) : impair_(hal_, timers_, near_, parse_impair_config(text, nullptr).take()) {
    PairEnd::connect(near_, far_);
    sender_.emplace(hal_, pool_, impair_);
    receiver_.emplace(hal_, pool_, far_);
  }
  ~Link() {
    sender_.reset();
    receiver_.reset();
  }

  void send(const Bytes& bytes) {
    sender_->send(bytes);
    collect();
  }
  // Time passes to each deadline in turn until nothing is left.
  void run() {
    for (Instant next = timers_.next_deadline(); !next.is_never(); next = timers_.next_deadline()) {
      hal_.set_now(std::max(hal_.now(), next));
      timers_.expire(sender_->entry(), hal_.now());
      collect();
    }
  }
  // (milliseconds since the start, first byte) of each arrival.
  std::vector<std::pair<int64_t, int>> arrivals;
  std::vector<Bytes> frames;

  TestHal hal_;
  Timers timers_{hal_, nullptr};
  PacketPool pool_{hal_, 64 << 20};
  PairEnd near_{hal_, pool_, {.address = {}, .mtu = 1500, .sends_checksum = true, .segments_tcp = true}}, far_{hal_, pool_, {}};
  Impair impair_;
  std::optional<DeviceProbe> sender_, receiver_;

 private:
  void collect() {
    far_.pump();
    for (Bytes& bytes : receiver_->take_received()) {
      arrivals.emplace_back((hal_.now() - start_).in_millis(), bytes.empty() ? -1 : bytes[0]);
      frames.push_back(std::move(bytes));
    }
  }
  const Instant start_ = hal_.now();
};

TEST(ImpairTest, WithoutSettingsAFramePassesAtOnceAndOffersNoOffloads) {
  Link link("");
  EXPECT_FALSE(link.impair_.capabilities().sends_checksum);
  EXPECT_FALSE(link.impair_.capabilities().segments_tcp);
  link.send({1});
  EXPECT_THAT(link.arrivals, ElementsAre(Pair(0, 1)));
}

TEST(ImpairTest, DelayIsExactAndKeepsTheOrder) {
  Link link("delay=20ms");
  link.send({1});
  link.hal_.advance(Duration::millis(5));
  link.send({2});
  link.run();
  EXPECT_THAT(link.arrivals, ElementsAre(Pair(20, 1), Pair(25, 2)));
}

TEST(ImpairTest, RateSpacesFramesByTheirSizeAndCreditsTheSenderWhenTheyLeave) {
  Link link("rate=8kbit delay=100ms");
  uint32_t credited = 0;
  const auto release = [](void* owner, uint32_t amount) { *static_cast<uint32_t*>(owner) += amount; };
  for (uint8_t i = 0; i < 3; ++i) {
    Ref<Packet> packet = link.sender_->packet_of(Bytes(50, i));
    packet->set_owner(&credited, release, 1);
    link.sender_->send(std::move(packet));
  }
  link.hal_.advance(Duration::millis(50));
  link.timers_.expire(link.sender_->entry(), link.hal_.now());
  EXPECT_EQ(credited, 1u);
  link.run();
  EXPECT_EQ(credited, 3u);
  EXPECT_THAT(link.arrivals, ElementsAre(Pair(150, 0), Pair(200, 1), Pair(250, 2)));
}

TEST(ImpairTest, TheQueueBeforeTheRateIsBoundedAndDropsAreShown) {
  Link link("rate=8kbit limit=2");
  std::vector<std::string> reasons;
  link.impair_.observe_drops([](void* context, const Packet&,
                                const char* reason) { static_cast<std::vector<std::string>*>(context)->push_back(reason); },
                             &reasons);
  for (uint8_t i = 0; i < 5; ++i) link.send(Bytes(50, i));
  link.run();
  EXPECT_EQ(link.arrivals.size(), 2u);
  EXPECT_EQ(link.impair_.counters().over_limit, 3u);
  EXPECT_THAT(reasons, ElementsAre("link: queue full", "link: queue full", "link: queue full"));
  EXPECT_EQ(link.impair_.statistics().tx_dropped, 3u);
}

TEST(ImpairTest, LossIsAboutWhatWasAskedFor) {
  Link link("loss=10% seed=3");
  for (int i = 0; i < 5000; ++i) link.send({1});
  EXPECT_NEAR(static_cast<double>(link.arrivals.size()), 4500, 100);
  EXPECT_EQ(link.arrivals.size() + link.impair_.counters().lost, 5000u);
}

TEST(ImpairTest, GilbertElliottLosesInRuns) {
  Link link("loss=1%:20%");
  int losses = 0, runs = 0;
  bool last_was_lost = false;
  for (int i = 0; i < 20000; ++i) {
    const size_t before = link.arrivals.size();
    link.send({1});
    const bool was_lost = link.arrivals.size() == before;
    losses += was_lost;
    runs += was_lost && !last_was_lost;
    last_was_lost = was_lost;
  }
  EXPECT_NEAR(static_cast<double>(losses) / runs, 5.0, 1.0);
}

TEST(ImpairTest, AReorderedFrameOvertakesThoseThatAreDelayed) {
  Link link("delay=10ms reorder=20% seed=5");
  for (uint8_t i = 0; i < 100; ++i) link.send({i});
  link.run();
  EXPECT_EQ(link.arrivals.size(), 100u);
  EXPECT_GT(link.impair_.counters().reordered, 5u);
  EXPECT_FALSE(std::is_sorted(link.arrivals.begin(), link.arrivals.end(), [](auto& a, auto& b) { return a.second < b.second; }));
}

TEST(ImpairTest, JitterStaysWithinItsBoundsAndDoesNotReorder) {
  Link link("delay=10ms jitter=5ms");
  for (uint8_t i = 0; i < 200; ++i) {
    link.send({i});
    link.hal_.advance(Duration::millis(1));
    link.timers_.expire(link.sender_->entry(), link.hal_.now());
  }
  link.run();
  ASSERT_EQ(link.arrivals.size(), 200u);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(link.arrivals[static_cast<size_t>(i)].second, i);
    EXPECT_GE(link.arrivals[static_cast<size_t>(i)].first, i + 5);
    EXPECT_LE(link.arrivals[static_cast<size_t>(i)].first, i + 16);
  }
}

TEST(ImpairTest, DuplicateSendsTwiceAndCorruptFlipsOneBit) {
  Link link("duplicate=100%");
  link.send({1, 2});
  EXPECT_THAT(link.frames, ElementsAre(Bytes{1, 2}, Bytes{1, 2}));
  Link noisy("corrupt=100% seed=9");
  const Bytes sent(2000, 0x55);
  noisy.send(sent);
  ASSERT_EQ(noisy.frames.size(), 1u);
  int bits = 0;
  for (size_t i = 0; i < sent.size(); ++i) bits += __builtin_popcount(static_cast<unsigned>(sent[i] ^ noisy.frames[0][i]));
  EXPECT_EQ(bits, 1);
}

TEST(ImpairTest, TheSameSeedDoesTheSame) {
  const auto history = [](const char* text) {
    Link link(text);
    for (int i = 0; i < 500; ++i) link.send({static_cast<uint8_t>(i), 2, 3});
    link.run();
    return std::make_pair(link.arrivals, link.frames);
  };
  const char* text = "delay=5ms jitter=3ms loss=5% duplicate=5% corrupt=5% reorder=5% seed=11";
  EXPECT_EQ(history(text), history(text));
  EXPECT_NE(history(text), history("delay=5ms jitter=3ms loss=5% duplicate=5% corrupt=5% reorder=5% seed=12"));
}

TEST(ImpairTest, StoppingForgetsWhatIsUnderWay) {
  Link link("delay=5ms");
  link.send({1});
  link.impair_.stop();
  EXPECT_EQ(link.timers_.next_deadline(), Instant::never());
  link.run();
  EXPECT_TRUE(link.arrivals.empty());
}

}  // namespace
}  // namespace lxnet
