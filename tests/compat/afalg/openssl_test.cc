// Random keys, sizes and texts: what a socket gives is what OpenSSL gives.
#include <openssl/evp.h>

#include <random>

#include "tests/compat/afalg/alg_machine.hh"

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
      {"cfb(aes)", &EVP_aes_256_cfb128, 32, 16, 1},
      {"ofb(aes)", &EVP_aes_128_ofb, 16, 16, 1},
      {"xts(aes)", &EVP_aes_128_xts, 32, 16, 1},
      {"xts(aes)", &EVP_aes_256_xts, 64, 16, 1},
      {"cbc(des3_ede)", &EVP_des_ede3_cbc, 24, 8, 8},
      {"ecb(des3_ede)", &EVP_des_ede3_ecb, 24, 0, 8},
      {"cbc(camellia)", &EVP_camellia_256_cbc, 32, 16, 16},
      {"ctr(camellia)", &EVP_camellia_128_ctr, 16, 16, 1},
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
    }
  }
}

TEST_F(OpensslTest, AeadsAgree) {
  struct Case {
    const char* name;
    const EVP_CIPHER* (*cipher)();
    size_t key;
  };
  const Case cases[] = {{"gcm(aes)", &EVP_aes_128_gcm, 16},
                        {"gcm(aes)", &EVP_aes_256_gcm, 32},
                        {"rfc7539(chacha20,poly1305)", &EVP_chacha20_poly1305, 32}};
  for (const Case& row : cases) {
    for (int round = 0; round < 50; ++round) {
      const Bytes key = random(row.key), iv = random(12), associated = random(pick(70)), text = random(pick(2000));
      Bytes sealed = associated;
      sealed.resize(associated.size() + text.size() + 16);
      EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
      int size = 0;
      EVP_EncryptInit_ex(context, row.cipher(), nullptr, key.data(), iv.data());
      EVP_EncryptUpdate(context, nullptr, &size, associated.data(), static_cast<int>(associated.size()));
      uint8_t* to = sealed.data() + associated.size();
      EVP_EncryptUpdate(context, to, &size, text.data(), static_cast<int>(text.size()));
      EVP_EncryptFinal_ex(context, to + size, &size);
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, to + text.size());
      EVP_CIPHER_CTX_free(context);
      Bytes input = associated;
      input.insert(input.end(), text.begin(), text.end());
      const int fd = machine.operation("aead", row.name, key);
      machine.send_operation(fd, ALG_OP_ENCRYPT, iv, input, 0, static_cast<uint32_t>(associated.size()));
      ASSERT_EQ(machine.receive(fd, sealed.size()), sealed) << row.name;
      machine.send_operation(fd, ALG_OP_DECRYPT, iv, sealed, 0, static_cast<uint32_t>(associated.size()));
      if (!input.empty()) {
        ASSERT_EQ(machine.receive(fd, input.size()), input) << row.name;
      }
    }
  }
}

// Text and tag, with the shortest nonce there is to the longest.
TEST_F(OpensslTest, CcmAgrees) {
  for (int round = 0; round < 50; ++round) {
    const int nonce_size = 7 + round % 7;
    const Bytes key = random(16), nonce = random(static_cast<size_t>(nonce_size)), associated = random(pick(70)),
                text = random(1 + pick(2000));
    Bytes iv(16);
    iv[0] = static_cast<uint8_t>(14 - nonce_size);
    std::copy(nonce.begin(), nonce.end(), iv.begin() + 1);
    Bytes sealed = associated;
    sealed.resize(associated.size() + text.size() + 16);
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    int size = 0;
    EVP_EncryptInit_ex(context, EVP_aes_128_ccm(), nullptr, nullptr, nullptr);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, nonce_size, nullptr);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, nullptr);
    EVP_EncryptInit_ex(context, nullptr, nullptr, key.data(), nonce.data());
    EVP_EncryptUpdate(context, nullptr, &size, nullptr, static_cast<int>(text.size()));
    if (!associated.empty()) EVP_EncryptUpdate(context, nullptr, &size, associated.data(), static_cast<int>(associated.size()));
    uint8_t* to = sealed.data() + associated.size();
    EXPECT_EQ(EVP_EncryptUpdate(context, to, &size, text.data(), static_cast<int>(text.size())), 1);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, to + text.size());
    EVP_CIPHER_CTX_free(context);
    Bytes input = associated;
    input.insert(input.end(), text.begin(), text.end());
    const int fd = machine.operation("aead", "ccm(aes)", key);
    machine.send_operation(fd, ALG_OP_ENCRYPT, iv, input, 0, static_cast<uint32_t>(associated.size()));
    ASSERT_EQ(machine.receive(fd, sealed.size()), sealed) << "nonce of " << nonce_size;
  }
}

TEST_F(OpensslTest, MacsAgree) {
  struct Case {
    const char *name, *mac, *part;
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
                        {"cmac(aes)", "CMAC", "AES-128-CBC"},
                        {"cmac(camellia)", "CMAC", "CAMELLIA-128-CBC"}};
  for (const Case& row : cases) {
    for (int round = 0; round < 30; ++round) {
      // HMAC takes any key: longer than a block, too.
      const Bytes key = random(row.mac == std::string("CMAC") ? 16 : 1 + pick(200)), text = random(pick(2000));
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
