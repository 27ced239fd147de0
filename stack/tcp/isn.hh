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
    struct Flow {
      IpAddress local, remote;
      uint16_t local_port, remote_port;
    };
    static_assert(sizeof(Flow) == 36);
    const Flow flow{local.address, remote.address, local.port, remote.port};
    sequence_ = static_cast<uint32_t>(siphash_2_4(key, bytes_of(flow)));
    struct Addresses {
      IpAddress local, remote;
    };
    const Addresses addresses{local.address, remote.address};
    // Another key for the same stack: the halves exchanged.
    offset_ = static_cast<uint32_t>(siphash_2_4(SipKey{key.k1, key.k0}, bytes_of(addresses)));
  }

  // Linux's clock ticks each 64 ns.
  SeqNum initial_sequence(Instant now) const { return SeqNum(sequence_ + static_cast<uint32_t>(now.in_nanos() >> 6)); }
  uint32_t timestamp_offset() const { return offset_; }

 private:
  uint32_t sequence_ = 0, offset_ = 0;
};

}  // namespace lxnet
