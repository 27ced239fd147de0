#include "compat/afalg/input_buffer.hh"

namespace lxnet {

size_t InputBuffer::room(uint32_t send_buffer) const {
  size_t limit = send_buffer & ~(kPage - 1);
  if (limit < kPage) limit = kPage;
  return limit > size_ ? limit - size_ : 0;
}

// Grows to twice what is needed, so that many small pieces are not moved each time.
Result<> InputBuffer::reserve(const Hal& hal, size_t size) {
  if (start_ + size_ + size <= memory_.size()) return ok();
  if (size_ + size > memory_.size() / 2) {
    SecretMemory larger = TRY(SecretMemory::create(hal, (size_ + size) * 2));
    if (size_ != 0) memcpy(larger.data(), data(), size_);
    memory_ = std::move(larger);
  } else {
    memmove(memory_.data(), data(), size_);
  }
  start_ = 0;
  return ok();
}

Result<> InputBuffer::append_piece(const Hal& hal, IoSource& source, size_t size, size_t& copied) {
  TRY(reserve(hal, size));
  if (source.copy(MutableByteSpan(memory_.data() + start_ + size_, size)) != size) return Errno::EFAULT;
  size_ += size;
  copied += size;
  page_fill_ = (page_fill_ + size) % kPage;
  return ok();
}

Result<> InputBuffer::append(const Hal& hal, IoSource& source, uint32_t send_buffer, size_t& copied) {
  if (page_fill_ != 0) {
    const size_t rest = kPage - page_fill_;
    return append_piece(hal, source, source.remaining() < rest ? source.remaining() : rest, copied);
  }
  size_t left = room(send_buffer);
  if (left > source.remaining()) left = source.remaining();
  // One copy for all whole pages when that works; page by page it is found out which one could not be read.
  TRY(reserve(hal, left));
  while (left != 0) {
    const size_t piece = left < kPage ? left : kPage;
    TRY(append_piece(hal, source, piece, copied));
    left -= piece;
  }
  return ok();
}

void InputBuffer::consume(size_t size) {
  start_ += size;
  size_ -= size;
  if (size_ != 0) return;
  start_ = 0;
  page_fill_ = 0;
}

}  // namespace lxnet
