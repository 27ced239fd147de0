// What the processor's own instructions are registered as: each row has given the known answers, and names and templates take the
// best of them.
#include "tests/compat/afalg/alg_machine.hh"

#if defined(LXNET_ACCELERATES_AFALG)
#include "compat/afalg/x86/rows.hh"

namespace lxnet::testing {
namespace {

class AcceleratedTest : public ::testing::Test {
 protected:
  const Algorithm* find(const char* name, AlgorithmKind kind) {
    Entry entry(machine.stack());
    auto found = machine.registry().get(entry, NameView::of(name), kind);
    return found.is_ok() ? found.take().get() : nullptr;
  }
  SelfTest self_test_of(const Algorithm& wanted) {
    struct Search {
      const Algorithm& wanted;
      SelfTest result;
    } search{wanted, SelfTest::Untried};
    Entry entry(machine.stack());
    machine.registry().visit_all(
        entry,
        [](void* context, const ListedAlgorithm& row) {
          auto& own = *static_cast<Search*>(context);
          if (&row == &own.wanted) own.result = row.self_test;
        },
        &search);
    return search.result;
  }
  template <typename Visit>
  void for_each_row(Visit visit) {
    for (const auto rows : {x86::aes_rows(), x86::hash_rows(), x86::chacha_rows()}) {
      for (const x86::AcceleratedRow& row : rows) visit(row);
    }
  }

  const x86::CpuFeatures features = x86::find_cpu_features();
  AlgMachine machine{Implementations::All};
};

TEST_F(AcceleratedTest, EveryRowTheProcessorCanRunHasGivenTheKnownAnswers) {
  for_each_row([&](const x86::AcceleratedRow& row) {
    const Algorithm* found = find(row.row->driver, row.row->kind);
    EXPECT_EQ(found != nullptr && std::string(found->driver) == row.row->driver, features.*row.needs) << row.row->driver;
    if (found != nullptr) {
      EXPECT_EQ(self_test_of(*found), SelfTest::Passed) << row.row->driver;
    }
  });
}

TEST_F(AcceleratedTest, ANameMeansTheBestOfThem) {
  for_each_row([&](const x86::AcceleratedRow& row) {
    if (!(features.*row.needs)) return;
    const Algorithm* found = find(row.row->name, row.row->kind);
    ASSERT_NE(found, nullptr) << row.row->name;
    EXPECT_GE(found->priority, row.row->priority) << found->driver;
    EXPECT_EQ(found->parts[0], nullptr) << found->driver << " is a template's";
  });
}

TEST_F(AcceleratedTest, TemplatesAreMadeOfThem) {
  if (!features.sha || !features.aesni) GTEST_SKIP() << "this processor has none of the instructions";
  EXPECT_STREQ(find("hmac(sha256)", AlgorithmKind::Hash)->driver, "hmac(sha256-ni)");
  const char* cipher = features.vaes ? "cbc-aes-vaes-avx512" : "cbc-aes-aesni";
  EXPECT_EQ(find("authenc(hmac(sha256),cbc(aes))", AlgorithmKind::Aead)->driver,
            "authenc(hmac(sha256-ni)," + std::string(cipher) + ")");
}

TEST(Accelerated, NeedsTheFamilyFirst) {
  TestHal hal;
  lxnet_config config{};
  config.struct_size = sizeof config;
  lxnet_stack* stack = nullptr;
  ASSERT_EQ(lxnet_stack_create(&hal.table(), &config, &stack, nullptr), 0);
  EXPECT_EQ(lxnet_enable_afalg_x86(stack), -static_cast<int>(Errno::ENOENT));
  lxnet_stack_destroy(stack);
}

TEST_F(AcceleratedTest, IsAddedOnce) {
  if (!features.aesni) GTEST_SKIP() << "this processor has none of the instructions";
  EXPECT_EQ(lxnet_enable_afalg_x86(machine.c_stack()), -static_cast<int>(Errno::EEXIST));
}

}  // namespace
}  // namespace lxnet::testing
#endif
