#include "fuzz/support/wire.hh"
#include "stack/wire/udp.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto parsed = UdpHeader::parse(ByteSpan(data, size));
  if (!parsed.is_ok()) return 0;
  const UdpHeader* header = parsed.take();
  if (auto datagram = header->datagram_size(size); datagram.is_ok()) {
    const size_t datagram_size = datagram.take();
    check(datagram_size >= sizeof(UdpHeader) && datagram_size <= size);
  }
  const std::vector<uint8_t> bytes = emitted(UdpDatagramHeader::from(*header));
  for (size_t i = 0; i < bytes.size(); ++i) check(bytes[i] == data[i]);
  return 0;
}
