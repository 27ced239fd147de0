// NdpInterface: one interface's part in IPv6 autoconfiguration (RFC 4861, RFC 4862, RFC 7217, RFC 7559): its link-local address,
// duplicate address detection, router solicitation, and what router advertisements say.
//
// All of it is guarded by the Configuration lock; one timer serves it. Functions without a word about locks are called with it
// held. Not implemented: temporary addresses (RFC 8981), optimistic DAD's sending rules, route information options, DNS options
// (which are user space's on Linux too).
#pragma once

#include "hal/owned_timer.hh"
#include "stack/interface.hh"
#include "stack/wire/ndp.hh"

namespace lxnet {

class InterfaceRegistry;

class NdpInterface {
 public:
  explicit NdpInterface(Interface& interface);
  ~NdpInterface();

  // Whether an address may be used only after nobody objected to it (RFC 4862, 5.4).
  bool must_detect_duplicates(const InterfaceAddress& address) const;

  // The registry calls these.
  // The link is up, with or without a carrier: what was given to it while it was down has routes now.
  void link_up(Entry& entry);
  // It is up and has a carrier.
  void link_ready(Entry& entry);
  void link_down(Entry& entry);
  void mtu_changed(Entry& entry);
  void address_added(Entry& entry, AddressNode& node);
  void address_removed(Entry& entry, AddressNode& node);

  // no lock. Somebody else has, or wants, the address: true if that settled the matter, because it was tentative.
  bool duplicate_found(Entry& entry, const Ipv6Address& address, const NdpNonce* nonce);
  // no lock. From a router on the link.
  void advertised(Entry& entry, const Ipv6Address& router, const RouterAdvertisement& advertisement);

 private:
  InterfaceRegistry& registry() const;
  bool runs_ipv6() const;
  static void timer_expired(Entry& entry, Timer& timer);
  void run(Entry& entry);
  void arm(Entry& entry);
  // dad
  void start_detection(Entry& entry, AddressNode& node);
  void detection_step(Entry& entry, AddressNode& node);
  void detection_done(Entry& entry, AddressNode& node);
  // addresses
  void add_link_local(Entry& entry);
  Result<Ipv6Address> make_address(const Ipv6Address& prefix) const;
  // routers
  void start_solicitation(Entry& entry, const Ipv6Address& source);
  void solicit_router(Entry& entry);
  // ndp_advertisement.cc
  bool believes_routers() const;
  void take_parameters(const RouterAdvertisement& advertisement);
  void take_default_route(Entry& entry, const Ipv6Address& router, const RouterAdvertisement& advertisement);
  void take_prefix(Entry& entry, const NdpPrefix& prefix);
  void take_on_link_prefix(Entry& entry, const NdpPrefix& prefix);
  void take_autonomous_prefix(Entry& entry, const NdpPrefix& prefix);

  Interface& interface_;
  OwnedTimer<Interface> timer_;
  uint8_t own_nonce_[6] = {};
  uint64_t identifier_secret_[2];
  bool is_ready_ = false;
  bool is_soliciting_ = false;
  bool has_heard_router_ = false;
  uint32_t solicitations_sent_ = 0;
  Duration solicitation_interval_;
  Instant next_solicitation_ = Instant::never();
  Ipv6Address solicitation_source_;
};

}  // namespace lxnet
