#include "base/list.hh"

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
  ListLink queue_link;
  ListLink table_link;
};
using Queue = List<Item, &Item::queue_link>;
using Table = List<Item, &Item::table_link>;

template <typename L>
std::vector<int> ids(const L& list) {
  std::vector<int> result;
  for (Item& item : list) result.push_back(item.id);
  return result;
}
template <typename L>
void clear(L& list) {
  while (list.take_front() != nullptr) {
  }
}

class ListTest : public ::testing::Test {
 protected:
  ~ListTest() override { clear(queue_); }
  Item one_{1}, two_{2}, three_{3};
  Queue queue_;
};

TEST_F(ListTest, IsEmptyAtFirst) {
  EXPECT_TRUE(queue_.is_empty());
  EXPECT_EQ(nullptr, queue_.front());
  EXPECT_EQ(nullptr, queue_.back());
  EXPECT_EQ(nullptr, queue_.take_front());
  EXPECT_EQ(nullptr, queue_.take_back());
  EXPECT_THAT(ids(queue_), IsEmpty());
}

TEST_F(ListTest, KeepsTheOrderInWhichElementsCame) {
  queue_.push_back(two_);
  queue_.push_back(three_);
  queue_.push_front(one_);
  EXPECT_THAT(ids(queue_), ElementsAre(1, 2, 3));
  EXPECT_EQ(&one_, queue_.front());
  EXPECT_EQ(&three_, queue_.back());
}

TEST_F(ListTest, InsertsBesideAnElement) {
  queue_.push_back(two_);
  queue_.insert_before(two_, one_);
  queue_.insert_after(two_, three_);
  EXPECT_THAT(ids(queue_), ElementsAre(1, 2, 3));
}

TEST_F(ListTest, WalksBothWaysAndEndsWithNull) {
  queue_.push_back(one_);
  queue_.push_back(two_);
  EXPECT_EQ(&two_, queue_.next(one_));
  EXPECT_EQ(nullptr, queue_.next(two_));
  EXPECT_EQ(&one_, queue_.previous(two_));
  EXPECT_EQ(nullptr, queue_.previous(one_));
}

TEST_F(ListTest, RemovesFromAnywhereAndLetsTheElementJoinAgain) {
  for (Item* item : {&one_, &two_, &three_}) queue_.push_back(*item);
  queue_.remove(two_);
  EXPECT_FALSE(two_.queue_link.is_linked());
  EXPECT_THAT(ids(queue_), ElementsAre(1, 3));
  queue_.push_back(two_);
  EXPECT_THAT(ids(queue_), ElementsAre(1, 3, 2));
}

TEST_F(ListTest, AnElementUnlinksItselfWithoutTheList) {
  queue_.push_back(one_);
  one_.queue_link.unlink();
  EXPECT_TRUE(queue_.is_empty());
}

TEST_F(ListTest, AppendMovesAllAndLeavesTheOtherEmpty) {
  Queue other;
  queue_.push_back(one_);
  other.push_back(two_);
  other.push_back(three_);
  queue_.append(other);
  EXPECT_THAT(ids(queue_), ElementsAre(1, 2, 3));
  EXPECT_TRUE(other.is_empty());
  queue_.append(other);
  EXPECT_THAT(ids(queue_), ElementsAre(1, 2, 3));
}

TEST_F(ListTest, AnElementMayBeInSeveralLists) {
  Table table;
  queue_.push_back(one_);
  table.push_back(one_);
  queue_.remove(one_);
  EXPECT_THAT(ids(table), ElementsAre(1));
  clear(table);
}

TEST_F(ListTest, BehavesAsADequeDoes) {
  std::vector<std::unique_ptr<Item>> items;
  for (int i = 0; i < 50; ++i) items.push_back(std::make_unique<Item>(i));
  std::deque<int> model;
  std::mt19937 random(1);
  for (int step = 0; step < 20000; ++step) {
    Item& item = *items[random() % items.size()];
    if (item.queue_link.is_linked()) {
      queue_.remove(item);
      model.erase(std::find(model.begin(), model.end(), item.id));
    } else if (random() % 2 == 0) {
      queue_.push_back(item);
      model.push_back(item.id);
    } else {
      queue_.push_front(item);
      model.push_front(item.id);
    }
    if (step % 100 == 0) {
      ASSERT_EQ(std::vector<int>(model.begin(), model.end()), ids(queue_));
    }
  }
  clear(queue_);
}

TEST(ListDeathTest, RefusesAnElementThatIsInTheListAlready) {
  EXPECT_DEATH(
      {
        Queue queue;
        Item item(1);
        queue.push_back(item);
        queue.push_back(item);
      },
      "");
}

TEST(ListDeathTest, RefusesToLoseElements) {
  EXPECT_DEATH(
      {
        Item item(1);
        Queue queue;
        queue.push_back(item);
      },
      "");
}

TEST(ListDeathTest, AnElementMayNotDieInAList) {
  EXPECT_DEATH(
      {
        Queue queue;
        Item item(1);
        queue.push_back(item);
      },
      "");
}

}  // namespace
}  // namespace lxnet
