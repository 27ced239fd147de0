// How the registry chooses, and what it does without memory.
#include "compat/afalg/algorithm_template.hh"
#include "tests/compat/afalg/alg_machine.hh"

namespace lxnet::testing {
namespace {

// A hash of four bytes that is wrong for crc32c and unknown under any other name.
void start(const Algorithm&, const void*, void*) {}
void update(const Algorithm&, const void*, void*, ByteSpan) {}
void finish(const Algorithm&, const void*, void*, uint8_t* digest) { memset(digest, 7, 4); }
constexpr HashOperations kSevens{.start = &start, .update = &update, .finish = &finish};

constexpr Algorithm sevens(const char* name, const char* driver, int priority) {
  return {.name = name,
          .driver = driver,
          .kind = AlgorithmKind::Hash,
          .priority = priority,
          .digest_size = 4,
          .state_size = 4,
          .hash = &kSevens};
}

Result<AlgorithmRef> get(AlgMachine& machine, const char* name, AlgorithmKind kind = AlgorithmKind::Hash) {
  Entry entry(machine.stack());
  return machine.registry().get(entry, NameView::of(name), kind);
}

TEST(AlgorithmRegistry, PrefersThePriorityAndServesDriversByName) {
  AlgMachine machine;
  static constexpr Algorithm kFirst = sevens("test", "test-first", 10), kSecond = sevens("test", "test-second", 20);
  static constexpr const Algorithm* kRows[] = {&kFirst, &kSecond};
  ASSERT_TRUE(machine.registry().add(kRows).is_ok());
  EXPECT_TRUE(machine.registry().add(kRows).is_error(Errno::EEXIST));
  EXPECT_STREQ(get(machine, "test").take()->driver, "test-second");
  EXPECT_STREQ(get(machine, "test-first").take()->driver, "test-first");
  EXPECT_TRUE(get(machine, "test", AlgorithmKind::Skcipher).is_error(Errno::ENOENT));
}

TEST(AlgorithmRegistry, DoesNotUseWhatFailsItsKnownAnswers) {
  AlgMachine machine;
  static constexpr Algorithm kWrong = sevens("crc32c", "crc32c-wrong", 1000);
  static constexpr const Algorithm* kRows[] = {&kWrong};
  ASSERT_TRUE(machine.registry().add(kRows).is_ok());
  EXPECT_STREQ(get(machine, "crc32c").take()->driver, "crc32c-generic");
  EXPECT_TRUE(get(machine, "crc32c-wrong").is_error(Errno::ELIBBAD));
  EXPECT_EQ(machine.bound("hash", "crc32c-wrong"), -static_cast<int>(Errno::ELIBBAD));
}

TEST(AlgorithmRegistry, RefusesRowsPastItsBounds) {
  AlgMachine machine;
  static constexpr Algorithm kLarge{
      .name = "large", .driver = "large", .kind = AlgorithmKind::Hash, .priority = 1, .state_size = kMaxHashStateSize + 1};
  static constexpr const Algorithm* kRows[] = {&kLarge};
  EXPECT_TRUE(machine.registry().add(kRows).is_error(Errno::EINVAL));
}

TEST(AlgorithmRegistry, ABottomlessNestIsNoName) {
  AlgMachine machine;
  std::string name = "sha1";
  for (int i = 0; i < 12; ++i) name = "hmac(" + name + ")";
  EXPECT_TRUE(get(machine, name.c_str()).is_error(Errno::ENOENT));
}

// From the first call to the digest, with the first allocation failing, the second and so on.
TEST(AlgMemory, WantOfItIsAnErrorAndNothingIsLost) {
  for (size_t n = 0;; ++n) {
    AlgMachine machine;
    machine.hal.fail_allocation(n);
    const auto may_fail = [](int64_t result) {
      EXPECT_TRUE(result >= 0 || result == -static_cast<int>(Errno::ENOMEM)) << result;
      return result;
    };
    const Bytes key(16, 1), iv(16, 2), text(5000, 3);
    for (const char* name : {"cbc(aes)", "xts(aes)", "cts(cbc(aes))"}) {
      const int64_t fd = may_fail(machine.operation("skcipher", name, Bytes(std::string(name) == "xts(aes)" ? 32 : 16, 1)));
      if (fd < 0) continue;
      const int64_t sent = may_fail(machine.send_operation(static_cast<int>(fd), ALG_OP_ENCRYPT, iv, Bytes(4096, 3), 0));
      Bytes room(4096);
      if (sent == 4096) may_fail(machine.call(SYS_recvfrom, fd, room.data(), room.size(), MSG_DONTWAIT, nullptr, nullptr));
    }
    const int64_t aead = may_fail(machine.operation("aead", "rfc4106(gcm(aes))", Bytes(20, 1)));
    if (aead >= 0) {
      may_fail(machine.send_operation(static_cast<int>(aead), ALG_OP_ENCRYPT, Bytes(8, 1), Bytes(100, 3), 0, 16));
    }
    const int64_t hash = may_fail(machine.operation("hash", "hmac(sha3-256)", key));
    if (hash >= 0) {
      may_fail(machine.send(static_cast<int>(hash), text.data(), text.size(), MSG_MORE));
      may_fail(machine.call(SYS_accept4, hash, nullptr, nullptr, 0));
    }
    const int64_t rng = may_fail(machine.operation("rng", "stdrng", key));
    Bytes room(32);
    if (rng >= 0) may_fail(machine.call(SYS_recvfrom, rng, room.data(), room.size(), 0, nullptr, nullptr));
    const bool has_failed = machine.hal.has_failed();
    machine.hal.allow_all_allocations();
    if (!has_failed) break;
    ASSERT_LT(n, 1000u);
    // All of it works once there is memory again.
    EXPECT_GE(machine.operation("hash", "hmac(sha3-256)", key), 0);
    EXPECT_GE(machine.operation("aead", "rfc4106(gcm(aes))", Bytes(20, 1)), 0);
  }
}

}  // namespace
}  // namespace lxnet::testing
