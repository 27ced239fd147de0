#include "base/ring.hh"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <vector>

namespace lxnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Item {
  explicit Item(int id) : id(id) {}
  int id;
  ListLink link;
};
using Items = Ring<Item, &Item::link>;

std::vector<int> ids(const Items& ring) {
  std::vector<int> result;
  for (Item* item = ring.front(); item != nullptr; item = ring.next(*item)) result.push_back(item->id);
  return result;
}

class RingTest : public ::testing::Test {
 protected:
  ~RingTest() override {
    while (ring_.take_front() != nullptr) {
    }
  }
  Item one_{1}, two_{2}, three_{3}, four_{4};
  Items ring_;
};

TEST_F(RingTest, IsOnePointerAndEmptyAtFirst) {
  EXPECT_EQ(sizeof(Items), sizeof(void*));
  EXPECT_TRUE(ring_.is_empty());
  EXPECT_EQ(nullptr, ring_.front());
  EXPECT_EQ(nullptr, ring_.take_front());
  EXPECT_THAT(ids(ring_), IsEmpty());
}

TEST_F(RingTest, KeepsTheOrderInWhichElementsCame) {
  ring_.push_back(two_);
  ring_.push_back(three_);
  ring_.push_front(one_);
  EXPECT_THAT(ids(ring_), ElementsAre(1, 2, 3));
  EXPECT_EQ(&one_, ring_.take_front());
  EXPECT_FALSE(one_.link.is_linked());
  EXPECT_THAT(ids(ring_), ElementsAre(2, 3));
}

TEST_F(RingTest, LetsAnyElementGo) {
  for (Item* item : {&one_, &two_, &three_, &four_}) ring_.push_back(*item);
  ring_.remove(two_);
  EXPECT_THAT(ids(ring_), ElementsAre(1, 3, 4));
  ring_.remove(four_);
  ring_.remove(one_);
  EXPECT_THAT(ids(ring_), ElementsAre(3));
  ring_.remove(three_);
  EXPECT_TRUE(ring_.is_empty());
  ring_.push_front(three_);
  EXPECT_THAT(ids(ring_), ElementsAre(3));
}

TEST_F(RingTest, TakesAnothersElementsBehindItsOwn) {
  Items other;
  ring_.append(other);
  EXPECT_TRUE(ring_.is_empty());
  other.push_back(one_);
  other.push_back(two_);
  ring_.append(other);
  EXPECT_TRUE(other.is_empty());
  other.push_back(three_);
  other.push_back(four_);
  ring_.append(other);
  EXPECT_THAT(ids(ring_), ElementsAre(1, 2, 3, 4));
}

// Against std::deque, whatever is done to it.
TEST_F(RingTest, DoesWhatADequeDoes) {
  std::mt19937 random(7);
  std::vector<std::unique_ptr<Item>> items;
  for (int i = 0; i < 20; ++i) items.push_back(std::make_unique<Item>(i));
  std::deque<int> model;
  for (int step = 0; step < 5000; ++step) {
    Item& item = *items[random() % items.size()];
    if (item.link.is_linked()) {
      ring_.remove(item);
      model.erase(std::find(model.begin(), model.end(), item.id));
    } else if (random() % 2 == 0) {
      ring_.push_back(item);
      model.push_back(item.id);
    } else {
      ring_.push_front(item);
      model.push_front(item.id);
    }
    ASSERT_EQ(ids(ring_), std::vector<int>(model.begin(), model.end()));
  }
  while (ring_.take_front() != nullptr) {
  }
}

}  // namespace
}  // namespace lxnet
