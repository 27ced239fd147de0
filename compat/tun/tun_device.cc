#include "compat/tun/tun_device.hh"

namespace lxnet {
namespace {

DeviceCapabilities capabilities_of(TunKind kind, const HardwareAddress& address) {
  constexpr uint32_t kMostMtu = 65535, kEthernetHeader = 14;
  const bool is_tap = kind == TunKind::Tap;
  return {.link = is_tap ? LinkKind::Ethernet : LinkKind::Ip,
          .address = is_tap ? address : HardwareAddress{},
          .mtu = 1500,
          .min_mtu = 68,
          .max_mtu = is_tap ? kMostMtu - kEthernetHeader : kMostMtu,
          .queue_length = TunDevice::kQueueLength,
          .reports_carrier = false};
}

}  // namespace

TunDevice::TunDevice(const Hal& hal, TunKind kind, const HardwareAddress& address)
    : VirtualDevice(hal, capabilities_of(kind, address)),
      kind_(kind),
      hardware_type_(kind == TunKind::Tap ? kHardwareEthernet : kHardwareNone),
      filter_(hal_),
      mutex_(hal_, LockRank::Device),
      queues_(mutex_) {}

void TunDevice::dispose_self() {
  const Hal hal = hal_;
  dispose(hal, this);
}

bool TunDevice::has_interface() const {
  MutexLock lock(mutex_);
  return client().owner != nullptr;
}

// Nobody is told of a carrier that is there from the beginning.
void TunDevice::set_carrier(bool has_carrier) {
  if (has_carrier_ == has_carrier) return;
  capabilities_.reports_carrier = true;
  __atomic_store_n(&has_carrier_, has_carrier, __ATOMIC_RELEASE);
}

// tun_fill_info().
size_t TunDevice::describe(Fact (&facts)[kMostFacts]) const {
  enum : uint16_t { kOwner = 1, kGroup, kType, kInformation, kHeader, kPersistent, kManyQueues, kQueues, kDisabledQueues };
  size_t count = 0;
  const auto add = [&](uint16_t type, uint16_t size, size_t value) {
    facts[count++] = {type, size, static_cast<uint32_t>(value)};
  };
  add(kType, 1, kind_ == TunKind::Tun ? kTunTun : kTunTap);
  if (owner.user != TunOwner::kNobody) add(kOwner, 4, owner.user);
  if (owner.group != TunOwner::kNobody) add(kGroup, 4, owner.group);
  add(kInformation, 1, has_information());
  add(kHeader, 1, has_header());
  add(kPersistent, 1, is_persistent);
  add(kManyQueues, 1, has_many_queues());
  if (!has_many_queues()) return count;
  add(kQueues, 4, queues_.count());
  add(kDisabledQueues, 4, queues_.disabled());
  return count;
}

void TunDevice::set_offloads(uint32_t offloads) {
  const auto has = [offloads](uint32_t all) { return (offloads & all) == all; };
  capabilities_.sends_checksum = has(kOffloadChecksum);
  capabilities_.segments_tcp = has(kOffloadChecksum | kOffloadTcp4 | kOffloadTcp6);
  capabilities_.segments_udp = has(kOffloadChecksum | kOffloadUdp4 | kOffloadUdp6);
}

void TunDevice::move_to(const DeviceHome&) {
  queues_.for_each([](TunQueue& queue) { queue.clear(); });
}

void TunDevice::left_for_good() { queues_.shut_all(); }

void TunDevice::with_client(void (*visit)(void* context, const DeviceClient& client), void* context) {
  MutexLock lock(mutex_);
  if (client().owner != nullptr) visit(context, client());
}

void TunDevice::attach(const DeviceClient& client) {
  MutexLock lock(mutex_);
  NetDevice::attach(client);
}

// Whoever waits to write may.
Result<> TunDevice::start() {
  queues_.for_each([](TunQueue& queue) { queue.waiters().wake_all(kPollOut | kPollWriteNormal); });
  return ok();
}

Result<> TunDevice::set_queue_length(uint32_t length) {
  __atomic_store_n(&queue_length_, length, __ATOMIC_RELAXED);
  return ok();
}

void TunDevice::transmit(Entry&, Instant, PacketQueue& batch) {
  const size_t limit = __atomic_load_n(&queue_length_, __ATOMIC_RELAXED);
  while (Ref<Packet> frame = batch.take_front()) {
    // It may wait for long: its sender's buffer is not held up by that.
    frame->orphan();
    const Ref<TunQueue> queue = queues_.choose(*frame, link_size());
    if (!queue || !filter_.accepts(*frame) || !queue->push(std::move(frame), limit)) counters_.count_send_drop();
  }
}

}  // namespace lxnet
