// IcmpState: rate limits of what we send of ICMP, and the calls that send it.
#pragma once

#include "stack/icmp/rate_limit.hh"
#include "stack/interface.hh"

namespace lxnet {

class IcmpState {
 public:
  explicit IcmpState(Stack& stack);

  RateLimit& rate_limit() { return rate_limit_; }
  // Echo sockets are numbered as they take their identifiers.
  uint64_t next_listing() { return __atomic_add_fetch(&listings_, 1, __ATOMIC_RELAXED); }

 private:
  RateLimit rate_limit_;
  uint64_t listings_ = 0;
};

// An error about `offending` (its network header marked, wherever its front stands) goes to its sender, if the rules and the rate
// limits allow one. `info` is the second word of the message in host order: next-hop MTU, or a pointer (IPv4: in the top byte).
void icmp4_send_error(Entry& entry, const Packet& offending, uint8_t type, uint8_t code, uint32_t info);
void icmp6_send_error(Entry& entry, const Packet& offending, uint8_t type, uint8_t code, uint32_t info);
// Destination unreachable, port: what UDP says when nobody listens. By the packet's family.
void icmp_send_port_unreachable(Entry& entry, const Packet& offending);
// Destination unreachable, host: what neighbour resolution says of packets it could not deliver.
void icmp_send_host_unreachable(Entry& entry, const Packet& offending);

}  // namespace lxnet
