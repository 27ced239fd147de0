// Identification: the numbers by which fragments of one datagram find each other.
//
// IPv4: counters shared by a hash of (source, destination, protocol), each moved on by a random step that grows with the time
// it lay idle, so that nobody can count what we send to others (RFC 7739, section 5.3; Linux's ip_idents). IPv6: random.
#pragma once

#include "base/siphash.hh"
#include "base/time.hh"
#include "hal/hal.hh"
#include "stack/wire/addresses.hh"

namespace lxnet {

class Identification {
 public:
  explicit Identification(const Hal& hal) : hal_(hal), key_(hal.random<SipKey>()) { fill(); }

  // The first of `count` numbers in a row (one for each segment a large packet is cut into).
  uint16_t next_v4(Instant now, Ipv4Address source, Ipv4Address destination, uint8_t protocol, uint32_t count);
  // Never 0.
  uint32_t next_v6() const;

 private:
  static constexpr size_t kCounters = 1024;

  void fill();

  const Hal& hal_;
  SipKey key_;
  uint32_t counters_[kCounters];
  uint32_t last_used_[kCounters] = {};  // milliseconds, modulo 2^32
};

}  // namespace lxnet
