// The questions a bucket answers.
#include "listen_table/port_bucket.hh"

namespace lxnet {

bool PortBucket::tcp_refuses(const PortClaim& claim) const {
  const BindView view = view_of(claim);
  if (claims_.is_empty()) return false;
  if (tcp_reuse_ && view.reuse_address && !view.is_listening) return false;
  if (matches_reuse_port_memory(view)) return false;
  return tcp_refuses_chosen(claim, kExplicitPort);
}

bool PortBucket::tcp_refuses_chosen(const PortClaim& claim, BindLeniency leniency) const {
  const BindView view = view_of(claim);
  for (const PortClaim& other : claims_) {
    if (&other != &claim && tcp_conflicts(view, view_of(other), leniency)) return true;
  }
  return false;
}

// sk_reuseport_match.
bool PortBucket::matches_reuse_port_memory(const BindView& view) const {
  if (tcp_reuse_port_ == TcpReusePort::No || !view.reuse_port || remembered_.uid != view.uid) return false;
  if (tcp_reuse_port_ == TcpReusePort::AnyAddress) return true;
  return addresses_meet(remembered_, view, Wildcards::OfFirst);
}

// inet_csk_update_fastreuse.
void PortBucket::remember_bind(const PortClaim& claim) {
  const BindView view = view_of(claim);
  const bool reuses = view.reuse_address && !view.is_listening;
  is_for_connections_ = false;
  if (claims_.is_empty()) {
    tcp_reuse_ = reuses;
    tcp_reuse_port_ = view.reuse_port ? TcpReusePort::AnyAddress : TcpReusePort::No;
    remembered_ = view;
    return;
  }
  if (!reuses) tcp_reuse_ = false;
  if (!view.reuse_port) {
    tcp_reuse_port_ = TcpReusePort::No;
  } else if (!matches_reuse_port_memory(view)) {
    tcp_reuse_port_ = TcpReusePort::ThisAddress;
    remembered_ = view;
  }
}

bool PortBucket::udp_refuses(const PortClaim& claim) const {
  const BindView view = view_of(claim);
  for (const PortClaim& other : claims_) {
    if (&other == &claim) continue;
    const UdpVerdict verdict = udp_verdict(view, view_of(other));
    if (verdict != UdpVerdict::NoConcern) return verdict == UdpVerdict::Conflicts;
  }
  return false;
}

bool PortBucket::udp_refuses_chosen(const PortClaim& claim) const {
  const BindView view = view_of(claim);
  for (const PortClaim& other : claims_) {
    if (&other != &claim && udp_verdict(view, view_of(other)) == UdpVerdict::Conflicts) return true;
  }
  return false;
}

bool PortBucket::ping_refuses(const PortClaim& claim) const {
  const BindView view = view_of(claim);
  for (const PortClaim& other : claims_) {
    if (&other != &claim && ping_conflicts(view, view_of(other))) return true;
  }
  return false;
}

}  // namespace lxnet
