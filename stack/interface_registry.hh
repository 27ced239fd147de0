// InterfaceRegistry: the interfaces of a stack, by name and by index, and who wants to hear of their changes.
#pragma once

#include "stack/interface.hh"

namespace lxnet {

class InterfaceRegistry {
 public:
  explicit InterfaceRegistry(Stack& stack);

  Ref<Interface> find(uint32_t index) const;
  Ref<Interface> find(const char* name) const;

 private:
  [[maybe_unused]] Stack& stack_;
};

}  // namespace lxnet
