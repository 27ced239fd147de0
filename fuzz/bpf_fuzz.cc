// The input is a program and a packet: a count, as many instructions, the rest. What passes the check must run to its end without
// reading past the packet, and answer the same however the packet lies in memory.
#include <algorithm>

#include "fuzz/support/wire.hh"
#include "stack/bpf/bpf_check.hh"
#include "stack/bpf/bpf_program.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

namespace {

// Headers passed lie in front: the packet's offset 0 is in the middle of the bytes.
struct Whole {
  ByteSpan bytes;
  size_t front;
};

bool read(const void* source, int64_t offset, MutableByteSpan to) {
  const Whole& whole = *static_cast<const Whole*>(source);
  const int64_t at = offset + static_cast<int64_t>(whole.front);
  check(at >= 0);  // a header's offset and what is added to it are never below the first header
  if (static_cast<uint64_t>(at) + to.size() > whole.bytes.size()) return false;
  copy_bytes(to, whole.bytes.subspan(static_cast<size_t>(at)));
  return true;
}

BpfPacket packet_of(const Whole& whole, size_t linear) {
  const ByteSpan from_front = whole.bytes.subspan(whole.front);
  const int32_t passed = -static_cast<int32_t>(whole.front);
  return {.linear = from_front.first(std::min(linear, from_front.size())),
          .size = static_cast<uint32_t>(from_front.size()),
          .read = read,
          .source = &whole,
          .network_offset = passed / 2,
          .link_offset = passed,
          .protocol = static_cast<uint16_t>(from_front.size() % 2 == 0 ? 0x0800 : 0x86dd),
          .interface_index = 1};
}

// These look at how the packet lies, as Linux does.
bool depends_on_layout(const BpfInstruction& instruction) {
  const uint32_t which = instruction.k - bpf::kAncillaryOffset;
  return which == static_cast<uint32_t>(bpf::Ancillary::NetlinkAttribute) ||
         which == static_cast<uint32_t>(bpf::Ancillary::NestedNetlinkAttribute);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t front = data[1];
  ByteSpan rest = ByteSpan(data, size).subspan(2);
  const size_t count = std::min<size_t>(data[0], rest.size() / sizeof(BpfInstruction));
  std::vector<BpfInstruction> program(count);
  for (BpfInstruction& instruction : program) {
    copy_bytes(mutable_bytes_of(instruction), rest.first(sizeof(BpfInstruction)));
    rest = rest.subspan(sizeof(BpfInstruction));
  }
  std::vector<uint16_t> cells(count);
  if (!check_bpf(program, cells).is_ok()) return 0;

  const Whole whole{rest, std::min(front, rest.size())};
  const uint32_t result = run_bpf(program, packet_of(whole, rest.size()));
  const uint32_t scattered = run_bpf(program, packet_of(whole, 3));
  if (std::ranges::none_of(program, depends_on_layout)) check(result == scattered);
  return 0;
}
