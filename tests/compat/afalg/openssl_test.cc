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
