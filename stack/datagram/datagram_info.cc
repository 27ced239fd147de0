// The charge of a datagram, measured on Linux 6.18 through SO_MEMINFO.
#include "stack/datagram/datagram_info.hh"

#include <bit>

namespace lxnet {

uint32_t datagram_charge(IpFamily family, size_t payload) {
  constexpr size_t kDescriptor = 256, kSmallBuffer = 576, kSharedInfo = 320, kLargestBuffer = 16384;
  const size_t headers = family == IpFamily::V4 ? 59 : 72;  // IP, UDP and the room for a link header
  const size_t buffer = payload + headers + kSharedInfo;
  if (buffer <= kSmallBuffer) return kDescriptor + kSmallBuffer;
  // Beyond that the payload lies in pages, and they are counted to the byte.
  if (buffer >= kLargestBuffer) return static_cast<uint32_t>(kDescriptor + kSmallBuffer + payload);
  return static_cast<uint32_t>(kDescriptor + std::bit_ceil(buffer));
}

}  // namespace lxnet
