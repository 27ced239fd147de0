// InterfaceRegistry: the interfaces of a stack, by name and by index, and who wants to hear of their changes.
#pragma once

#include "stack/interface.hh"

namespace lxnet {

class InterfaceRegistry {
 public:
  explicit InterfaceRegistry(Stack& stack);

  Ref<Interface> find(uint32_t index) const;
  Ref<Interface> find(const char* name) const;
  // Whether packets to it are for us: an address of the interface (0: of any).
  bool is_local_address(const IpAddress& address, uint32_t interface_index = 0) const;

 private:
  [[maybe_unused]] Stack& stack_;
};

}  // namespace lxnet
