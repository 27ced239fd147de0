#include "fuzz/support/wire.hh"
#include "stack/wire/ethernet.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan frame(data, size);
  auto parsed = EthernetFrameHeader::parse(frame);
  if (!parsed.is_ok()) return 0;
  const EthernetFrameHeader header = parsed.take();
  check(header.encoded_size() <= size);
  const std::vector<uint8_t> bytes = emitted(header);
  // All but the type field, which for an 802.3 frame is a length and read as another number.
  for (size_t i = 0; i + 2 < bytes.size(); ++i) check(bytes[i] == data[i]);
  if (static_cast<uint16_t>(header.type) >= 0x600 && header.tag_count < EthernetFrameHeader::kMaxTags) {
    check_round_trip(EthernetFrameHeader::parse, header);
  }
  return 0;
}
