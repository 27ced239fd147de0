#include "fuzz/support/wire.hh"
#include "stack/wire/tcp.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan segment(data, size);
  auto parsed = TcpHeader::parse(segment);
  auto options = TcpHeader::options_in(segment);
  check(parsed.is_ok() || !options.is_ok());
  if (!parsed.is_ok()) return 0;
  const TcpSegmentHeader header = TcpSegmentHeader::from(*parsed.take());
  check(header.header_size >= sizeof(TcpHeader) && header.header_size <= TcpHeader::kMaxSize);
  check(options.is_ok() == (header.header_size <= size));
  if (options.is_ok()) touch(options.take());
  const std::vector<uint8_t> bytes = emitted(header);
  for (size_t i = 0; i < bytes.size(); ++i) check(bytes[i] == data[i]);
  return 0;
}
