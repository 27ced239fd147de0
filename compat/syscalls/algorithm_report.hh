// What is told of an algorithm: AF_ALG's archive fills it in, netlink and /proc/crypto print it.
#pragma once

#include <cstdint>

namespace lxnet {

struct AlgorithmReport {
  const char* name;
  const char* driver;
  const char* type;  // "shash", "skcipher", "aead", "rng", "cipher"
  uint32_t priority;
  uint32_t block_size, chunk_size, iv_size, min_key_size, max_key_size, digest_size;
  bool is_tested;  // it has given the known answers, or none are known
};

}  // namespace lxnet
