// NftPacket: a packet at a hook, as expressions see it. Linux's struct nft_pktinfo.
//
// Unlike the extensions of ip_tables, expressions never call a packet broken: what is not there ends the rule.
#pragma once

#include "stack/filter/filter_packet.hh"

namespace lxnet {

struct NftPacket {
  explicit NftPacket(FilterPacket& seen);

  Packet& packet() const { return seen.packet; }
  bool read(size_t offset, void* to, size_t size) const {
    return seen.packet.read(offset, MutableByteSpan(static_cast<uint8_t*>(to), size)) == size;
  }
  // Of the first piece of a packet whose transport is known.
  bool has_whole_transport() const { return has_transport && fragment_offset == 0; }
  // Makes the first bytes the packet's own, to be changed. Null without memory.
  uint8_t* writable(size_t size) const;
  // What the FilterPacket says of the header, after it was changed.
  void header_changed() const;

  FilterPacket& seen;
  bool has_transport = true;  // IPv6: a chain of headers that ends
  uint8_t protocol;
  uint16_t fragment_offset;
  uint32_t transport_offset;
};

// Linux's ipv6_find_hdr(): the first header of that number, or where `target` is -1 the last. Its number, or -1.
int find_ipv6_header(const Packet& packet, int target, uint32_t& offset, uint16_t& fragment_offset);

}  // namespace lxnet
