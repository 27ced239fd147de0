// Bytes into packets and out of them.
#include "compat/afunix/unix_endpoint.hh"

namespace lxnet {
namespace {

constexpr size_t kBlockSize = 32 * 1024;
// A struct sk_buff and the skb_shared_info at the end of its linear part, on 64-bit Linux.
constexpr uint32_t kLinuxBuffer = 256, kLinuxSharedInfo = 320;
constexpr size_t kPage = 4096;

size_t round_up(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

// kmalloc's sizes from 512 up.
uint32_t kmalloc_size(size_t size) {
  uint32_t bucket = 512;
  while (bucket < size) bucket *= 2;
  return bucket;
}

Result<Ref<Packet>> packet_from_source(PacketPool& pool, IoSource& source, size_t size) {
  Ref<Packet> packet = TRY(Packet::create(pool, 0));
  while (size != 0) {
    const size_t piece = size < kBlockSize ? size : kBlockSize;
    Ref<DataBlock> block = TRY(DataBlock::create(pool, piece));
    if (source.copy(MutableByteSpan(block->bytes(), piece)) != piece) return Errno::EFAULT;
    TRY(packet->append_fragment(std::move(block), 0, static_cast<uint32_t>(piece)));
    size -= piece;
  }
  return packet;
}

}  // namespace

UnixMessage::UnixMessage(size_t room) : room_(room) {}

UnixMessage::~UnixMessage() {
  rights.clear();
  if (sender != nullptr) sender->uncharge(charge);
}

Result<UnixMessage*> UnixMessage::create_raw(const Hal& hal, size_t room) {
  void* block = hal.alloc(sizeof(UnixMessage) + room, alignof(UnixMessage));
  if (block == nullptr) return Errno::ENOBUFS;
  return new (block) UnixMessage(room);
}

void UnixMessage::destroy(const Hal& hal, UnixMessage* message) {
  const size_t size = sizeof(UnixMessage) + message->room_;
  message->~UnixMessage();
  hal.free(message, size);
}

Result<UnixMessage*> UnixMessage::create(const Hal& hal, PacketPool& pool, IoSource& source, size_t size) {
  const bool is_inline = size <= kFew;
  UnixMessage* message = TRY(create_raw(hal, is_inline ? size : 0));
  message->size_ = size;
  if (is_inline) {
    if (source.copy(MutableByteSpan(message->inline_bytes(), size)) == size) return message;
    destroy(hal, message);
    return Errno::EFAULT;
  }
  auto packet = packet_from_source(pool, source, size);
  if (!packet.is_ok()) {
    destroy(hal, message);
    return packet.error();
  }
  message->data_ = packet.take();
  return message;
}

bool UnixMessage::passes(PacketPool& pool, const SocketAttachments& filter) {
  if (!filter.filter()) return true;
  Ref<Packet> packet = data_;
  if (!packet) {
    SpanSource source(ByteSpan(inline_bytes(), size_));
    auto copy = packet_from_source(pool, source, size_);
    if (!copy.is_ok()) return false;
    packet = copy.take();
  }
  if (!filter.admits(*packet, 1)) return false;
  size_ = packet->size();
  return true;
}

size_t UnixMessage::copy_to(IoSink& sink, size_t offset, size_t size) const {
  if (!data_) return sink.copy(ByteSpan(inline_bytes() + offset, size));
  size_t copied = 0;
  bool is_bad = false;
  data_->for_each_run(offset, size, [&](ByteSpan run) {
    if (is_bad) return;
    const size_t done = sink.copy(run);
    copied += done;
    is_bad = done != run.size();
  });
  return copied;
}

uint32_t unix_charge(size_t linear, size_t paged) {
  return kLinuxBuffer + kmalloc_size(linear + kLinuxSharedInfo) + static_cast<uint32_t>(round_up(paged, kPage));
}

}  // namespace lxnet
