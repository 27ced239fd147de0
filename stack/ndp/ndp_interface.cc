// An interface's link-local address, its routers' solicitation, and the detection of duplicates (Linux's addrconf.c).
#include "stack/ndp/ndp_interface.hh"

#include "base/siphash.hh"
#include "stack/ndp/ndp_output.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr uint32_t kMinIpv6Mtu = 1280;

// RFC 7559: a tenth more or less, so that hosts do not ask in step.
Duration jittered(const Hal& hal, Duration base) {
  const int64_t tenth = base.in_nanos() / 10;
  return base - Duration::nanos(tenth) + Duration::nanos(static_cast<int64_t>(hal.random<uint64_t>() >> 1) % (2 * tenth + 1));
}

Duration random_below(const Hal& hal, Duration limit) {
  return Duration::nanos(static_cast<int64_t>(hal.random<uint64_t>() >> 1) % (limit.in_nanos() + 1));
}

}  // namespace

NdpInterface::NdpInterface(Interface& interface) : interface_(interface), timer_(interface, &NdpInterface::timer_expired) {
  interface.stack().hal().random_bytes(own_nonce_);
  interface.stack().hal().random_bytes(mutable_bytes_of(identifier_secret_));
}

NdpInterface::~NdpInterface() { interface_.stack().timers().cancel(timer_); }

InterfaceRegistry& NdpInterface::registry() const { return interface_.stack().interfaces(); }

bool NdpInterface::runs_ipv6() const { return interface_.settings().v6.disable_ipv6 == 0 && interface_.mtu() >= kMinIpv6Mtu; }

bool NdpInterface::must_detect_duplicates(const InterfaceAddress& address) const {
  const Ipv6Settings& own = interface_.settings().v6;
  const bool can_ask = interface_.link_kind() == LinkKind::Ethernet && (interface_.flags() & kInterfaceNoArp) == 0;
  const bool wants = setting_or(registry().settings_of_all().v6.accept_dad > 1, own.accept_dad) && own.dad_transmits > 0;
  return can_ask && wants && (address.flags & kAddressNoDad) == 0;
}

// ---- the link

void NdpInterface::link_up(Entry& entry) {
  if (interface_.is_loopback() || !runs_ipv6()) return;
  for (AddressNode& node : interface_.addresses_) {
    if (node.value.address.is_v4() || (node.value.flags & kAddressPermanent) == 0) continue;
    static_cast<void>(entry.stack().routes().add_address_routes(entry, interface_, node.value));
  }
}

void NdpInterface::link_ready(Entry& entry) {
  if (is_ready_ || interface_.is_loopback() || !runs_ipv6()) return;
  is_ready_ = true;
  RouteTable& routes = entry.stack().routes();
  static_cast<void>(routes.add_multicast_route(entry, interface_));
  for (AddressNode& node : interface_.addresses_) {
    if (node.value.address.is_v4()) continue;
    if ((node.value.flags & kAddressTentative) != 0) start_detection(entry, node);
  }
  add_link_local(entry);
  arm(entry);
}

void NdpInterface::link_down(Entry& entry) {
  is_ready_ = false;
  is_soliciting_ = false;
  has_heard_router_ = false;
  entry.stack().timers().cancel(timer_);
}

void NdpInterface::mtu_changed(Entry& entry) {
  interface_.settings().v6.mtu = static_cast<int32_t>(interface_.mtu());
  if (!runs_ipv6()) {
    registry().erase_ipv6_addresses_locked(entry, interface_);
    link_down(entry);
  } else if (interface_.is_running()) {
    link_ready(entry);
  }
}

void NdpInterface::add_link_local(Entry& entry) {
  constexpr int32_t kNone = 1;
  constexpr uint8_t kPrefix = 64;
  if (interface_.settings().v6.addr_gen_mode == kNone) return;
  Result<Ipv6Address> made = make_address(Ipv6Address(0xfe80, 0, 0, 0, 0, 0, 0, 0));
  if (!made.is_ok()) return;
  const Ipv6Address address = made.take();
  static_cast<void>(registry().add_address_locked(entry, interface_,
                                                  {.address = address,
                                                   .peer = address,
                                                   .prefix_length = kPrefix,
                                                   .scope = AddressScope::Link,
                                                   .origin = AddressOrigin::KernelLinkLocal,
                                                   .flags = kAddressPermanent}));
}

// An address of a /64 by the mode addr_gen_mode: from the hardware address, or (RFC 7217) from a secret and the prefix. A link
// without hardware addresses gets the latter in any mode.
Result<Ipv6Address> NdpInterface::make_address(const Ipv6Address& prefix) const {
  const int32_t mode = interface_.settings().v6.addr_gen_mode;
  const bool is_stable = mode >= 2 || interface_.link_kind() != LinkKind::Ethernet;
  if (!is_stable) return prefix.with_eui64(interface_.mac());
  struct {
    Ipv6Address prefix;
    char name[Interface::kNameSize];
  } input{prefix, {}};
  memcpy(input.name, interface_.name(), sizeof input.name);
  const SipKey key{identifier_secret_[0], identifier_secret_[1]};
  const uint64_t identifier = siphash_2_4(key, bytes_of(input));
  const auto group = [&](unsigned shift) { return static_cast<uint16_t>(identifier >> shift); };
  return Ipv6Address(prefix.group(0), prefix.group(1), prefix.group(2), prefix.group(3), group(48), group(32), group(16),
                     group(0));
}

// ---- duplicate address detection

void NdpInterface::address_added(Entry& entry, AddressNode& node) {
  if ((node.value.flags & kAddressTentative) == 0) {
    if (is_ready_) detection_done(entry, node);
    return;
  }
  if (!is_ready_) return;
  start_detection(entry, node);
  arm(entry);
}

void NdpInterface::address_removed(Entry&, AddressNode&) {}

// RFC 4862, 5.4.2: the first question waits a random time, so that a network that comes up does not ask as one.
void NdpInterface::start_detection(Entry& entry, AddressNode& node) {
  const Ipv6Settings& own = interface_.settings().v6;
  node.dad_probes_left = static_cast<uint8_t>(own.dad_transmits > 255 ? 255 : own.dad_transmits);
  node.dad_next = entry.now() + random_below(entry.stack().hal(), Duration::seconds(own.router_solicitation_delay));
}

void NdpInterface::detection_step(Entry& entry, AddressNode& node) {
  if (node.dad_probes_left == 0) {
    detection_done(entry, node);
    return;
  }
  --node.dad_probes_left;
  node.dad_next = entry.now() + Duration::millis(interface_.settings().ndp.retrans_millis);
  NdpNonce nonce;
  memcpy(nonce.bytes, own_nonce_, sizeof nonce.bytes);
  ndp_send_probe(entry, interface_, node.value.address.v6(), nonce);
}

// The address is ours.
void NdpInterface::detection_done(Entry& entry, AddressNode& node) {
  const bool was_tentative = (node.value.flags & kAddressTentative) != 0;
  if (was_tentative && !registry().finish_detection_locked(entry, node, 0)) {
    node.dad_next = entry.now() + Duration::seconds(1);  // no memory for its route: once more
    return;
  }
  if (interface_.settings().v6.ndisc_notify != 0) {
    ndp_advertise(entry, interface_, Ipv6Address::all_nodes(), node.value.address.v6(), NdpAnswer::Unsolicited, true, true);
  }
  if (node.value.scope == AddressScope::Link) start_solicitation(entry, node.value.address.v6());
}

bool NdpInterface::duplicate_found(Entry& entry, const Ipv6Address& address, const NdpNonce* nonce) {
  MutexLock configuration(registry().configuration());
  AddressNode* found = nullptr;
  for (AddressNode& node : interface_.addresses_) {
    if (node.value.address == IpAddress(address)) found = &node;
  }
  if (found == nullptr || (found->value.flags & kAddressTentative) == 0) return false;
  // Our own question, come back (RFC 7527).
  if (nonce != nullptr && memcmp(nonce->bytes, own_nonce_, sizeof own_nonce_) == 0) return true;
  if ((found->value.flags & kAddressDadFailed) != 0) return true;
  entry.stack().hal().log(LXNET_LOG_WARNING, "IPv6: an address is in use by somebody else and stays unused");
  if ((found->value.flags & kAddressPermanent) == 0) {
    registry().erase_ipv6_address_locked(entry, *found);
  } else {
    static_cast<void>(registry().finish_detection_locked(entry, *found, kAddressDadFailed));
  }
  return true;
}

// ---- routers

void NdpInterface::start_solicitation(Entry& entry, const Ipv6Address& source) {
  const Ipv6Settings& own = interface_.settings().v6;
  if (is_soliciting_ || has_heard_router_ || !believes_routers() || own.router_solicitations == 0) return;
  if (interface_.link_kind() == LinkKind::Loopback) return;
  is_soliciting_ = true;
  solicitations_sent_ = 0;
  solicitation_source_ = source;
  solicitation_interval_ = jittered(entry.stack().hal(), Duration::seconds(own.router_solicitation_interval));
  solicit_router(entry);
  arm(entry);
}

void NdpInterface::solicit_router(Entry& entry) {
  const Ipv6Settings& own = interface_.settings().v6;
  const bool is_over = own.router_solicitations >= 0 && solicitations_sent_ >= static_cast<uint32_t>(own.router_solicitations);
  if (has_heard_router_ || is_over) {
    is_soliciting_ = false;
    return;
  }
  ++solicitations_sent_;
  ndp_solicit_router(entry, interface_, solicitation_source_);
  next_solicitation_ = entry.now() + solicitation_interval_;
  const Duration limit = Duration::seconds(own.router_solicitation_max_interval);
  const Duration doubled = solicitation_interval_ + jittered(entry.stack().hal(), solicitation_interval_);
  solicitation_interval_ = doubled > limit ? jittered(entry.stack().hal(), limit) : doubled;
}

// ---- time

void NdpInterface::timer_expired(Entry& entry, Timer& timer) {
  Interface& interface = OwnedTimer<Interface>::owner_of(timer);
  MutexLock configuration(entry.stack().interfaces().configuration());
  if (timer.claim() && interface.is_registered()) interface.ndp()->run(entry);
}

void NdpInterface::run(Entry& entry) {
  if (!is_ready_) return;
  for (AddressNode& node : interface_.addresses_) {
    const bool is_pending =
        !node.value.address.is_v4() && (node.value.flags & kAddressTentative) != 0 && (node.value.flags & kAddressDadFailed) == 0;
    if (is_pending && node.dad_next <= entry.now()) detection_step(entry, node);
  }
  if (is_soliciting_ && next_solicitation_ <= entry.now()) solicit_router(entry);
  arm(entry);
}

// For the earliest of what is to be done.
void NdpInterface::arm(Entry& entry) {
  Instant next = is_soliciting_ ? next_solicitation_ : Instant::never();
  for (const AddressNode& node : interface_.addresses_) {
    const bool is_pending =
        !node.value.address.is_v4() && (node.value.flags & kAddressTentative) != 0 && (node.value.flags & kAddressDadFailed) == 0;
    if (is_pending && node.dad_next < next) next = node.dad_next;
  }
  entry.stack().timers().arm(timer_, next);
}

}  // namespace lxnet
