// Packet sockets under programs that mean no good: whatever is sent, asked for or set, the answer is Linux's or an error, and
// nothing is left behind (TestHal). The seeds are fixed; a failure names its own.
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <random>
#include <vector>

#include "tests/compat/afpacket/packet_machine.hh"

namespace lxnet::testing {
namespace {

// Frames that begin as IP over Ethernet do, so that what is behind the first checks is reached too.
std::vector<uint8_t> frame_of(PacketMachine& machine, size_t size) {
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(machine.below(256));
  constexpr uint8_t kHeaders[] = {0,  0, 0, 0, 0, 0,  2, 0, 0, 0,   0, 9, 8, 0,   0x45, 0, 0,
                                  60, 0, 1, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0,    0, 1};
  if (machine.below(4) != 0) std::copy_n(kHeaders, std::min(size, sizeof kHeaders), bytes.begin());
  if (size > 23 && machine.below(2) != 0) bytes[23] = 17;
  if (size > 13 && machine.below(8) == 0) bytes[12] = 0x81, bytes[13] = 0;
  return bytes;
}

void send_something(PacketMachine& machine, int fd) {
  std::vector<uint8_t> head(machine.below(3) != 0 ? 10 : 0), bytes = frame_of(machine, machine.below(3000));
  for (uint8_t& byte : head) byte = static_cast<uint8_t>(machine.below(3) == 0 ? machine.below(256) : 0);
  if (head.size() == 10 && machine.below(2) != 0) {
    head[0] = 1;
    head[1] = static_cast<uint8_t>(machine.below(6));
    head[4] = static_cast<uint8_t>(machine.below(200));
    head[6] = 34;
    head[8] = machine.below(2) != 0 ? 16 : 6;
  }
  bytes.insert(bytes.begin(), head.begin(), head.end());
  sockaddr_ll to{};
  to.sll_ifindex = static_cast<int>(machine.below(3));
  to.sll_protocol = htons(machine.below(2) != 0 ? 0x800 : 3);
  to.sll_halen = static_cast<uint8_t>(machine.below(12));
  iovec piece{bytes.data(), bytes.size()};
  uint8_t control[48] = {};
  for (uint8_t& byte : control) byte = static_cast<uint8_t>(machine.below(4) == 0 ? machine.below(256) : 0);
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = machine.below(4) != 0 ? sizeof to : machine.below(sizeof to);
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = machine.below(2) != 0 ? 0 : machine.below(sizeof control);
  machine.call(SYS_sendmsg, fd, &message, machine.below(2) != 0 ? 0 : machine.below(1u << 16));
}

void set_something(PacketMachine& machine, int fd) {
  uint32_t value[10] = {};
  if (machine.below(4) == 0) {
    const uint32_t ring[7] = {
        4096, machine.below(4), 512u << machine.below(3), 0, machine.below(3), machine.below(100), machine.below(2)};
    std::copy_n(ring, 7, value);
    value[3] = machine.below(8) == 0 ? machine.below(9) : value[1] * (4096 / value[2]);
    machine.call(SYS_setsockopt, fd, SOL_PACKET, PACKET_RX_RING, value, 28);
    return;
  }
  value[0] = machine.below(2) != 0 ? machine.below(3) : machine.below(9) << 16 | machine.below(3);
  value[1] = machine.below(3);
  machine.call(SYS_setsockopt, fd, SOL_PACKET, machine.below(27), value, machine.below(3) != 0 ? 4 : machine.below(sizeof value));
}

void receive_something(PacketMachine& machine, int fd) {
  uint8_t bytes[4000];
  machine.call(SYS_recvfrom, fd, bytes, machine.below(sizeof bytes), machine.below(4) == 0 ? MSG_TRUNC | MSG_PEEK : 0, nullptr,
               nullptr);
}

class PacketHostileTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(PacketHostileTest, NothingThatAProgramSaysBreaksTheStack) {
  PacketMachine machine(GetParam());
  std::vector<int> sockets;
  for (int i = 0; i < 3000; ++i) {
    if (sockets.size() < 6) {
      constexpr int kTypes[] = {SOCK_RAW, SOCK_DGRAM, SOCK_PACKET};
      sockets.push_back(static_cast<int>(machine.call(SYS_socket, AF_PACKET, kTypes[machine.below(3)] | SOCK_NONBLOCK,
                                                      machine.below(2) != 0 ? htons(3) : htons(0x800))));
      ASSERT_GE(sockets.back(), 0);
    }
    if (machine.below(20) == 0) machine.hal.fail_allocation(machine.below(4));
    const size_t at = machine.below(static_cast<uint32_t>(sockets.size()));
    switch (machine.below(8)) {
      case 0:
        set_something(machine, sockets[at]);
        break;
      case 1:
        receive_something(machine, sockets[at]);
        break;
      case 2:
        if (machine.below(10) != 0) break;
        machine.close(sockets[at]);
        sockets.erase(sockets.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      default:
        send_something(machine, sockets[at]);
    }
    machine.hal.allow_all_allocations();
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, PacketHostileTest, ::testing::Range<uint64_t>(1, 9));

}  // namespace
}  // namespace lxnet::testing
