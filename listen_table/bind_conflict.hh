// Who may share a port: Linux's rules for TCP (inet_csk_bind_conflict), UDP (udp_lib_lport_inuse) and ICMP echo identifiers, as
// questions about two claims.
//
// The options that count are those the owners have now, not those they had at bind(): claims read them from their owners.
#pragma once

#include "stack/port_hooks.hh"

namespace lxnet {

// One side of the question.
struct BindView {
  IpFamily family = IpFamily::V4;
  IpAddress address;
  bool v6_only = false;
  bool reuse_address = false, reuse_port = false;
  bool is_listening = false, is_time_wait = false;
  uint32_t bound_interface = 0;
  uint32_t uid = 0;
};
BindView view_of(const PortClaim& claim);

// Linux's inet_rcv_saddr_equal: whether a packet could be for either. A wildcard covers others, of both sides or of the first
// alone.
enum class Wildcards : uint8_t { OfBoth, OfFirst };
bool addresses_meet(const BindView& first, const BindView& second, Wildcards wildcards);

// How strict a TCP question is. bind() to a port relaxes and lets SO_REUSEPORT count; the search for a free port does neither,
// and its last resort (ip_autobind_reuse) relaxes.
struct BindLeniency {
  bool is_relaxed;
  bool reuse_port_counts;
};
inline constexpr BindLeniency kExplicitPort{true, true}, kChosenPort{false, false};

bool tcp_conflicts(const BindView& asking, const BindView& holding, BindLeniency leniency);

// UDP asks claim after claim, newest first, until one decides.
enum class UdpVerdict : uint8_t { NoConcern, Shares, Conflicts };
UdpVerdict udp_verdict(const BindView& asking, const BindView& holding);

bool ping_conflicts(const BindView& asking, const BindView& holding);

}  // namespace lxnet
