// Stores of sets against the simplest thing that could be right.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

#include "stack/nft/set_store.hh"
#include "tests/support/test_hal.hh"

namespace lxnet::testing {
namespace {

using Key = std::vector<uint8_t>;

Key key_of(uint32_t value) {
  return {static_cast<uint8_t>(value >> 24), static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 8),
          static_cast<uint8_t>(value)};
}

// Numbers without order, the same each time.
class Numbers {
 public:
  explicit Numbers(unsigned seed) : engine_(seed) {}
  uint32_t operator()() { return static_cast<uint32_t>(engine_()); }

 private:
  std::mt19937 engine_;
};

class StoreTest : public ::testing::Test {
 protected:
  void make(uint32_t flags, uint16_t key_size, uint8_t fields = 0) {
    set.flags = flags;
    set.key_size = key_size;
    set.field_count = fields;
    set.kind = choose_store({.flags = flags, .key_size = key_size, .field_count = fields}).take();
    set.store = set.kind->create(hal.hal(), set).take();
  }
  void TearDown() override {
    for (NftElement* element : elements) {
      if (element->link.is_linked()) set.store->remove(*element);
      NftElement::destroy(hal.hal(), element);
    }
    set.store->dispose(hal.hal());
  }

  NftElement* element(const Key& key, uint8_t flags = 0, const Key& end = {}) {
    NftElementShape shape;
    shape.key_size = static_cast<uint16_t>(key.size());
    shape.end_size = static_cast<uint16_t>(end.size());
    NftElement* made = NftElement::create(hal.hal(), shape);
    memcpy(made->key(), key.data(), key.size());
    if (!end.empty()) memcpy(made->end(), end.data(), end.size());
    made->flags = flags;
    elements.push_back(made);
    return made;
  }
  NftInsertion insert(NftElement* made) {
    NftElement* other = nullptr;
    const NftInsertion result = set.store->insert(*made, batch(), other);
    if (result == NftInsertion::Done) ++set.element_count;
    return result;
  }
  NftBatchTime batch() const { return {generations.current(), generations.next(), Instant(), number}; }
  // The batch is done.
  void publish() {
    ASSERT_TRUE(set.store->prepare(hal.hal()).is_ok());
    set.store->publish();
    set.store->settle(hal.hal());
    ++number;
  }
  bool finds(const Key& key) { return set.store->find(key.data(), generations.current(), Instant()) != nullptr; }

  TestHal hal;
  NftGenerations generations;
  NftSet set;
  std::vector<NftElement*> elements;
  uint64_t number = 1;
};

TEST_F(StoreTest, ExactKeysAreFoundAndNoOthers) {
  make(0, 4);
  Numbers random(1);
  std::map<uint32_t, NftElement*> model;
  for (int i = 0; i < 5000; ++i) {
    const uint32_t value = random() % 2000;
    if (i % 3 == 2 && model.contains(value)) {
      set.store->remove(*model[value]);
      --set.element_count;
      model.erase(value);
    } else {
      NftElement* made = element(key_of(value));
      EXPECT_EQ(insert(made) == NftInsertion::Done, model.try_emplace(value, made).second) << value;
    }
  }
  publish();
  for (uint32_t value = 0; value < 2100; ++value) EXPECT_EQ(finds(key_of(value)), model.contains(value)) << value;
}

TEST_F(StoreTest, IntervalsFindWhatLiesInThem) {
  make(kNftSetInterval, 4);
  Numbers random(2);
  std::vector<bool> covered(4000, false);
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    const uint32_t low = random() % 3900, end = low + 1 + random() % 40;
    bool overlaps = false;
    for (uint32_t at = low; at < end; ++at) overlaps |= covered[at];
    NftElement* from = element(key_of(low));
    const NftInsertion first = insert(from);
    if (first != NftInsertion::Done) {
      EXPECT_TRUE(overlaps) << low << "-" << end;
      ++refused;
    } else if (insert(element(key_of(end), kNftElementEnd)) != NftInsertion::Done) {
      EXPECT_TRUE(overlaps) << low << "-" << end;
      set.store->remove(*from);
      --set.element_count;
      ++refused;
    } else {
      EXPECT_FALSE(overlaps) << low << "-" << end;
      for (uint32_t at = low; at < end; ++at) covered[at] = true;
    }
    ++number;
  }
  EXPECT_GT(refused, 50);
  EXPECT_LT(refused, 350);
  for (uint32_t at = 0; at < covered.size(); ++at) EXPECT_FALSE(finds(key_of(at))) << "before the batch is done";
  publish();
  for (uint32_t at = 0; at < covered.size(); ++at) EXPECT_EQ(finds(key_of(at)), covered[at]) << at;
}

TEST_F(StoreTest, RangesOfFieldsHoldInEveryField) {
  set.field_sizes[0] = set.field_sizes[1] = 4;
  make(kNftSetInterval | kNftSetConcat, 8, 2);
  struct Box {
    uint32_t low[2], high[2];
  };
  Numbers random(3);
  std::vector<Box> model;
  for (int i = 0; i < 60; ++i) {
    Box box{};
    Key low, high;
    for (int field = 0; field < 2; ++field) {
      box.low[field] = random() % 90;
      box.high[field] = box.low[field] + random() % 10;
      const Key from = key_of(box.low[field]), to = key_of(box.high[field]);
      low.insert(low.end(), from.begin(), from.end());
      high.insert(high.end(), to.begin(), to.end());
    }
    if (insert(element(low, 0, high)) == NftInsertion::Done) model.push_back(box);
  }
  ASSERT_GT(model.size(), 20u);
  publish();
  for (uint32_t one = 0; one < 100; ++one) {
    for (uint32_t two = 0; two < 100; ++two) {
      bool is_in = false;
      for (const Box& box : model) is_in |= one >= box.low[0] && one <= box.high[0] && two >= box.low[1] && two <= box.high[1];
      Key key = key_of(one);
      const Key rest = key_of(two);
      key.insert(key.end(), rest.begin(), rest.end());
      ASSERT_EQ(finds(key), is_in) << one << " . " << two;
    }
  }
}

TEST_F(StoreTest, WhatHasRunOutIsNotFound) {
  make(kNftSetTimeout, 4);
  NftElement* made = element(key_of(7));
  made->has_timeout = true;
  made->timeout_ms = 10;
  made->expiration = Instant() + Duration::millis(10);
  ASSERT_EQ(insert(made), NftInsertion::Done);
  publish();
  const auto finds_at = [&](int64_t millis) {
    return set.store->find(key_of(7).data(), generations.current(), Instant() + Duration::millis(millis)) != nullptr;
  };
  EXPECT_TRUE(finds_at(9));
  EXPECT_FALSE(finds_at(10));
}

TEST_F(StoreTest, TheStoreIsTheOneThatLinuxWouldChoose) {
  make(0, 4);
  const auto name = [](const NftStoreWish& wish) -> std::string {
    auto chosen = choose_store(wish);
    return chosen.is_ok() ? chosen.take()->name : "none";
  };
  EXPECT_EQ(name({.flags = kNftSetInterval, .key_size = 4}), "nft_set_rbtree_type");
  EXPECT_EQ(name({.flags = kNftSetEval, .key_size = 4}), "nft_set_rhash_type");
  EXPECT_EQ(name({.flags = kNftSetTimeout, .key_size = 4}), "nft_set_rhash_type");
  EXPECT_EQ(name({.flags = 0, .key_size = 2}), "nft_set_bitmap_type");
}

}  // namespace
}  // namespace lxnet::testing
