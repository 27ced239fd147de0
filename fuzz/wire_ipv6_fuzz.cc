#include "fuzz/support/wire.hh"
#include "stack/wire/ipv6.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto parsed = Ipv6Header::parse(ByteSpan(data, size));
  if (!parsed.is_ok()) return 0;
  const std::vector<uint8_t> bytes = emitted(Ipv6PacketHeader::from(*parsed.take()));
  for (size_t i = 0; i < bytes.size(); ++i) check(bytes[i] == data[i]);
  return 0;
}
