// SavedSyn: the headers of the SYN that opened a connection, for TCP_SAVED_SYN.
#pragma once

#include <algorithm>

#include "hal/memory.hh"
#include "netdev/packet.hh"

namespace lxnet {

class SavedSyn {
 public:
  bool is_empty() const { return bytes_.is_empty(); }
  ByteSpan bytes() const { return ByteSpan(bytes_.data(), bytes_.size()); }
  HeapArray<uint8_t> take() { return std::exchange(bytes_, HeapArray<uint8_t>()); }

  enum class From : uint8_t { None, NetworkHeader, LinkHeader };  // what TCP_SAVE_SYN says
  // A packet whose front is past the TCP header. Saves nothing where there is no memory, as Linux.
  void save(const Hal& hal, const Packet& packet, From from) {
    const uint8_t* begin = packet.network_header();
    if (from == From::LinkHeader && packet.link_header() != nullptr && packet.link_header() < begin) begin = packet.link_header();
    const uint8_t* end = packet.linear().data();
    if (from == From::None || begin == nullptr || end <= begin) return;
    auto copy = HeapArray<uint8_t>::create(hal, static_cast<size_t>(end - begin));
    if (!copy.is_ok()) return;
    bytes_ = copy.take();
    std::copy(begin, end, bytes_.data());
  }

 private:
  HeapArray<uint8_t> bytes_;
};

}  // namespace lxnet
