// The checksum and the copying checksum against memcpy of the same bytes: in cache, at the sizes of headers, segments and
// offloaded packets.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "base/checksum.hh"

namespace lxnet {
namespace {

void for_packet_sizes(benchmark::internal::Benchmark* benchmark) {
  for (int64_t size : {20, 64, 576, 1460, 9000, 65536}) benchmark->Arg(size);
}

struct Buffers {
  explicit Buffers(benchmark::State& state) : from(static_cast<size_t>(state.range(0)), 0x5a), to(from.size()) {}
  void report(benchmark::State& state) const {
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(from.size()));
  }
  std::vector<uint8_t> from, to;
};

void BM_Memcpy(benchmark::State& state) {
  Buffers buffers(state);
  for (auto _ : state) {
    memcpy(buffers.to.data(), buffers.from.data(), buffers.from.size());
    benchmark::ClobberMemory();
  }
  buffers.report(state);
}
BENCHMARK(BM_Memcpy)->Apply(for_packet_sizes);

void BM_Checksum(benchmark::State& state) {
  Buffers buffers(state);
  for (auto _ : state) benchmark::DoNotOptimize(internet_checksum(buffers.from));
  buffers.report(state);
}
BENCHMARK(BM_Checksum)->Apply(for_packet_sizes);

void BM_CopyAndChecksum(benchmark::State& state) {
  Buffers buffers(state);
  for (auto _ : state) {
    InternetChecksum sum;
    sum.copy_and_add(buffers.to, buffers.from);
    benchmark::DoNotOptimize(sum.finish());
    benchmark::ClobberMemory();
  }
  buffers.report(state);
}
BENCHMARK(BM_CopyAndChecksum)->Apply(for_packet_sizes);

}  // namespace
}  // namespace lxnet
