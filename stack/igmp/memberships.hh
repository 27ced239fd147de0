// Memberships: which multicast groups an interface listens to, on whose behalf, with which source filters (IGMPv3, MLDv2).
#pragma once

#include "stack/interface.hh"

namespace lxnet {

class Memberships {
 public:
  explicit Memberships(Stack& stack) : stack_(stack) {}

  // Whether somebody on this host listens on the interface to what `source` sends to `group`.
  bool accepts(const Interface& interface, const IpAddress& group, const IpAddress& source) const;

 private:
  [[maybe_unused]] Stack& stack_;
};

}  // namespace lxnet
