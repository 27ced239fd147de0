// PortBucket: all claims on one port of one protocol, newest first, and what Linux remembers of them (inet_bind_bucket).
//
// The memory is not mere speed: it is taken when a claim is made, so that a bucket whose claims all allowed sharing then goes on
// allowing it after an owner changed its mind. Linux does the same.
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
  bool is_for_connections() const { return is_for_connections_; }

  // TCP, for a port that was asked for: everything that Linux looks at, the memory first.
  bool tcp_refuses(const PortClaim& claim) const;
  bool tcp_refuses_chosen(const PortClaim& claim, BindLeniency leniency) const;
  bool udp_refuses(const PortClaim& claim) const;
  // In the search for a free port a sharing claim does not end the walk.
  bool udp_refuses_chosen(const PortClaim& claim) const;
  bool ping_refuses(const PortClaim& claim) const;

  void add(PortClaim& claim) { claims_.push_front(claim); }
  void remove(PortClaim& claim) { claims_.remove(claim); }
  void replace(PortClaim& from, PortClaim& to) {
    claims_.insert_before(from, to);
    claims_.remove(from);
  }
  // A TCP claim was admitted by bind() or listen(), before it is added.
  void remember_bind(const PortClaim& claim);
  // The first TCP claim is of a connect().
  void remember_connect() { is_for_connections_ = true; }

 private:
  enum class TcpReusePort : uint8_t { No, AnyAddress, ThisAddress };  // fastreuseport 0, ANY, STRICT

  bool matches_reuse_port_memory(const BindView& view) const;

  const uint8_t protocol_;
  const uint16_t port_;
  bool is_for_connections_ = false;  // fastreuse and fastreuseport -1
  bool tcp_reuse_ = false;           // fastreuse
  TcpReusePort tcp_reuse_port_ = TcpReusePort::No;
  BindView remembered_;  // whose address and user tcp_reuse_port_ speaks of
  List<PortClaim, &PortClaim::bucket_link> claims_;
};

}  // namespace lxnet
