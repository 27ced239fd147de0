// InterfaceRegistry: the interfaces of a stack, by name and by index, their addresses, and who wants to hear of changes.
//
// Two locks. Configuration (outermost) makes changes one at a time and is held while routes, neighbours and observers follow one.
// Interfaces guards the lists and tables themselves, for readers on the packet path. A call that fails has changed nothing.
#pragma once

#include "hal/hash_table.hh"
#include "hal/memory.hh"
#include "stack/interface.hh"
#include "stack/link_tap.hh"
#include "stack/network_event.hh"

namespace lxnet {

// An interface to be registered: down and without addresses.
struct NewInterface {
  NetDevice& device;
  const char* name = nullptr;  // may end in "%d"; null: "eth%d"
  uint32_t index = 0;          // 0: the next
  // Called when nobody refers to the interface any more; until then the device must live.
  void (*release)(NetDevice& device) = nullptr;
};

enum class LinkState : uint8_t { Down, Up };

// An interface that cannot go meanwhile. Without a count for `lo`, which outlives every packet.
class InterfaceHold {
 public:
  explicit InterfaceHold(Interface& loopback) : interface_(&loopback) {}
  explicit InterfaceHold(Ref<Interface> interface) : count_(std::move(interface)), interface_(count_.get()) {}

  explicit operator bool() const { return interface_ != nullptr; }
  Interface* get() const { return interface_; }
  Interface* operator->() const { return interface_; }
  Interface& operator*() const { return *interface_; }

 private:
  Ref<Interface> count_;
  Interface* interface_;
};

class InterfaceRegistry {
 public:
  explicit InterfaceRegistry(Stack& stack);
  ~InterfaceRegistry();

  // ---- finding: any lock below rank Interfaces
  Ref<Interface> find(uint32_t index) const;
  // The same for as long as a packet is looked at.
  InterfaceHold hold(uint32_t index) const {
    // `lo`, which most packets of most hosts pass twice, is there as long as the stack: neither a lock nor a count is needed.
    if (loopback_ != nullptr && index == loopback_->index()) return InterfaceHold(*loopback_);
    return InterfaceHold(find(index));
  }
  Ref<Interface> find(const char* name) const;
  // The one with the smallest index above this: find_next(0) is the first.
  Ref<Interface> find_next(uint32_t index) const;
  // The first that has this address, up or down.
  Ref<Interface> find_by_address(const IpAddress& address) const;
  // Linux's ip_dev_find(): or lo, where lo's networks hold the address.
  Ref<Interface> find_by_local_address(const IpAddress& address) const;
  // `lo`, which exists as long as the stack.
  Interface& loopback() const { return *loopback_; }
  // Whether packets to it are for us: an address of the interface (0: of any), or on lo anything in its networks. Tentative
  // addresses are not ours yet. O(1).
  bool is_local_address(const IpAddress& address, uint32_t interface_index = 0) const;
  // A copy of the address as it stands. EADDRNOTAVAIL.
  Result<InterfaceAddress> find_address(const Interface& interface, const IpAddress& address) const;
  // The address at this place of the interface's list; false past the end.
  bool copy_address(const Interface& interface, size_t position, InterfaceAddress& out) const;
  // visit(const InterfaceAddress&) for each, in order, under the Interfaces lock; returning true ends it and is returned.
  template <typename Visitor>
  bool any_address(const Interface& interface, Visitor&& visit) const {
    MutexLock lock(mutex_);
    for (const AddressNode& node : interface.addresses_) {
      if (visit(node.value)) return true;
    }
    return false;
  }
  // The same over all interfaces, in the order of their indexes: visit(const Interface&, const InterfaceAddress&).
  template <typename Visitor>
  bool any_address(Visitor&& visit) const {
    MutexLock lock(mutex_);
    for (const Interface& interface : in_order_) {
      for (const AddressNode& node : interface.addresses_) {
        if (visit(interface, node.value)) return true;
      }
    }
    return false;
  }

  // ---- changing: no lock
  // EINVAL: no name Linux takes; EEXIST; EBUSY: the index is taken; ENFILE: the numbers behind a name are; ENOMEM.
  Result<Ref<Interface>> add(Entry& entry, const NewInterface& asked);
  Result<Ref<Interface>> add(Entry& entry, NetDevice& device, const char* name, void (*release)(NetDevice& device) = nullptr) {
    return add(entry, {.device = device, .name = name, .release = release});
  }
  // Takes the interface of a VirtualDevice, one of the entry's stack, to another stack: there it is another interface, down and
  // without addresses. It keeps its name, unless it is taken there and `name` is not null, and its index; or gets `index` if that
  // is not 0. EINVAL: it cannot move; EEXIST; EBUSY; ENOMEM. (stack/interface_move.cc)
  static Result<Ref<Interface>> move(Entry& from, Interface& interface, Stack& to, const char* name, uint32_t index);
  // Puts a device that wraps the interface's own in its place, for as long as the interface lives. Not while packets pass.
  // ENODEV, or whatever the device's start() answers when the interface is up.
  Result<> wrap_device(Interface& interface, NetDevice& wrapper);
  // Takes it down and forgets it, with its addresses, routes and neighbours.
  void remove(Entry& entry, Interface& interface);
  // EEXIST, EINVAL.
  Result<> rename(Entry& entry, Interface& interface, const char* name);
  // Whatever the device's start() answers, or ENOMEM.
  Result<> set_state(Entry& entry, Interface& interface, LinkState state);
  // IFF_NOARP, IFF_PROMISC, IFF_ALLMULTI; IFF_UP is set_state()'s.
  void change_flags(Entry& entry, Interface& interface, uint32_t flags, uint32_t mask);
  // A packet socket wants to hear what is not for us, or no longer. Flags do not show it, the counts do.
  enum class Curiosity : uint8_t { Everything, EveryGroup };
  enum class Count : uint8_t { Up, Down };
  void change_curiosity(Entry& entry, Interface& interface, Curiosity about, Count count) REQUIRES(configuration_);
  // EINVAL: outside of what the device can.
  Result<> set_mtu(Entry& entry, Interface& interface, uint32_t mtu);
  // ENOMEM, of the device.
  Result<> set_queue_length(Entry& entry, Interface& interface, uint32_t length);
  // EADDRNOTAVAIL: a multicast or zero address; EOPNOTSUPP: no Ethernet.
  Result<> set_mac(Entry& entry, Interface& interface, MacAddress mac);
  // The device says that something of it is new that its interface does not keep.
  void tell_changed(Entry& entry, Interface& interface);
  // Reads the device's link state anew; a device's link_changed leads here too, through the timer.
  void update_carrier(Entry& entry, Interface& interface);

  // EEXIST: this very address with this very prefix (IPv6: the address) is there; EINVAL: prefix, lifetimes or scope;
  // EADDRNOTAVAIL: an IPv6 address no interface can have; EACCES: IPv6 is disabled here.
  Result<> add_address(Entry& entry, Interface& interface, const InterfaceAddress& address);
  // EADDRNOTAVAIL. Secondary addresses go with their primary one, or the first of them takes its place (promote_secondaries).
  Result<> remove_address(Entry& entry, Interface& interface, const IpAddress& address, uint8_t prefix_length);
  // Flags and lifetimes of an address that is there. EADDRNOTAVAIL.
  Result<> update_address(Entry& entry, Interface& interface, const InterfaceAddress& address);

  // ---- for NdpInterface, which holds the Configuration lock by another name
  Result<> add_address_locked(Entry& entry, Interface& interface, const InterfaceAddress& address) NO_THREAD_SAFETY_ANALYSIS {
    return insert_address(entry, interface, address);
  }
  Result<> update_address_locked(Entry& entry, Interface& interface, const InterfaceAddress& address) NO_THREAD_SAFETY_ANALYSIS {
    return change_address(entry, interface, address);
  }
  void erase_ipv6_address_locked(Entry& entry, AddressNode& node) NO_THREAD_SAFETY_ANALYSIS { erase_address(entry, node); }
  void erase_ipv6_addresses_locked(Entry& entry, Interface& interface) NO_THREAD_SAFETY_ANALYSIS {
    erase_addresses(entry, interface, IpFamily::V6, 0);
  }
  // Nobody objected, or (kAddressDadFailed) somebody did. False without memory for the address's routes: still tentative.
  bool finish_detection_locked(Entry& entry, AddressNode& node, uint32_t failure) NO_THREAD_SAFETY_ANALYSIS;

  // An observer is told of changes made after this returns; remove it before it dies.
  void add_observer(NetworkObserver& observer);
  void remove_observer(NetworkObserver& observer);
  // For those who change other parts of the configuration, routes above all.
  Mutex& configuration() const RETURN_CAPABILITY(configuration_) { return configuration_; }
  void notify(Entry& entry, const NetworkEvent& event) REQUIRES(configuration_);

  LinkTaps& taps() { return taps_; }
  // The columns `all` and `default` of net.ipv4.conf and its like.
  InterfaceSettings& settings_of_all() { return all_; }
  InterfaceSettings& settings_of_default() { return default_; }

 private:
  friend class Interface;
  static constexpr size_t kInterfaceBuckets = 64;

  void leave(Entry& entry, Interface& interface) REQUIRES(configuration_);
  // interface_registry.cc
  Result<Ref<Interface>> reserve(const NewInterface& asked) REQUIRES(configuration_);
  Result<uint32_t> choose_index(uint32_t asked) REQUIRES(configuration_);
  void open(Entry& entry, Interface& interface) REQUIRES(configuration_);
  Interface* find_locked(uint32_t index) const REQUIRES(mutex_);
  Result<> check_name(const char* name, char (&out)[Interface::kNameSize]) REQUIRES(configuration_);
  Interface* find_by_name_locked(const char* name) const REQUIRES(mutex_);
  void link_locked(Interface& interface) REQUIRES(mutex_);
  static DeviceClient client_of(Interface& interface);
  // interface_state.cc
  Result<> bring_up(Entry& entry, Interface& interface) REQUIRES(configuration_);
  void take_down(Entry& entry, Interface& interface) REQUIRES(configuration_);
  void add_loopback_addresses(Entry& entry, Interface& interface) REQUIRES(configuration_);
  static void carrier_timer_expired(Entry& entry, Timer& timer);
  // interface_addresses.cc
  Result<> insert_address(Entry& entry, Interface& interface, const InterfaceAddress& address) REQUIRES(configuration_);
  void erase_address(Entry& entry, AddressNode& node) REQUIRES(configuration_);
  void erase_addresses(Entry& entry, Interface& interface, IpFamily family, uint32_t except_flags) REQUIRES(configuration_);
  Result<> place_ipv4(Interface& interface, InterfaceAddress& address, AddressNode*& before) const REQUIRES(configuration_);
  AddressNode* ipv6_successor(Interface& interface, const InterfaceAddress& address) const REQUIRES(configuration_);
  Result<> check_ipv6(Interface& interface, InterfaceAddress& address) const REQUIRES(configuration_);
  void remove_ipv4(Entry& entry, AddressNode& node) REQUIRES(configuration_);
  void promote(AddressNode& heir) REQUIRES(configuration_);
  AddressNode* find_node(const Interface& interface, const IpAddress& address, int prefix_length) const REQUIRES(configuration_);
  template <typename Visitor>
  void for_each_node(const IpAddress& address, Visitor&& visit) const REQUIRES(mutex_);
  bool link_address(AddressNode& node, AddressNode* before) REQUIRES(configuration_);
  void schedule_lifetimes() REQUIRES(configuration_);
  Result<> change_address(Entry& entry, Interface& interface, const InterfaceAddress& address) REQUIRES(configuration_);
  void end_lifetimes(Entry& entry, Interface& interface) REQUIRES(configuration_);
  static void lifetimes_expired(Entry& entry, Timer& timer);
  // The list is written under both locks, so either suffices to read it.
  const List<Interface, &Interface::order_link_>& interfaces_in_order() const REQUIRES(configuration_) NO_THREAD_SAFETY_ANALYSIS {
    return in_order_;
  }

  Stack& stack_;
  mutable Mutex configuration_;
  mutable Mutex mutex_;
  List<Interface, &Interface::index_link_> by_index_[kInterfaceBuckets] GUARDED_BY(mutex_);
  List<Interface, &Interface::name_link_> by_name_[kInterfaceBuckets] GUARDED_BY(mutex_);
  List<Interface, &Interface::order_link_> in_order_ GUARDED_BY(mutex_);  // rising index; holds the registry's count
  HashTable<AddressNode, &AddressNode::hash_link> by_address_ GUARDED_BY(mutex_);
  uint64_t hash_key_;
  List<NetworkObserver, &NetworkObserver::link_> observers_ GUARDED_BY(configuration_);
  Timer lifetime_timer_;
  uint32_t next_index_ GUARDED_BY(configuration_) = 1;
  Interface* loopback_ = nullptr;
  InterfaceSettings all_;
  InterfaceSettings default_;
  LinkTaps taps_;
};

}  // namespace lxnet
