// The questions a bucket answers.
#include "listen_table/port_bucket.hh"

namespace lxnet {

// Linux puts IPv6 sockets that share their port behind all others (sk_add_node_rcu), and UDP's first claim that minds decides.
void PortBucket::add(PortClaim& claim) {
  if (claim.family == IpFamily::V6 && view_of(claim).reuse_port) {
    claims_.push_back(claim);
  } else {
    claims_.push_front(claim);
  }
  claim.is_claimed = true;
  if (!claim.is_connected) ++bound_count_;
}

void PortBucket::remove(PortClaim& claim) {
  claims_.remove(claim);
  claim.is_claimed = false;
  if (!claim.is_connected) --bound_count_;
  // What is left came by connect(): the port may be connected from again, and nothing is remembered.
  if (bound_count_ == 0) has_memory_ = false;
}

void PortBucket::replace(PortClaim& from, PortClaim& to) {
  claims_.insert_before(from, to);
  to.is_claimed = true;
  if (!to.is_connected) ++bound_count_;
  remove(from);
}

bool PortBucket::tcp_refuses(const PortClaim& claim) const {
  return !matches_memory(view_of(claim)) && tcp_refuses_chosen(claim, kExplicitPort);
}

bool PortBucket::tcp_refuses_chosen(const PortClaim& claim, BindLeniency leniency) const {
  const BindView view = view_of(claim);
  for (const PortClaim& other : claims_) {
    if (&other != &claim && tcp_conflicts(view, view_of(other), leniency)) return true;
  }
  return false;
}

// sk_reuseport_match.
bool PortBucket::matches_memory(const BindView& view) const {
  return has_memory_ && view.reuse_port && remembered_.uid == view.uid && addresses_meet(remembered_, view, Wildcards::OfFirst);
}

// inet_csk_update_fastreuse.
void PortBucket::remember(const PortClaim& claim) {
  const BindView view = view_of(claim);
  if (!view.reuse_port) {
    has_memory_ = false;
  } else if (!matches_memory(view)) {
    has_memory_ = true;
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
