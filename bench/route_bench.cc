// Longest prefix match: what one lookup in a table costs, from a host's handful of routes to a full Internet table's size.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <random>
#include <vector>

#include "stack/interface.hh"
#include "stack/route/route_trie.hh"

namespace lxnet {
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
void BM_LongestPrefix(benchmark::State& state) {
  const Hal hal = memory_hal();
  RouteTrie trie(hal);
  std::mt19937 random(1);
  std::vector<Ipv4Address> destinations;
  for (int64_t i = 0; i < state.range(0); ++i) {
    const auto length = static_cast<uint8_t>(random() % 5 < 3 ? 24 : 16 + random() % 8);
    const Ipv4Address address(static_cast<uint32_t>(random()));
    RouteEntry route;
    route.destination = {address.network(length), length};
    RouteNode* node = construct<RouteNode>(hal, route, nullptr);
    if (node == nullptr || !trie.insert(*node).is_ok()) std::abort();
    if (destinations.size() < 4096) destinations.push_back(address);
  }
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(trie.find_longest(destinations[next]));
    next = next + 1 == destinations.size() ? 0 : next + 1;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_LongestPrefix)->Arg(4)->Arg(100)->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace lxnet
