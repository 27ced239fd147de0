// UDP (RFC 768; RFC 8200 section 8.1 over IPv6). The checksum is the caller's: it covers a pseudo-header and the payload.
#pragma once

#include "base/endian.hh"
#include "stack/wire/view.hh"

namespace lxnet {

struct UdpHeader {
  Be16 source_port;
  Be16 destination_port;
  Be16 length;    // header and payload; 0 over IPv6 means 'the rest of the packet' (a jumbogram)
  Be16 checksum;  // 0: none was computed

  // EINVAL: shorter than 8 bytes. The length field is not looked at: datagram_size() is.
  static Result<const UdpHeader*> parse(ByteSpan bytes) { return view_header<UdpHeader>(bytes); }

  // How much of `available` bytes, header included, the datagram is. EINVAL: a length that lies.
  Result<size_t> datagram_size(size_t available) const {
    const size_t size = length.get();
    if (size < sizeof(UdpHeader) || size > available) return Errno::EINVAL;
    return size;
  }
};
static_assert(sizeof(UdpHeader) == 8 && alignof(UdpHeader) == 1);
static_assert(offsetof(UdpHeader, length) == 4 && offsetof(UdpHeader, checksum) == 6);

struct UdpDatagramHeader {
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint16_t length = sizeof(UdpHeader);
  uint16_t checksum = 0;

  static UdpDatagramHeader from(const UdpHeader& header) {
    return {.source_port = header.source_port.get(),
            .destination_port = header.destination_port.get(),
            .length = header.length.get(),
            .checksum = header.checksum.get()};
  }

  static constexpr size_t encoded_size() { return sizeof(UdpHeader); }
  void emit(MutableByteSpan to) const {
    UdpHeader& header = place_header<UdpHeader>(to);
    header.source_port.set(source_port);
    header.destination_port.set(destination_port);
    header.length.set(length);
    header.checksum.set(checksum);
  }

  bool operator==(const UdpDatagramHeader&) const = default;
};

}  // namespace lxnet
