// The checksum and the copying checksum, with memcpy of the same bytes as the floor: in cache, at the sizes of headers, segments
// and offloaded packets.
#include "base/checksum.hh"

#include <cstring>
#include <string>
#include <vector>

#include "bench/support/bench.hh"

namespace lxnet::bench {
namespace {

struct Buffers {
  explicit Buffers(size_t size) : from(size, 0x5a), to(size) {}
  std::vector<uint8_t> from, to;
};

Work copying(size_t size) {
  return once([buffers = Buffers(size)]() mutable {
    memcpy(buffers.to.data(), buffers.from.data(), buffers.from.size());
    clobber_memory();
  });
}

Work summing(size_t size) {
  return once([buffers = Buffers(size)] { keep(internet_checksum(buffers.from)); });
}

Work copying_and_summing(size_t size) {
  return once([buffers = Buffers(size)]() mutable {
    InternetChecksum sum;
    sum.copy_and_add(buffers.to, buffers.from);
    keep(sum.finish());
    clobber_memory();
  });
}

}  // namespace

void add_cases(Suite& suite) {
  for (const size_t size : {size_t{20}, size_t{64}, size_t{576}, size_t{1460}, size_t{9000}, size_t{65536}}) {
    const auto add = [&](const char* what, Work (*work)(size_t)) {
      suite.add({.name = std::string(what) + " " + std::to_string(size) + " B",
                 .unit = Unit::BytesPerSecond,
                 .items = static_cast<double>(size),
                 .lxnet = [=] { return work(size); },
                 .floor = [=] { return copying(size); }});
    };
    add("checksum", summing);
    add("copy and checksum", copying_and_summing);
  }
}

}  // namespace lxnet::bench
