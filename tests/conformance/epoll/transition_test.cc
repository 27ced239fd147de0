// Every transition of every kind of socket, and of files beside them, seen by everybody who may wait for it.
//
// A row of scenes.cc says which bits a file has before and after; a watch says how the file was added to the set, and an observer
// how it is waited for. The bits never depend on these; how often they are told does.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>

#include <functional>

#include "tests/conformance/epoll/blocked.hh"
#include "tests/conformance/epoll/scenes.hh"

namespace conformance {
namespace {

constexpr uint32_t kEverything = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDNORM | EPOLLRDBAND | EPOLLWRNORM | EPOLLWRBAND |
                                 EPOLLMSG | EPOLLRDHUP | EPOLLERR | EPOLLHUP;
constexpr uint32_t kOfExclusive = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;

struct Watch {
  const char* name;
  uint32_t flags;
};
constexpr Watch kWatches[] = {
    {"level", 0},
    {"edge", EPOLLET},
    {"once", EPOLLONESHOT},
    {"edge_once", EPOLLET | EPOLLONESHOT},
    {"exclusive", EPOLLEXCLUSIVE},
    {"edge_exclusive", EPOLLET | EPOLLEXCLUSIVE},
};

enum class Observer { Here, Thread, Process, Nested };
constexpr const char* kObservers[] = {"here", "thread", "process", "nested"};

struct Case {
  const Transition* transition;
  const Watch* watch;
  Observer observer;

  uint32_t interest() const { return (watch->flags & EPOLLEXCLUSIVE) != 0 ? kOfExclusive : kEverything; }
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Transition& transition : transitions()) {
    for (const Watch& watch : kWatches) {
      // Sets do not take turns at sets.
      if (std::string(transition.name).starts_with("set_") && (watch.flags & EPOLLEXCLUSIVE) != 0) continue;
      for (Observer observer : {Observer::Here, Observer::Thread, Observer::Process, Observer::Nested}) {
        // Each process hears of its own signals.
        if (std::string(transition.name).starts_with("signalfd_") && observer == Observer::Process) continue;
        const Case one{&transition, &watch, observer};
        // Who blocks waits for what is new; there must be something.
        const bool has_news = (transition.after & ~transition.before & one.interest()) != 0;
        if (has_news || observer == Observer::Here) all.push_back(one);
      }
    }
  }
  return all;
}

std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  return std::string(info.param.transition->name) + "_" + info.param.watch->name + "_" +
         kObservers[static_cast<int>(info.param.observer)];
}

long control(int set, int operation, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = 0x0123456789abcdef;
  return answer(::epoll_ctl(set, operation, fd, &event));
}

// The bits of the one entry; 0 when it is silent.
long told(int set, int timeout = 0) {
  epoll_event events[2] = {};
  const int count = ::epoll_wait(set, events, 2, timeout);
  if (count < 0) return answer(count);
  if (count > 1) return -E2BIG;
  if (count == 1 && events[0].data.u64 != 0x0123456789abcdef) return -EIO;
  return count == 0 ? 0 : static_cast<long>(events[0].events);
}

class TransitionTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    scene_ = row().make();
    set_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  }
  const Transition& row() const { return *GetParam().transition; }
  uint32_t flags() const { return GetParam().watch->flags; }
  // What is left when the same is told again without anything having happened.
  long again(long bits) const { return (flags() & (EPOLLET | EPOLLONESHOT)) != 0 ? 0 : bits; }

  void happen() {
    row().happen(scene_);
    settle(scene_, row());
  }

  void look_here();
  void look_from_afar(const std::function<long(const std::function<long()>&)>& run);
  void look_through_a_set();

  Scene scene_;
  Fd set_;
};

void TransitionTest::look_here() {
  const uint32_t asked = GetParam().interest();
  const long before = row().before & asked, after = row().after & asked;
  ASSERT_EQ(control(set_, EPOLL_CTL_ADD, scene_.watched, asked | flags()), 0);
  EXPECT_EQ(told(set_), before);
  EXPECT_EQ(told(set_), again(before));
  happen();
  const bool fired = (flags() & EPOLLONESHOT) != 0 && before != 0;
  // Nothing may have changed for the watcher: then an edge is told or not as the kernel happened to wake it.
  if (before != after || again(1) == 1 || fired) {
    const long now = told(set_);
    if (!fired && again(1) == 0 && (after & ~before) == 0) {
      EXPECT_TRUE(now == after || now == 0) << now;
    } else {
      EXPECT_EQ(now, fired ? 0 : after);
    }
    if (row().steps == Steps::One || (flags() & EPOLLET) == 0) {
      EXPECT_EQ(told(set_), fired ? 0 : again(after));
    }
  }
  if ((flags() & EPOLLEXCLUSIVE) != 0) {
    EXPECT_EQ(control(set_, EPOLL_CTL_MOD, scene_.watched, asked), -EINVAL);
    return;
  }
  ASSERT_EQ(control(set_, EPOLL_CTL_MOD, scene_.watched, asked | flags()), 0);
  EXPECT_EQ(told(set_), after);
  EXPECT_EQ(told(set_), again(after));
  ASSERT_EQ(control(set_, EPOLL_CTL_DEL, scene_.watched, 0), 0);
  EXPECT_EQ(told(set_), 0);
}

// Somebody else blocks in epoll_wait until it happens.
void TransitionTest::look_from_afar(const std::function<long(const std::function<long()>&)>& run) {
  const uint32_t news = row().after & ~row().before & GetParam().interest();
  const long after = row().after & (news | EPOLLERR | EPOLLHUP);
  ASSERT_EQ(control(set_, EPOLL_CTL_ADD, scene_.watched, news | flags()), 0);
  const bool tells_already = (row().before & (EPOLLERR | EPOLLHUP)) != 0;
  if (tells_already) return;
  EXPECT_EQ(run([this] { return told(set_, -1); }), after);
  if ((flags() & EPOLLET) == 0 || row().steps == Steps::One) {
    EXPECT_EQ(told(set_), again(after));
  }
}

void TransitionTest::look_through_a_set() {
  const uint32_t news = row().after & ~row().before & GetParam().interest();
  const long after = row().after & (news | EPOLLERR | EPOLLHUP);
  if ((row().before & (EPOLLERR | EPOLLHUP)) != 0) return;
  const Fd outer(::epoll_create1(0));
  ASSERT_EQ(control(outer, EPOLL_CTL_ADD, set_, EPOLLIN | EPOLLET), 0);
  ASSERT_EQ(control(set_, EPOLL_CTL_ADD, scene_.watched, news | flags()), 0);
  EXPECT_EQ(told(outer), 0);
  happen();
  EXPECT_EQ(poll_now(outer, POLLIN), POLLIN);
  EXPECT_EQ(poll_now(set_, POLLIN), POLLIN);
  EXPECT_EQ(told(outer), EPOLLIN);
  EXPECT_EQ(told(outer), 0);
  EXPECT_EQ(told(set_), after);
  EXPECT_EQ(poll_now(set_, POLLIN), again(after) != 0 ? POLLIN : 0);
}

TEST_P(TransitionTest, IsTold) {
  switch (GetParam().observer) {
    case Observer::Here:
      return look_here();
    case Observer::Thread:
      return look_from_afar([this](const std::function<long()>& wait) {
        BlockedThread waiter(wait);
        waiter.await_sleep();
        row().happen(scene_);
        return waiter.result();
      });
    case Observer::Process:
      return look_from_afar([this](const std::function<long()>& wait) {
        // The child has none of the scene: what the parent closes is closed.
        BlockedProcess waiter([&] {
          scene_.peer.reset();
          scene_.third.reset();
          return wait();
        });
        waiter.await_sleep();
        row().happen(scene_);
        return waiter.result();
      });
    case Observer::Nested:
      return look_through_a_set();
  }
}

INSTANTIATE_TEST_SUITE_P(Table, TransitionTest, testing::ValuesIn(cases()), name_of_case);

// ---- the same rows through poll and select

class PolledTransitionTest : public testing::TestWithParam<const Transition*> {
 protected:
  static constexpr short kAll = static_cast<short>(kEverything);
  static constexpr uint32_t kReadSet = EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLHUP | EPOLLERR;
  static constexpr uint32_t kWriteSet = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | EPOLLERR;

  // 1: readable, 2: writable, 4: exceptional.
  static int selected(int fd, int asked, timeval* timeout) {
    fd_set sets[3];
    for (int i = 0; i < 3; ++i) {
      FD_ZERO(&sets[i]);
      if ((asked >> i & 1) != 0) FD_SET(fd, &sets[i]);
    }
    if (::select(fd + 1, &sets[0], &sets[1], &sets[2], timeout) < 0) return -errno;
    return (FD_ISSET(fd, &sets[0]) ? 1 : 0) | (FD_ISSET(fd, &sets[1]) ? 2 : 0) | (FD_ISSET(fd, &sets[2]) ? 4 : 0);
  }
  static int meant(uint32_t bits) {
    return ((bits & kReadSet) != 0 ? 1 : 0) | ((bits & kWriteSet) != 0 ? 2 : 0) | ((bits & EPOLLPRI) != 0 ? 4 : 0);
  }
  static int selected_now(int fd) {
    timeval none{};
    return selected(fd, 7, &none);
  }
};

TEST_P(PolledTransitionTest, IsSeen) {
  const Transition& row = *GetParam();
  Scene scene = row.make();
  EXPECT_EQ(poll_now(scene.watched, kAll), row.before);
  EXPECT_EQ(selected_now(scene.watched), meant(row.before));
  row.happen(scene);
  EXPECT_EQ(poll_now(scene.watched, kAll), row.after);
  EXPECT_EQ(selected_now(scene.watched), meant(row.after));
}

TEST_P(PolledTransitionTest, WakesWhoBlocksInPoll) {
  const Transition& row = *GetParam();
  const uint32_t news = row.after & ~row.before;
  if (news == 0 || (row.before & (EPOLLERR | EPOLLHUP)) != 0) return;
  Scene scene = row.make();
  BlockedThread waiter([&] { return poll_now(scene.watched, static_cast<short>(news), -1); });
  waiter.await_sleep();
  row.happen(scene);
  EXPECT_EQ(waiter.result(), row.after & (news | EPOLLERR | EPOLLHUP));
}

TEST_P(PolledTransitionTest, WakesWhoBlocksInSelect) {
  const Transition& row = *GetParam();
  const int news = meant(row.after) & ~meant(row.before);
  if (news == 0) return;
  Scene scene = row.make();
  BlockedThread waiter([&] { return selected(scene.watched, news, nullptr); });
  waiter.await_sleep();
  row.happen(scene);
  EXPECT_EQ(waiter.result(), news);
}

std::vector<const Transition*> rows() {
  std::vector<const Transition*> all;
  for (const Transition& transition : transitions()) all.push_back(&transition);
  return all;
}
INSTANTIATE_TEST_SUITE_P(Table, PolledTransitionTest, testing::ValuesIn(rows()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace conformance
