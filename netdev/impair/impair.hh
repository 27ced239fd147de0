// Impair: a device that does to what is sent through it what a bad link does: delay, jitter, loss, rate, reorder, duplicate,
// corrupt.
//
// What is received passes unchanged: a link that is bad in both directions has an Impair at each end. Every decision comes from a
// generator seeded by the configuration, in the order the packets come, so a run repeats. To the stack it offers no offloads: a
// frame is lost, delayed and corrupted as it would be on a wire, with its checksum in it.
#pragma once

#include "hal/timer.hh"
#include "netdev/device_counters.hh"
#include "netdev/impair/impair_config.hh"
#include "netdev/wrapper_device.hh"

namespace lxnet {

// splitmix64: every seed gives a good sequence, zero included.
class SeededRandom {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t value = state_ += 0x9e3779b97f4a7c15u;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
  }
  bool hits(Probability probability) { return probability.is_hit_by(static_cast<uint32_t>(next())); }

 private:
  uint64_t state_;
};

class Impair final : public WrapperDevice {
 public:
  struct Counters {
    uint64_t lost = 0, over_limit = 0, duplicated = 0, corrupted = 0, reordered = 0, no_memory = 0;
  };
  // Told, with no lock held, of each packet it drops and why, so that a capture can show it.
  using DropObserver = void (*)(void* context, const Packet& packet, const char* reason);

  Impair(const Hal& hal, Timers& timers, NetDevice& inner, const ImpairConfig& config);
  ~Impair() override;

  // Applies to what is sent from now on; the generator starts again from the seed.
  void configure(const ImpairConfig& config);
  void observe_drops(DropObserver observer, void* context);
  Counters counters() const;

  const DeviceCapabilities& capabilities() const override { return capabilities_; }
  void stop() override;
  void transmit(Entry& entry, Instant now, PacketQueue& batch) override;
  Result<> set_mtu(uint32_t mtu) override;
  DeviceStatistics statistics() const override;

 private:
  // What the device notes on a packet it holds.
  // A sender is credited once its packet has left at the configured rate, and nothing of a sender's is let go under the lock.
  struct Held {
    Instant sent;       // when the last bit has left at the configured rate
    Instant delivered;  // when it reaches the inner device
    const char* drop_reason;
  };
  static Held& held(Packet& packet) { return packet.control<Held>(); }

  // Each puts what it drops on `dropped`.
  void take_locked(Ref<Packet> packet, Instant now, PacketQueue& dropped) REQUIRES(mutex_);
  void enqueue_locked(Ref<Packet> packet, Instant now, PacketQueue& dropped) REQUIRES(mutex_);
  static void drop(Ref<Packet> packet, const char* reason, PacketQueue& dropped);
  bool is_lost_locked() REQUIRES(mutex_);
  bool corrupt_locked(Packet& packet) REQUIRES(mutex_);
  Duration some_delay_locked() REQUIRES(mutex_);
  void insert_in_order_locked(Ref<Packet> packet) REQUIRES(mutex_);
  Instant earliest_locked() const REQUIRES(mutex_);
  void report_drops(PacketQueue& dropped);
  void take_sent(Instant now, PacketQueue& sent) EXCLUDES(mutex_);
  void run(Entry& entry, Instant now) EXCLUDES(mutex_);

  const Hal& hal_;
  Timers& timers_;
  DeviceCapabilities capabilities_;
  DeviceCounters drops_;
  mutable Mutex mutex_;
  ImpairConfig config_ GUARDED_BY(mutex_);
  SeededRandom random_ GUARDED_BY(mutex_);
  bool is_bad_ GUARDED_BY(mutex_) = false;    // the Gilbert-Elliott state
  Instant rate_free_at_ GUARDED_BY(mutex_);   // when the sender's queue is empty
  Instant last_delivery_ GUARDED_BY(mutex_);  // of what was not reordered
  PacketQueue waiting_ GUARDED_BY(mutex_);    // for the rate, in order of `sent`
  PacketQueue flying_ GUARDED_BY(mutex_);     // in order of `delivered`
  Counters counters_ GUARDED_BY(mutex_);
  DropObserver observer_ = nullptr;
  void* observer_context_ = nullptr;
  Timer timer_;
};

}  // namespace lxnet
