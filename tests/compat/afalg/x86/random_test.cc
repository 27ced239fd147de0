// Every row against OpenSSL on random input: all lengths to 300 and some long ones, cut everywhere, in place and unaligned.
#include <gtest/gtest.h>

#include <random>

#include "tests/compat/afalg/x86/oracle.hh"
#include "tests/compat/afalg/x86/rows.hh"

namespace lxnet::x86 {
namespace {

class RandomTest : public ::testing::TestWithParam<const Algorithm*> {
 protected:
  const Algorithm& row() const { return *GetParam(); }

  Bytes random_bytes(size_t size) {
    Bytes bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
    return bytes;
  }
  size_t random_below(size_t bound) { return random_() % bound; }

  std::vector<size_t> key_sizes() const {
    std::vector<size_t> sizes;
    const size_t step = std::string(row().name).rfind("xts", 0) == 0 ? 32 : 8;  // OpenSSL has no XTS of 192 bits
    for (size_t size = row().min_key_size; size <= row().max_key_size; size += step) sizes.push_back(size);
    return sizes;
  }
  // To 300, then around what the widest step takes.
  static std::vector<size_t> lengths() {
    std::vector<size_t> sizes;
    for (size_t size = 0; size <= 300; ++size) sizes.push_back(size);
    for (size_t edge : {511u, 513u, 1023u, 1025u, 2047u, 2049u, 4097u, 16385u}) {
      for (size_t size : {edge - 1, edge, edge + 1, edge + 17}) sizes.push_back(size);
    }
    return sizes;
  }

 private:
  std::mt19937 random_{20240229};
};

std::string name_of(const ::testing::TestParamInfo<const Algorithm*>& info) {
  std::string name = info.param->driver;
  for (char& c : name) {
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

// ---- ciphers

using Skcipher = RandomTest;

TEST_P(Skcipher, AgreesWithOpensslInBothDirectionsAndAdvancesItsChain) {
  const bool is_xts = std::string(row().name) == "xts(aes)";
  for (const size_t key_size : key_sizes()) {
    for (const size_t size : lengths()) {
      if (size % row().block_size != 0 && !is_xts) continue;
      if (is_xts && size < 16) continue;
      const Bytes key = random_bytes(key_size), text = random_bytes(size);
      Bytes iv = random_bytes(row().iv_size);
      // OpenSSL counts ChaCha20's blocks in 64 bits, Linux in 32.
      if (std::string(row().name) == "chacha20") iv[3] = 0;
      const Bytes cipher = oracle::encrypt(row().name, key, iv, text);
      auto context = memory_of(row().context_size);
      ASSERT_TRUE(row().skcipher->set_key(row(), context.get(), key).is_ok());

      // In place and unaligned, cut in two where the mode lets one.
      Unaligned buffer(text);
      Bytes chain = iv;
      const bool has_chain = !is_xts && std::string(row().name) != "chacha20";
      const size_t cut = has_chain ? random_below(size / 16 + 1) * 16 : 0;
      ASSERT_TRUE(row().skcipher->encrypt(row(), context.get(), chain.data(), buffer.data(), buffer.data(), cut).is_ok() ||
                  is_xts);
      ASSERT_TRUE(row()
                      .skcipher->encrypt(row(), context.get(), chain.data(), buffer.data() + cut, buffer.data() + cut, size - cut)
                      .is_ok());
      ASSERT_EQ(buffer.bytes(), cipher) << size << " bytes cut at " << cut;
      if (!has_chain) {
        ASSERT_EQ(chain, iv);
      }

      Bytes out(size + 1), back = iv;
      ASSERT_TRUE(row().skcipher->decrypt(row(), context.get(), back.data(), out.data(), buffer.data(), cut).is_ok() || is_xts);
      ASSERT_TRUE(
          row().skcipher->decrypt(row(), context.get(), back.data(), out.data() + cut, buffer.data() + cut, size - cut).is_ok());
      ASSERT_EQ(Bytes(out.begin(), out.end() - 1), text) << size << " bytes cut at " << cut;
      ASSERT_EQ(out.back(), 0) << "wrote past the end";
      ASSERT_EQ(back, chain);
      Unaligned again(cipher);
      back = iv;
      ASSERT_TRUE(row().skcipher->decrypt(row(), context.get(), back.data(), again.data(), again.data(), size).is_ok());
      ASSERT_EQ(again.bytes(), text) << size << " bytes in place";
    }
  }
}

TEST_P(Skcipher, RefusesKeysAndLengthsThatItsModeCannotDo) {
  auto context = memory_of(row().context_size);
  for (size_t size = 0; size <= 65; ++size) {
    const size_t key = std::string(row().name) == "xts(aes)" ? size / 2 : size;
    const bool is_aes_key = (key == 16 || key == 24 || key == 32) && (key == size || size % 2 == 0);
    const bool is_valid = std::string(row().name) == "chacha20" ? size == 32 : is_aes_key;
    EXPECT_EQ(row().skcipher->set_key(row(), context.get(), Bytes(size)).is_ok(), is_valid) << size;
  }
  ASSERT_TRUE(row().skcipher->set_key(row(), context.get(), Bytes(row().max_key_size)).is_ok());
  Bytes iv(16), text(64);
  const bool needs_blocks = row().block_size != 1 && std::string(row().name) != "xts(aes)";
  EXPECT_EQ(row().skcipher->encrypt(row(), context.get(), iv.data(), text.data(), text.data(), 33).is_ok(), !needs_blocks);
  EXPECT_EQ(row().skcipher->decrypt(row(), context.get(), iv.data(), text.data(), text.data(), 15).is_ok(),
            row().block_size == 1);
}

INSTANTIATE_TEST_SUITE_P(Rows, Skcipher, ::testing::ValuesIn(rows_of(AlgorithmKind::Skcipher)), name_of);

using Counter = RandomTest;

TEST_P(Counter, CarriesACounterThroughAllOfItsBytes) {
  const Bytes key = random_bytes(32), text = random_bytes(3000);
  auto context = memory_of(row().context_size);
  ASSERT_TRUE(row().skcipher->set_key(row(), context.get(), key).is_ok());
  // Overflows of the lower half and of the whole at every block of a long message.
  for (int until = 0; until < 190; ++until) {
    for (const uint8_t upper : {uint8_t{0x00}, uint8_t{0xff}}) {
      Bytes iv(16, 0xff);
      std::fill(iv.begin(), iv.begin() + 8, upper);
      iv[15] = static_cast<uint8_t>(0xff - until);
      Bytes chain = iv, out(text.size());
      ASSERT_TRUE(row().skcipher->encrypt(row(), context.get(), chain.data(), out.data(), text.data(), text.size()).is_ok());
      ASSERT_EQ(out, oracle::encrypt(row().name, key, iv, text)) << until;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, Counter, ::testing::ValuesIn(rows_named("ctr(aes)", AlgorithmKind::Skcipher)), name_of);

// ---- single blocks

using Cipher = RandomTest;

TEST_P(Cipher, AgreesWithOpensslForAnyNumberOfBlocks) {
  for (const size_t key_size : key_sizes()) {
    for (size_t blocks = 0; blocks <= 40; ++blocks) {
      const Bytes key = random_bytes(key_size), text = random_bytes(16 * blocks);
      auto context = memory_of(row().context_size);
      ASSERT_TRUE(row().cipher->set_key(row(), context.get(), key).is_ok());
      Unaligned buffer(text);
      row().cipher->encrypt(row(), context.get(), buffer.data(), buffer.data(), blocks);
      ASSERT_EQ(buffer.bytes(), oracle::encrypt("ecb(aes)", key, Bytes(16), text));
      row().cipher->decrypt(row(), context.get(), buffer.data(), buffer.data(), blocks);
      ASSERT_EQ(buffer.bytes(), text);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, Cipher, ::testing::ValuesIn(rows_of(AlgorithmKind::Cipher)), name_of);

// ---- authenticated encryption

using Aead = RandomTest;

TEST_P(Aead, AgreesWithOpensslAndTakesNothingThatWasChanged) {
  const bool is_gcm = std::string(row().name) == "gcm(aes)";
  for (const size_t key_size : key_sizes()) {
    for (const size_t size : lengths()) {
      const size_t tag_size = is_gcm ? 12 + random_below(5) : 16;
      const Bytes key = random_bytes(key_size), nonce = random_bytes(12), text = random_bytes(size);
      Bytes associated = random_bytes(random_below(size % 7 == 0 ? 700 : 70));
      const oracle::Sealed sealed = oracle::seal(row().name, key, nonce, associated, text, tag_size);
      auto context = memory_of(row().context_size);
      ASSERT_TRUE(row().aead->set_key(row(), context.get(), key).is_ok());

      Unaligned buffer(text);
      Bytes tag(tag_size);
      AeadRequest request{.iv = nonce.data(),
                          .associated = associated,
                          .from = buffer.data(),
                          .to = buffer.data(),
                          .size = size,
                          .tag = tag.data(),
                          .tag_size = tag_size};
      ASSERT_TRUE(row().aead->encrypt(row(), context.get(), request).is_ok());
      ASSERT_EQ(buffer.bytes(), sealed.cipher) << size;
      ASSERT_EQ(tag, sealed.tag) << size << " bytes, associated " << associated.size();

      Bytes out(size + 1);
      request.to = out.data();
      ASSERT_TRUE(row().aead->decrypt(row(), context.get(), request).is_ok());
      ASSERT_EQ(Bytes(out.begin(), out.end() - 1), text);
      ASSERT_EQ(out.back(), 0) << "wrote past the end";

      // One bit of the tag, of the text, of the associated data.
      const auto refuses = [&](uint8_t& byte) {
        byte ^= 0x10;
        const bool is_refused = row().aead->decrypt(row(), context.get(), request).is_error(Errno::EBADMSG);
        byte ^= 0x10;
        return is_refused;
      };
      ASSERT_TRUE(refuses(tag[random_below(tag_size)]));
      if (size != 0) {
        ASSERT_TRUE(refuses(buffer.data()[random_below(size)]));
      }
      if (!associated.empty()) {
        ASSERT_TRUE(refuses(associated[random_below(associated.size())]));
      }
      // Releases no text whose tag is wrong.
      std::fill(out.begin(), out.end(), uint8_t{0});
      tag[0] ^= 1;
      ASSERT_TRUE(row().aead->decrypt(row(), context.get(), request).is_error(Errno::EBADMSG));
      ASSERT_EQ(out, Bytes(size + 1));
      tag[0] ^= 1;
      request.to = buffer.data();
      ASSERT_TRUE(row().aead->decrypt(row(), context.get(), request).is_ok());
      ASSERT_EQ(buffer.bytes(), text) << "in place";
    }
  }
}

TEST_P(Aead, MakesTagsOfTheSizesInItsStandardOnly) {
  for (size_t size = 0; size <= 17; ++size) {
    const bool is_gcm = std::string(row().name) == "gcm(aes)";
    const bool is_valid = is_gcm ? size == 4 || size == 8 || (size >= 12 && size <= 16) : size == 16;
    EXPECT_EQ(row().aead->check_tag_size(row(), size).is_ok(), is_valid) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, Aead, ::testing::ValuesIn(rows_of(AlgorithmKind::Aead)), name_of);

// ---- hashes

class Hash : public RandomTest {
 protected:
  Bytes digest_in_pieces(const Bytes& key, const Bytes& text, const std::vector<size_t>& cuts) {
    auto context = memory_of(row().context_size), state = memory_of(row().state_size);
    if (!key.empty()) {
      EXPECT_TRUE(row().hash->set_key(row(), context.get(), key).is_ok());
    }
    row().hash->start(row(), context.get(), state.get());
    Unaligned buffer(text);
    size_t done = 0;
    for (const size_t cut : cuts) {
      row().hash->update(row(), context.get(), state.get(), ByteSpan(buffer.data() + done, cut - done));
      done = cut;
      // What accept() does.
      auto copy = memory_of(row().state_size);
      std::memcpy(copy.get(), state.get(), row().state_size);
      std::memset(state.get(), 0xa5, row().state_size);
      state = copy;
    }
    row().hash->update(row(), context.get(), state.get(), ByteSpan(buffer.data() + done, text.size() - done));
    Bytes digest(row().digest_size);
    row().hash->finish(row(), context.get(), state.get(), digest.data());
    return digest;
  }

  Bytes wanted(const Bytes& aes_key, const Bytes& text) {
    const std::string name = row().name;
    if (name == "ghash") return oracle::ghash(aes_key, text);
    if (name != "crc32c") return oracle::digest(name, text);
    uint32_t crc = 0xffffffff;
    for (const uint8_t byte : text) {
      crc ^= byte;
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    crc = ~crc;
    Bytes digest(4);
    std::memcpy(digest.data(), &crc, 4);
    return digest;
  }

  void compare(size_t size, const std::vector<size_t>& cuts) {
    Bytes key, aes_key, text = random_bytes(size);
    Bytes hashed = text;
    if (std::string(row().name) == "ghash") {
      aes_key = random_bytes(16);
      key = oracle::ghash_key(aes_key);
      // As GCM hashes associated data: filled up, then its size in bits and that of no text.
      hashed.resize((size + 15) / 16 * 16 + 16);
      for (size_t i = 0; i < 8; ++i) hashed[hashed.size() - 9 - i] = static_cast<uint8_t>(size * 8 >> 8 * i);
    }
    ASSERT_EQ(digest_in_pieces(key, hashed, cuts), wanted(aes_key, text)) << size;
  }
};

TEST_P(Hash, AgreesWithAnotherImplementationAtEveryLength) {
  for (const size_t size : lengths()) compare(size, {});
}

TEST_P(Hash, DoesNotMindWhereAMessageIsCutNorThatItsStateMoves) {
  for (const size_t size : {0u, 1u, 63u, 64u, 65u, 127u, 128u, 129u, 300u}) {
    for (size_t cut = 0; cut <= size; ++cut) compare(size, {cut});
    for (int round = 0; round < 50; ++round) {
      std::vector<size_t> cuts(random_below(6));
      for (size_t& cut : cuts) cut = random_below(size + 1);
      std::sort(cuts.begin(), cuts.end());
      compare(size, cuts);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, Hash, ::testing::ValuesIn(rows_of(AlgorithmKind::Hash)), name_of);

using Checksum = Hash;

TEST_P(Checksum, BeginsWithItsKey) {
  // Each half continues the other: the key is what the first half left, without the inversion.
  const Bytes text = random_bytes(5000);
  const Bytes first = digest_in_pieces({}, Bytes(text.begin(), text.begin() + 2000), {});
  Bytes key = first;
  for (uint8_t& byte : key) byte = static_cast<uint8_t>(~byte);
  EXPECT_EQ(digest_in_pieces(key, Bytes(text.begin() + 2000, text.end()), {}), wanted({}, text));
}

INSTANTIATE_TEST_SUITE_P(Rows, Checksum, ::testing::ValuesIn(rows_named("crc32c", AlgorithmKind::Hash)), name_of);

// A processor without any of this runs none of it, and the tests must say so.
TEST(Rows, AreTestedOnThisProcessor) {
  if (rows_of(AlgorithmKind::Skcipher).empty()) GTEST_SKIP() << "this processor has none of the instructions";
  SUCCEED();
}
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Skcipher);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Counter);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Checksum);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Cipher);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Aead);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Hash);

}  // namespace
}  // namespace lxnet::x86
