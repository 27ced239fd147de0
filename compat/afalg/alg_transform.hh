// AlgTransform: what a socket was bound to and the key it was given; its operation sockets share it. Linux's struct alg_sock of
// the parent with its tfm.
#pragma once

#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/algorithm_registry.hh"
#include "compat/afalg/secret.hh"
#include "compat/syscalls/task_mutex.hh"

namespace lxnet {

class AlgTransform final : public RefCounted<AlgTransform> {
 public:
  explicit AlgTransform(const Hal& hal) : hal_(hal), mutex_(hal, LockRank::Listener) {}
  static void destroy(AlgTransform* transform) { dispose(transform->hal_, transform); }

  TaskMutex& mutex() RETURN_CAPABILITY(mutex_) { return mutex_; }

  // EBUSY while an operation socket that has its key lives, for a new algorithm while any lives.
  bool may_change_key() const REQUIRES(mutex_) { return children_ == keyless_children_; }
  // What was there before is left in the arguments.
  Result<> bind(AlgorithmRef& algorithm, SecretMemory& context) REQUIRES(mutex_);
  Result<> set_key(ByteSpan key) REQUIRES(mutex_);
  Result<> set_tag_size(size_t size) REQUIRES(mutex_);

  bool is_bound() const REQUIRES(mutex_) { return row_.get() != nullptr; }
  bool has_key() const REQUIRES(mutex_) { return has_key_; }

  // Operation sockets come and go. One that came before the key counts as keyless until it finds it.
  void add_child(bool has_key) REQUIRES(mutex_);
  void child_found_key() REQUIRES(mutex_) { --keyless_children_; }
  void remove_child(bool has_key) REQUIRES(mutex_);

  // Fixed while an operation socket lives, the context while one that has its key does.
  const Algorithm& row() const { return *row_; }
  void* context() const { return context_.data(); }
  size_t tag_size() const { return tag_size_; }

  // What the next seeding of a generator takes as entropy (ALG_SET_DRBG_ENTROPY).
  SecretMemory entropy GUARDED_BY(mutex_);

 private:
  const Hal& hal_;
  TaskMutex mutex_;
  AlgorithmRef row_;
  SecretMemory context_;
  size_t tag_size_ = 0;  // Aead
  bool has_key_ GUARDED_BY(mutex_) = false;
  uint32_t children_ GUARDED_BY(mutex_) = 0;
  uint32_t keyless_children_ GUARDED_BY(mutex_) = 0;
};

// What an operation socket holds of its parent.
class AlgTransformUse {
 public:
  AlgTransformUse(Ref<AlgTransform> transform, bool has_key) : transform_(std::move(transform)), has_key_(has_key) {}
  // Before the socket goes.
  void release(Entry& entry);
  // ENOKEY while the parent has no key. The caller holds the socket's own lock.
  Result<> check_key(Entry& entry);

  AlgTransform& operator*() const { return *transform_; }
  AlgTransform* operator->() const { return transform_.get(); }
  const Ref<AlgTransform>& ref() const { return transform_; }

 private:
  Ref<AlgTransform> transform_;
  bool has_key_;
};

}  // namespace lxnet
