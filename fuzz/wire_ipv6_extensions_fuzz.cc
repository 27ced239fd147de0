#include "fuzz/support/wire.hh"
#include "stack/wire/ipv6_extensions.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

namespace {

void check_verdict(const Ipv6Verdict& verdict, size_t size) {
  if (verdict.action == Ipv6Verdict::Action::ParameterProblem) check(verdict.pointer < size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan packet(data, size);
  for (size_t offset = 40; offset <= size + 1; offset += 8) {
    check_verdict(check_hop_by_hop_options(packet, offset).verdict, size);
    check_verdict(check_destination_options(packet, offset, {.max_count = -8}).verdict, size);
    check_verdict(check_routing_header(packet, offset), size);
  }
  auto found = find_upper_layer(packet);
  if (!found.is_ok()) return 0;
  const Ipv6UpperLayer upper = found.take();
  check(upper.offset >= 40 && upper.offset <= size && upper.next_header_offset < upper.offset);
  check(data[upper.next_header_offset] == static_cast<uint8_t>(upper.protocol));
  touch(packet.subspan(upper.offset));
  if (!upper.fragment) return 0;
  const std::vector<uint8_t> bytes = emitted(*upper.fragment);
  check(Ipv6Fragment::from(*Ipv6FragmentHeader::parse(bytes).take()) == *upper.fragment);
  return 0;
}
