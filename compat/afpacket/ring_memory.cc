#include "compat/afpacket/ring_memory.hh"

#include "compat/afpacket/packet_address.hh"
#include "compat/afpacket/packet_ring_layout.hh"

namespace lxnet {
namespace {

constexpr size_t kPage = 4096;

}  // namespace

size_t ring_header_size(RingVersion version) {
  return version == RingVersion::V1   ? sizeof(RingHeader1)
         : version == RingVersion::V2 ? sizeof(RingHeader2)
                                      : sizeof(RingHeader3);
}

Result<> check_ring(RingVersion version, uint32_t reserve, const RingRequest& request, size_t room) {
  const uint64_t least = ring_align(ring_header_size(version)) + sizeof(LinkAddress) + uint64_t{reserve};
  if (static_cast<int32_t>(request.block_size) <= 0 || request.block_size % kPage != 0) return Errno::EINVAL;
  if (version == RingVersion::V3 && request.block_size < block_data_offset(request.private_size) + least) return Errno::EINVAL;
  if (request.frame_size < least || request.frame_size % kRingAlignment != 0) return Errno::EINVAL;
  const uint32_t per_block = request.block_size / request.frame_size;
  if (per_block == 0 || per_block > UINT32_MAX / request.block_count) return Errno::EINVAL;
  if (per_block * request.block_count != request.frame_count) return Errno::EINVAL;
  if (request.size() > room) return Errno::ENOMEM;
  return ok();
}

Result<Ref<RingMemory>> RingMemory::create(const Hal& hal, size_t size) {
  auto* bytes = static_cast<uint8_t*>(hal.alloc(size, kPage));
  if (bytes == nullptr) return Errno::ENOMEM;
  auto memory = make_ref<RingMemory>(hal, hal, bytes, size);
  if (!memory.is_ok()) {
    hal.free(bytes, size);
    return Errno::ENOMEM;
  }
  memset(bytes, 0, size);
  return memory;
}

void RingMemory::destroy(RingMemory* memory) { dispose(memory->hal_, memory); }

}  // namespace lxnet
