// An interface by itself: its life, its counters, its driver's interrupts.
#include "stack/interface.hh"

#include "stack/ndp/ndp_interface.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

uint32_t flags_of(const DeviceCapabilities& device) {
  switch (device.link) {
    case LinkKind::Loopback:
      return kInterfaceLoopback;
    case LinkKind::Ethernet:
      return kInterfaceBroadcast | (device.is_alone ? kInterfaceNoArp : kInterfaceMulticast);
    case LinkKind::Ip:
      return kInterfacePointToPoint | kInterfaceNoArp | kInterfaceMulticast;
  }
  return 0;
}

}  // namespace

Interface::Interface(Stack& stack, NetDevice& device, uint32_t index)
    : stack_(stack),
      sharing_(stack.hal().sharing()),
      device_(&device),
      loopback_(device.as_loopback()),
      index_(index),
      link_kind_(device.capabilities().link),
      flags_(flags_of(device.capabilities())),
      mtu_(device.capabilities().mtu),
      queue_length_(device.capabilities().queue_length),
      carrier_timer_(*this, &InterfaceRegistry::carrier_timer_expired) {
  set_mac(MacAddress::from_bytes(device.capabilities().address.bytes));
}

Result<> Interface::create_parts() {
  ndp_ = construct<NdpInterface>(stack_.hal(), *this);
  return ndp_ == nullptr ? Result<>(Errno::ENOMEM) : ok();
}

Interface::~Interface() {
  if (ndp_ != nullptr) dispose(stack_.hal(), ndp_);
  stack_.timers().cancel(carrier_timer_);
  if (release_device_ != nullptr) release_device_(*device_);
}

void Interface::destroy(Interface* interface) { dispose(interface->stack_.hal(), interface); }

MacAddress Interface::mac() const {
  const uint64_t word = __atomic_load_n(&mac_, __ATOMIC_RELAXED);
  return MacAddress(static_cast<uint8_t>(word >> 40), static_cast<uint8_t>(word >> 32), static_cast<uint8_t>(word >> 24),
                    static_cast<uint8_t>(word >> 16), static_cast<uint8_t>(word >> 8), static_cast<uint8_t>(word));
}

void Interface::set_mac(MacAddress mac) {
  uint64_t word = 0;
  for (uint8_t byte : mac.bytes()) word = word << 8 | byte;
  __atomic_store_n(&mac_, word, __ATOMIC_RELAXED);
}

void Interface::set_flags(uint32_t set, uint32_t clear) { __atomic_store_n(&flags_, (flags_ & ~clear) | set, __ATOMIC_RELAXED); }

LinkCounters Interface::counters() const {
  const auto load = [](const uint64_t& word) { return __atomic_load_n(&word, __ATOMIC_RELAXED); };
  return {.rx_packets = load(counters_.rx_packets),
          .rx_bytes = load(counters_.rx_bytes),
          .rx_multicast = load(counters_.rx_multicast),
          .rx_dropped = load(counters_.rx_dropped),
          .tx_packets = load(counters_.tx_packets),
          .tx_bytes = load(counters_.tx_bytes),
          .tx_dropped = load(counters_.tx_dropped)};
}

// From the driver's interrupt. One processor polls a device at a time; an interrupt meanwhile makes it go round once more.
void Interface::poll_device() {
  constexpr size_t kBudget = 64;
  if (__atomic_exchange_n(&poll_state_, 2u, __ATOMIC_ACQ_REL) != 0) return;
  const Ref<Interface> self = Ref<Interface>::share(*this);
  Entry entry(stack_);
  uint32_t asked_again = 2;
  do {
    __atomic_store_n(&poll_state_, 1u, __ATOMIC_RELEASE);
    while (is_up() && device_->poll(entry, kBudget) >= kBudget) {
      entry.flush();
      entry.refresh_clock();
    }
    entry.flush();
    asked_again = 1;
  } while (!__atomic_compare_exchange_n(&poll_state_, &asked_again, 0u, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
}

// any context: the change itself waits for the timer, because a device may say so from inside start() or transmit().
void Interface::carrier_may_have_changed() { stack_.timers().arm(carrier_timer_, stack_.hal().now()); }

}  // namespace lxnet
