// SavedSyn: the headers of the SYN that opened a connection, for TCP_SAVED_SYN. A pointer, where there are none.
#pragma once

#include <algorithm>

#include "hal/memory.hh"
#include "netdev/packet.hh"

namespace lxnet {

class SavedSyn {
 public:
  SavedSyn() = default;
  SavedSyn(SavedSyn&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SavedSyn& operator=(SavedSyn&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SavedSyn() {
    if (block_ != nullptr) block_->hal.free(block_, sizeof(Block) + block_->size);
  }

  ByteSpan bytes() const { return block_ == nullptr ? ByteSpan() : ByteSpan(block_->bytes(), block_->size); }

  enum class From : uint8_t { None, NetworkHeader, LinkHeader };  // what TCP_SAVE_SYN says
  // A packet whose front is past the TCP header, once. Saves nothing where there is no memory, as Linux.
  void save(const Hal& hal, const Packet& packet, From from) {
    const uint8_t* begin = packet.network_header();
    if (from == From::LinkHeader && packet.link_header() != nullptr && packet.link_header() < begin) begin = packet.link_header();
    const uint8_t* end = packet.linear().data();
    if (from == From::None || begin == nullptr || end <= begin) return;
    const auto size = static_cast<size_t>(end - begin);
    void* memory = hal.alloc(sizeof(Block) + size, alignof(Block));
    if (memory == nullptr) return;
    block_ = new (memory) Block{hal, size};
    std::copy(begin, end, block_->bytes());
  }

 private:
  // The bytes follow.
  struct Block {
    const Hal& hal;
    size_t size;

    uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
  };

  Block* block_ = nullptr;
};

}  // namespace lxnet
