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

}  // namespace

UnixMessage::UnixMessage() = default;
UnixMessage::~UnixMessage() {
  rights.clear();
  data = nullptr;
  if (sender) sender->uncharge(charge);
}

uint32_t unix_charge(size_t linear, size_t paged) {
  return kLinuxBuffer + kmalloc_size(linear + kLinuxSharedInfo) + static_cast<uint32_t>(round_up(paged, kPage));
}

Result<Ref<Packet>> packet_from_source(PacketPool& pool, IoSource& source, size_t size) {
  Ref<Packet> packet = TRY(Packet::create(pool, 0));
  if (size <= packet->tailroom()) {
    if (source.copy(packet->append(size)) != size) return Errno::EFAULT;
    return packet;
  }
  while (size != 0) {
    const size_t piece = size < kBlockSize ? size : kBlockSize;
    Ref<DataBlock> block = TRY(DataBlock::create(pool, piece));
    if (source.copy(MutableByteSpan(block->bytes(), piece)) != piece) return Errno::EFAULT;
    TRY(packet->append_fragment(std::move(block), 0, static_cast<uint32_t>(piece)));
    size -= piece;
  }
  return packet;
}

size_t copy_to_sink(const Packet& packet, size_t offset, size_t size, IoSink& sink) {
  size_t copied = 0;
  bool is_bad = false;
  packet.for_each_run(offset, size, [&](ByteSpan run) {
    if (is_bad) return;
    const size_t done = sink.copy(run);
    copied += done;
    is_bad = done != run.size();
  });
  return copied;
}

}  // namespace lxnet
