// The interpreter. It is Linux's in every answer: a load past the packet's end and a division by zero end the program with 0, a
// shift counts modulo 32, and the offset of an indirect load wraps at 32 bits and may then mean a header.
#include "stack/bpf/bpf_program.hh"

namespace lxnet {
namespace {

using namespace bpf;

class Machine {
 public:
  Machine(std::span<const BpfInstruction> program, const BpfPacket& packet) : program_(program), packet_(packet) {}

  uint32_t run();

 private:
  enum class Step : uint8_t { Next, End };

  Step end(uint32_t result) {
    result_ = result;
    return Step::End;
  }
  Step load(const BpfInstruction& instruction);
  Step load_index(const BpfInstruction& instruction);
  Step load_bytes(uint16_t code, int32_t offset, uint32_t& to);
  Step load_ancillary(Ancillary which);
  uint32_t find_attribute(uint32_t offset) const;
  uint32_t find_nested_attribute(uint32_t offset) const;
  Step compute(const BpfInstruction& instruction);
  bool compare(const BpfInstruction& instruction) const;

  uint32_t operand(const BpfInstruction& instruction) const { return (instruction.code & kX) != 0 ? x_ : instruction.k; }

  std::span<const BpfInstruction> program_;
  const BpfPacket& packet_;
  uint32_t a_ = 0;
  uint32_t x_ = 0;
  uint32_t memory_[kBpfMemoryWords];  // the check sees to it that a cell is written before it is read
  uint32_t result_ = 0;
};

uint32_t Machine::run() {
  for (size_t at = 0;; ++at) {
    const BpfInstruction& instruction = program_[at];
    Step step = Step::Next;
    switch (instruction.code & kClassMask) {
      case kLd:
        step = load(instruction);
        break;
      case kLdx:
        step = load_index(instruction);
        break;
      case kSt:
        memory_[instruction.k] = a_;
        break;
      case kStx:
        memory_[instruction.k] = x_;
        break;
      case kAlu:
        step = compute(instruction);
        break;
      case kJmp:
        if ((instruction.code & kOperationMask) == kJa) {
          at += instruction.k;
        } else {
          at += compare(instruction) ? instruction.jt : instruction.jf;
        }
        break;
      case kRet:
        return (instruction.code & kA) != 0 ? a_ : instruction.k;
      default:
        if ((instruction.code & kTxa) != 0) {
          a_ = x_;
        } else {
          x_ = a_;
        }
    }
    if (step == Step::End) return result_;
  }
}

Machine::Step Machine::load(const BpfInstruction& instruction) {
  switch (instruction.code & kModeMask) {
    case kAbs:
      if (instruction.k >= kAncillaryOffset) return load_ancillary(Ancillary{instruction.k - kAncillaryOffset});
      return load_bytes(instruction.code, static_cast<int32_t>(instruction.k), a_);
    case kInd:
      return load_bytes(instruction.code, static_cast<int32_t>(x_ + instruction.k), a_);
    case kMem:
      a_ = memory_[instruction.k];
      return Step::Next;
    case kLen:
      a_ = packet_.size;
      return Step::Next;
    default:
      a_ = instruction.k;
      return Step::Next;
  }
}

Machine::Step Machine::load_index(const BpfInstruction& instruction) {
  switch (instruction.code & kModeMask) {
    case kMsh: {  // four times the low nibble: an IPv4 header's size
      uint32_t byte = 0;
      const Step step = load_bytes(kB, static_cast<int32_t>(instruction.k), byte);
      if (step == Step::Next) x_ = (byte & 0xf) * 4;
      return step;
    }
    case kMem:
      x_ = memory_[instruction.k];
      return Step::Next;
    case kLen:
      x_ = packet_.size;
      return Step::Next;
    default:
      x_ = instruction.k;
      return Step::Next;
  }
}

Machine::Step Machine::load_bytes(uint16_t code, int32_t offset, uint32_t& to) {
  const uint16_t size_code = code & kSizeMask;
  const size_t size = size_code == kW ? 4 : size_code == kH ? 2 : 1;
  int64_t at = offset;
  if (offset < 0) {
    const bool is_network = offset >= kNetworkOffset;
    const std::optional<int32_t> header = is_network ? packet_.network_offset : packet_.link_offset;
    if (!header || offset < kLinkOffset) return end(0);
    at += *header - (is_network ? kNetworkOffset : kLinkOffset);
  }
  uint8_t bytes[4];
  if (!packet_.copy(at, MutableByteSpan(bytes, size))) return end(0);
  to = 0;
  for (size_t i = 0; i < size; ++i) to = to << 8 | bytes[i];
  return Step::Next;
}

Machine::Step Machine::load_ancillary(Ancillary which) {
  switch (which) {
    case Ancillary::Protocol:
      a_ = packet_.protocol;
      break;
    case Ancillary::PacketType:
      a_ = packet_.packet_type;
      break;
    case Ancillary::InterfaceIndex:
    case Ancillary::HardwareType:
      // Of no interface Linux ends the program, with what is in the accumulator.
      if (packet_.interface_index == 0) return end(a_);
      a_ = which == Ancillary::InterfaceIndex ? packet_.interface_index : packet_.interface_type;
      break;
    case Ancillary::NetlinkAttribute:
      a_ = find_attribute(a_);
      break;
    case Ancillary::NestedNetlinkAttribute:
      a_ = find_nested_attribute(a_);
      break;
    case Ancillary::Mark:
      a_ = packet_.mark;
      break;
    case Ancillary::Queue:
      a_ = packet_.queue;
      break;
    case Ancillary::ReceiveHash:
      a_ = packet_.receive_hash;
      break;
    case Ancillary::Cpu:
      a_ = packet_.cpu;
      break;
    case Ancillary::XorX:
      a_ ^= x_;
      break;
    case Ancillary::VlanTag:
      a_ = packet_.vlan_tag.value_or(0);
      break;
    case Ancillary::VlanTagPresent:
      a_ = packet_.vlan_tag ? 1 : 0;
      break;
    case Ancillary::PayloadOffset:
      a_ = bpf_payload_offset(packet_);
      break;
    case Ancillary::Random:
      a_ = packet_.random == nullptr ? 0 : packet_.random(packet_.random_source);
      break;
    case Ancillary::VlanProtocol:
      a_ = packet_.vlan_protocol;
      break;
  }
  return Step::Next;
}

// A netlink attribute's head (struct nlattr), in the machine's byte order.
struct Attribute {
  static constexpr uint16_t kTypeMask = 0x3fff;  // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
  uint16_t size;
  uint16_t type;
};

// The offset of the attribute of type X among those in [first, end), or 0.
uint32_t find_in(const BpfPacket& packet, uint32_t first, uint32_t end, uint32_t type) {
  for (uint64_t at = first; at + sizeof(Attribute) <= end;) {
    Attribute attribute{};
    if (!packet.copy(static_cast<int64_t>(at), mutable_bytes_of(attribute))) return 0;
    if (attribute.size < sizeof(Attribute) || attribute.size > end - at) return 0;
    if ((attribute.type & Attribute::kTypeMask) == type) return static_cast<uint32_t>(at);
    at += (attribute.size + 3u) & ~3u;
  }
  return 0;
}

uint32_t Machine::find_attribute(uint32_t offset) const {
  if (packet_.linear.size() < packet_.size) return 0;  // Linux does not look into fragments either
  if (packet_.size < sizeof(Attribute) || offset > packet_.size - sizeof(Attribute)) return 0;
  return find_in(packet_, offset, packet_.size, x_);
}

uint32_t Machine::find_nested_attribute(uint32_t offset) const {
  if (packet_.linear.size() < packet_.size) return 0;
  if (packet_.size < sizeof(Attribute) || offset > packet_.size - sizeof(Attribute)) return 0;
  Attribute outer{};
  if (!packet_.copy(offset, mutable_bytes_of(outer)) || outer.size > packet_.size - offset) return 0;
  return find_in(packet_, offset + static_cast<uint32_t>(sizeof(Attribute)), offset + outer.size, x_);
}

Machine::Step Machine::compute(const BpfInstruction& instruction) {
  const uint32_t value = operand(instruction);
  switch (instruction.code & kOperationMask) {
    case kAdd:
      a_ += value;
      break;
    case kSub:
      a_ -= value;
      break;
    case kMul:
      a_ *= value;
      break;
    case kDiv:
      if (value == 0) return end(0);
      a_ /= value;
      break;
    case kMod:
      if (value == 0) return end(0);
      a_ %= value;
      break;
    case kOr:
      a_ |= value;
      break;
    case kAnd:
      a_ &= value;
      break;
    case kXor:
      a_ ^= value;
      break;
    case kLsh:
      a_ <<= value & 31;
      break;
    case kRsh:
      a_ >>= value & 31;
      break;
    default:  // kNeg
      a_ = 0 - a_;
  }
  return Step::Next;
}

bool Machine::compare(const BpfInstruction& instruction) const {
  const uint32_t value = operand(instruction);
  switch (instruction.code & kOperationMask) {
    case kJeq:
      return a_ == value;
    case kJgt:
      return a_ > value;
    case kJge:
      return a_ >= value;
    default:  // kJset
      return (a_ & value) != 0;
  }
}

}  // namespace

uint32_t run_bpf(std::span<const BpfInstruction> checked_program, const BpfPacket& packet) {
  return Machine(checked_program, packet).run();
}

}  // namespace lxnet
