// What a router advertisement changes (RFC 4861, 6.3.4; RFC 4862, 5.5.3; Linux's ndisc_router_discovery, addrconf_prefix_rcv).
#include "stack/ndp/ndp_interface.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr uint32_t kMinIpv6Mtu = 1280;
constexpr uint8_t kIdentifierPrefix = 64;

Instant lifetime_end(Entry& entry, uint32_t seconds) {
  return seconds == kNdpInfinity ? Instant::never() : entry.now() + Duration::seconds(seconds);
}

int8_t preference_of(RouterPreference preference) {
  if (preference == RouterPreference::High) return 1;
  return preference == RouterPreference::Low ? -1 : 0;
}

}  // namespace

// accept_ra: 1 unless we are a router ourselves, 2 even then.
bool NdpInterface::believes_routers() const {
  const Ipv6Settings& own = interface_.settings().v6;
  return own.forwarding != 0 ? own.accept_ra == 2 : own.accept_ra != 0;
}

void NdpInterface::advertised(Entry& entry, const Ipv6Address& router, const RouterAdvertisement& advertisement) {
  MutexLock configuration(registry().configuration());
  if (!is_ready_ || !believes_routers()) return;
  const bool is_own = registry().is_local_address(router, interface_.index());
  if (is_own && interface_.settings().v6.accept_ra_from_local == 0) return;
  has_heard_router_ = true;
  is_soliciting_ = false;
  take_parameters(advertisement);
  if (interface_.settings().v6.accept_ra_defrtr != 0) take_default_route(entry, router, advertisement);
  if (interface_.settings().v6.accept_ra_pinfo != 0) {
    NdpPrefixReader prefixes = advertisement.options.prefixes();
    while (const std::optional<NdpPrefix> prefix = prefixes.next()) take_prefix(entry, *prefix);
  }
  entry.stack().routes().bump_generation();
  arm(entry);
}

void NdpInterface::take_parameters(const RouterAdvertisement& advertisement) {
  constexpr uint32_t kDayMillis = 86'400'000;  // RFC 4861 allows an hour; Linux believes a day of reachable time
  Ipv6Settings& own = interface_.settings().v6;
  NeighbourSettings& neighbours = interface_.settings().ndp;
  const uint32_t reachable = advertisement.reachable_milliseconds, retransmit = advertisement.retransmit_milliseconds;
  if (reachable != 0 && reachable <= kDayMillis) neighbours.base_reachable_millis = static_cast<int32_t>(reachable);
  if (retransmit >= 10 && retransmit <= kDayMillis) neighbours.retrans_millis = static_cast<int32_t>(retransmit);
  if (advertisement.hop_limit != 0 && advertisement.hop_limit >= own.accept_ra_min_hop_limit) {
    own.hop_limit = advertisement.hop_limit;
  }
  const std::optional<uint32_t> mtu = advertisement.options.mtu;
  if (own.accept_ra_mtu != 0 && mtu && *mtu >= kMinIpv6Mtu && *mtu <= interface_.mtu()) own.mtu = static_cast<int32_t>(*mtu);
}

void NdpInterface::take_default_route(Entry& entry, const Ipv6Address& router, const RouterAdvertisement& advertisement) {
  const Ipv6Settings& own = interface_.settings().v6;
  const RouteEntry route{.destination = {.address = Ipv6Address::any(), .length = 0},
                         .origin = RouteOrigin::RouterAdvertisement,
                         .preference = own.accept_ra_rtr_pref != 0 ? preference_of(advertisement.preference) : int8_t{0},
                         .has_gateway = true,
                         .metric = static_cast<uint32_t>(own.ra_defrtr_metric),
                         .output_interface = interface_.index(),
                         .gateway = router,
                         .expires = entry.now() + Duration::seconds(advertisement.lifetime)};
  if (advertisement.lifetime == 0) {
    entry.stack().routes().remove_learnt_locked(entry, route);
  } else {
    static_cast<void>(entry.stack().routes().learn_locked(entry, route));
  }
}

void NdpInterface::take_prefix(Entry& entry, const NdpPrefix& prefix) {
  if (prefix.prefix_length > 128 || prefix.prefix.is_multicast() || prefix.prefix.is_link_local()) return;
  if (prefix.preferred_lifetime > prefix.valid_lifetime) return;
  if (prefix.is_on_link) take_on_link_prefix(entry, prefix);
  if (prefix.is_autonomous && interface_.settings().v6.autoconf != 0 && prefix.prefix_length == kIdentifierPrefix) {
    take_autonomous_prefix(entry, prefix);
  }
}

void NdpInterface::take_on_link_prefix(Entry& entry, const NdpPrefix& prefix) {
  constexpr uint32_t kPrefixMetric = 256;
  const RouteEntry route{.destination = {.address = prefix.prefix.network(prefix.prefix_length), .length = prefix.prefix_length},
                         .scope = AddressScope::Link,
                         .origin = RouteOrigin::Kernel,
                         .metric = kPrefixMetric,
                         .output_interface = interface_.index(),
                         .expires = lifetime_end(entry, prefix.valid_lifetime)};
  if (prefix.valid_lifetime == 0) {
    entry.stack().routes().remove_learnt_locked(entry, route);
  } else {
    static_cast<void>(entry.stack().routes().learn_locked(entry, route));
  }
}

void NdpInterface::take_autonomous_prefix(Entry& entry, const NdpPrefix& prefix) {
  constexpr uint32_t kTwoHours = 7200;
  constexpr size_t kMaxAddresses = 16;  // net.ipv6.conf.max_addresses: a router cannot give us addresses without end
  Result<Ipv6Address> made = make_address(prefix.prefix.network(kIdentifierPrefix));
  if (!made.is_ok()) return;
  const Ipv6Address address = made.take();
  Result<InterfaceAddress> found = registry().find_address(interface_, address);
  InterfaceAddress value{.address = address,
                         .peer = address,
                         .prefix_length = kIdentifierPrefix,
                         .origin = AddressOrigin::RouterAdvertisement,
                         .valid_until = lifetime_end(entry, prefix.valid_lifetime),
                         .preferred_until = lifetime_end(entry, prefix.preferred_lifetime)};
  if (!found.is_ok()) {
    size_t count = 0;
    for (const AddressNode& node : interface_.addresses_) count += !node.value.address.is_v4();
    if (prefix.valid_lifetime == 0 || count >= kMaxAddresses) return;
    static_cast<void>(registry().add_address_locked(entry, interface_, value));
    return;
  }
  // RFC 4862, 5.5.3 e: nobody shortens a valid lifetime below two hours, or below what is left of it.
  const InterfaceAddress old = found.take();
  if ((old.flags & kAddressPermanent) != 0) return;
  Instant floor = entry.now() + Duration::seconds(kTwoHours);
  if (old.valid_until < floor) floor = old.valid_until;
  if (value.valid_until < floor) value.valid_until = floor;
  value.flags = old.flags & ~kAddressDeprecated;
  if (value.preferred_until <= entry.now()) value.flags |= kAddressDeprecated;
  static_cast<void>(registry().update_address_locked(entry, interface_, value));
}

}  // namespace lxnet
