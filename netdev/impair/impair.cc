#include "netdev/impair/impair.hh"

#include <algorithm>

#include "netdev/packet_pool.hh"

namespace lxnet {
namespace {

Duration time_on_wire(size_t bytes, uint64_t rate) {
  // Bytes stay below 2^17, so the product fits.
  const uint64_t bits = uint64_t{bytes} * 8;
  return Duration::nanos(static_cast<int64_t>(bits * 1'000'000'000 / rate));
}

DeviceCapabilities without_offloads(DeviceCapabilities capabilities) {
  capabilities.sends_checksum = capabilities.verifies_checksum = false;
  capabilities.segments_tcp = capabilities.segments_udp = false;
  return capabilities;
}

}  // namespace

Impair::Impair(const Hal& hal, Timers& timers, NetDevice& inner, const ImpairConfig& config)
    : WrapperDevice(inner),
      hal_(hal),
      timers_(timers),
      capabilities_(without_offloads(inner.capabilities())),
      mutex_(hal, LockRank::Device),
      config_(config),
      random_(config.seed),
      timer_([](Entry& entry, Timer& timer) {
        Impair& self = owner_of<Impair, &Impair::timer_>(timer);
        self.run(entry, self.hal_.now());
      }) {}

// A stopped device may outlive the stack, and its timers.
Impair::~Impair() {
  if (timer_.is_armed()) timers_.cancel(timer_);
}

void Impair::configure(const ImpairConfig& config) {
  MutexLock lock(mutex_);
  config_ = config;
  random_ = SeededRandom(config.seed);
  is_bad_ = false;
}

void Impair::observe_drops(DropObserver observer, void* context) {
  observer_ = observer;
  observer_context_ = context;
}

Impair::Counters Impair::counters() const {
  MutexLock lock(mutex_);
  return counters_;
}

void Impair::stop() {
  timers_.cancel(timer_);
  PacketQueue discarded;
  {
    MutexLock lock(mutex_);
    discarded.append(waiting_);
    discarded.append(flying_);
    rate_free_at_ = last_delivery_ = Instant();
  }
  WrapperDevice::stop();
}

Result<> Impair::set_mtu(uint32_t mtu) {
  TRY(WrapperDevice::set_mtu(mtu));
  capabilities_.mtu = mtu;
  return ok();
}

DeviceStatistics Impair::statistics() const {
  DeviceStatistics statistics = WrapperDevice::statistics();
  statistics.tx_dropped += drops_.read().tx_dropped;
  return statistics;
}

void Impair::transmit(Entry& entry, Instant now, PacketQueue& batch) {
  PacketQueue dropped;
  {
    MutexLock lock(mutex_);
    while (Ref<Packet> packet = batch.take_front()) take_locked(std::move(packet), now, dropped);
  }
  report_drops(dropped);
  run(entry, now);
}

// The order of the decisions is part of what a seed means.
void Impair::take_locked(Ref<Packet> packet, Instant now, PacketQueue& dropped) {
  if (is_lost_locked()) {
    ++counters_.lost;
    return drop(std::move(packet), "link: lost", dropped);
  }
  if (random_.hits(config_.corrupt) && !corrupt_locked(*packet)) {
    ++counters_.no_memory;
    return drop(std::move(packet), "link: no memory", dropped);
  }
  if (random_.hits(config_.duplicate)) {
    auto copy = packet->clone();
    if (copy.is_ok()) {
      ++counters_.duplicated;
      enqueue_locked(copy.take(), now, dropped);
    }
  }
  enqueue_locked(std::move(packet), now, dropped);
}

void Impair::enqueue_locked(Ref<Packet> packet, Instant now, PacketQueue& dropped) {
  const bool has_rate = config_.rate != 0;
  if ((has_rate ? waiting_.count() : waiting_.count() + flying_.count()) >= config_.limit) {
    ++counters_.over_limit;
    return drop(std::move(packet), "link: queue full", dropped);
  }
  Held& note = held(*packet);
  note.sent = now;
  if (has_rate) {
    rate_free_at_ = std::max(rate_free_at_, now) + time_on_wire(packet->size(), config_.rate);
    note.sent = rate_free_at_;
  }
  if (random_.hits(config_.reorder)) {
    ++counters_.reordered;
    note.delivered = note.sent;
  } else {
    note.delivered = std::max(last_delivery_, note.sent + some_delay_locked());
    last_delivery_ = note.delivered;
  }
  waiting_.push_back(std::move(packet));
}

void Impair::drop(Ref<Packet> packet, const char* reason, PacketQueue& dropped) {
  held(*packet).drop_reason = reason;
  dropped.push_back(std::move(packet));
}

void Impair::report_drops(PacketQueue& dropped) {
  while (Ref<Packet> packet = dropped.take_front()) {
    drops_.count_send_drop();
    if (observer_ != nullptr) observer_(observer_context_, *packet, held(*packet).drop_reason);
  }
}

bool Impair::is_lost_locked() {
  if (!config_.good_to_bad.is_zero() && random_.hits(is_bad_ ? config_.bad_to_good : config_.good_to_bad)) is_bad_ = !is_bad_;
  return random_.hits(is_bad_ ? config_.bad_loss : config_.loss);
}

bool Impair::corrupt_locked(Packet& packet) {
  if (packet.is_empty()) return true;
  const uint64_t bit = random_.next() % (packet.size() * 8);
  if (!packet.make_writable(bit / 8 + 1).is_ok()) return false;
  packet.mutable_linear()[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
  ++counters_.corrupted;
  return true;
}

Duration Impair::some_delay_locked() {
  if (config_.jitter == Duration()) return config_.delay;
  const uint64_t width = 2 * static_cast<uint64_t>(config_.jitter.in_nanos()) + 1;
  return config_.delay - config_.jitter + Duration::nanos(static_cast<int64_t>(random_.next() % width));
}

// Nearly always at the end: the search is from there.
void Impair::insert_in_order_locked(Ref<Packet> packet) {
  Packet* before = flying_.back();
  while (before != nullptr && held(*before).delivered > held(*packet).delivered) before = flying_.previous(*before);
  if (before == nullptr) return flying_.push_front(std::move(packet));
  flying_.insert_after(*before, std::move(packet));
}

Instant Impair::earliest_locked() const {
  Instant earliest = Instant::never();
  if (!flying_.is_empty()) earliest = held(*flying_.front()).delivered;
  // Its turn comes no later than it may have to be delivered, and no earlier can anything behind it.
  if (!waiting_.is_empty()) earliest = std::min(earliest, held(*waiting_.front()).sent);
  return earliest;
}

void Impair::take_sent(Instant now, PacketQueue& sent) {
  MutexLock lock(mutex_);
  while (!waiting_.is_empty() && held(*waiting_.front()).sent <= now) sent.push_back(waiting_.take_front());
}

void Impair::run(Entry& entry, Instant now) {
  PacketQueue sent, ready;
  take_sent(now, sent);
  for (Packet* packet = sent.front(); packet != nullptr; packet = sent.next(*packet)) packet->orphan();
  {
    MutexLock lock(mutex_);
    while (Ref<Packet> packet = sent.take_front()) insert_in_order_locked(std::move(packet));
    while (!flying_.is_empty() && held(*flying_.front()).delivered <= now) ready.push_back(flying_.take_front());
    timers_.arm(timer_, earliest_locked());
  }
  if (!ready.is_empty()) inner().transmit(entry, now, ready);
}

}  // namespace lxnet
