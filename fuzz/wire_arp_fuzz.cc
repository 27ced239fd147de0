#include "fuzz/support/wire.hh"
#include "stack/wire/arp.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto parsed = ArpMessage::parse(ByteSpan(data, size));
  if (!parsed.is_ok()) return 0;
  const ArpMessage message = parsed.take();
  const std::vector<uint8_t> bytes = emitted(message);
  for (size_t i = 2; i < bytes.size(); ++i) check(bytes[i] == data[i]);  // the hardware type may be Ieee802's
  check(ArpMessage::parse(bytes).take() == message);
  return 0;
}
