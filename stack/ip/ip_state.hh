// IpState: what the IP layer of a stack remembers between packets: identifications, fragments, path MTUs.
#pragma once

#include "stack/interface.hh"

namespace lxnet {

class IpState {
 public:
  explicit IpState(Stack& stack) : stack_(stack) {}

 private:
  [[maybe_unused]] Stack& stack_;
};

// Packets from a link, the front at the IP header.
void ip4_receive(Entry& entry, Ref<Packet> packet);
void ip6_receive(Entry& entry, Ref<Packet> packet);

}  // namespace lxnet
