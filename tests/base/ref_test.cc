#include "base/ref.hh"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace lxnet {
namespace {

class Object : public RefCounted<Object> {
 public:
  explicit Object(int& destroyed) : destroyed_(destroyed) {}
  static void destroy(Object* object) {
    ++object->destroyed_;
    delete object;
  }

 protected:
  int& destroyed_;
};
class Derived : public Object {
 public:
  using Object::Object;
};

class RefTest : public ::testing::Test {
 protected:
  int destroyed_ = 0;
  Object* object_ = new Object(destroyed_);
  Ref<Object> ref_ = Ref<Object>::adopt(object_);
};

TEST_F(RefTest, DestroysTheObjectWithTheLastReference) {
  EXPECT_TRUE(object_->is_unique());
  Ref<Object> second = ref_;
  EXPECT_FALSE(object_->is_unique());
  ref_ = nullptr;
  EXPECT_EQ(0, destroyed_);
  second = nullptr;
  EXPECT_EQ(1, destroyed_);
}

TEST_F(RefTest, MovingTakesTheReferenceAlong) {
  Ref<Object> moved = std::move(ref_);
  EXPECT_FALSE(ref_);
  EXPECT_TRUE(moved);
  EXPECT_TRUE(object_->is_unique());
}

TEST_F(RefTest, AssigningToItselfKeepsTheObject) {
  Ref<Object>& same = ref_;
  ref_ = same;
  EXPECT_EQ(object_, ref_.get());
  EXPECT_EQ(0, destroyed_);
}

TEST_F(RefTest, SharesAnObjectThatIsOnlyBorrowed) {
  Ref<Object> shared = Ref<Object>::share(*object_);
  EXPECT_TRUE(shared == ref_);
  ref_ = nullptr;
  EXPECT_EQ(0, destroyed_);
}

TEST_F(RefTest, LeakedReferenceIsAdoptedElsewhere) {
  Object* raw = ref_.leak();
  EXPECT_FALSE(ref_);
  EXPECT_EQ(0, destroyed_);
  Ref<Object>::adopt(raw) = nullptr;
  EXPECT_EQ(1, destroyed_);
}

TEST_F(RefTest, RefersToADerivedObject) {
  int destroyed = 0;
  {
    Ref<Object> base = Ref<Derived>::adopt(new Derived(destroyed));
    EXPECT_TRUE(base->is_unique());
  }
  EXPECT_EQ(1, destroyed);
}

TEST_F(RefTest, DyingObjectGivesNoNewReference) {
  ASSERT_TRUE(object_->ref_unless_zero());
  ASSERT_FALSE(object_->unref());
  Object* raw = ref_.leak();
  ASSERT_TRUE(raw->unref());
  EXPECT_FALSE(raw->ref_unless_zero());
  Object::destroy(raw);
}

// ThreadSanitizer is the judge: the last holder must see what the others wrote.
TEST(RefThreadsTest, LastOfManyThreadsDestroysTheObject) {
  int destroyed = 0;
  {
    Ref<Object> ref = Ref<Object>::adopt(new Object(destroyed));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([copy = ref] {
        for (int round = 0; round < 1000; ++round) Ref<Object> another = copy;
      });
    }
    ref = nullptr;
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(1, destroyed);
}

}  // namespace
}  // namespace lxnet
