// PACKET_VNET_HDR: struct virtio_net_hdr before each frame, which tells of checksums and segmentation still to be done.
#pragma once

#include "netdev/packet.hh"
#include "stack/io.hh"

namespace lxnet {

// Little-endian by this option's rule.
struct VirtualHeader {
  static constexpr size_t kLongest = 12;  // with num_buffers
  uint8_t flags = 0;
  uint8_t segmentation = 0;
  uint16_t header_size = 0, segment_size = 0, checksum_start = 0, checksum_offset = 0;
};
static_assert(sizeof(VirtualHeader) == 10);

// What it says of a frame whose network header lies `link_size` bytes into what is shown. `status`: its TP_STATUS_*.
VirtualHeader virtual_header_of(const Packet& packet, size_t link_size, uint32_t status);
// The same of a packet of an inbox, `size` bytes of it. EFAULT.
Result<> put_virtual_header(Packet& packet, uint32_t status, size_t size, IoSink& sink);

// Takes `size` bytes off the source and checks them against the frame that follows. EINVAL, EFAULT.
Result<VirtualHeader> take_virtual_header(IoSource& source, size_t size);
// Makes the frame, whose link header is `link_size` long, what the header says. EINVAL: it cannot be that.
Result<> apply_virtual_header(const VirtualHeader& header, size_t link_size, Packet& packet);

}  // namespace lxnet
