// Every algorithm gives the published answers: those that implementations are asked before their first use, and the many more of
// vectors/; asked directly and through sockets, cut at every place, of every implementation there is.
#include "compat/afalg/known_answers.hh"

#include <set>

#include "compat/afalg/secret.hh"
#include "stack/stack.hh"
#include "tests/compat/afalg/answer_checks.hh"
#include "tests/compat/afalg/vectors.hh"

namespace lxnet::testing {
namespace {

class KnownAnswersTest : public ::testing::TestWithParam<Implementations> {
 protected:
  // mbedTLS may be built without aria.
  void expect_served(const std::string& name) {
    if (name.find("aria") != std::string::npos) return;
    EXPECT_FALSE(implementations_of(machine, name).empty()) << name << " is not served";
  }

  AlgMachine machine{GetParam()};
};

TEST_P(KnownAnswersTest, EveryRowPassesItsSelfTest) {
  for (const KnownAnswer& answer : known_answers()) expect_served(answer.name);
  size_t passed = 0;
  Entry entry(machine.stack());
  machine.registry().visit_all(
      entry,
      [](void* context, const ListedAlgorithm& row) {
        EXPECT_NE(row.self_test, SelfTest::Failed) << row.driver;
        if (row.self_test == SelfTest::Passed) ++*static_cast<size_t*>(context);
      },
      &passed);
  EXPECT_GE(passed, 60u);
}

TEST_P(KnownAnswersTest, SocketsGiveThemCutAnywhere) {
  for (const KnownAnswer& answer : known_answers()) {
    for (const Algorithm* row : implementations_of(machine, answer.name)) check_through_sockets(machine, *row, answer);
  }
}

TEST_P(KnownAnswersTest, SocketsGiveThePublishedOnesCutAnywhere) {
  for (const Vector& vector : read_vectors()) {
    SCOPED_TRACE(vector.name + ": " + vector.source);
    expect_served(vector.name);
    for (const Algorithm* row : implementations_of(machine, vector.name)) check_through_sockets(machine, *row, vector.answer());
    if (HasFailure()) return;
  }
}

// Single blocks have no sockets.
TEST_P(KnownAnswersTest, CiphersGiveThePublishedBlocks) {
  for (const Vector& vector : read_vectors()) {
    for (const Algorithm* row : implementations_of(machine, vector.name)) {
      if (row->kind != AlgorithmKind::Cipher) continue;
      const SecretMemory context = SecretMemory::create(machine.stack().hal(), row->context_size).take();
      ASSERT_TRUE(row->cipher->set_key(*row, context.data(), vector.key).is_ok()) << row->driver;
      Bytes out(vector.input.size());
      row->cipher->encrypt(*row, context.data(), out.data(), vector.input.data(), out.size() / row->block_size);
      EXPECT_EQ(out, vector.output) << row->driver << ": " << vector.source;
      row->cipher->decrypt(*row, context.data(), out.data(), out.data(), out.size() / row->block_size);
      EXPECT_EQ(out, vector.input) << row->driver << ": " << vector.source;
    }
  }
}

// As NIST's tests go: of two draws the second counts. With prediction resistance each begins with new entropy.
TEST_P(KnownAnswersTest, GeneratorsDrawThePublishedBytes) {
  for (const Vector& vector : read_vectors()) {
    if (!vector.name.starts_with("drbg_")) continue;
    for (const Algorithm* row : implementations_of(machine, vector.name)) {
      const Hal& hal = machine.stack().hal();
      const SecretMemory context = SecretMemory::create(hal, row->context_size).take();
      row->rng->set_entropy(*row, context.data(), vector.key);
      ASSERT_TRUE(row->rng->seed(*row, hal, context.data(), vector.input).is_ok());
      Bytes drawn(vector.output.size());
      for (const size_t draw : {size_t{0}, size_t{1}}) {
        if (!vector.entropy[draw].empty()) row->rng->set_entropy(*row, context.data(), vector.entropy[draw]);
        ASSERT_TRUE(row->rng->generate(*row, hal, context.data(), drawn, vector.additional[draw]).is_ok());
      }
      EXPECT_EQ(drawn, vector.output) << row->driver << ": " << vector.source;
    }
  }
}

// Through sockets, which draw 128 bytes at most, and take entropy once.
TEST_P(KnownAnswersTest, SocketsDrawThePublishedBytes) {
  for (const Vector& vector : read_vectors()) {
    if (!vector.name.starts_with("drbg_nopr") || vector.output.size() > 128) continue;
    SCOPED_TRACE(vector.name + ": " + vector.source);
    const int parent = machine.bound("rng", vector.name);
    ASSERT_EQ(machine.call(SYS_setsockopt, parent, SOL_ALG, ALG_SET_DRBG_ENTROPY, vector.key.data(), vector.key.size()), 0);
    ASSERT_EQ(machine.set_key(parent, vector.input), 0);
    const int fd = static_cast<int>(machine.call(SYS_accept4, parent, nullptr, nullptr, 0));
    Bytes drawn;
    for (const Bytes& additional : vector.additional) {
      ASSERT_EQ(machine.send(fd, additional.data(), additional.size()), static_cast<int64_t>(additional.size()));
      drawn = machine.receive(fd, vector.output.size());
    }
    EXPECT_EQ(drawn, vector.output);
    close_all(machine);
  }
}

// ---- that none is forgotten

// What programs are promised by name.
constexpr const char* kPromised[] = {
    "md5",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "sha3-224",
    "sha3-256",
    "sha3-384",
    "sha3-512",
    "rmd160",
    "blake2b-160",
    "blake2b-256",
    "blake2b-384",
    "blake2b-512",
    "blake2s-128",
    "blake2s-160",
    "blake2s-224",
    "blake2s-256",
    "crc32",
    "crc32c",
    "ghash",
    "hmac(md5)",
    "hmac(sha1)",
    "hmac(sha224)",
    "hmac(sha256)",
    "hmac(sha384)",
    "hmac(sha512)",
    "hmac(sha3-224)",
    "hmac(sha3-256)",
    "hmac(sha3-384)",
    "hmac(sha3-512)",
    "hmac(rmd160)",
    "hmac(blake2b-160)",
    "hmac(blake2b-256)",
    "hmac(blake2b-384)",
    "hmac(blake2b-512)",
    "hmac(blake2s-128)",
    "hmac(blake2s-160)",
    "hmac(blake2s-224)",
    "hmac(blake2s-256)",
    "cmac(aes)",
    "cmac(des3_ede)",
    "cmac(camellia)",
    "xcbc(aes)",
    "cbcmac(aes)",
    "ecb(aes)",
    "cbc(aes)",
    "ctr(aes)",
    "xts(aes)",
    "cfb(aes)",
    "ofb(aes)",
    "ecb(des3_ede)",
    "cbc(des3_ede)",
    "ctr(des3_ede)",
    "cfb(des3_ede)",
    "ofb(des3_ede)",
    "ecb(des)",
    "cbc(des)",
    "cfb(des)",
    "ofb(des)",
    "ecb(camellia)",
    "cbc(camellia)",
    "ctr(camellia)",
    "chacha20",
    "cts(cbc(aes))",
    "gcm(aes)",
    "ccm(aes)",
    "ccm(camellia)",
    "rfc4106(gcm(aes))",
    "rfc4309(ccm(aes))",
    "rfc7539(chacha20,poly1305)",
    "rfc7539esp(chacha20,poly1305)",
    "authenc(hmac(sha1),cbc(aes))",
    "authenc(hmac(sha224),cbc(aes))",
    "authenc(hmac(sha256),cbc(aes))",
    "authenc(hmac(sha384),cbc(aes))",
    "authenc(hmac(sha512),cbc(aes))",
    "drbg_nopr_hmac_sha256",
    "drbg_nopr_hmac_sha512",
    "drbg_nopr_ctr_aes128",
    "drbg_nopr_ctr_aes192",
    "drbg_nopr_ctr_aes256",
    "drbg_pr_hmac_sha256",
    "drbg_pr_hmac_sha512",
    "drbg_pr_ctr_aes128",
    "drbg_pr_ctr_aes192",
    "drbg_pr_ctr_aes256",
};

TEST_P(KnownAnswersTest, NothingInTheRegistryIsWithoutPublishedAnswers) {
  std::set<std::string> published;
  for (const Vector& vector : read_vectors()) {
    EXPECT_FALSE(vector.source.empty());
    EXPECT_FALSE(vector.output.empty()) << vector.name;
    published.insert(vector.name);
  }
  for (const char* name : kPromised) {
    EXPECT_FALSE(implementations_of(machine, name).empty()) << name << " is not served";
    EXPECT_TRUE(published.contains(name)) << name << " has no published answer in vectors/";
  }
  // The rows, and what the promised names and their parts are made of.
  Entry entry(machine.stack());
  machine.registry().visit_all(
      entry,
      [](void* context, const ListedAlgorithm& row) {
        const char* name = row.kind == AlgorithmKind::Rng ? row.driver : row.name;
        if (std::string(name).find("aria") != std::string::npos) return;
        EXPECT_TRUE(static_cast<std::set<std::string>*>(context)->contains(name)) << row.driver << ": " << name;
      },
      &published);
}

INSTANTIATE_TEST_SUITE_P(Of, KnownAnswersTest, ::testing::Values(Implementations::Portable, Implementations::All),
                         [](const auto& info) { return info.param == Implementations::All ? "All" : "Portable"; });

}  // namespace
}  // namespace lxnet::testing
