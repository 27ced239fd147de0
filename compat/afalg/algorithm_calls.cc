#include "compat/afalg/algorithm_calls.hh"

namespace lxnet {
namespace {

bool is_key_size(const Algorithm& row, size_t size) { return size >= row.min_key_size && size <= row.max_key_size; }

}  // namespace

Result<> set_algorithm_key(const Algorithm& row, void* context, ByteSpan key) {
  switch (row.kind) {
    case AlgorithmKind::Hash:
      return row.hash->set_key == nullptr ? Result<>(Errno::ENOSYS) : row.hash->set_key(row, context, key);
    case AlgorithmKind::Cipher:
      return is_key_size(row, key.size()) ? row.cipher->set_key(row, context, key) : Result<>(Errno::EINVAL);
    case AlgorithmKind::Skcipher:
      return is_key_size(row, key.size()) ? row.skcipher->set_key(row, context, key) : Result<>(Errno::EINVAL);
    case AlgorithmKind::Aead:
      return row.aead->set_key(row, context, key);
    case AlgorithmKind::Rng:
      break;
  }
  return Errno::ENOSYS;
}

Result<> check_tag_size(const Algorithm& row, size_t size) {
  if ((size == 0 && row.digest_size != 0) || size > row.digest_size) return Errno::EINVAL;
  return row.aead->check_tag_size == nullptr ? Result<>(ok()) : row.aead->check_tag_size(row, size);
}

}  // namespace lxnet
