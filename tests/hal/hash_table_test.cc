#include "hal/hash_table.hh"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using testing::TestHal;

struct Element {
  HashLink link_;
  uint64_t hash = 0;
  size_t serial = 0;
};
using Table = HashTable<Element, &Element::link_>;

std::vector<size_t> serials_of(const Table& table, uint64_t hash) {
  std::vector<size_t> serials;
  for (Element* e = table.first(hash); e != nullptr; e = table.next(*e)) serials.push_back(e->serial);
  return serials;
}

TEST(HashTableTest, FindsNothingBeforeTheFirstInsertion) {
  TestHal hal;
  const Table table(hal);
  EXPECT_EQ(table.first(7), nullptr);
  EXPECT_TRUE(table.is_empty());
}

TEST(HashTableTest, KeepsElementsOfOneHashNewestFirstWhileItGrows) {
  TestHal hal;
  Table table(hal);
  std::mt19937_64 random(1);
  std::vector<Element> same(5), others(3000);
  for (size_t i = 0; i < same.size(); ++i) {
    same[i].serial = i;
    ASSERT_TRUE(table.insert(same[i], 42).is_ok());
  }
  for (Element& e : others) {
    e.hash = random() | 1;  // never 42
    ASSERT_TRUE(table.insert(e, e.hash).is_ok());
    ASSERT_EQ(serials_of(table, 42), (std::vector<size_t>{4, 3, 2, 1, 0}));
  }
  table.for_each([&](Element& e) { table.remove(e); });
  EXPECT_EQ(table.size(), 0u);
}

TEST(HashTableTest, AgreesWithAListUnderRandomInsertionsAndRemovals) {
  TestHal hal;
  Table table(hal);
  std::mt19937_64 random(2);
  std::vector<Element> elements(500);
  std::vector<std::vector<size_t>> model(64);  // by hash, newest first
  for (size_t i = 0; i < elements.size(); ++i) elements[i].serial = i;
  for (int step = 0; step < 20000; ++step) {
    Element& e = elements[random() % elements.size()];
    if (e.link_.is_linked()) {
      table.remove(e);
      std::erase(model[e.hash], e.serial);
    } else {
      e.hash = random() % model.size();
      ASSERT_TRUE(table.insert(e, e.hash).is_ok());
      model[e.hash].insert(model[e.hash].begin(), e.serial);
    }
    const uint64_t asked = random() % model.size();
    ASSERT_EQ(serials_of(table, asked), model[asked]) << "step " << step;
  }
  table.for_each([&](Element& e) { table.remove(e); });
}

TEST(HashTableTest, NeedsMemoryForItsFirstBucketsOnly) {
  TestHal hal;
  Table table(hal);
  std::vector<Element> elements(1000);
  hal.fail_allocation(0, TestHal::Fail::All);
  EXPECT_TRUE(table.insert(elements[0], 0).is_error(Errno::ENOMEM));
  hal.allow_all_allocations();
  ASSERT_TRUE(table.insert(elements[0], 0).is_ok());
  hal.fail_allocation(0, TestHal::Fail::All);
  for (size_t i = 1; i < elements.size(); ++i) ASSERT_TRUE(table.insert(elements[i], i).is_ok());
  hal.allow_all_allocations();
  for (size_t i = 0; i < elements.size(); ++i) EXPECT_EQ(table.first(i), &elements[i]);
  size_t seen = 0;
  table.for_each([&](Element& e) {
    table.remove(e);
    ++seen;
  });
  EXPECT_EQ(seen, elements.size());
}

}  // namespace
}  // namespace lxnet
