// AlgSocket: what socket() gives: it is bound to an algorithm, takes the key, and accept() makes the sockets that work.
#pragma once

#include "compat/afalg/alg_file.hh"
#include "compat/afalg/alg_transform.hh"

namespace lxnet {

class AlgSocket final : public AlgFile {
 public:
  static Result<Ref<SocketFile>> create(SyscallContext& context, int type, int protocol);
  AlgSocket(Stack& stack, Ref<AlgTransform> transform) : AlgFile(stack), transform_(std::move(transform)) {}

  Result<> bind(SyscallContext& context, const SockAddr& address) override;
  Result<Ref<SocketFile>> accept(SyscallContext& context) override;
  Result<> set_option(SyscallContext& context, int level, int name, UserAddress value, int length) override;

 private:
  void released(Entry&) override {}
  void dispose_self() override { dispose(hal(), this); }

  Result<> set_key(SyscallContext& context, UserAddress value, size_t size);
  Result<> set_entropy(SyscallContext& context, UserAddress value, size_t size);

  Ref<AlgTransform> transform_;
};

// af_alg_accept(): an operation socket of what the transform is bound to. EINVAL when it is not.
Result<Ref<SocketFile>> accept_operation(SyscallContext& context, const Ref<AlgTransform>& transform);

}  // namespace lxnet
