// IpState: what the IP layer of a stack remembers between packets: identifications, fragments, path MTUs.
#pragma once

#include "stack/interface.hh"
#include "stack/ip/identification.hh"
#include "stack/ip/path_mtu.hh"
#include "stack/ip/reassembly.hh"
#include "stack/route/route.hh"

namespace lxnet {

class IpState {
 public:
  explicit IpState(Stack& stack);
  ~IpState();

  Identification& identification() { return identification_; }
  PathMtuTable& path_mtus() { return path_mtus_; }
  Reassembly& reassembly4() { return reassembly4_; }
  Reassembly& reassembly6() { return reassembly6_; }
  // A flow label made from the flow, the same for all its packets (RFC 6437, section 3).
  uint32_t flow_label(const Packet& packet, const Route& route, uint8_t protocol) const;

  void path_mtu_learnt(Instant expires);

 private:
  static void path_mtu_expired(Entry& entry, Timer& timer);

  Stack& stack_;
  Identification identification_;
  PathMtuTable path_mtus_;
  Reassembly reassembly4_, reassembly6_;
  Timer path_mtu_timer_;
  SipKey flow_key_;
};

struct IpError;  // stack/ip/transport.hh
// A transport that found its packet in an ICMP error "fragmentation needed" or "packet too big" says so here; no forger can then
// lower what we think of a path without knowing of a connection on it. Whether the path is narrower than we thought.
bool learn_path_mtu(Entry& entry, const IpError& error);
// What is known of the path becomes the route's.
void apply_path_mtu(Entry& entry, Route& route);

// Packets from a link, the front at the IP header, interface_index says which; `input` is it, or null where it is gone.
void ip4_receive(Entry& entry, Ref<Packet> packet, Interface* input);
void ip6_receive(Entry& entry, Ref<Packet> packet, Interface* input);
// By link_protocol.
void ip_receive(Entry& entry, Ref<Packet> packet, Interface* input);

}  // namespace lxnet
