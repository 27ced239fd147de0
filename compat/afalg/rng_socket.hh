// RngSocket: an operation socket of a random generator: receiving draws from it.
#pragma once

#include "compat/afalg/alg_file.hh"
#include "compat/afalg/alg_transform.hh"

namespace lxnet {

class RngSocket final : public AlgFile {
 public:
  // `is_tested`: entropy was set, and what is sent is additional input (CONFIG_CRYPTO_USER_API_RNG_CAVP).
  static Result<Ref<RngSocket>> create(SyscallContext& context, AlgTransformUse use, bool is_tested);
  RngSocket(Stack& stack, AlgTransformUse use, bool is_tested)
      : AlgFile(stack), transform_(std::move(use)), is_tested_(is_tested) {}

  Result<size_t> send(SyscallContext& context, OutgoingMessage& message) override;
  Result<size_t> receive(SyscallContext& context, IncomingMessage& message) override;

 private:
  void released(Entry& entry) override { transform_.release(entry); }
  void dispose_self() override { dispose(hal(), this); }

  AlgTransformUse transform_;
  bool is_tested_;
  SecretMemory additional_;
};

}  // namespace lxnet
