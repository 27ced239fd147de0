#include "hosts/sim/scheduler.hh"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace lxnet::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SchedulerTest : public ::testing::Test {
 protected:
  SchedulerTest() {
    scheduler_.on_problem = [this](const std::string& problem) { problems_.push_back(problem); };
  }
  ~SchedulerTest() override { EXPECT_THAT(problems_, ElementsAre()); }

  int64_t millis() const { return (scheduler_.now() - start_).in_millis(); }
  void note(const std::string& what) { history_.push_back(std::to_string(millis()) + " " + what); }
  void sleep(Task& task, int64_t milliseconds) {
    scheduler_.park(task, (scheduler_.now() + Duration::millis(milliseconds)).in_nanos(), true);
  }
  Task& spawn(const std::string& name, std::function<void(Task&)> body) {
    auto handle = std::make_shared<Task*>();
    Task& task = scheduler_.spawn(name, nullptr, nullptr, [handle, body = std::move(body)] { body(**handle); });
    *handle = &task;
    return task;
  }
  void run() { scheduler_.run(scheduler_.now() + Duration::seconds(1000)); }

  std::vector<std::string> problems_, history_;
  Scheduler scheduler_;
  const Instant start_ = scheduler_.now();
};

TEST_F(SchedulerTest, TimeJumpsToTheNextThingThatHappens) {
  for (const int delay : {30, 10, 20}) {
    spawn(std::to_string(delay), [this, delay](Task& task) {
      sleep(task, delay);
      note(task.name);
    });
  }
  run();
  EXPECT_THAT(history_, ElementsAre("10 10", "20 20", "30 30"));
}

TEST_F(SchedulerTest, ThousandsOfTasksInterleave) {
  int sum = 0;
  for (int i = 0; i < 2000; ++i) {
    spawn("t", [this, &sum, i](Task& task) {
      for (int round = 0; round < 5; ++round) sleep(task, 1 + (i * 7 + round) % 13);
      ++sum;
    });
  }
  run();
  EXPECT_EQ(sum, 2000);
}

// A process may have 65530 mappings, and a stack is two.
TEST_F(SchedulerTest, TasksThatEndedGiveTheirStacksBack) {
  int ended = 0;
  for (int batch = 0; batch < 40; ++batch) {
    for (int i = 0; i < 1000; ++i) spawn("t", [&ended](Task&) { ++ended; });
    run();
  }
  EXPECT_EQ(ended, 40'000);
}

TEST_F(SchedulerTest, AnUnparkBeforeTheParkIsNotLost) {
  Task& sleeper = spawn("sleeper", [this](Task& task) {
    sleep(task, 5);
    EXPECT_EQ(scheduler_.park(task, INT64_MAX, false), LXNET_PARK_WOKEN);
    note("woken");
    EXPECT_EQ(scheduler_.park(task, INT64_MAX, false), LXNET_PARK_WOKEN);
    note("woken again");
  });
  spawn("waker", [this, &sleeper](Task& task) {
    sleep(task, 10);
    scheduler_.unpark(sleeper);
    sleep(task, 10);
    scheduler_.unpark(sleeper);
  });
  run();
  EXPECT_THAT(history_, ElementsAre("10 woken", "20 woken again"));
}

TEST_F(SchedulerTest, ADeadlineEndsAParkAndASignalOnlyAnInterruptibleOne) {
  Task& task = spawn("t", [this](Task& self) {
    EXPECT_EQ(scheduler_.park(self, (scheduler_.now() + Duration::millis(20)).in_nanos(), false), LXNET_PARK_TIMED_OUT);
    note("timed out");
    EXPECT_EQ(scheduler_.park(self, INT64_MAX, true), LXNET_PARK_INTERRUPTED) << "the signal is still pending";
    self.is_signal_pending = false;
    EXPECT_EQ(scheduler_.park(self, INT64_MAX, true), LXNET_PARK_INTERRUPTED);
    note("interrupted");
  });
  scheduler_.events().schedule(start_ + Duration::millis(10), [&] { scheduler_.signal(task, RestartCalls::No); });
  scheduler_.events().schedule(start_ + Duration::millis(30), [&] { scheduler_.signal(task, RestartCalls::No); });
  run();
  EXPECT_THAT(history_, ElementsAre("20 timed out", "30 interrupted"));
}

TEST_F(SchedulerTest, ADeadlockSaysWhoWaits) {
  spawn("left", [this](Task& task) {
    task.call_name = "accept";
    scheduler_.park(task, INT64_MAX, true);
  });
  spawn("right", [this](Task& task) { scheduler_.park(task, INT64_MAX, true); });
  run();
  ASSERT_EQ(problems_.size(), 1u);
  EXPECT_THAT(problems_[0], HasSubstr("deadlock"));
  EXPECT_THAT(problems_[0], HasSubstr("left (in accept), right (not in a call)"));
  problems_.clear();
}

TEST_F(SchedulerTest, WhoStillWaitsAtTheTimeLimitIsAProblemToo) {
  spawn("patient", [this](Task& task) { sleep(task, 5'000'000); });
  run();
  ASSERT_EQ(problems_.size(), 1u);
  EXPECT_THAT(problems_[0], HasSubstr("time limit: patient"));
  problems_.clear();
}

TEST_F(SchedulerTest, TheTestItselfMayWaitWhileTheRestRuns) {
  Task test;
  test.state = Task::State::Running;
  spawn("waker", [&](Task& task) {
    sleep(task, 7);
    scheduler_.unpark(test);
  });
  EXPECT_EQ(scheduler_.park(test, INT64_MAX, true), LXNET_PARK_WOKEN);
  EXPECT_EQ(millis(), 7);
}

TEST_F(SchedulerTest, AKilledTaskLeavesItsBodyThroughItsDestructors) {
  bool is_destroyed = false;
  spawn("victim", [&](Task& task) {
    struct Guard {
      bool& flag;
      ~Guard() { flag = true; }
    } guard{is_destroyed};
    scheduler_.park(task, INT64_MAX, true);
    if (task.is_killed) throw TaskKilled();
  });
  scheduler_.run_until(scheduler_.now());
  EXPECT_FALSE(is_destroyed);
  scheduler_.kill_all();
  EXPECT_TRUE(is_destroyed);
}

TEST_F(SchedulerTest, ABodyThatThrowsIsAProblemWithItsName) {
  spawn("clumsy", [](Task&) { throw std::runtime_error("oops"); });
  run();
  EXPECT_THAT(problems_, ElementsAre("clumsy threw: oops"));
  problems_.clear();
}

TEST(EventQueueTest, TiesRunInOrderOrShuffledTheSameWayForASeed) {
  const auto order = [](std::optional<uint64_t> seed) {
    EventQueue queue;
    std::vector<int> history;
    if (seed) queue.shuffle_ties(*seed);
    for (int i = 0; i < 10; ++i) queue.schedule(queue.now(), [&history, i] { history.push_back(i); });
    while (queue.run_next()) {
    }
    return history;
  };
  EXPECT_THAT(order({}), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(order(3), order(3));
  EXPECT_NE(order(3), order(4));
}

}  // namespace
}  // namespace lxnet::sim
