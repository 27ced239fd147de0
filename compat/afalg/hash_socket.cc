// crypto/algif_hash.c.
#include "compat/afalg/hash_socket.hh"

#include "compat/afalg/alg_socket.hh"

namespace lxnet {
namespace {

constexpr size_t kPiece = 64 * 1024;  // ALG_MAX_PAGES: a piece is hashed whole or, when a byte of it cannot be read, not

}  // namespace

Result<Ref<HashSocket>> HashSocket::create(SyscallContext& context, AlgTransformUse use) {
  SecretMemory state = TRY(SecretMemory::create(context.hal(), use->row().state_size));
  return make_ref<HashSocket>(context.hal(), context.stack(), std::move(use), std::move(state));
}

void HashSocket::finish() {
  row().hash->finish(row(), transform_->context(), state_.data(), digest_);
  wipe(state_.data(), state_.size());
  has_digest_ = true;
}

void HashSocket::forget_digest() {
  wipe(digest_.bytes, sizeof digest_.bytes);
  has_digest_ = false;
}

Result<> HashSocket::absorb(IoSource& source, size_t& copied) {
  while (source.remaining() != 0) {
    const size_t piece = source.remaining() < kPiece ? source.remaining() : kPiece;
    if (room_.size() < piece) room_ = TRY(SecretMemory::create(hal(), piece));
    if (source.copy(MutableByteSpan(room_.data(), piece)) != piece) return Errno::EFAULT;
    row().hash->update(row(), transform_->context(), state_.data(), ByteSpan(room_.data(), piece));
    copied += piece;
  }
  return ok();
}

Result<size_t> HashSocket::send(SyscallContext& context, OutgoingMessage& message) {
  TaskMutexLock lock(mutex(), context.entry());
  TRY(transform_.check_key(context.entry()));
  const bool has_more = (message.flags & kMessageMore) != 0;
  if (!is_under_way_) {
    forget_digest();
    if (message.source.remaining() == 0) return size_t{0};
    start();
  }
  size_t copied = 0;
  const auto absorbed = absorb(message.source, copied);
  is_under_way_ = absorbed.is_ok() && has_more;
  if (!absorbed.is_ok()) return copied != 0 ? Result<size_t>(copied) : Result<size_t>(absorbed.error());
  if (!has_more) finish();
  return copied;
}

// The digest is handed out once; after that a hash of nothing is.
Result<size_t> HashSocket::receive(SyscallContext& context, IncomingMessage& message) {
  TaskMutexLock lock(mutex(), context.entry());
  TRY(transform_.check_key(context.entry()));
  const size_t size = message.sink.room() < row().digest_size ? message.sink.room() : row().digest_size;
  if (size < row().digest_size) message.result_flags |= kMessageTruncated;
  if (!has_digest_ && !is_under_way_) start();
  if (!has_digest_ || is_under_way_) finish();
  is_under_way_ = false;
  const bool is_good = message.sink.copy(digest_.first(size)) == size;
  forget_digest();
  return is_good ? Result<size_t>(size) : Result<size_t>(Errno::EFAULT);
}

// A fork of the hash under way.
Result<Ref<SocketFile>> HashSocket::accept(SyscallContext& context) {
  SecretBytes<kMaxHashStateSize> state;
  bool is_under_way = false;
  {
    TaskMutexLock lock(mutex(), context.entry());
    TRY(transform_.check_key(context.entry()));
    is_under_way = is_under_way_;
    memcpy(state, state_.data(), state_.size());
  }
  Ref<SocketFile> accepted = TRY(accept_operation(context, transform_.ref()));
  auto& fork = static_cast<HashSocket&>(*accepted);
  if (!is_under_way) return accepted;
  memcpy(fork.state_.data(), state, fork.state_.size());
  fork.is_under_way_ = true;
  return accepted;
}

}  // namespace lxnet
