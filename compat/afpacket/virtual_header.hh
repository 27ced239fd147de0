// PACKET_VNET_HDR: the header before each frame, made of what the socket knows of it.
#pragma once

#include "compat/syscalls/virtual_header.hh"

namespace lxnet {

// What it says of a frame whose network header lies `link_size` bytes into what is shown. `status`: its TP_STATUS_*.
VirtualHeader virtual_header_of(const Packet& packet, size_t link_size, uint32_t status);
// The same of a packet of an inbox, `size` bytes of it. EFAULT.
Result<> put_virtual_header(Packet& packet, uint32_t status, size_t size, IoSink& sink);

}  // namespace lxnet
