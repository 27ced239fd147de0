// struct virtio_net_hdr before a frame, which tells of checksums and segmentation still to be done: PACKET_VNET_HDR,
// IFF_VNET_HDR.
#pragma once

#include "netdev/packet.hh"
#include "stack/io.hh"

namespace lxnet {

// Little-endian by the rule of either.
struct VirtualHeader {
  static constexpr size_t kLongest = 12;  // with num_buffers
  uint8_t flags = 0;
  uint8_t segmentation = 0;
  uint16_t header_size = 0, segment_size = 0, checksum_start = 0, checksum_offset = 0;
};
static_assert(sizeof(VirtualHeader) == 10);

// What it says of a frame whose network header lies `link_size` bytes into what is shown, and of its checksum.
VirtualHeader describe_packet(const Packet& packet, size_t link_size, ChecksumState checksum);
// Whether it asks for a kind of segmentation that there is.
bool names_segmentation(const VirtualHeader& header);
// Takes `size` bytes off the source and checks them against the frame that follows. EINVAL, EFAULT.
Result<VirtualHeader> take_virtual_header(IoSource& source, size_t size);
// Makes the frame, whose link header is `link_size` long, what the header says. EINVAL: it cannot be that.
Result<> apply_virtual_header(const VirtualHeader& header, size_t link_size, Packet& packet);

}  // namespace lxnet
