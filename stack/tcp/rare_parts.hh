// RareParts: what few connections have, in one object that is made when the first of it is needed, and then stays.
#pragma once

#include "base/ref.hh"
#include "base/seqnum.hh"
#include "base/time.hh"
#include "stack/tcp/saved_syn.hh"

namespace lxnet {

class ErrorQueue;
class FastOpenQueue;
class Md5Keys;
class SynRequest;

// RFC 4821, packetization-layer path MTU discovery (tcp_mtu_probing): what is known to pass, what may, and the probe under way.
struct MtuSearch {
  bool is_on = false;            // else nothing below counts
  uint32_t low = 0, high = ~0u;  // MTUs
  uint32_t probe = 0;            // the MTU that is tried; 0: none
  SeqNum probe_begin, probe_end;
  InstantInMillis began_at;
};

struct RareParts {
  explicit RareParts(const Hal& hal_used);
  RareParts(const RareParts&) = delete;
  RareParts& operator=(const RareParts&) = delete;
  ~RareParts();

  const Hal& hal;
  Ref<FastOpenQueue> fast_open_queue;  // of a listener, or of who will be one
  Ref<SynRequest> fast_open_request;   // of a connection that its SYN opened, while its handshake lasts
  Md5Keys* md5_keys = nullptr;         // owned
  ErrorQueue* errors = nullptr;        // owned; made when an option first needs it, by whoever is first
  SavedSyn saved_syn;
  MtuSearch mtu_search;
  uint32_t next_zero_copy = 0;
};

}  // namespace lxnet
