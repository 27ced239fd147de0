// Links that programs make: pairs across stacks, and what goes with an interface when it goes.
#pragma once

#include <optional>

#include "stack/interface_registry.hh"

namespace lxnet {

// A link to be made. `address` and `mtu` are the device's own; EINVAL and EADDRNOTAVAIL of them are the caller's to give.
struct VirtualLink {
  Stack& stack;
  const char* name = nullptr;  // may end in "%d"
  uint32_t index = 0;
  MacAddress address;
  uint32_t mtu = 1500;
};

// What is done to an interface as soon as it is there, in an entry of its stack.
struct LinkSetup {
  Result<> (*run)(void* context, Entry& entry, Interface& interface);
  void* context;
};
// As InterfaceRegistry::add(). What cannot be made whole is not made at all. The peer, which may be in another stack than the
// entry's, comes first and is set up before the link is there.
Result<Ref<Interface>> add_veth_pair(Entry& entry, const VirtualLink& link, const VirtualLink& peer, const LinkSetup& peer_setup);
Result<Ref<Interface>> add_dummy(Entry& entry, const VirtualLink& link);

// A random unicast address, locally administered.
MacAddress random_mac(const Hal& hal);

// The interface at the other end, in whatever stack; null where there is none.
Ref<Interface> peer_of(const Interface& interface);
// With what cannot be without it: the other end of a pair.
void remove_link(Entry& entry, Interface& interface);

// The entry itself, or one of another stack, for what one stack's business makes to be done in another. No lock is held.
class EntryInto {
 public:
  EntryInto(Entry& entry, Stack& stack) : current_(entry) {
    if (&entry.stack() != &stack) other_.emplace(stack);
  }
  Entry& get() { return other_ ? *other_ : current_; }

 private:
  Entry& current_;
  std::optional<Entry> other_;
};

}  // namespace lxnet
