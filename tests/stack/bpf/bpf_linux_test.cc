// Random programs, judged and run by Linux and by us. Linux runs them as socket filters: what they return is how many bytes of a
// datagram arrive.
#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "stack/bpf/bpf_check.hh"
#include "stack/bpf/bpf_program.hh"
#include "tests/stack/bpf/programs.hh"

namespace lxnet {
namespace {

using namespace bpf;
using Bytes = std::vector<uint8_t>;

constexpr size_t kDatagramSize = 300;

// std::mt19937 counts in a type that is wider than its numbers.
class Random {
 public:
  uint32_t operator()() { return static_cast<uint32_t>(engine_()); }

 private:
  std::mt19937 engine_{20260101};
};

class BpfOnLinuxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, sockets_), 0);
    if (!attach({op(kRetK, 1)})) GTEST_SKIP() << "this kernel attaches no filters";
  }
  void TearDown() override {
    close(sockets_[0]);
    close(sockets_[1]);
  }

  bool attach(const Program& program) {
    Program copy = program;
    sock_fprog request{.len = static_cast<unsigned short>(copy.size()), .filter = reinterpret_cast<sock_filter*>(copy.data())};
    return setsockopt(sockets_[1], SOL_SOCKET, SO_ATTACH_FILTER, &request, sizeof(request)) == 0;
  }
  // How many bytes of the datagram the attached program lets through; 0: none.
  size_t arriving(const Bytes& datagram) {
    EXPECT_EQ(send(sockets_[0], datagram.data(), datagram.size(), 0), static_cast<ssize_t>(datagram.size()));
    uint8_t buffer[kDatagramSize + 1];
    const ssize_t size = recv(sockets_[1], buffer, sizeof(buffer), 0);
    return size < 0 ? 0 : static_cast<size_t>(size);
  }
  // The same by our interpreter.
  static size_t expected(const Program& program, const Bytes& datagram) {
    const uint32_t result = run_bpf(program, {.linear = datagram, .size = static_cast<uint32_t>(datagram.size())});
    return std::min<size_t>(result, datagram.size());
  }
  static bool is_accepted(const Program& program) {
    std::vector<uint16_t> cells(program.size());
    return check_bpf(program, cells).is_ok();
  }

  Random random_;
  int sockets_[2] = {-1, -1};
};

// A code that is often one of the real ones.
uint16_t random_code(Random& random) {
  if (random() % 8 == 0) return static_cast<uint16_t>(random());
  return static_cast<uint16_t>(random() % 256);
}

uint32_t random_constant(Random& random) {
  switch (random() % 6) {
    case 0:
      return random();
    case 1:
      return kAncillaryOffset + random() % 72;
    case 2:
      return 0;
    default:
      return random() % 40;
  }
}

TEST_F(BpfOnLinuxTest, EveryCodeIsAcceptedOrRefusedAlike) {
  for (unsigned code = 0; code < 0x400; ++code) {
    for (uint32_t k : {0u, 1u, 15u, 16u, 31u, 32u, kAncillaryOffset - 1, kAncillaryOffset, kAncillaryOffset + 60,
                       kAncillaryOffset + 64, ~0u}) {
      const Program program{op(kSt, 0), op(kSt, 1), op(kSt, 15), op(code, k), op(kRetK, 1)};
      ASSERT_EQ(is_accepted(program), attach(program)) << "code " << code << " k " << k;
    }
  }
}

TEST_F(BpfOnLinuxTest, RandomProgramsAreAcceptedOrRefusedAlike) {
  int accepted = 0;
  for (int round = 0; round < 40'000; ++round) {
    Program program(1 + random_() % 6);
    for (BpfInstruction& instruction : program) {
      instruction = op(random_code(random_), random_constant(random_), static_cast<uint8_t>(random_() % 4),
                       static_cast<uint8_t>(random_() % 4));
    }
    // Mostly memory and jumps, which is where programs are wrong in interesting ways.
    for (BpfInstruction& instruction : program) {
      const unsigned codes[] = {kSt, kStx, kLd | kMem, kLdx | kMem, kJmp | kJa, kJmp | kJeq, kRetA};
      if (random_() % 4 != 0) instruction.code = static_cast<uint16_t>(codes[random_() % std::size(codes)]);
      if ((instruction.code & kClassMask) == kJmp || random_() % 2 == 0) instruction.k = random_() % 3;
    }
    if (random_() % 8 != 0) program.push_back(op(random_() % 2 == 0 ? kRetA : kRetK, 5));
    const bool ours = is_accepted(program);
    ASSERT_EQ(ours, attach(program)) << "round " << round;
    accepted += ours;
  }
  EXPECT_GT(accepted, 1000);
}

// An instruction that does something with the datagram or the registers, so that what Linux does is seen.
BpfInstruction random_step(Random& random, size_t left) {
  const auto offset = [&] { return static_cast<uint32_t>(random() % (kDatagramSize + (random() % 8 == 0 ? 8 : 0))); };
  const auto skip = [&] { return static_cast<uint8_t>(random() % std::min<size_t>(left, 4)); };
  const unsigned sizes[] = {kW, kH, kB};
  const unsigned operations[] = {kAdd, kSub, kMul, kDiv, kOr, kAnd, kLsh, kRsh, kMod, kXor};
  const unsigned comparisons[] = {kJeq, kJgt, kJge, kJset};
  switch (random() % 12) {
    case 0:
      return op(kLdImm, random_constant(random));
    case 1:
      return op(kLdxImm, random() % 4 == 0 ? random_constant(random) : offset());
    case 2:
      return op(kLd | kAbs | sizes[random() % 3], offset());
    case 3:
      return op(kLd | kInd | sizes[random() % 3], random() % 16 - (random() % 4 == 0 ? 8 : 0));
    case 4:
      return op(kLdx | kB | kMsh, offset());
    case 5:
      return op(random() % 2 == 0 ? kMisc | kTax : kMisc | kTxa);
    case 6:
      return op(random() % 2 == 0 ? kSt : kStx, random() % 4);
    case 7:
      return op(random() % 2 == 0 ? kLd | kMem : kLdx | kMem, random() % 4);
    case 8:
      return op(kJmp | comparisons[random() % 4] | (random() % 2 == 0 ? kK : kX), random_constant(random), skip(), skip());
    case 9:
      return random() % 4 == 0 ? op(kAlu | kNeg) : op((random() % 2 == 0 ? kLd : kLdx) | kLen);
    default:
      return op(kAlu | operations[random() % std::size(operations)] | (random() % 2 == 0 ? kK : kX), 1 + random() % 31);
  }
}

TEST_F(BpfOnLinuxTest, RandomProgramsAnswerAlike) {
  int compared = 0, let_through = 0;
  for (int round = 0; round < 6000; ++round) {
    Bytes datagram(kDatagramSize);
    for (uint8_t& byte : datagram) byte = static_cast<uint8_t>(random_() >> 3);
    Program body;
    for (uint32_t cell = 0; cell < 4; ++cell) body.push_back(op(kSt, cell));
    const size_t steps = 1 + random_() % 12;
    for (size_t i = 0; i < steps; ++i) body.push_back(random_step(random_, steps - i));
    // Each byte of the accumulator in turn, plus one, becomes the size of what arrives.
    for (uint32_t shift = 0; shift < 32; shift += 8) {
      Program program = body;
      program.insert(program.end(),
                     {op(kAlu | kRsh | kK, shift), op(kAlu | kAnd | kK, 0xff), op(kAlu | kAdd | kK, 1), op(kRetA)});
      if (!is_accepted(program)) break;
      ASSERT_TRUE(attach(program));
      const size_t size = arriving(datagram);
      ASSERT_EQ(expected(program, datagram), size) << "round " << round << " shift " << shift;
      ++compared;
      let_through += size != 0;
    }
  }
  EXPECT_GT(compared, 10'000);
  EXPECT_GT(let_through, 5'000);
}

TEST_F(BpfOnLinuxTest, ADatagramWithoutAnInterfaceAnswersAlike) {
  const Bytes datagram(kDatagramSize, 1);
  for (const Program& program : {Program{op(kLdImm, 5), load_ancillary(Ancillary::InterfaceIndex), op(kRetK, 100)},
                                 Program{op(kLdImm, 6), load_ancillary(Ancillary::HardwareType), op(kRetK, 100)},
                                 Program{load_ancillary(Ancillary::VlanTagPresent), op(kAlu | kAdd, 1), op(kRetA)},
                                 Program{load_ancillary(Ancillary::PayloadOffset), op(kAlu | kAdd, 1), op(kRetA)},
                                 Program{op(kLdImm, 6), op(kLdxImm, 3), load_ancillary(Ancillary::XorX), op(kRetA)},
                                 Program{op(kLdB, static_cast<uint32_t>(kLinkOffset)), op(kRetK, 9)}}) {
    ASSERT_TRUE(attach(program));
    EXPECT_EQ(arriving(datagram), expected(program, datagram));
  }
}

// A filter of a UDP socket begins at the UDP header, and reaches the headers before it by negative offsets.
TEST_F(BpfOnLinuxTest, HeadersThatWerePassedAnswerAlike) {
  const int receiver = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t length = sizeof(address);
  ASSERT_EQ(bind(receiver, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(getsockname(receiver, reinterpret_cast<sockaddr*>(&address), &length), 0);
  const Bytes payload(kDatagramSize, 0x55);
  // The same packet for us: Ethernet header of zeros but for the type, IPv4 header, UDP header, payload.
  constexpr size_t kHeaders = 14 + 20 + 8;
  Bytes frame(kHeaders + kDatagramSize, 0x55);
  std::fill_n(frame.begin(), kHeaders, uint8_t{0});
  frame[12] = 0x08;
  frame[14] = 0x45;
  frame[14 + 8] = 64;
  frame[14 + 9] = IPPROTO_UDP;
  const BpfPacket packet{.linear = ByteSpan(frame).subspan(34),
                         .size = static_cast<uint32_t>(frame.size() - 34),
                         .read =
                             [](const void* source, int64_t offset, MutableByteSpan to) {
                               const Bytes& bytes = *static_cast<const Bytes*>(source);
                               const int64_t at = offset + 34;
                               if (at < 0 || static_cast<size_t>(at) + to.size() > bytes.size()) return false;
                               copy_bytes(to, ByteSpan(bytes).subspan(static_cast<size_t>(at)));
                               return true;
                             },
                         .source = &frame,
                         .network_offset = -20,
                         .link_offset = -34,
                         .protocol = 0x0800,
                         .interface_index = 1,
                         .interface_type = 772};  // ARPHRD_LOOPBACK
  const auto at = [](int32_t base, uint32_t offset) { return static_cast<uint32_t>(base) + offset; };
  for (const Program& program :
       {Program{op(kLdB, at(kNetworkOffset, 9)), op(kRetA)}, Program{op(kLdB, at(kNetworkOffset, 8)), op(kRetA)},
        Program{op(kLdH, at(kLinkOffset, 12)), op(kAlu | kRsh, 4), op(kRetA)}, Program{op(kLdB, at(kLinkOffset, 14)), op(kRetA)},
        Program{op(kLdB, at(kNetworkOffset, 28)), op(kRetA)}, Program{op(kLdB, at(kNetworkOffset, 5000)), op(kRetK, 50)},
        Program{op(kLdB, at(kLinkOffset, ~0u)), op(kRetK, 50)},
        Program{op(kLdx | kB | kMsh, at(kNetworkOffset, 0)), op(kMisc | kTxa), op(kRetA)},
        Program{load_ancillary(Ancillary::PayloadOffset), op(kAlu | kAdd, 50), op(kRetA)},
        Program{load_ancillary(Ancillary::Protocol), op(kAlu | kRsh, 4), op(kRetA)},
        Program{load_ancillary(Ancillary::HardwareType), op(kAlu | kSub, 700), op(kRetA)},
        Program{load_ancillary(Ancillary::InterfaceIndex), op(kAlu | kAdd, 50), op(kRetA)},
        Program{load_ancillary(Ancillary::PacketType), op(kAlu | kAdd, 50), op(kRetA)},
        Program{load_ancillary(Ancillary::VlanTagPresent), op(kAlu | kAdd, 50), op(kRetA)},
        Program{op(kLd | kLen), op(kAlu | kSub, 100), op(kRetA)}}) {
    Program copy = program;
    sock_fprog request{.len = static_cast<unsigned short>(copy.size()), .filter = reinterpret_cast<sock_filter*>(copy.data())};
    ASSERT_EQ(setsockopt(receiver, SOL_SOCKET, SO_ATTACH_FILTER, &request, sizeof(request)), 0);
    if (sendto(sender, payload.data(), payload.size(), 0, reinterpret_cast<sockaddr*>(&address), length) < 0) GTEST_SKIP();
    uint8_t buffer[kDatagramSize + 1];
    const ssize_t size = recv(receiver, buffer, sizeof(buffer), 0);
    const uint32_t result = run_bpf(program, packet);
    // Linux never cuts into the UDP header.
    const ssize_t ours = result == 0 ? -1 : static_cast<ssize_t>(std::clamp<size_t>(result, 8, payload.size() + 8)) - 8;
    EXPECT_EQ(ours, size) << program[0].code << " " << program[0].k;
  }
  close(receiver);
  close(sender);
}

TEST_F(BpfOnLinuxTest, AResultBeyondTheDatagramKeepsItWhole) {
  const Bytes datagram(20, 1);
  for (uint32_t keep : {0u, 1u, 19u, 20u, 21u, 0xffff'ffffu}) {
    const Program program{op(kRetK, keep)};
    ASSERT_TRUE(attach(program));
    EXPECT_EQ(arriving(datagram), expected(program, datagram)) << keep;
  }
}

}  // namespace
}  // namespace lxnet
