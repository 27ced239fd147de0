#include "fuzz/support/wire.hh"
#include "stack/wire/ipv4.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan packet(data, size);
  auto view = Ipv4Header::parse(packet);
  auto parsed = Ipv4PacketHeader::parse(packet);
  check(view.is_ok() || !parsed.is_ok());
  if (!parsed.is_ok()) return 0;
  const Ipv4Header* header = view.take();
  const Ipv4PacketHeader values = parsed.take();
  touch(values.options);
  check(header->header_size() == values.encoded_size() && header->header_size() <= size);
  check_round_trip(Ipv4PacketHeader::parse, values);

  std::vector<uint8_t> bytes = emitted(values);
  check(Ipv4Header::is_checksum_valid(bytes, bytes.size()));
  Ipv4Header& mutable_header = *reinterpret_cast<Ipv4Header*>(bytes.data());
  if (mutable_header.time_to_live == 0) return 0;
  mutable_header.decrease_time_to_live();
  check(Ipv4Header::is_checksum_valid(bytes, bytes.size()));
  mutable_header.update_header_checksum();
  check(Ipv4Header::is_checksum_valid(bytes, bytes.size()));
  return 0;
}
