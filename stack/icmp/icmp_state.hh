// IcmpState: rate limits of what we send of ICMP.
#pragma once

#include "stack/interface.hh"

namespace lxnet {

class IcmpState {
 public:
  explicit IcmpState(Stack& stack) : stack_(stack) {}

 private:
  [[maybe_unused]] Stack& stack_;
};

// An error about `offending` (its network header marked) goes to its sender, if the rules and the rate limits allow one.
void icmp4_send_error(Entry& entry, const Packet& offending, uint8_t type, uint8_t code, uint32_t info);
void icmp6_send_error(Entry& entry, const Packet& offending, uint8_t type, uint8_t code, uint32_t info);

}  // namespace lxnet
