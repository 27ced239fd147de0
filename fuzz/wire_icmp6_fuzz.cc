#include "fuzz/support/wire.hh"
#include "stack/wire/icmp6.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto parsed = Icmp6Header::parse(ByteSpan(data, size));
  if (!parsed.is_ok()) return 0;
  const Icmp6Message message = Icmp6Message::from(*parsed.take());
  const std::vector<uint8_t> bytes = emitted(message);
  for (size_t i = 0; i < bytes.size(); ++i) check(bytes[i] == (i == 2 || i == 3 ? 0 : data[i]));
  return 0;
}
