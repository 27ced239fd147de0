// PortBucket: all claims on one port of one protocol, and what Linux remembers of TCP's (inet_bind_bucket).
//
// The memory is not mere speed: it is taken when a claim is made, so that who shares a port by SO_REUSEPORT goes on admitting its
// like after it took the option back. Linux does the same. (Its fastreuse, which should do so for SO_REUSEADDR, is never set
// in 6.18: the bucket counts as used before its first socket is looked at.)
#pragma once

#include "hal/hash_table.hh"
#include "listen_table/bind_conflict.hh"

namespace lxnet {

class PortBucket {
 public:
  PortBucket(uint8_t protocol, uint16_t port) : protocol_(protocol), port_(port) {}

  HashLink table_link;

  uint8_t protocol() const { return protocol_; }
  uint16_t port() const { return port_; }
  bool is_empty() const { return claims_.is_empty(); }
  // Held by connect() alone: others may connect from the port to elsewhere.
  bool is_for_connections() const { return bound_count_ == 0; }

  // TCP, for a port that was asked for: everything that Linux looks at, the memory first.
  bool tcp_refuses(const PortClaim& claim) const;
  bool tcp_refuses_chosen(const PortClaim& claim, BindLeniency leniency) const;
  bool udp_refuses(const PortClaim& claim) const;
  // In the search for a free port a sharing claim does not end the walk.
  bool udp_refuses_chosen(const PortClaim& claim) const;
  bool ping_refuses(const PortClaim& claim) const;

  void add(PortClaim& claim);
  void remove(PortClaim& claim);
  void replace(PortClaim& from, PortClaim& to);
  // A TCP claim was admitted by bind() or listen().
  void remember(const PortClaim& claim);

 private:
  bool matches_memory(const BindView& view) const;

  const uint8_t protocol_;
  const uint16_t port_;
  bool has_memory_ = false;   // fastreuseport
  uint32_t bound_count_ = 0;  // claims that are not of a connect()
  BindView remembered_;
  List<PortClaim, &PortClaim::bucket_link> claims_;
};

}  // namespace lxnet
