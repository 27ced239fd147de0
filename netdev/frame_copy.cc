#include "netdev/frame_copy.hh"

#include <algorithm>

namespace lxnet {

Result<Ref<Packet>> copy_frame(PacketPool& pool, const Packet& packet) {
  constexpr size_t kLinearMaximum = 2048 - Packet::kDefaultHeadroom;
  const size_t linear_size = std::min(packet.size(), kLinearMaximum);
  Ref<Packet> copy = TRY(Packet::create_linear(pool, linear_size));
  packet.read(0, copy->append(linear_size));
  for (size_t done = linear_size; done < packet.size();) {
    Ref<DataBlock> block = TRY(DataBlock::create(pool, std::min<size_t>(packet.size() - done, 32768)));
    const size_t size = packet.read(done, MutableByteSpan(block->bytes(), block->capacity()));
    TRY(copy->append_fragment(std::move(block), 0, static_cast<uint32_t>(size)));
    done += size;
  }
  // What nobody can have damaged need not be summed, unless it goes further: then whoever sends it knows what is missing.
  copy->checksum = packet.checksum == ChecksumState::Partial ? ChecksumState::Partial : ChecksumState::Unknown;
  copy->checksum_start = packet.checksum_start;
  copy->checksum_offset = packet.checksum_offset;
  copy->segmentation = packet.segmentation;
  copy->segment_size = packet.segment_size;
  copy->segment_count = packet.segment_count;
  return copy;
}

}  // namespace lxnet
