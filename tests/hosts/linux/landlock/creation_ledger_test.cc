// Which domain the ledger says a thread was born in, in a machine of the test's own: threads, what they are doing, and who is
// there.
#include "hosts/linux/landlock/creation_ledger.hh"

#include <gtest/gtest.h>

#include <map>

#include "hosts/linux/landlock/domain.hh"

namespace lxnet::host::landlock {
namespace {

using DomainRef = CreationLedger::DomainRef;
constexpr int kClone = 56;

class CreationLedgerTest : public ::testing::Test {
 protected:
  CreationLedgerTest() {
    eyes_.look_at = [this](pid_t tid, int number) {
      EXPECT_EQ(number, kClone);
      looks_++;
      auto found = creating_.find(tid);
      return found == creating_.end() ? Creating::Done : found->second;
    };
    eyes_.list_unknown = [this] {
      lists_++;
      std::vector<ThreadName> threads;
      for (const auto& [tid, start] : unseen_) threads.push_back({.tid = tid, .start = start, .is_ours = true});
      return threads;
    };
    eyes_.start_of = [this](pid_t tid) { return started_[tid]; };
    eyes_.pause = [this] {
      pauses_++;
      if (on_pause_) on_pause_();
    };
  }

  // The thread's clone() goes on, and is over when its creator makes another call.
  void begin(pid_t creator, const DomainRef& domain) { ledger_.begin(creator, kClone, domain); }
  void born(pid_t tid) { unseen_[tid] = started_[tid] = ++clock_; }
  DomainRef first_call(pid_t tid) {
    unseen_.erase(tid);
    return ledger_.take_new(tid);
  }

  const DomainRef outer_ = Domain::create_sealed(nullptr), inner_ = Domain::create_sealed(outer_);
  CreationLedger::Eyes eyes_;
  std::map<pid_t, Creating> creating_;
  std::map<pid_t, uint64_t> unseen_, started_;
  std::function<void()> on_pause_;
  uint64_t clock_ = 0;
  int looks_ = 0, lists_ = 0, pauses_ = 0;
  CreationLedger ledger_{eyes_, nullptr};
};

TEST_F(CreationLedgerTest, TheFirstThreadIsInTheDomainOfAll) { EXPECT_EQ(first_call(1), nullptr); }

TEST_F(CreationLedgerTest, WhoIsBornIsInTheDomainOfItsCreator) {
  begin(1, outer_);
  born(2);
  EXPECT_EQ(first_call(2), outer_);
}

TEST_F(CreationLedgerTest, WhileAllAreInOneDomainNobodyIsLookedAt) {
  for (pid_t child = 2; child < 10; child++) {
    begin(1, nullptr);
    born(child);
  }
  EXPECT_EQ(first_call(5), nullptr);
  EXPECT_EQ(looks_ + lists_, 0);
}

TEST_F(CreationLedgerTest, WhoWasSeenNeedsNoLookWhenTurnsChange) {
  begin(1, nullptr);
  born(2);
  first_call(2);
  begin(2, outer_);
  EXPECT_EQ(looks_ + lists_, 0);
}

TEST_F(CreationLedgerTest, WhoMadeNoCallBeforeTheTurnChangedKeepsItsDomain) {
  begin(1, nullptr);
  born(2);
  ledger_.end(1);
  begin(1, outer_);
  born(3);
  EXPECT_EQ(first_call(3), outer_);
  EXPECT_EQ(first_call(2), nullptr);
  EXPECT_EQ(lists_, 1);
}

TEST_F(CreationLedgerTest, ANumberThatCameAgainIsAnotherThread) {
  begin(1, outer_);
  born(2);
  begin(1, inner_);
  born(2);
  EXPECT_EQ(first_call(2), inner_);
}

TEST_F(CreationLedgerTest, TurnsChangeWhenTheCreatorHasEnded) {
  begin(1, outer_);
  creating_[1] = Creating::Running;
  on_pause_ = [this] {
    if (pauses_ < 3) return;
    born(2);
    creating_.erase(1);
  };
  begin(9, nullptr);
  EXPECT_EQ(pauses_, 3);
  EXPECT_EQ(first_call(2), outer_);
  born(3);
  EXPECT_EQ(first_call(3), nullptr);
}

TEST_F(CreationLedgerTest, ACreatorThatEndedByAnotherCallIsNotWaitedFor) {
  begin(1, outer_);
  creating_[1] = Creating::Blocked;  // in its next clone(), which looks like this one
  ledger_.end(1);
  born(2);
  begin(9, nullptr);
  EXPECT_EQ(pauses_, 0);
  EXPECT_EQ(first_call(2), outer_);
}

TEST_F(CreationLedgerTest, AParentThatWaitsForItsChildHasCreatedIt) {
  begin(1, outer_);
  creating_[1] = Creating::Blocked;
  born(2);
  begin(9, nullptr);
  born(3);
  EXPECT_EQ(first_call(3), nullptr);
  EXPECT_EQ(first_call(2), outer_);
}

TEST_F(CreationLedgerTest, WhileACreatorDoesNotEndTheNewAreUnderTheMoreRulesets) {
  begin(1, inner_);
  creating_[1] = Creating::Running;
  begin(9, outer_);
  born(3);
  EXPECT_EQ(first_call(3), inner_) << "it may be the first one's";
  creating_.erase(1);
  born(4);  // the late one's
  begin(9, outer_);
  born(5);
  EXPECT_EQ(first_call(5), outer_);
  EXPECT_EQ(first_call(4), inner_);
}

TEST_F(CreationLedgerTest, WhoEndsWhileTheThreadsAreListedHasThemListedAgain) {
  begin(1, outer_);
  creating_[1] = Creating::Running;
  const auto list = eyes_.list_unknown;
  eyes_.list_unknown = [&, list] {
    auto threads = list();
    if (creating_.erase(1) != 0) born(2);
    return threads;
  };
  begin(9, nullptr);
  EXPECT_EQ(first_call(2), outer_);
  EXPECT_EQ(lists_, 2);
}

// On a busy machine the creator may wait long for a processor, before or behind the birth: that cannot be told.
TEST_F(CreationLedgerTest, ARunningCreatorIsWaitedForUntilItsChildIsThere) {
  begin(1, outer_);
  creating_[1] = Creating::Running;
  on_pause_ = [this] {
    if (pauses_ == 300) born(2);
  };
  begin(9, nullptr);
  EXPECT_GE(pauses_, 300);
  EXPECT_LE(pauses_, 350);
  born(3);
  EXPECT_EQ(first_call(3), nullptr);
  EXPECT_EQ(first_call(2), outer_);
}

TEST_F(CreationLedgerTest, WaitingHasAnEnd) {
  begin(1, outer_);
  creating_[1] = Creating::Running;
  begin(9, nullptr);
  EXPECT_EQ(pauses_, 1000);
  EXPECT_LE(lists_, 21);
}

}  // namespace
}  // namespace lxnet::host::landlock
