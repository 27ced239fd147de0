// Taking control messages apart and putting them together.
#include "compat/syscalls/control_message.hh"

namespace lxnet {

Result<> ControlReader::read(SyscallContext& context, UserAddress control, uint64_t size) {
  layout_.is_32bit = context.is_32bit();
  offset_ = 0;
  size_ = 0;
  if (size > INT32_MAX) return Errno::ENOBUFS;
  if (size == 0) return ok();
  if (size > sizeof inline_) {
    // sock_kmalloc(): the copy is charged to the socket's option memory.
    if (size > static_cast<uint64_t>(context.stack().tunables().values().optmem_max)) return Errno::ENOBUFS;
    auto block = HeapArray<uint8_t>::create(context.hal(), static_cast<size_t>(size));
    if (!block.is_ok()) return Errno::ENOBUFS;
    heap_ = block.take();
  }
  uint8_t* to = heap_.is_empty() ? inline_ : heap_.data();
  TRY(copy_in(context.hal(), MutableByteSpan(to, static_cast<size_t>(size)), control));
  size_ = static_cast<size_t>(size);
  return ok();
}

Result<bool> ControlReader::next(ControlMessage& out) {
  const size_t header_size = layout_.header_size();
  if (size_ - offset_ < header_size) return false;
  const ByteSpan at = bytes().subspan(offset_);
  uint64_t length = 0;
  copy_bytes(mutable_bytes_of(length), at.first(layout_.is_32bit ? 4 : 8));
  if (length < header_size || length > at.size()) return Errno::EINVAL;
  copy_bytes(mutable_bytes_of(out.level), at.subspan(header_size - 8));
  copy_bytes(mutable_bytes_of(out.type), at.subspan(header_size - 4));
  out.data = at.subspan(header_size, static_cast<size_t>(length) - header_size);
  const size_t advance = layout_.align(static_cast<size_t>(length));
  offset_ = advance > at.size() ? size_ : offset_ + advance;
  return true;
}

void ControlWriter::put(int level, int type, ByteSpan data) {
  const uint64_t left = room_ - used_;
  const size_t header_size = layout_.header_size();
  if (start_.is_null() || left < header_size) {
    is_truncated_ = true;
    return;
  }
  uint64_t length = layout_.length_of(data.size());
  if (left < length) {
    is_truncated_ = true;
    length = left;
  }
  uint8_t header[16] = {};
  copy_bytes(MutableByteSpan(header, header_size), bytes_of(length).first(layout_.is_32bit ? 4 : 8));
  copy_bytes(MutableByteSpan(header + header_size - 8, 4), bytes_of(level));
  copy_bytes(MutableByteSpan(header + header_size - 4, 4), bytes_of(type));
  const UserAddress to = start_ + used_;
  // Memory that cannot be written loses the message and nothing else, as on Linux.
  if (!copy_out(context_.hal(), to, ByteSpan(header, header_size)).is_ok()) return;
  if (!copy_out(context_.hal(), to + header_size, data.first(static_cast<size_t>(length) - header_size)).is_ok()) return;
  const uint64_t space = layout_.space_of(data.size());
  used_ += space < left ? space : left;
}

size_t ControlWriter::writable_room(size_t size) {
  constexpr uint8_t kZeros[256] = {};
  size_t done = 0;
  while (done < size) {
    const size_t piece = size - done < sizeof kZeros ? size - done : sizeof kZeros;
    const UserAddress to = start_ + used_ + layout_.header_size() + done;
    const size_t left = context_.hal().copy_to_user(to.value(), kZeros, piece);
    done += piece - left;
    if (left != 0) break;
  }
  return done;
}

}  // namespace lxnet
