// PortHooks: what the stack asks of the ListenTable, which stands above it: to claim and release ports, and to take TCP segments
// that belong to no connection. A Stack without hooks has no ports, and bind() then gives EOPNOTSUPP.
#pragma once

#include "base/result.hh"
#include "netdev/packet.hh"
#include "stack/ip_address.hh"

namespace lxnet {

class Entry;
class Socket;

// A socket's (or a TIME_WAIT's) hold on a port. Lives in its owner; the ListenTable links it into a bucket.
struct PortClaim {
  ListLink bucket_link;
  Socket* owner = nullptr;       // null for a TIME_WAIT
  IpAddress* address = nullptr;  // where the owner keeps it; while it is claimed readdress() alone writes there
  uint32_t bound_interface = 0;
  uint32_t uid = 0;
  uint16_t port = 0;
  uint8_t protocol = 0;
  IpFamily family = IpFamily::V4;
  bool v6_only : 1 = false;
  bool reuse_address : 1 = false;
  bool reuse_port : 1 = false;
  bool is_listening : 1 = false;
  bool is_connected : 1 = false;  // claimed by connect(): may share with others whose 4-tuples differ
  // Whether it is in a bucket. Its owner asks without the bucket's lock, while others' coming and going writes the link beside
  // it.
  bool is_claimed = false;
};

struct PortHooks {
  void* table = nullptr;
  // Claims claim.port, or chooses an ephemeral port when it is 0, and fills claim.port. EADDRINUSE, ENOMEM. The caller has
  // checked the address and privilege, and filled the claim's other fields. A claim that is claimed already is asked about again,
  // as listen() does after it set is_listening: EADDRINUSE then leaves the claim as it is.
  Result<> (*claim)(void* table, Entry& entry, PortClaim& claim) = nullptr;
  // For a connect() without bind(): chooses a port such that the 4-tuple is free. EADDRNOTAVAIL, ENOMEM. Another connect() may be
  // faster to add its flow: then release and ask again.
  Result<> (*claim_for_connect)(void* table, Entry& entry, PortClaim& claim, const Endpoint& remote) = nullptr;
  void (*release)(void* table, PortClaim& claim) = nullptr;
  // The owner's options changed (listen(), SO_REUSEPORT…), or the claim moves to a TIME_WAIT: `to` takes over `from`'s place.
  void (*move)(void* table, PortClaim& from, PortClaim& to) = nullptr;
  // An accepted connection holds its listener's port too.
  void (*inherit)(void* table, PortClaim& listener, PortClaim& child) = nullptr;
  // connect() or disconnect() changed the address that packets for the owner come to: conflicts count with it from now on.
  void (*readdress)(void* table, PortClaim& claim, const IpAddress& local) = nullptr;
};

}  // namespace lxnet
