// Classic BPF's instruction set, as <linux/filter.h> lays it out (struct sock_filter). Names are Linux's without their prefix.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lxnet {

struct BpfInstruction {
  uint16_t code = 0;
  uint8_t jt = 0;  // instructions to skip if the comparison holds
  uint8_t jf = 0;  // and if it does not
  uint32_t k = 0;

  bool operator==(const BpfInstruction&) const = default;
};
static_assert(sizeof(BpfInstruction) == 8 && offsetof(BpfInstruction, k) == 4);

inline constexpr size_t kBpfMaxInstructions = 4096;
inline constexpr size_t kBpfMemoryWords = 16;

namespace bpf {

// The low three bits of a code: its class.
inline constexpr uint16_t kClassMask = 0x07;
inline constexpr uint16_t kLd = 0x00, kLdx = 0x01, kSt = 0x02, kStx = 0x03, kAlu = 0x04, kJmp = 0x05, kRet = 0x06, kMisc = 0x07;
// A load: how much, and from where.
inline constexpr uint16_t kSizeMask = 0x18, kW = 0x00, kH = 0x08, kB = 0x10;
inline constexpr uint16_t kModeMask = 0xe0, kImm = 0x00, kAbs = 0x20, kInd = 0x40, kMem = 0x60, kLen = 0x80, kMsh = 0xa0;
// Arithmetic and jumps: what, and with what.
inline constexpr uint16_t kOperationMask = 0xf0;
inline constexpr uint16_t kAdd = 0x00, kSub = 0x10, kMul = 0x20, kDiv = 0x30, kOr = 0x40, kAnd = 0x50, kLsh = 0x60, kRsh = 0x70,
                          kNeg = 0x80, kMod = 0x90, kXor = 0xa0;
inline constexpr uint16_t kJa = 0x00, kJeq = 0x10, kJgt = 0x20, kJge = 0x30, kJset = 0x40;
inline constexpr uint16_t kK = 0x00, kX = 0x08;
inline constexpr uint16_t kA = 0x10;  // returned
inline constexpr uint16_t kTax = 0x00, kTxa = 0x80;

// Absolute loads from here on are not from the packet. They are negative as the int32_t an offset is.
inline constexpr uint32_t kAncillaryOffset = 0xffff'f000;  // SKF_AD_OFF
inline constexpr int32_t kNetworkOffset = -0x10'0000;      // SKF_NET_OFF: from the network header
inline constexpr int32_t kLinkOffset = -0x20'0000;         // SKF_LL_OFF: from the link header

// SKF_AD_*: what is known of the packet besides its bytes.
enum class Ancillary : uint32_t {
  Protocol = 0,
  PacketType = 4,
  InterfaceIndex = 8,
  NetlinkAttribute = 12,
  NestedNetlinkAttribute = 16,
  Mark = 20,
  Queue = 24,
  HardwareType = 28,
  ReceiveHash = 32,
  Cpu = 36,
  XorX = 40,
  VlanTag = 44,
  VlanTagPresent = 48,
  PayloadOffset = 52,
  Random = 56,
  VlanProtocol = 60,
};

}  // namespace bpf
}  // namespace lxnet
