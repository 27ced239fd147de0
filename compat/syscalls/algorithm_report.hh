// What is told of an algorithm, and what may be changed: AF_ALG's archive answers, netlink and /proc/crypto ask.
#pragma once

#include <cstdint>
#include <optional>

namespace lxnet {

struct AlgorithmReport {
  const char* name;
  const char* driver;
  const char* type;  // "shash", "skcipher", "aead", "rng", "cipher"
  uint32_t priority;
  uint32_t flags;  // CRYPTO_ALG_*
  uint32_t references;
  uint32_t block_size, chunk_size, iv_size, min_key_size, max_key_size, digest_size;
  bool is_tested;  // it has given the known answers, or none are known
};

// struct crypto_user_alg as a request: of the names the driver's counts, if there is one.
struct AlgorithmChange {
  enum class What : uint8_t { Add, Delete, Update };

  What what;
  const char* name;
  const char* driver;
  uint32_t type, mask;  // of the flags
  std::optional<uint32_t> priority;
};

}  // namespace lxnet
