// What a packet costs: made and freed, with a block, cloned; and with the locks of a host of several processors.
#include <memory>

#include "bench/support/bench.hh"
#include "hosts/threads/thread_hal.hh"
#include "netdev/loopback/loopback.hh"
#include "netdev/packet_pool.hh"

namespace lxnet::bench {
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

class Pool {
 public:
  explicit Pool(Locks locks) : hal_(hal_of(host_, locks)) {}
  PacketPool& operator*() { return pool_; }

 private:
  threads::ThreadHal host_;
  Hal hal_;
  PacketPool pool_{hal_, 256 << 20};
};

Work small_datagram(Locks locks) {
  return once([pool = std::make_shared<Pool>(locks)] {
    Ref<Packet> packet = Packet::create(**pool).take();
    keep(packet->append(64).data());
  });
}

Work full_frame(Locks locks) {
  return once([pool = std::make_shared<Pool>(locks)] {
    Ref<Packet> packet = Packet::create_linear(**pool, 1514).take();
    keep(packet->append(1514).data());
  });
}

Work clone_of_64_kib() {
  auto pool = std::make_shared<Pool>(Locks::None);
  auto packet = std::make_shared<Ref<Packet>>(Packet::create(**pool).take());
  for (int i = 0; i < 2; ++i) {
    Ref<DataBlock> block = DataBlock::create(**pool, 32768).take();
    static_cast<void>((*packet)->append_fragment(block, 0, 32768));
  }
  return once([pool, packet] { keep((*packet)->clone().take().get()); });
}

Work through_loopback() {
  auto pool = std::make_shared<Pool>(Locks::None);
  auto loopback = std::make_shared<Loopback>();
  loopback->attach({.owner = nullptr,
                    .receive = [](void*, Entry&, PacketQueue& batch) { batch.clear(); },
                    .schedule_poll = nullptr,
                    .link_changed = nullptr});
  return once([pool, loopback] {
    PacketQueue batch;
    batch.push_back(Packet::create(**pool).take());
    loopback->transmit(reinterpret_cast<Entry&>(*pool), Instant(), batch);
  });
}

}  // namespace

void add_cases(Suite& suite) {
  const auto add = [&](const char* name, std::function<Work()> work) { suite.add({.name = name, .lxnet = std::move(work)}); };
  add("64 B datagram, no locks", [] { return small_datagram(Locks::None); });
  add("64 B datagram, locks", [] { return small_datagram(Locks::Real); });
  add("full frame, no locks", [] { return full_frame(Locks::None); });
  add("full frame, locks", [] { return full_frame(Locks::Real); });
  add("clone of 64 KiB", clone_of_64_kib);
  add("through loopback", through_loopback);
}

}  // namespace lxnet::bench
