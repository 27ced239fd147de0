// A packet socket's rings as a program maps them.
#pragma once

#include <sys/mman.h>

#include "tests/conformance/packet/packet.hh"

namespace conformance {

inline constexpr unsigned kPage = 4096, kSlot = kPage / 2, kSlotsPerBlock = kPage / kSlot;

// `blocks` of a page each, with slots of half a page; none: no ring any more.
inline tpacket_req3 ring_of(unsigned blocks) {
  tpacket_req3 request{};
  if (blocks == 0) return request;
  request.tp_block_size = kPage;
  request.tp_block_nr = blocks;
  request.tp_frame_size = kSlot;
  request.tp_frame_nr = blocks * kSlotsPerBlock;
  return request;
}

inline long set_ring(int fd, int name, const tpacket_req3& request) {
  return answer(::setsockopt(fd, kPacketLevel, name, &request, sizeof request));
}

class Mapped {
 public:
  Mapped(int fd, size_t size, off_t offset = 0, int kind = MAP_SHARED)
      : size_(size), memory_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, kind, fd, offset)), error_(errno) {}
  ~Mapped() {
    if (is_there()) ::munmap(memory_, size_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  bool is_there() const { return memory_ != MAP_FAILED; }
  int error() const { return is_there() ? 0 : -error_; }
  template <typename T>
  T& at(size_t offset) const {
    return *reinterpret_cast<T*>(static_cast<char*>(memory_) + offset);
  }
  tpacket2_hdr& slot(size_t index) const { return at<tpacket2_hdr>(index * kSlot); }
  std::string payload(size_t index) const {
    return std::string(&at<char>(index * kSlot + slot(index).tp_net), slot(index).tp_snaplen - 14);
  }

 private:
  size_t size_;
  void* memory_;
  int error_;
};

}  // namespace conformance
