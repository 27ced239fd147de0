// Memberships: which multicast groups an interface listens to, on whose behalf, with which source filters (IGMPv3, MLDv2).
#pragma once

#include "stack/interface.hh"

namespace lxnet {

class Memberships {
 public:
  explicit Memberships(Stack& stack) : stack_(stack) {}

 private:
  [[maybe_unused]] Stack& stack_;
};

}  // namespace lxnet
