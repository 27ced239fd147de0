// What the parts of IP output share: the way of a packet that has its header, be it ours or a forwarded one.
#pragma once

#include "hal/hal.hh"
#include "stack/filter/filter_hook.hh"
#include "stack/ip/output.hh"

namespace lxnet {

enum class MulticastLoop : uint8_t { No, Yes };

// How a packet with its header is to leave.
struct IpDispatch {
  uint32_t mtu = 0;
  uint32_t cut = 0;                 // IPv6: fragments this large, where not as large as the MTU allows
  bool may_cut_despite_df = false;  // IPv4: ours, and the socket did not ask for discovery
  bool is_forwarded = false;
  MulticastLoop multicast_loop = MulticastLoop::No;
  bool is_copied = false;  // to many: what of it is for ourselves is on its way
};

// Front at the IP header, which is complete. Past the packet filter: EPERM where a rule drops what we send.
Result<> ip4_dispatch(Entry& entry, Ref<Packet> packet, const Route& route, const IpDispatch& how);
Result<> ip6_dispatch(Entry& entry, Ref<Packet> packet, const Route& route, const IpDispatch& how);
// Copies for ourselves, fragments, and out.
Result<> ip4_leave(Entry& entry, Ref<Packet> packet, const Route& route, const IpDispatch& how);
Result<> ip6_leave(Entry& entry, Ref<Packet> packet, const Route& route, const IpDispatch& how);

// Whether a packet to many comes back to us too. A loopback interface brings it back by itself.
bool ip4_wants_copy(Entry& entry, const Packet& packet, const Route& route, const IpDispatch& how);
bool ip6_wants_copy(Entry& entry, const Packet& packet, const Route& route, const IpDispatch& how);

// In stack/ip/output_filtered.cc: the way between the two of a stack that has rules.
inline constexpr uint8_t kOutputHooks = hook_bit(FilterHook::LocalOut) | hook_bit(FilterHook::PostRouting);
Result<> ip_dispatch_filtered(Entry& entry, Ref<Packet> packet, const Route& route, const IpDispatch& how);

// RFC 791: what an IPv4 time stamp shows, in UT.
inline uint32_t milliseconds_since_midnight(const Hal& hal) {
  return static_cast<uint32_t>(hal.wall_nanos() / 1'000'000 % 86'400'000);
}

// A clone comes back to us as if it had arrived on the route's interface.
void ip_loop_back(Entry& entry, const Packet& packet, const Route& route);

// In stack/ip/fragment4.cc and fragment6.cc. The packet is larger than mtu.
Result<> ip4_fragment(Entry& entry, Ref<Packet> packet, const Route& route, uint32_t mtu);
Result<> ip6_fragment(Entry& entry, Ref<Packet> packet, const Route& route, uint32_t mtu);

}  // namespace lxnet
