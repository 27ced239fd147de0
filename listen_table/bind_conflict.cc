// The rules. Each function names the one of Linux it follows; the odd corners are Linux's.
#include "listen_table/bind_conflict.hh"

#include "stack/socket.hh"

namespace lxnet {
namespace {

// The address as Linux's IPv6 half sees it. An IPv4 socket counts as mapped.
enum class Kind : uint8_t { Any, Mapped, Other };
Kind kind_of(const BindView& view) {
  if (view.address.is_v4()) return Kind::Mapped;
  return view.address.is_unspecified() ? Kind::Any : Kind::Other;
}

// The address as Linux's IPv4 half sees it: 0.0.0.0 for ::, and for other IPv6 addresses one that nobody has (LOOPBACK4_IPV6).
Ipv4Address half4_of(const BindView& view) {
  switch (kind_of(view)) {
    case Kind::Any:
      return Ipv4Address::any();
    case Kind::Mapped:
      return view.address.v4();
    case Kind::Other:
      return Ipv4Address(127, 0, 0, 6);
  }
  return Ipv4Address::any();
}

bool meet4(const BindView& first, const BindView& second, Wildcards wildcards) {
  if (second.v6_only) return false;
  const Ipv4Address a = half4_of(first), b = half4_of(second);
  return a == b || a.is_unspecified() || (b.is_unspecified() && wildcards == Wildcards::OfBoth);
}

bool interfaces_meet(const BindView& asking, const BindView& holding) {
  return asking.bound_interface == 0 || holding.bound_interface == 0 || asking.bound_interface == holding.bound_interface;
}

// inet_use_hash2_on_bind: an address of its own.
bool is_specific(const BindView& view) {
  const Kind kind = kind_of(view);
  return kind == Kind::Other || (kind == Kind::Mapped && !view.address.is_unspecified());
}

// A specific address is compared with the same one and with the wildcards it falls under.
bool specific_meets(const BindView& asking, const BindView& holding) {
  const bool asks_v4 = kind_of(asking) == Kind::Mapped;
  if (holding.v6_only && asks_v4) return false;
  if (asking.address == holding.address) return true;
  const Kind kind = kind_of(holding);
  return kind == Kind::Any || (kind == Kind::Mapped && holding.address.is_unspecified() && asks_v4);
}

}  // namespace

BindView view_of(const PortClaim& claim) {
  BindView view{.family = claim.family,
                .address = *claim.address,
                .v6_only = claim.v6_only,
                .reuse_address = claim.reuse_address,
                .reuse_port = claim.reuse_port,
                .is_listening = claim.is_listening,
                .is_time_wait = claim.owner == nullptr,
                .bound_interface = claim.bound_interface,
                .uid = claim.uid};
  if (claim.owner == nullptr) return view;
  const SocketOptionSet& options = claim.owner->options;
  view.reuse_address = __atomic_load_n(&options->reuse_address, __ATOMIC_RELAXED);
  view.reuse_port = __atomic_load_n(&options->reuse_port, __ATOMIC_RELAXED);
  view.bound_interface = __atomic_load_n(&options.bound_interface, __ATOMIC_RELAXED);
  return view;
}

bool addresses_meet(const BindView& first, const BindView& second, Wildcards wildcards) {
  if (first.family == IpFamily::V4) return meet4(first, second, wildcards);
  const Kind a = kind_of(first), b = kind_of(second);
  if (a == Kind::Mapped && b == Kind::Mapped) return meet4(first, second, wildcards);
  if (a == Kind::Any && b == Kind::Any) return true;
  if (b == Kind::Any && wildcards == Wildcards::OfBoth && !(second.v6_only && a == Kind::Mapped)) return true;
  if (a == Kind::Any && !(first.v6_only && b == Kind::Mapped)) return true;
  return second.family == IpFamily::V6 && first.address == second.address;
}

bool tcp_conflicts(const BindView& asking, const BindView& holding, BindLeniency leniency) {
  if (!interfaces_meet(asking, holding)) return false;
  if (!(is_specific(asking) ? specific_meets(asking, holding) : addresses_meet(asking, holding, Wildcards::OfBoth))) return false;
  const bool both_reuse_port = asking.reuse_port && holding.reuse_port && (holding.is_time_wait || asking.uid == holding.uid);
  if (asking.reuse_address && holding.reuse_address && !holding.is_listening) {
    return !leniency.is_relaxed || (!leniency.reuse_port_counts && both_reuse_port);
  }
  return !leniency.reuse_port_counts || !both_reuse_port;
}

UdpVerdict udp_verdict(const BindView& asking, const BindView& holding) {
  if ((asking.reuse_address && holding.reuse_address) || !interfaces_meet(asking, holding) ||
      !addresses_meet(asking, holding, Wildcards::OfBoth)) {
    return UdpVerdict::NoConcern;
  }
  return asking.reuse_port && holding.reuse_port && asking.uid == holding.uid ? UdpVerdict::Shares : UdpVerdict::Conflicts;
}

bool ping_conflicts(const BindView& asking, const BindView& holding) { return !(asking.reuse_address && holding.reuse_address); }

}  // namespace lxnet
