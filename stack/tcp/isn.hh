// Initial sequence numbers (RFC 6528: a clock of four microseconds plus a keyed hash of the 4-tuple) and timestamp offsets
// (RFC 7323, 5.4), so that neither tells anybody outside the connection anything.
#pragma once

#include "base/seqnum.hh"
#include "base/siphash.hh"
#include "base/time.hh"
#include "stack/ip_address.hh"

namespace lxnet {

class IsnSource {
 public:
  IsnSource(const SipKey& key, const Endpoint& local, const Endpoint& remote) {
    // Another key for the same stack: the halves exchanged.
    const SipKey offset_key{key.k1, key.k0};
    const uint32_t ports = uint32_t{local.port} << 16 | remote.port;
    if (local.address.is_v4() && remote.address.is_v4()) {
      choose(key, offset_key, local.address.v4().value(), remote.address.v4().value(), ports);
    } else {
      choose(key, offset_key, local.address, remote.address, ports);
    }
  }

  // Linux's clock ticks each 64 ns.
  SeqNum initial_sequence(Instant now) const { return SeqNum(sequence_ + static_cast<uint32_t>(now.in_nanos() >> 6)); }
  uint32_t timestamp_offset() const { return offset_; }

 private:
  template <typename Address>
  void choose(const SipKey& key, const SipKey& offset_key, const Address& local, const Address& remote, uint32_t ports) {
    const struct {
      Address local, remote;
      uint32_t ports;
    } flow{local, remote, ports};
    sequence_ = static_cast<uint32_t>(siphash_2_4(key, flow));
    const struct { Address local, remote; } addresses{local, remote};
    offset_ = static_cast<uint32_t>(siphash_2_4(offset_key, addresses));
  }

  uint32_t sequence_ = 0, offset_ = 0;
};

}  // namespace lxnet
