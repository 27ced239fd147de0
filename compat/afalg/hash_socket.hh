// HashSocket: an operation socket of a hash: what is sent is hashed, what is received is the digest.
#pragma once

#include "compat/afalg/alg_file.hh"
#include "compat/afalg/alg_transform.hh"

namespace lxnet {

class HashSocket final : public AlgFile {
 public:
  static Result<Ref<HashSocket>> create(SyscallContext& context, AlgTransformUse use);
  HashSocket(Stack& stack, AlgTransformUse use, SecretMemory state)
      : AlgFile(stack), transform_(std::move(use)), state_(std::move(state)) {}

  Result<Ref<SocketFile>> accept(SyscallContext& context) override;
  Result<size_t> send(SyscallContext& context, OutgoingMessage& message) override;
  Result<size_t> receive(SyscallContext& context, IncomingMessage& message) override;

 private:
  void released(Entry& entry) override { transform_.release(entry); }
  void dispose_self() override { dispose(hal(), this); }

  const Algorithm& row() const { return transform_->row(); }
  void start() { row().hash->start(row(), transform_->context(), state_.data()); }
  void finish();
  void forget_digest();
  Result<> absorb(IoSource& source, size_t& copied);

  AlgTransformUse transform_;
  SecretMemory state_;
  SecretMemory room_;  // where what is sent stands while it is hashed
  SecretBytes<kMaxDigestSize> digest_;
  bool has_digest_ = false;
  bool is_under_way_ = false;  // what was sent last said MSG_MORE
};

}  // namespace lxnet
