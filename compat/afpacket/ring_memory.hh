// RingMemory: what a program maps of a packet socket: its receive ring and behind it its send ring. And how a ring is asked for.
#pragma once

#include "base/ref.hh"
#include "hal/memory.hh"

namespace lxnet {

// struct tpacket_req3; of the older versions only the first four.
struct RingRequest {
  uint32_t block_size = 0, block_count = 0, frame_size = 0, frame_count = 0;
  uint32_t retire_millis = 0, private_size = 0, features = 0;

  size_t size() const { return size_t{block_size} * block_count; }
};
inline constexpr size_t kOldRingRequestSize = 16;

enum class RingVersion : uint8_t { V1 = 0, V2 = 1, V3 = 2 };
// The size of a frame's header in the ring, without the address behind it.
size_t ring_header_size(RingVersion version);
// Linux's rules in Linux's order: EINVAL; ENOMEM for more than `room` bytes.
Result<> check_ring(RingVersion version, uint32_t reserve, const RingRequest& request, size_t room);

class RingMemory : public RefCounted<RingMemory> {
 public:
  // Zeroed whole pages. ENOMEM.
  static Result<Ref<RingMemory>> create(const Hal& hal, size_t size);
  static void destroy(RingMemory* memory);

  uint8_t* bytes() const { return bytes_; }

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  RingMemory(const Hal& hal, uint8_t* bytes, size_t size) : hal_(hal), bytes_(bytes), size_(size) {}
  ~RingMemory() { hal_.free(bytes_, size_); }

  const Hal& hal_;
  uint8_t* const bytes_;
  const size_t size_;
};

}  // namespace lxnet
