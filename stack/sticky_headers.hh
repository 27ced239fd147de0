// StickyHeaders: what a program asked to stand in front of every packet of a socket: IPv4 options, or IPv6 extension headers.
//
// They are made once and never change; a changed option makes a new object. The IPv6 headers are chained as they will be sent
// (RFC 8200, 4.1), and each remembers where it lies, because it is set and read back by itself (RFC 3542).
#pragma once

#include "base/bytes.hh"
#include "base/ref.hh"
#include "hal/memory.hh"
#include "stack/ip_address.hh"
#include "stack/wire/ipv4.hh"

namespace lxnet {

class StickyHeaders : public RefCounted<StickyHeaders> {
 public:
  enum Kind : uint8_t { HopByHop, BeforeRouting, Routing, Destination, kKinds };
  struct Parts {
    ByteSpan bytes[kKinds];
  };

  // IPv4 options as the program gave them, checked. ENOBUFS.
  static Result<Ref<StickyHeaders>> create_v4(const Hal& hal, ByteSpan options);
  // Headers whose lengths have been checked. A header for before a routing header is kept, but sent only with one. ENOBUFS.
  static Result<Ref<StickyHeaders>> create_v6(const Hal& hal, const Parts& parts);
  static void destroy(StickyHeaders* headers) { dispose(headers->hal_, headers); }

  ByteSpan options_v4() const { return ByteSpan(bytes_.data(), bytes_.size()); }
  ByteSpan part(Kind kind) const { return ByteSpan(bytes_.data() + begin_[kind], begin_[kind + 1] - begin_[kind]); }
  Parts parts() const;
  // Where a packet to `destination` goes first: to a hop of the source route, or a segment of the routing header
  // (fl6_update_dst()).
  IpAddress first_hop(const IpAddress& destination) const;
  bool has_route() const { return has_source_route_ || !part(Routing).empty(); }
  // What is sent, and the number of its first header.
  ByteSpan chain() const { return ByteSpan(bytes_.data() + chain_at_, bytes_.size() - chain_at_); }
  uint8_t first_header() const { return first_header_; }

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  StickyHeaders(const Hal& hal, HeapArray<uint8_t> bytes) : hal_(hal), bytes_(std::move(bytes)) {}
  ~StickyHeaders() = default;
  void link_chain(const Parts& parts);

  const Hal& hal_;
  HeapArray<uint8_t> bytes_;  // IPv6: each part as given, then the chain
  size_t begin_[kKinds + 1] = {};
  size_t chain_at_ = 0;
  uint8_t first_header_ = 0;
  bool has_source_route_ = false;
  Ipv4Address source_route_begin_;
};

}  // namespace lxnet
