#include "netdev/veth/veth_end.hh"

#include "netdev/frame_copy.hh"

namespace lxnet {
namespace {

constexpr size_t kFrameOverhead = 14 + 4;  // an Ethernet header and a VLAN tag

// Whatever a peer may send is not summed or cut on the way: it can only be read as it was written.
DeviceCapabilities capabilities_of(const VethEnd::End& asked) {
  return {.link = LinkKind::Ethernet,
          .address = asked.address,
          .mtu = asked.mtu,
          .min_mtu = VethEnd::kMinMtu,
          .max_mtu = VethEnd::kMaxMtu,
          .sends_checksum = true,
          .verifies_checksum = true,
          .segments_tcp = true,
          .segments_udp = true};
}

}  // namespace

void VethPair::destroy(VethPair* pair) {
  const Hal hal = pair->hal_;
  dispose(hal, pair);
}

Result<> VethEnd::create(const Hal& hal, const End (&asked)[2], Ref<VethEnd> (&made)[2]) {
  const Ref<VethPair> pair = TRY(make_ref<VethPair>(hal, hal));
  made[0] = TRY(make_ref<VethEnd>(hal, pair, 0u, asked[0]));
  made[1] = TRY(make_ref<VethEnd>(hal, pair, 1u, asked[1]));
  return ok();
}

VethEnd::VethEnd(const Ref<VethPair>& pair, unsigned side, const End& asked)
    : VirtualDevice(pair->hal_, capabilities_of(asked)), pair_(pair), side_(side), timer_(*this, &timer_expired) {
  MutexLock lock(pair_->mutex_);
  pair_->sides_[side_].end = this;
  pair_->sides_[side_].timers = &asked.home.timers;
  pair_->sides_[side_].pool = &asked.home.pool;
  note_lower_layers(*pair_);
}

VethEnd::~VethEnd() {
  MutexLock lock(pair_->mutex_);
  pair_->sides_[side_].end = nullptr;
}

void VethEnd::dispose_self() {
  const Hal hal = hal_;
  dispose(hal, this);
}

void VethEnd::move_to(const DeviceHome& home) {
  MutexLock lock(pair_->mutex_);
  pair_->sides_[side_].timers = &home.timers;
  pair_->sides_[side_].pool = &home.pool;
}

Ref<VirtualDevice> VethEnd::peer() {
  MutexLock lock(pair_->mutex_);
  VethEnd* other = pair_->sides_[1 - side_].end;
  if (other == nullptr || !other->ref_unless_zero()) return nullptr;
  return Ref<VirtualDevice>::adopt(other);
}

void VethEnd::with_client(void (*visit)(void* context, const DeviceClient& client), void* context) {
  MutexLock lock(pair_->mutex_);
  if (client().owner != nullptr) visit(context, client());
}

void VethEnd::attach(const DeviceClient& client) {
  MutexLock lock(pair_->mutex_);
  NetDevice::attach(client);
}

Result<> VethEnd::start() {
  MutexLock lock(pair_->mutex_);
  const VethEnd* other = pair_->sides_[1 - side_].end;
  if (other == nullptr || other->client().owner == nullptr) return Errno::ENOTCONN;
  pair_->sides_[side_].is_started = true;
  settle_carrier(*pair_);
  pair_->sides_[side_].has_news = false;  // who starts it looks itself
  return ok();
}

// What waits is of a pool that this end may be about to leave.
void VethEnd::stop() {
  MutexLock lock(pair_->mutex_);
  VethPair::Side& side = pair_->sides_[side_];
  side.is_started = false;
  settle_carrier(*pair_);
  side.has_news = false;
  side.waiting.clear();
  side.timers->cancel(timer_);
}

void VethEnd::note_lower_layers(VethPair& pair) {
  const bool is_one_stack = pair.sides_[0].timers == pair.sides_[1].timers;
  for (VethPair::Side& side : pair.sides_) {
    if (side.end != nullptr) __atomic_store_n(&side.end->is_lower_layer_down_, is_one_stack, __ATOMIC_RELAXED);
  }
}

void VethEnd::settle_carrier(VethPair& pair) {
  const bool has_carrier = pair.sides_[0].is_started && pair.sides_[1].is_started;
  if (!has_carrier && pair.sides_[0].end != nullptr && pair.sides_[0].end->has_carrier_) note_lower_layers(pair);
  for (VethPair::Side& side : pair.sides_) {
    if (side.end == nullptr || side.end->has_carrier_ == has_carrier) continue;
    __atomic_store_n(&side.end->has_carrier_, has_carrier, __ATOMIC_RELEASE);
    side.has_news = true;
    if (side.is_started) side.timers->arm(side.end->timer_, pair.hal_.now());
  }
}

void VethEnd::transmit(Entry&, Instant, PacketQueue& batch) {
  while (const Ref<Packet> frame = batch.take_front()) {
    if (take_from_wire(*frame)) {
      counters_.count_sent(*frame);
    } else {
      counters_.count_send_drop();
    }
  }
}

bool VethEnd::take_from_wire(const Packet& frame) {
  MutexLock lock(pair_->mutex_);
  VethPair::Side& to = pair_->sides_[1 - side_];
  if (to.end == nullptr || !to.is_started || to.waiting.count() >= VethPair::kQueueLimit) return false;
  const bool is_cut_later = frame.segmentation != SegmentationKind::None;
  if (!is_cut_later && frame.size() > to.end->capabilities_.mtu + kFrameOverhead) return false;
  Result<Ref<Packet>> copy = copy_frame(*to.pool, frame);
  if (!copy.is_ok()) return false;
  to.end->counters_.count_received(frame);
  if (to.waiting.is_empty()) to.timers->arm(to.end->timer_, pair_->hal_.now());
  to.waiting.push_back(copy.take());
  return true;
}

// In an entry of the stack this end is in. The client takes no lock below the pair's: it queues, and arms a timer.
void VethEnd::timer_expired(Entry& entry, Timer& timer) {
  VethEnd& self = OwnedTimer<VethEnd>::owner_of(timer);
  MutexLock lock(self.pair_->mutex_);
  VethPair::Side& side = self.pair_->sides_[self.side_];
  const DeviceClient& client = self.client();
  if (!timer.claim() || client.owner == nullptr) return;
  if (std::exchange(side.has_news, false)) client.link_changed(client.owner);
  if (!side.waiting.is_empty()) client.receive(client.owner, entry, side.waiting);
}

}  // namespace lxnet
