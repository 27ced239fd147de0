#include "hal/timer.hh"

#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::TestHal;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

Instant at_micros(int64_t n) { return Instant::from_nanos(n * 1000); }

// A timer that notes that it fired.
struct Probe {
  explicit Probe(std::vector<int>& fired, int id) : fired(fired), id(id) {}
  std::vector<int>& fired;
  int id;
  std::function<void()> then;
  Timer timer{[](Entry&, Timer& timer) {
    Probe& probe = owner_of<Probe, &Probe::timer>(timer);
    if (!timer.claim()) return;
    probe.fired.push_back(probe.id);
    if (probe.then) probe.then();
  }};
};

class TimerTest : public ::testing::Test {
 protected:
  void expire(Instant now) {
    hal_.set_now(now);
    timers_.expire(*reinterpret_cast<Entry*>(this), now);  // never opened
  }

  TestHal hal_;
  lxnet_stack* const stack_ = reinterpret_cast<lxnet_stack*>(&hal_);
  Timers timers_{hal_, stack_};
  std::vector<int> fired_;
  Probe a_{fired_, 1}, b_{fired_, 2}, c_{fired_, 3};
};

TEST_F(TimerTest, ATimerFiresAtItsNanosecondAndNotOneBefore) {
  const Instant deadline = Instant::from_nanos(1'234'567'891);
  timers_.arm(a_.timer, deadline);
  EXPECT_EQ(hal_.alarm(), deadline);
  EXPECT_EQ(hal_.alarm_stack(), stack_);
  expire(deadline - Duration::nanos(1));
  EXPECT_TRUE(fired_.empty());
  EXPECT_TRUE(a_.timer.is_armed());
  expire(deadline);
  EXPECT_THAT(fired_, ElementsAre(1));
  EXPECT_FALSE(a_.timer.is_armed());
  EXPECT_EQ(timers_.next_deadline(), Instant::never());
}

TEST_F(TimerTest, TheAlarmMovesOnlyWhenTheEarliestDeadlineComesNearer) {
  timers_.arm(a_.timer, at_micros(5000));
  timers_.arm(b_.timer, at_micros(9000));
  timers_.arm(a_.timer, at_micros(7000));
  EXPECT_EQ(hal_.alarm_count(), 1u);
  EXPECT_EQ(timers_.next_deadline(), at_micros(7000));
  expire(at_micros(5000));
  EXPECT_TRUE(fired_.empty());
  EXPECT_EQ(hal_.alarm(), at_micros(7000));
  timers_.arm(c_.timer, at_micros(5050));
  EXPECT_EQ(hal_.alarm(), at_micros(5050));
  expire(at_micros(9000));
  EXPECT_THAT(fired_, UnorderedElementsAre(1, 2, 3));
}

TEST_F(TimerTest, CancelSaysWhetherThereWasAnythingToCancel) {
  EXPECT_FALSE(timers_.cancel(a_.timer));
  timers_.arm(a_.timer, at_micros(50));
  EXPECT_TRUE(timers_.cancel(a_.timer));
  EXPECT_FALSE(timers_.cancel(a_.timer));
  timers_.arm(a_.timer, at_micros(50));
  timers_.arm(a_.timer, Instant::never());
  EXPECT_FALSE(a_.timer.is_armed());
  expire(at_micros(1000));
  EXPECT_TRUE(fired_.empty());
}

TEST_F(TimerTest, ACallbackMayReArmItselfAndCancelAnotherThatIsDue) {
  a_.then = [&] {
    timers_.arm(a_.timer, hal_.now());
    EXPECT_TRUE(timers_.cancel(b_.timer));
  };
  timers_.arm(a_.timer, at_micros(50));
  timers_.arm(b_.timer, at_micros(50));
  expire(at_micros(60));
  EXPECT_THAT(fired_, ElementsAre(1));
  EXPECT_EQ(hal_.alarm(), at_micros(60)) << "what is armed for now waits for the next call";
  a_.then = nullptr;
  expire(at_micros(60));
  EXPECT_THAT(fired_, ElementsAre(1, 1));
}

TEST_F(TimerTest, DeadlinesInThePastAndFarAwayAreKept) {
  expire(at_micros(1'000'000));
  timers_.arm(a_.timer, at_micros(10));
  timers_.arm(b_.timer, Instant::from_nanos(INT64_MAX - 1));
  timers_.arm(c_.timer, Instant::from_nanos(-5));
  EXPECT_EQ(timers_.next_deadline(), Instant::from_nanos(-5));
  expire(at_micros(1'000'000));
  EXPECT_THAT(fired_, UnorderedElementsAre(1, 3));
  EXPECT_EQ(timers_.next_deadline(), Instant::from_nanos(INT64_MAX - 1));
  expire(Instant::from_nanos(INT64_MAX - 1));
  EXPECT_THAT(fired_, UnorderedElementsAre(1, 3, 2));
}

struct Counted : RefCounted<Counted> {
  static void destroy(Counted* object) { delete object; }
  static void on_timer(Entry&, Timer& timer) {
    Counted& self = owner_of<Counted, &Counted::timer>(timer);
    ++self.fired;
    self.seen = self.is_unique();
    if (self.drop_last != nullptr) *self.drop_last = nullptr;
  }
  explicit Counted(Timers& timers) : timers(timers) {}
  ~Counted() { timers.cancel(timer); }

  Timers& timers;
  int fired = 0;
  bool seen = false;
  Ref<Counted>* drop_last = nullptr;
  Timer timer{&on_timer, &kTimerOwner<Counted, &Counted::timer>};
};

TEST_F(TimerTest, TheWheelHoldsACountWhileTheCallbackRunsAndNoneBefore) {
  Ref<Counted> object = Ref<Counted>::adopt(new Counted(timers_));
  timers_.arm(object->timer, at_micros(10));
  EXPECT_TRUE(object->is_unique());
  object->drop_last = nullptr;
  expire(at_micros(10));
  EXPECT_EQ(object->fired, 1);
  EXPECT_FALSE(object->seen);
  EXPECT_TRUE(object->is_unique());
  // The last other count may go inside the callback.
  timers_.arm(object->timer, at_micros(20));
  object->drop_last = &object;
  expire(at_micros(20));
  EXPECT_FALSE(object);
  // An object that dies armed takes its timer along.
  object = Ref<Counted>::adopt(new Counted(timers_));
  timers_.arm(object->timer, at_micros(30));
  object = nullptr;
  EXPECT_EQ(timers_.next_deadline(), Instant::never());
}

// Random arming, cancelling and passing of time beside a plain table of deadlines.
void run_model(uint64_t seed) {
  constexpr size_t kCount = 60;
  TestHal hal;
  Timers timers(hal, nullptr);
  std::mt19937_64 random(seed);
  std::vector<int> fired;
  std::vector<std::unique_ptr<Probe>> probes;
  std::vector<Instant> model(kCount, Instant::never());
  for (size_t i = 0; i < kCount; ++i) probes.push_back(std::make_unique<Probe>(fired, static_cast<int>(i)));
  Instant now = hal.now();
  for (int step = 0; step < 3000; ++step) {
    const size_t i = random() % kCount;
    const int64_t span = int64_t{1} << random() % 45;
    switch (random() % 4) {
      case 0:
      case 1:
        model[i] = now + Duration::nanos(static_cast<int64_t>(random()) % span);
        timers.arm(probes[i]->timer, model[i]);
        break;
      case 2:
        EXPECT_EQ(timers.cancel(probes[i]->timer), !model[i].is_never());
        model[i] = Instant::never();
        break;
      default: {
        const Instant earliest = *std::min_element(model.begin(), model.end());
        ASSERT_LE(hal.alarm(), earliest) << "the alarm must not ring late";
        if (random() % 2 == 0) {
          ASSERT_EQ(timers.next_deadline(), earliest);
        }
        now = random() % 2 == 0 && !earliest.is_never() ? std::max(now, earliest) : now + Duration::nanos(span);
        if (random() % 4 == 0) now = std::max(now, hal.alarm().is_never() ? now : hal.alarm());
        fired.clear();
        timers.expire(*reinterpret_cast<Entry*>(&hal), now);
        std::vector<int> expected;
        for (size_t k = 0; k < kCount; ++k) {
          if (model[k] > now) continue;
          expected.push_back(static_cast<int>(k));
          model[k] = Instant::never();
        }
        std::sort(fired.begin(), fired.end());
        ASSERT_EQ(fired, expected);
      }
    }
    for (size_t k = 0; k < kCount; ++k) ASSERT_EQ(probes[k]->timer.is_armed(), !model[k].is_never());
  }
  for (auto& probe : probes) timers.cancel(probe->timer);
  ASSERT_EQ(timers.next_deadline(), Instant::never());
}

TEST(TimerModelTest, RandomOperationsFireExactlyWhatAPlainTableWould) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    run_model(seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace lxnet
