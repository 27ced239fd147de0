#include "hal/hal.hh"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::TestHal;

class HalTest : public ::testing::Test {
 protected:
  // EINVAL and a sentence that holds `part`.
  void expect_refused(const lxnet_hal& table, const char* part) {
    const char* message = nullptr;
    EXPECT_TRUE(Hal::create(table, &message).is_error(Errno::EINVAL));
    ASSERT_NE(nullptr, message);
    EXPECT_NE(nullptr, strstr(message, part)) << message;
    EXPECT_TRUE(Hal::create(table, nullptr).is_error(Errno::EINVAL)) << "without a place for the message";
  }

  TestHal host_;
  lxnet_hal table_ = host_.table();
};

TEST_F(HalTest, AcceptsACompleteTable) { EXPECT_TRUE(Hal::create(table_, nullptr).is_ok()); }

TEST_F(HalTest, RefusesAnotherVersion) {
  table_.abi_version = LXNET_HAL_VERSION + 1;
  expect_refused(table_, "abi_version");
}

TEST_F(HalTest, RefusesATableThatEndsBeforeTheRequiredFunctionsDo) {
  table_.struct_size = offsetof(lxnet_hal, panic);
  expect_refused(table_, "struct_size");
}

TEST_F(HalTest, NamesTheRequiredFunctionThatIsMissing){
#define WITHOUT(name)             \
  {                               \
    lxnet_hal table = table_;     \
    table.name = nullptr;         \
    expect_refused(table, #name); \
  }
    WITHOUT(monotonic_nanos) WITHOUT(wall_nanos) WITHOUT(set_alarm) WITHOUT(alloc) WITHOUT(free) WITHOUT(random_bytes)
        WITHOUT(current_task) WITHOUT(park) WITHOUT(unpark) WITHOUT(copy_from_user) WITHOUT(copy_to_user) WITHOUT(credentials)
            WITHOUT(capable) WITHOUT(send_signal) WITHOUT(install_fd) WITHOUT(find_fd) WITHOUT(release_fd) WITHOUT(log)
                WITHOUT(panic)
#undef WITHOUT
}

TEST_F(HalTest, LocksComeAsAPairOrNotAtAll) {
  const auto lock = [](void*, lxnet_lock*) {};
  table_.lock = lock;
  table_.unlock = nullptr;
  expect_refused(table_, "unlock()");
  table_.lock = nullptr;
  table_.unlock = lock;
  expect_refused(table_, "lock()");
  table_.unlock = nullptr;
  auto hal = Hal::create(table_, nullptr);
  ASSERT_TRUE(hal.is_ok());
  EXPECT_FALSE(hal.take().has_locks());
}

// A host that was built before the tail grew: what lies behind its table is not looked at.
TEST_F(HalTest, AbsentTailIsNull) {
  table_.struct_size = offsetof(lxnet_hal, lock_slot);
  table_.lock_slot = [](void*) -> void** {
    ADD_FAILURE() << "read past the end of the host's table";
    return nullptr;
  };
  auto hal = Hal::create(table_, nullptr);
  ASSERT_TRUE(hal.is_ok());
  EXPECT_EQ(nullptr, hal.take().lock_slot());
}

// A host that is newer than the core: what the core does not know is not copied.
TEST_F(HalTest, LongerTableIsAccepted) {
  std::vector<uint64_t> storage(sizeof(lxnet_hal) / 8 + 16, ~uint64_t{0});
  memcpy(storage.data(), &table_, sizeof table_);
  auto& longer = *reinterpret_cast<lxnet_hal*>(storage.data());
  longer.struct_size = static_cast<uint32_t>(storage.size() * 8);
  EXPECT_TRUE(Hal::create(longer, nullptr).is_ok());
}

TEST_F(HalTest, ProcessorNumberIsZeroWithoutTheFunctionAndBelow64WithIt) {
  table_.processor = nullptr;
  EXPECT_EQ(0u, Hal::create(table_, nullptr).take().processor());
  table_.processor = [](void*) -> uint32_t { return 67; };
  EXPECT_EQ(3u, Hal::create(table_, nullptr).take().processor());
}

TEST_F(HalTest, RandomValuesDiffer) { EXPECT_NE(host_.hal().random<uint64_t>(), host_.hal().random<uint64_t>()); }

}  // namespace
}  // namespace lxnet
