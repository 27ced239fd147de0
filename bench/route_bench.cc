// Longest prefix match: what one lookup in a table costs, from a host's handful of routes to a full Internet table's size.
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/support/bench.hh"
#include "stack/interface.hh"
#include "stack/route/route_trie.hh"

namespace lxnet::bench {
namespace {

// Only memory is asked of this host.
Hal memory_hal() {
  static lxnet_hal table = [] {
    lxnet_hal hal{};
    hal.abi_version = LXNET_HAL_VERSION;
    hal.struct_size = sizeof hal;
    hal.monotonic_nanos = [](void*) { return int64_t{0}; };
    hal.wall_nanos = [](void*) { return int64_t{0}; };
    hal.set_alarm = [](void*, lxnet_stack*, int64_t) {};
    hal.alloc = [](void*, size_t size, size_t align) { return std::aligned_alloc(align, (size + align - 1) / align * align); };
    hal.free = [](void*, void* block, size_t) { std::free(block); };
    hal.random_bytes = [](void*, void*, size_t) {};
    hal.current_task = [](void*) -> lxnet_task* { return nullptr; };
    hal.park = [](void*, int64_t, int) { return 0; };
    hal.unpark = [](void*, lxnet_task*) {};
    hal.copy_from_user = [](void*, void*, uint64_t, size_t size) { return size; };
    hal.copy_to_user = [](void*, uint64_t, const void*, size_t size) { return size; };
    hal.credentials = [](void*, lxnet_credentials*) {};
    hal.capable = [](void*, int) { return 0; };
    hal.send_signal = [](void*, const lxnet_signal*) { return 0; };
    hal.install_fd = [](void*, lxnet_file*, uint32_t) { return -1; };
    hal.find_fd = [](void*, int, int*) -> lxnet_file* { return nullptr; };
    hal.release_fd = [](void*, int) {};
    hal.log = [](void*, int, const char*) {};
    hal.panic = [](void*, const char*) { std::abort(); };
    return hal;
  }();
  return Hal::create(table, nullptr).take();
}

// Prefixes of the lengths an Internet table has: mostly /24, some up to /16.
class Table {
 public:
  explicit Table(size_t size) {
    std::mt19937 random(1);
    for (size_t i = 0; i < size; ++i) {
      const auto length = static_cast<uint8_t>(random() % 5 < 3 ? 24 : 16 + random() % 8);
      const Ipv4Address address(static_cast<uint32_t>(random()));
      RouteEntry route;
      route.destination = {address.network(length), length};
      RouteNode* node = construct<RouteNode>(hal_, route, nullptr);
      if (node == nullptr || !trie_.insert(*node).is_ok()) std::abort();
      if (destinations_.size() < 4096) destinations_.push_back(address);
    }
  }
  void find_next() {
    keep(trie_.find_longest(destinations_[next_]));
    next_ = next_ + 1 == destinations_.size() ? 0 : next_ + 1;
  }

 private:
  const Hal hal_ = memory_hal();
  RouteTrie trie_{hal_};
  std::vector<Ipv4Address> destinations_;
  size_t next_ = 0;
};

}  // namespace

void add_cases(Suite& suite) {
  for (const size_t size : {size_t{4}, size_t{100}, size_t{10'000}, size_t{1'000'000}}) {
    suite.add({.name = "longest prefix of " + std::to_string(size),
               .lxnet = [=] { return once([table = std::make_shared<Table>(size)] { table->find_next(); }); }});
  }
}

}  // namespace lxnet::bench
