// What a packet costs: made and freed, with a block, cloned; and with the locks of a host of several processors.
#include <benchmark/benchmark.h>

#include "hosts/threads/thread_hal.hh"
#include "netdev/loopback/loopback.hh"
#include "netdev/packet_pool.hh"

namespace lxnet {
namespace {

enum class Locks { None, Real };

// ThreadHal's memory, with or without its locks and its processor number.
Hal hal_of(threads::ThreadHal& host, Locks locks) {
  lxnet_hal table = host.table();
  if (locks == Locks::None) {
    table.lock = table.unlock = nullptr;
    table.processor = nullptr;
    table.lock_slot = nullptr;
  }
  return Hal::create(table, nullptr).take();
}

class Bench {
 public:
  explicit Bench(Locks locks) : hal_(hal_of(host_, locks)) {}
  PacketPool& pool() { return pool_; }

 private:
  threads::ThreadHal host_;
  Hal hal_;
  PacketPool pool_{hal_, 256 << 20};
};

template <Locks kLocks>
void SmallDatagram(benchmark::State& state) {
  Bench bench(kLocks);
  for (auto _ : state) {
    Ref<Packet> packet = Packet::create(bench.pool()).take();
    benchmark::DoNotOptimize(packet->append(64).data());
  }
}
BENCHMARK(SmallDatagram<Locks::None>);
BENCHMARK(SmallDatagram<Locks::Real>);

template <Locks kLocks>
void FullFrame(benchmark::State& state) {
  Bench bench(kLocks);
  for (auto _ : state) {
    Ref<Packet> packet = Packet::create_linear(bench.pool(), 1514).take();
    benchmark::DoNotOptimize(packet->append(1514).data());
  }
}
BENCHMARK(FullFrame<Locks::None>);
BENCHMARK(FullFrame<Locks::Real>);

void CloneOf64KiB(benchmark::State& state) {
  Bench bench(Locks::None);
  Ref<Packet> packet = Packet::create(bench.pool()).take();
  for (int i = 0; i < 2; ++i) {
    Ref<DataBlock> block = DataBlock::create(bench.pool(), 32768).take();
    static_cast<void>(packet->append_fragment(block, 0, 32768));
  }
  for (auto _ : state) benchmark::DoNotOptimize(packet->clone().take().get());
}
BENCHMARK(CloneOf64KiB);

void ThroughLoopback(benchmark::State& state) {
  Bench bench(Locks::None);
  Loopback loopback;
  loopback.attach({.owner = nullptr,
                   .receive = [](void*, Entry&, PacketQueue& batch) { batch.clear(); },
                   .schedule_poll = nullptr,
                   .link_changed = nullptr});
  for (auto _ : state) {
    PacketQueue batch;
    batch.push_back(Packet::create(bench.pool()).take());
    loopback.transmit(reinterpret_cast<Entry&>(bench), Instant(), batch);
  }
}
BENCHMARK(ThroughLoopback);

}  // namespace
}  // namespace lxnet
