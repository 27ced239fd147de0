// tpacket_snd()'s side of the memory.
#include "compat/afpacket/send_ring.hh"

#include "compat/afpacket/packet_ring_layout.hh"
#include "compat/afpacket/packet_status.hh"

namespace lxnet {
namespace {

// One read of what the program may change under our eyes.
template <typename T>
T read_once(const T& value) {
  return __atomic_load_n(&value, __ATOMIC_RELAXED);
}

}  // namespace

Result<Ref<SendRing>> SendRing::create(const Hal& hal, RingVersion version, uint32_t reserve, const RingRequest& request,
                                       size_t room) {
  TRY(check_ring(version, reserve, request, room));
  if (request.retire_millis != 0 || request.private_size != 0 || request.features != 0) return Errno::EINVAL;
  return make_ref<SendRing>(hal, hal, version, request);
}

void SendRing::destroy(SendRing* ring) { dispose(ring->hal_, ring); }

void SendRing::place(Ref<RingMemory> memory, size_t at) {
  if (bytes_ != nullptr) memmove(memory->bytes() + at, bytes_, size());
  bytes_ = memory->bytes() + at;
  memory_ = std::move(memory);
}

size_t SendRing::data_offset() const { return ring_align(ring_header_size(version_)); }

uint8_t* SendRing::slot() const {
  const uint32_t per_block = request_.block_size / request_.frame_size;
  const uint32_t head = __atomic_load_n(&head_, __ATOMIC_RELAXED);
  return bytes_ + size_t{head / per_block} * request_.block_size + size_t{head % per_block} * request_.frame_size;
}

uint64_t SendRing::load_status() const {
  const uint8_t* at = slot();
  switch (version_) {
    case RingVersion::V1:
      return __atomic_load_n(&reinterpret_cast<const RingHeader1*>(at)->status, __ATOMIC_ACQUIRE);
    case RingVersion::V2:
      return __atomic_load_n(&reinterpret_cast<const RingHeader2*>(at)->status, __ATOMIC_ACQUIRE);
    default:
      return __atomic_load_n(&reinterpret_cast<const RingHeader3*>(at)->status, __ATOMIC_ACQUIRE);
  }
}

void SendRing::store_status(uint32_t status) {
  uint8_t* at = slot();
  switch (version_) {
    case RingVersion::V1:
      return __atomic_store_n(&reinterpret_cast<RingHeader1*>(at)->status, uint64_t{status}, __ATOMIC_RELEASE);
    case RingVersion::V2:
      return __atomic_store_n(&reinterpret_cast<RingHeader2*>(at)->status, status, __ATOMIC_RELEASE);
    default:
      return __atomic_store_n(&reinterpret_cast<RingHeader3*>(at)->status, status, __ATOMIC_RELEASE);
  }
}

bool SendRing::has_request() const { return load_status() == kSendRequested; }

Result<ByteSpan> SendRing::frame(Begin begin, size_t most) const {
  const uint8_t* at = slot();
  uint32_t size = 0, link = 0, network = 0;
  const auto read = [&](const auto& header) {
    size = read_once(header.size);
    link = read_once(header.link_at);
    network = read_once(header.network_at);
  };
  switch (version_) {
    case RingVersion::V1:
      read(*reinterpret_cast<const RingHeader1*>(at));
      break;
    case RingVersion::V2:
      read(*reinterpret_cast<const RingHeader2*>(at));
      break;
    case RingVersion::V3:
      // Frames in a row are for receiving alone.
      if (read_once(reinterpret_cast<const RingHeader3*>(at)->next_at) != 0) return Errno::EINVAL;
      read(*reinterpret_cast<const RingHeader3*>(at));
      break;
  }
  if (size > most) return Errno::EMSGSIZE;
  size_t offset = data_offset();
  if (begin != Begin::BehindHeader) {
    offset = begin == Begin::AtNetworkOffset ? network : link;
    if (offset < data_offset() || offset > request_.frame_size - size) return Errno::EINVAL;
  }
  return ByteSpan(at + offset, size);
}

void SendRing::give_back() {
  store_status(kSendAvailable);
  __atomic_store_n(&head_, head_ + 1 == request_.frame_count ? 0 : head_ + 1, __ATOMIC_RELAXED);
}

void SendRing::refuse() { store_status(kSendWrongFormat); }

}  // namespace lxnet
