// What the tests of packet sockets share: a network of one's own whose lo is up, and frames.
#pragma once

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {

inline constexpr int kPacketLevel = 263;   // SOL_PACKET
inline constexpr uint16_t kOurs = 0x88b5;  // for experiments

inline bool set_lo(bool is_up) {
  Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
  ifreq request{};
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = is_up ? IFF_UP : 0;
  return ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
}

// In a child with a network of its own, whose failures are this process's.
inline void in_own_network(const std::function<void()>& body) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) _exit(77);
    EXPECT_TRUE(set_lo(true));
    body();
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << status;
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "needs a network of its own";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

inline Fd packet_socket(int type, int protocol = ETH_P_ALL) {
  return Fd(::socket(AF_PACKET, type | SOCK_NONBLOCK, htons(static_cast<uint16_t>(protocol))));
}

inline sockaddr_ll link_name(int index, int protocol) {
  sockaddr_ll name{};
  name.sll_family = AF_PACKET;
  name.sll_protocol = htons(static_cast<uint16_t>(protocol));
  name.sll_ifindex = index;
  return name;
}

inline std::string frame(const char* destination, const std::string& payload, uint16_t type = kOurs) {
  std::string whole(14, 0);
  for (size_t i = 0; i < 6; ++i) whole[i] = static_cast<char>(strtol(std::string(destination + 3 * i, 2).c_str(), nullptr, 16));
  whole[6] = 2;
  whole[11] = 9;
  whole[12] = static_cast<char>(type >> 8);
  whole[13] = static_cast<char>(type);
  return whole + payload;
}
inline const char kZero[] = "00:00:00:00:00:00";

inline uint16_t sum_of(const std::string& header) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < header.size(); i += 2)
    sum += static_cast<uint32_t>(uint8_t(header[i]) << 8 | uint8_t(header[i + 1]));
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// From 127.0.0.9 to 127.0.0.1, an IPv4 packet of no protocol's, or a fragment of one; `place`: flags and offset.
inline std::string ip_frame(uint16_t place, const std::string& payload, uint8_t identification = 1, int protocol = 253) {
  const size_t size = 20 + payload.size();
  std::string header = {0x45, 0, static_cast<char>(size >> 8), static_cast<char>(size), 0, static_cast<char>(identification)};
  header += {static_cast<char>(place >> 8), static_cast<char>(place), 64, static_cast<char>(protocol), 0, 0};
  header += {127, 0, 0, 9, 127, 0, 0, 1};
  const uint16_t sum = sum_of(header);
  header[10] = static_cast<char>(sum >> 8);
  header[11] = static_cast<char>(sum);
  return frame(kZero, header + payload, ETH_P_IP);
}

struct Heard {
  long size = 0;  // or the negative errno
  std::string bytes;
  sockaddr_ll from{};
  socklen_t from_size = 0;
  int flags = 0;
  bool has_status = false;
  tpacket_auxdata status{};
  std::vector<std::pair<int, int>> messages;

  int kind() const { return from.sll_pkttype; }
};

inline Heard hear(int fd, int flags = 0, size_t room = 2000) {
  Heard heard;
  std::string buffer(room, 0);
  alignas(cmsghdr) char control[512];
  iovec piece{buffer.data(), room};
  msghdr message{};
  message.msg_name = &heard.from;
  message.msg_namelen = sizeof heard.from;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  heard.size = answer(::recvmsg(fd, &message, flags));
  if (heard.size < 0) return heard;
  heard.bytes = buffer.substr(0, std::min(room, static_cast<size_t>(heard.size)));
  heard.from_size = message.msg_namelen;
  heard.flags = message.msg_flags;
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    heard.messages.emplace_back(one->cmsg_level, one->cmsg_type);
    if (one->cmsg_level != kPacketLevel || one->cmsg_type != PACKET_AUXDATA) continue;
    heard.has_status = true;
    memcpy(&heard.status, CMSG_DATA(one), sizeof heard.status);
  }
  return heard;
}

// The kinds of all that waits, and nothing else of it.
inline std::vector<int> kinds(int fd) {
  std::vector<int> all;
  for (Heard one = hear(fd); one.size >= 0; one = hear(fd)) all.push_back(one.kind());
  return all;
}

inline long set_option(int fd, int name, int value) { return answer(::setsockopt(fd, kPacketLevel, name, &value, sizeof value)); }
inline long get_option(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  const long error = answer(::getsockopt(fd, kPacketLevel, name, &value, &size));
  return error < 0 ? error : value;
}

}  // namespace conformance
