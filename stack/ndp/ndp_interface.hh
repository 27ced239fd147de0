// NdpInterface: one interface's part in IPv6 autoconfiguration: duplicate address detection, router discovery, SLAAC.
#pragma once

#include "hal/memory.hh"
#include "stack/interface.hh"

namespace lxnet {

class NdpInterface {
 public:
  explicit NdpInterface(Interface& interface) : interface_(interface) {}

  // Whether an address may be used only after nobody objected to it (RFC 4862, 5.4).
  bool must_detect_duplicates(const InterfaceAddress& address) const;

  // The registry calls these under the Configuration lock.
  // The link is up and has a carrier.
  void link_ready(Entry& entry);
  void link_down(Entry& entry);
  void mtu_changed(Entry& entry);
  void address_added(Entry& entry, AddressNode& node);
  void address_removed(Entry& entry, AddressNode& node);

 private:
  [[maybe_unused]] Interface& interface_;
};

}  // namespace lxnet
