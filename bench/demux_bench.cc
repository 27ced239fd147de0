// Finding the socket of a packet among 1k to 1M connected ones, in an order no cache foresees: what grows is the memory latency.
#include <benchmark/benchmark.h>

#include <memory>

#include "hosts/threads/thread_host.hh"
#include "stack/stack.hh"
#include "tests/support/fake_socket.hh"

namespace lxnet {
namespace {

using namespace lxnet::testing;

void BM_FindFlow(benchmark::State& state) {
  threads::ThreadHost host("bench");
  SocketSet& set = host.stack().sockets();
  const auto count = static_cast<size_t>(state.range(0));
  const Ref<FakeSocket> socket = FakeSocket::create(host.stack(), IpFamily::V4);
  std::unique_ptr<DemuxEntry[]> entries(new DemuxEntry[count]);
  const auto remote_of = [](size_t i) { return IpAddress(Ipv4Address(static_cast<uint32_t>(0x0a000000 + i / 50000))); };
  const auto port_of = [](size_t i) { return static_cast<uint16_t>(1024 + i % 50000); };
  for (size_t i = 0; i < count; ++i) {
    DemuxEntry& entry = entries[i];
    entry.socket = socket.get();
    entry.space = DemuxSpace::Tcp;
    entry.local = Ipv4Address(192, 0, 2, 1);
    entry.local_port = 80;
    entry.remote = remote_of(i);
    entry.remote_port = port_of(i);
    if (!set.add_flow(entry, FlowSharing::Unique).is_ok()) state.SkipWithError("no memory");
  }
  size_t i = 0;
  for (auto _ : state) {
    i = (i + 7919) % count;
    const PacketTuple packet{.space = DemuxSpace::Tcp,
                             .local = Ipv4Address(192, 0, 2, 1),
                             .remote = remote_of(i),
                             .local_port = 80,
                             .remote_port = port_of(i),
                             .interface_index = 1};
    benchmark::DoNotOptimize(set.find_flow(packet).socket.get());
  }
  for (size_t n = 0; n < count; ++n) set.remove(entries[n]);
}
BENCHMARK(BM_FindFlow)->Arg(1000)->Arg(10000)->Arg(100000)->Arg(1000000);

}  // namespace
}  // namespace lxnet
