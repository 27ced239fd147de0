// PacketFlow: what packets belong to and keep alive while they are on their way: a connection that a stack follows.
#pragma once

#include "base/ref.hh"

namespace lxnet {

class PacketFlow : public RefCounted<PacketFlow> {
 public:
  // Under any lock but the pool's: a packet dies anywhere.
  using Destroy = void (*)(PacketFlow* flow);
  static void destroy(PacketFlow* flow) { flow->destroy_(flow); }

 protected:
  explicit PacketFlow(Destroy destroy) : destroy_(destroy) {}
  ~PacketFlow() = default;

 private:
  const Destroy destroy_;
};

}  // namespace lxnet
