// Random keys, sizes and texts: what a socket gives is what OpenSSL gives.
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <random>

#include "tests/compat/afalg/answer_checks.hh"

namespace lxnet::testing {
namespace {

class OpensslTest : public ::testing::Test {
 protected:
  Bytes random(size_t size) {
    Bytes bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
    return bytes;
  }
  size_t pick(size_t most) { return random_() % (most + 1); }

  std::mt19937_64 random_{1};
  AlgMachine machine;
};

Bytes cipher_of_openssl(const EVP_CIPHER* cipher, const Bytes& key, const Bytes& iv, const Bytes& text) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  Bytes out(text.size() + 64);
  int size = 0, rest = 0;
  EVP_EncryptInit_ex(context, cipher, nullptr, key.data(), iv.data());
  EVP_CIPHER_CTX_set_padding(context, 0);
  EXPECT_EQ(EVP_EncryptUpdate(context, out.data(), &size, text.data(), static_cast<int>(text.size())), 1);
  EXPECT_EQ(EVP_EncryptFinal_ex(context, out.data() + size, &rest), 1);
  out.resize(static_cast<size_t>(size + rest));
  EVP_CIPHER_CTX_free(context);
  return out;
}

struct CipherCase {
  const char* name;
  const EVP_CIPHER* (*cipher)();
  size_t key, iv, unit;
};

TEST_F(OpensslTest, CiphersAgree) {
  const CipherCase cases[] = {
      {"ecb(aes)", &EVP_aes_192_ecb, 24, 0, 16},
      {"cbc(aes)", &EVP_aes_128_cbc, 16, 16, 16},
      {"cbc(aes)", &EVP_aes_256_cbc, 32, 16, 16},
      {"ctr(aes)", &EVP_aes_128_ctr, 16, 16, 1},
      {"ctr(aes)", &EVP_aes_192_ctr, 24, 16, 1},
      {"cfb(aes)", &EVP_aes_256_cfb128, 32, 16, 1},
      {"ofb(aes)", &EVP_aes_128_ofb, 16, 16, 1},
      {"xts(aes)", &EVP_aes_128_xts, 32, 16, 1},
      {"xts(aes)", &EVP_aes_256_xts, 64, 16, 1},
      {"cbc(des3_ede)", &EVP_des_ede3_cbc, 24, 8, 8},
      {"ecb(des3_ede)", &EVP_des_ede3_ecb, 24, 0, 8},
      {"cfb(des3_ede)", &EVP_des_ede3_cfb64, 24, 8, 1},
      {"ofb(des3_ede)", &EVP_des_ede3_ofb, 24, 8, 1},
      {"ecb(camellia)", &EVP_camellia_192_ecb, 24, 0, 16},
      {"cbc(camellia)", &EVP_camellia_256_cbc, 32, 16, 16},
      {"ctr(camellia)", &EVP_camellia_128_ctr, 16, 16, 1},
      {"cfb(camellia)", &EVP_camellia_128_cfb128, 16, 16, 1},
      {"ofb(camellia)", &EVP_camellia_256_ofb, 32, 16, 1},
      {"chacha20", &EVP_chacha20, 32, 16, 1},
  };
  for (const CipherCase& row : cases) {
    for (int round = 0; round < 30; ++round) {
      const Bytes key = random(row.key), iv = random(row.iv);
      const Bytes text = random((16 + pick(3000)) / row.unit * row.unit);
      const Bytes sealed = cipher_of_openssl(row.cipher(), key, iv, text);
      const int fd = machine.operation("skcipher", row.name, key);
      ASSERT_GE(fd, 0) << row.name;
      machine.send_operation(fd, ALG_OP_ENCRYPT, iv, text, 0);
      ASSERT_EQ(machine.receive(fd, text.size()), sealed) << row.name << " of " << text.size();
      machine.send_operation(fd, ALG_OP_DECRYPT, iv, sealed, 0);
      ASSERT_EQ(machine.receive(fd, text.size()), text) << row.name << " of " << text.size();
      close_all(machine);
    }
  }
}

// The text and then its tag.
Bytes seal(const EVP_CIPHER* cipher, const Bytes& key, const Bytes& nonce, const Bytes& associated, const Bytes& text,
           size_t tag_size) {
  const bool is_ccm = EVP_CIPHER_mode(cipher) == EVP_CIPH_CCM_MODE;
  Bytes sealed(text.size() + tag_size);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  int size = 0;
  EVP_EncryptInit_ex(context, cipher, nullptr, nullptr, nullptr);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(nonce.size()), nullptr);
  if (is_ccm) EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag_size), nullptr);
  EVP_EncryptInit_ex(context, nullptr, nullptr, key.data(), nonce.data());
  if (is_ccm) EVP_EncryptUpdate(context, nullptr, &size, nullptr, static_cast<int>(text.size()));
  if (!associated.empty()) EVP_EncryptUpdate(context, nullptr, &size, associated.data(), static_cast<int>(associated.size()));
  EXPECT_EQ(EVP_EncryptUpdate(context, sealed.data(), &size, text.data(), static_cast<int>(text.size())), 1);
  EVP_EncryptFinal_ex(context, sealed.data() + size, &size);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_size), sealed.data() + text.size());
  EVP_CIPHER_CTX_free(context);
  return sealed;
}

Bytes joined(const Bytes& one, const Bytes& other) {
  Bytes both = one;
  both.insert(both.end(), other.begin(), other.end());
  return both;
}

struct AeadCase {
  const char* name;
  Bytes key, iv, associated;  // as a socket takes them
  Bytes text, sealed;
};

void compare_aead(AlgMachine& machine, const AeadCase& wanted) {
  const Bytes input = joined(wanted.associated, wanted.text), output = joined(wanted.associated, wanted.sealed);
  const int fd = machine.operation("aead", wanted.name, wanted.key);
  ASSERT_GE(fd, 0) << wanted.name;
  const auto associated = static_cast<uint32_t>(wanted.associated.size());
  machine.send_operation(fd, ALG_OP_ENCRYPT, wanted.iv, input, 0, associated);
  ASSERT_EQ(machine.receive(fd, output.size()), output) << wanted.name << " of " << wanted.text.size();
  machine.send_operation(fd, ALG_OP_DECRYPT, wanted.iv, output, 0, associated);
  // No room at all is no operation.
  ASSERT_EQ(machine.receive(fd, std::max(input.size(), size_t{1})), input) << wanted.name << " of " << wanted.text.size();
  close_all(machine);
}

TEST_F(OpensslTest, AeadsAgree) {
  struct Case {
    const char* name;
    const EVP_CIPHER* (*cipher)();
    size_t key, salt;  // with a salt: IPsec's forms, whose associated data is a header and the iv
  };
  const Case cases[] = {{"gcm(aes)", &EVP_aes_128_gcm, 16, 0},
                        {"gcm(aes)", &EVP_aes_192_gcm, 24, 0},
                        {"gcm(aes)", &EVP_aes_256_gcm, 32, 0},
                        {"rfc4106(gcm(aes))", &EVP_aes_256_gcm, 32, 4},
                        {"rfc7539(chacha20,poly1305)", &EVP_chacha20_poly1305, 32, 0},
                        {"rfc7539esp(chacha20,poly1305)", &EVP_chacha20_poly1305, 32, 4}};
  for (const Case& row : cases) {
    for (int round = 0; round < 50; ++round) {
      const Bytes key = random(row.key), salt = random(row.salt), iv = random(12 - row.salt), text = random(pick(2000));
      const Bytes header = random(row.salt == 0 ? pick(70) : 8 + 4 * pick(1));
      const Bytes sealed = seal(row.cipher(), key, joined(salt, iv), header, text, 16);
      compare_aead(machine, {row.name, joined(key, salt), iv, row.salt == 0 ? header : joined(header, iv), text, sealed});
      ASSERT_FALSE(HasFailure());
    }
  }
}

// With the shortest nonce there is to the longest; and as IPsec has it.
TEST_F(OpensslTest, CcmAgrees) {
  for (int round = 0; round < 50; ++round) {
    const auto nonce_size = static_cast<size_t>(7 + round % 7);
    const Bytes key = random(16), nonce = random(nonce_size), associated = random(pick(70)), text = random(1 + pick(2000));
    Bytes iv = joined({static_cast<uint8_t>(14 - nonce_size)}, nonce);
    iv.resize(16);
    compare_aead(machine, {"ccm(aes)", key, iv, associated, text, seal(EVP_aes_128_ccm(), key, nonce, associated, text, 16)});

    const Bytes long_key = random(32), salt = random(3), short_iv = random(8), header = random(8 + 4 * pick(1));
    const Bytes sealed = seal(EVP_aes_256_ccm(), long_key, joined(salt, short_iv), header, text, 16);
    compare_aead(machine, {"rfc4309(ccm(aes))", joined(long_key, salt), short_iv, joined(header, short_iv), text, sealed});
    ASSERT_FALSE(HasFailure());
  }
}

// Cipher first, then the mac of the associated data and what it gave.
TEST_F(OpensslTest, AuthencAgrees) {
  struct Case {
    const char *name, *digest;
    size_t digest_size;
  };
  const Case cases[] = {{"authenc(hmac(sha1),cbc(aes))", "SHA1", 20},
                        {"authenc(hmac(sha256),cbc(aes))", "SHA256", 32},
                        {"authenc(hmac(sha512),cbc(aes))", "SHA512", 64}};
  for (const Case& row : cases) {
    for (int round = 0; round < 30; ++round) {
      const Bytes mac_key = random(1 + pick(100)), key = random(16), iv = random(16), associated = random(pick(40));
      const Bytes text = random(16 * pick(100));
      Bytes sealed = cipher_of_openssl(EVP_aes_128_cbc(), key, iv, text);
      const Bytes signed_part = joined(associated, sealed);
      Bytes tag(row.digest_size);
      ASSERT_NE(EVP_Q_mac(nullptr, "HMAC", nullptr, row.digest, nullptr, mac_key.data(), mac_key.size(), signed_part.data(),
                          signed_part.size(), tag.data(), tag.size(), nullptr),
                nullptr);
      // struct rtattr, and the size of the cipher's key.
      const Bytes head = {8, 0, 1, 0, 0, 0, 0, 16};
      compare_aead(machine, {row.name, joined(joined(head, mac_key), key), iv, associated, text, joined(sealed, tag)});
      ASSERT_FALSE(HasFailure());
    }
  }
}

// The last two blocks change places, as Kerberos has it.
TEST_F(OpensslTest, CiphertextStealingAgrees) {
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC-CTS", nullptr);
  if (cipher == nullptr) GTEST_SKIP() << "this OpenSSL has no CBC-CTS";
  for (size_t size = 17; size < 300; ++size) {
    const Bytes key = random(32), iv = random(16), text = random(size);
    Bytes sealed(size);
    char mode[] = "CS3";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("cts_mode", mode, 0), OSSL_PARAM_construct_end()};
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    int done = 0;
    ASSERT_EQ(EVP_EncryptInit_ex2(context, cipher, key.data(), iv.data(), parameters), 1);
    ASSERT_EQ(EVP_EncryptUpdate(context, sealed.data(), &done, text.data(), static_cast<int>(size)), 1);
    EVP_CIPHER_CTX_free(context);
    const int fd = machine.operation("skcipher", "cts(cbc(aes))", key);
    machine.send_operation(fd, ALG_OP_ENCRYPT, iv, text, 0);
    ASSERT_EQ(machine.receive(fd, size), sealed) << size;
    machine.send_operation(fd, ALG_OP_DECRYPT, iv, sealed, 0);
    ASSERT_EQ(machine.receive(fd, size), text) << size;
  }
  EVP_CIPHER_free(cipher);
}

TEST_F(OpensslTest, MacsAgree) {
  struct Case {
    const char *name, *mac, *part;
    size_t key = 0;  // 0: any
  };
  const Case cases[] = {{"hmac(md5)", "HMAC", "MD5"},
                        {"hmac(sha1)", "HMAC", "SHA1"},
                        {"hmac(sha224)", "HMAC", "SHA224"},
                        {"hmac(sha256)", "HMAC", "SHA256"},
                        {"hmac(sha384)", "HMAC", "SHA384"},
                        {"hmac(sha512)", "HMAC", "SHA512"},
                        {"hmac(sha3-224)", "HMAC", "SHA3-224"},
                        {"hmac(sha3-256)", "HMAC", "SHA3-256"},
                        {"hmac(sha3-384)", "HMAC", "SHA3-384"},
                        {"hmac(sha3-512)", "HMAC", "SHA3-512"},
                        {"hmac(rmd160)", "HMAC", "RIPEMD160"},
                        {"cmac(aes)", "CMAC", "AES-128-CBC", 16},
                        {"hmac(blake2b-512)", "HMAC", "BLAKE2B512"},
                        {"hmac(blake2s-256)", "HMAC", "BLAKE2S256"},
                        {"cmac(aes)", "CMAC", "AES-256-CBC", 32},
                        {"cmac(des3_ede)", "CMAC", "DES-EDE3-CBC", 24},
                        {"cmac(camellia)", "CMAC", "CAMELLIA-128-CBC", 16}};
  for (const Case& row : cases) {
    for (int round = 0; round < 30; ++round) {
      // HMAC takes any key: longer than a block, too.
      const Bytes key = random(row.key != 0 ? row.key : 1 + pick(200)), text = random(pick(2000));
      Bytes tag(64);
      size_t size = 0;
      ASSERT_NE(EVP_Q_mac(nullptr, row.mac, nullptr, row.part, nullptr, key.data(), key.size(), text.data(), text.size(),
                          tag.data(), tag.size(), &size),
                nullptr)
          << row.name;
      tag.resize(size);
      const int fd = machine.operation("hash", row.name, key);
      ASSERT_GE(fd, 0) << row.name;
      const size_t cut = pick(text.size());
      machine.send(fd, text.data(), cut, MSG_MORE);
      machine.send(fd, text.data() + cut, text.size() - cut);
      ASSERT_EQ(machine.receive(fd, size), tag) << row.name << " of " << text.size();
    }
  }
}

// Keyed, in all of their sizes.
TEST_F(OpensslTest, Blake2Agrees) {
  struct Case {
    const char* mac;
    std::string family;
    std::vector<size_t> sizes;
    size_t longest_key;
  };
  const Case cases[] = {{"BLAKE2BMAC", "blake2b-", {20, 32, 48, 64}, 64}, {"BLAKE2SMAC", "blake2s-", {16, 20, 28, 32}, 32}};
  for (const Case& row : cases) {
    for (size_t size : row.sizes) {
      for (int round = 0; round < 30; ++round) {
        const Bytes key = random(1 + pick(row.longest_key - 1)), text = random(pick(700));
        Bytes tag(size);
        const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_size_t("size", &size), OSSL_PARAM_construct_end()};
        ASSERT_NE(EVP_Q_mac(nullptr, row.mac, nullptr, nullptr, parameters, key.data(), key.size(), text.data(), text.size(),
                            tag.data(), tag.size(), nullptr),
                  nullptr);
        const int fd = machine.operation("hash", row.family + std::to_string(8 * size), key);
        machine.send(fd, text.data(), text.size());
        ASSERT_EQ(machine.receive(fd, size), tag) << row.family << 8 * size << " of " << text.size();
      }
    }
  }
}

TEST_F(OpensslTest, HashesAgree) {
  struct Case {
    const char* name;
    const EVP_MD* (*hash)();
  };
  const Case cases[] = {{"md5", &EVP_md5},
                        {"sha1", &EVP_sha1},
                        {"sha224", &EVP_sha224},
                        {"sha256", &EVP_sha256},
                        {"sha384", &EVP_sha384},
                        {"sha512", &EVP_sha512},
                        {"rmd160", &EVP_ripemd160},
                        {"sha3-224", &EVP_sha3_224},
                        {"sha3-256", &EVP_sha3_256},
                        {"sha3-384", &EVP_sha3_384},
                        {"sha3-512", &EVP_sha3_512},
                        {"blake2b-512", &EVP_blake2b512},
                        {"blake2s-256", &EVP_blake2s256}};
  for (const Case& row : cases) {
    for (int round = 0; round < 30; ++round) {
      const Bytes text = random(pick(2000));
      Bytes digest(64);
      unsigned size = 0;
      EVP_Digest(text.data(), text.size(), digest.data(), &size, row.hash(), nullptr);
      digest.resize(size);
      const int fd = machine.operation("hash", row.name, {});
      for (size_t at = 0; at < text.size();) {
        const size_t piece = 1 + pick(text.size() - at - 1);
        machine.send(fd, text.data() + at, piece, MSG_MORE);
        at += piece;
      }
      ASSERT_EQ(machine.receive(fd, size), digest) << row.name << " of " << text.size();
    }
  }
}

}  // namespace
}  // namespace lxnet::testing
