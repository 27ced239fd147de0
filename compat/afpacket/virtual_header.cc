#include "compat/afpacket/virtual_header.hh"

#include "compat/afpacket/packet_inbox.hh"
#include "compat/afpacket/packet_status.hh"

namespace lxnet {

VirtualHeader virtual_header_of(const Packet& packet, size_t link_size, uint32_t status) {
  const bool is_valid = (status & kStatusChecksumValid) != 0;
  return describe_packet(packet, link_size,
                         (status & kStatusChecksumNotReady) != 0 ? ChecksumState::Partial
                         : is_valid                              ? ChecksumState::Verified
                                                                 : ChecksumState::Unknown);
}

Result<> put_virtual_header(Packet& packet, uint32_t status, size_t size, IoSink& sink) {
  const VirtualHeader header = virtual_header_of(packet, FrameInfo::of(packet).network_at, status);
  uint8_t bytes[VirtualHeader::kLongest] = {};
  memcpy(bytes, &header, sizeof header);
  return sink.copy(ByteSpan(bytes, size)) == size ? ok() : Result<>(Errno::EFAULT);
}

}  // namespace lxnet
