// Keys and texts stand in memory only while somebody may use them: no block that is given back still holds any of them.
#include <algorithm>
#include <map>

#include "tests/compat/afalg/alg_machine.hh"

namespace lxnet::testing {
namespace {

constexpr size_t kEnough = 12;  // bytes in a row that are no accident

// Looks for a few parts of a long one.
bool contains_part(ByteSpan block, const Bytes& secret) {
  const size_t step = std::max(kEnough, secret.size() / 4);
  for (size_t at = 0; at + kEnough <= secret.size(); at += step) {
    if (memmem(block.data(), block.size(), secret.data() + at, kEnough) != nullptr) return true;
  }
  return false;
}

class Secrets final : public MemoryWatch {
 public:
  void taken(ByteSpan block) override { live_[block.data()] = block.size(); }
  void given_back(ByteSpan block) override {
    live_.erase(block.data());
    for (const Bytes& secret : all_) EXPECT_FALSE(contains_part(block, secret)) << "in a block of " << block.size();
  }
  Bytes add(Bytes secret) {
    all_.push_back(secret);
    return secret;
  }
  bool is_somewhere(const Bytes& secret) const {
    return std::any_of(live_.begin(), live_.end(), [&](const auto& block) {
      return contains_part({block.first, block.second}, secret);
    });
  }

 private:
  std::map<const uint8_t*, size_t> live_;
  std::vector<Bytes> all_;
};

Bytes pattern(size_t size, uint8_t start) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(start + i * 37);
  return bytes;
}

TEST(AlgSecrets, AreWipedWhenTheirSocketsClose) {
  struct Case {
    const char *type, *name;
    size_t key, iv;
    bool keeps_key;  // as it came, and not only what was made of it
  };
  const Case cases[] = {{"hash", "hmac(sha256)", 32, 0, false}, {"hash", "cmac(aes)", 16, 0, true},
                        {"skcipher", "cbc(aes)", 32, 16, true}, {"skcipher", "xts(aes)", 64, 16, true},
                        {"skcipher", "chacha20", 32, 16, true}, {"aead", "gcm(aes)", 16, 12, true},
                        {"aead", "ccm(aes)", 32, 16, true},     {"aead", "rfc7539(chacha20,poly1305)", 32, 12, true}};
  for (const auto implementations : {Implementations::Portable, Implementations::All}) {
    for (const Case& row : cases) {
      SCOPED_TRACE(row.name);
      Secrets secrets;
      AlgMachine machine(implementations);
      const Bytes key = secrets.add(pattern(row.key, 11)), text = secrets.add(pattern(4096, 99));
      const int fd = machine.operation(row.type, row.name, key);
      ASSERT_GE(fd, 0);
      if (row.keeps_key) {
        EXPECT_TRUE(secrets.is_somewhere(key));
      }
      Bytes iv(row.iv, 1);
      if (row.iv == 0) {
        ASSERT_EQ(machine.send(fd, text.data(), text.size(), MSG_MORE), 4096);
      } else {
        ASSERT_EQ(machine.send_operation(fd, ALG_OP_ENCRYPT, iv, text, MSG_MORE), 4096);
      }
      EXPECT_TRUE(secrets.is_somewhere(text));
      while (!machine.hal.files.empty()) machine.close(machine.hal.files.begin()->first);
      EXPECT_FALSE(secrets.is_somewhere(text));
      EXPECT_FALSE(secrets.is_somewhere(key));
    }
  }
}

}  // namespace
}  // namespace lxnet::testing
