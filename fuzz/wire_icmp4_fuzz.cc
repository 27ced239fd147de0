#include "fuzz/support/wire.hh"
#include "stack/wire/icmp4.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto parsed = Icmp4Header::parse(ByteSpan(data, size));
  if (!parsed.is_ok()) return 0;
  const Icmp4Message message = Icmp4Message::from(*parsed.take());
  check(message.quoted_size() <= 255 * 4);
  const std::vector<uint8_t> bytes = emitted(message);
  for (size_t i = 0; i < bytes.size(); ++i) check(bytes[i] == (i == 2 || i == 3 ? 0 : data[i]));
  return 0;
}
