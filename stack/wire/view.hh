// How bytes become a header and a header becomes bytes; nothing else in stack/wire casts.
//
// A wire header is a struct of bytes and big-endian numbers, alignment 1, so that it can lie over any byte. `XHeader` is such a
// window; the struct of host-order values beside it is named for the unit the header heads (`Ipv4PacketHeader`,
// `TcpSegmentHeader`). parse() is the only way in and checks what its comment says, once; what is behind the fixed part
// (options, extensions, payload) is reached through functions that take the span again and check it. emit() writes into a
// span of at least encoded_size() bytes and cannot fail: a shorter span is our own mistake and asserted.
#pragma once

#include <new>
#include <type_traits>

#include "base/assert.hh"
#include "base/bytes.hh"
#include "base/result.hh"

namespace lxnet {

// The first bytes as a header. EINVAL: too few.
template <typename Header>
Result<const Header*> view_header(ByteSpan bytes) {
  static_assert(alignof(Header) == 1 && std::is_trivially_copyable_v<Header>);
  if (bytes.size() < sizeof(Header)) return Errno::EINVAL;
  return reinterpret_cast<const Header*>(bytes.data());
}

// A header of zeros at the front of the bytes, to be filled in.
template <typename Header>
Header& place_header(MutableByteSpan bytes) {
  static_assert(alignof(Header) == 1 && std::is_trivially_copyable_v<Header>);
  ASSERT(bytes.size() >= sizeof(Header));
  return *new (bytes.data()) Header();
}

}  // namespace lxnet
