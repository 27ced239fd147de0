#include "compat/afalg/alg_transform.hh"

namespace lxnet {

Result<> AlgTransform::bind(AlgorithmRef& algorithm, SecretMemory& context) {
  if (children_ != 0) return Errno::EBUSY;
  std::swap(row_, algorithm);
  const Algorithm& row = *row_;
  std::swap(context_, context);
  entropy = SecretMemory();
  tag_size_ = row.kind == AlgorithmKind::Aead ? row.digest_size : 0;
  has_key_ = !needs_key(row);
  return ok();
}

// A key that is refused leaves none.
Result<> AlgTransform::set_key(ByteSpan key) {
  const auto set = set_algorithm_key(*row_, context_.data(), key);
  has_key_ = set.is_ok() || !needs_key(*row_);
  return set.is_ok() ? Result<>(ok()) : Result<>(set.error());
}

Result<> AlgTransform::set_tag_size(size_t size) {
  TRY(check_tag_size(*row_, size));
  tag_size_ = size;
  return ok();
}

void AlgTransform::add_child(bool has_key) {
  ++children_;
  if (!has_key) ++keyless_children_;
}

void AlgTransform::remove_child(bool has_key) {
  --children_;
  if (!has_key) --keyless_children_;
}

void AlgTransformUse::release(Entry& entry) {
  TaskMutexLock lock(transform_->mutex(), entry);
  transform_->remove_child(has_key_);
}

Result<> AlgTransformUse::check_key(Entry& entry) {
  if (has_key_) return ok();
  TaskMutexLock lock(transform_->mutex(), entry);
  if (!transform_->has_key()) return Errno::ENOKEY;
  transform_->child_found_key();
  has_key_ = true;
  return ok();
}

}  // namespace lxnet
