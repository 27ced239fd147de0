// crypto/algif_rng.c.
#include "compat/afalg/rng_socket.hh"

namespace lxnet {
namespace {

constexpr size_t kMaxSize = 128;  // of a draw, and of additional input

}  // namespace

Result<Ref<RngSocket>> RngSocket::create(SyscallContext& context, AlgTransformUse use, bool is_tested) {
  return make_ref<RngSocket>(context.hal(), context.stack(), std::move(use), is_tested);
}

Result<size_t> RngSocket::send(SyscallContext& context, OutgoingMessage& message) {
  if (!is_tested_) return Errno::EOPNOTSUPP;
  TaskMutexLock lock(mutex(), context.entry());
  const size_t size = message.source.remaining();
  if (size > kMaxSize) return Errno::EMSGSIZE;
  additional_ = SecretMemory();
  SecretMemory bytes = TRY(SecretMemory::create(context.hal(), size));
  if (message.source.copy(bytes.span()) != size) return Errno::EFAULT;
  additional_ = std::move(bytes);
  return size;
}

// All sockets of one parent draw from one generator.
Result<size_t> RngSocket::receive(SyscallContext& context, IncomingMessage& message) {
  TaskMutexLock lock(mutex(), context.entry());
  const size_t size = message.sink.room() < kMaxSize ? message.sink.room() : kMaxSize;
  if (size == 0) return size_t{0};
  SecretBytes<kMaxSize> drawn;
  {
    TaskMutexLock transform_lock(transform_->mutex(), context.entry());
    const Algorithm& row = transform_->row();
    TRY(row.rng->generate(row, context.hal(), transform_->context(), MutableByteSpan(drawn.bytes, size), additional_.span()));
  }
  additional_ = SecretMemory();
  return message.sink.copy(drawn.first(size)) == size ? Result<size_t>(size) : Result<size_t>(Errno::EFAULT);
}

}  // namespace lxnet
