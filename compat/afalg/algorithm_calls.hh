// What is checked before an implementation sees a key: the key sizes of its row, as crypto_skcipher_setkey() and its kin do.
#pragma once

#include "compat/afalg/algorithm.hh"

namespace lxnet {

// EINVAL; ENOSYS for a hash that takes none.
Result<> set_algorithm_key(const Algorithm& row, void* context, ByteSpan key);

// EINVAL.
Result<> check_tag_size(const Algorithm& row, size_t size);

// Whether it computes nothing before a key was set.
inline bool needs_key(const Algorithm& row) {
  switch (row.kind) {
    case AlgorithmKind::Hash:
      return row.hash->set_key != nullptr && !row.key_is_optional;
    case AlgorithmKind::Rng:
      return false;
    default:
      return row.max_key_size != 0;
  }
}

}  // namespace lxnet
