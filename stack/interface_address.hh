// InterfaceAddress: one address of an interface with all Linux's `ip addr` shows of it.
#pragma once

#include "base/list.hh"
#include "base/time.hh"
#include "hal/hash_table.hh"
#include "stack/ip_address.hh"

namespace lxnet {

class Interface;

// RT_SCOPE_*: how far an address or a route reaches. A larger number is nearer.
enum class AddressScope : uint8_t { Universe = 0, Site = 200, Link = 253, Host = 254, Nowhere = 255 };

// IFA_F_*, Linux's numbers.
enum AddressFlags : uint32_t {
  kAddressSecondary = 0x1,  // IPv4: another address of the subnet came first. IPv6: a temporary (privacy) address
  kAddressNoDad = 0x2,
  kAddressOptimistic = 0x4,
  kAddressDadFailed = 0x8,
  kAddressHome = 0x10,
  kAddressDeprecated = 0x20,
  kAddressTentative = 0x40,
  kAddressPermanent = 0x80,
  kAddressManageTemporary = 0x100,
  kAddressNoPrefixRoute = 0x200,
  kAddressStablePrivacy = 0x800,
};

// IFAPROT_*: who put it there.
enum class AddressOrigin : uint8_t { Unspecified = 0, KernelLoopback = 1, RouterAdvertisement = 2, KernelLinkLocal = 3 };

struct InterfaceAddress {
  static constexpr size_t kLabelSize = 16;

  IpAddress address = {};  // ours
  IpAddress peer = {};     // the other end of a point-to-point link; elsewhere the address itself. The prefix is counted on it
  uint8_t prefix_length = 0;
  AddressScope scope = AddressScope::Universe;
  AddressOrigin origin = AddressOrigin::Unspecified;
  uint32_t flags = 0;           // AddressFlags
  Ipv4Address broadcast = {};   // IPv4; unspecified: none
  char label[kLabelSize] = {};  // IPv4; empty: the interface's name
  uint32_t metric = 0;          // of the prefix route; 0: the default
  Instant valid_until = Instant::never();
  Instant preferred_until = Instant::never();
  int64_t created_nanos = 0, updated_nanos = 0;  // on the monotonic clock

  bool is_usable() const { return (flags & (kAddressTentative | kAddressDadFailed)) == 0 || (flags & kAddressOptimistic) != 0; }
  bool is_secondary() const { return (flags & kAddressSecondary) != 0; }
  // Whether `other` lies in the subnet the address was given with.
  bool covers(const IpAddress& other) const {
    if (address.is_v4() != other.is_v4()) return false;
    return address.is_v4() ? other.v4().is_in(peer.v4(), prefix_length) : other.v6().is_in(peer.v6(), prefix_length);
  }
};

// An address as the registry keeps it: in its interface's list, in order, and in the table of all local addresses.
struct AddressNode {
  AddressNode(Interface& on, const InterfaceAddress& with) : interface(on), value(with) {}

  Interface& interface;
  InterfaceAddress value;
  uint8_t dad_probes_left = 0;  // NDP: solicitations still to send while tentative
  Instant dad_next = {};        // NDP: when the next one is due
  ListLink interface_link;
  HashLink hash_link;
};

}  // namespace lxnet
