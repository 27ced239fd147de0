// What the two halves of ARP share.
#pragma once

#include "stack/arp/arp.hh"
#include "stack/wire/arp.hh"

namespace lxnet {

// A frame with the message. Nothing is sent where there is no ARP, or no memory.
void arp_send(Entry& entry, Interface& interface, const ArpMessage& message, MacAddress destination);

}  // namespace lxnet
