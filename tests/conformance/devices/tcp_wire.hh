// A tun file on whose other side a TCP stands that the test plays itself: segment by segment, at 10.0.0.2, to 10.0.0.1.
#pragma once

#include <netinet/tcp.h>

#include "tests/conformance/devices/tun.hh"

namespace conformance {

struct Segment {
  uint16_t from = 0, to = 0;
  uint32_t seq = 0, ack = 0;
  int flags = 0;
};

class TcpWire {
 public:
  explicit TcpWire(Route& netlink) {
    EXPECT_EQ(tun_.attach("", IFF_TUN | IFF_NO_PI), 0);
    start(netlink, tun_, "10.0.0.1");
  }

  void put(const Segment& segment) {
    tcphdr header{};
    header.source = htons(segment.from);
    header.dest = htons(segment.to);
    header.seq = htonl(segment.seq);
    header.ack_seq = htonl(segment.ack);
    header.doff = sizeof header / 4;
    header.th_flags = static_cast<uint8_t>(segment.flags);
    header.window = htons(30'000);
    const std::string pseudo = ip("10.0.0.2") + ip("10.0.0.1") + std::string("\0\6\0", 3) + static_cast<char>(sizeof header);
    header.check = htons(sum(pseudo + bytes(header)));
    const std::string packet = ipv4("10.0.0.2", "10.0.0.1", IPPROTO_TCP, bytes(header));
    EXPECT_EQ(tun_.put(packet), static_cast<long>(packet.size()));
  }
  // The next one to this port; flags are 0 when none comes.
  Segment take(uint16_t to) {
    for (;;) {
      const std::string packet = tun_.take_ipv4(0);
      if (packet.empty()) return {};
      if (packet[9] != IPPROTO_TCP) continue;
      tcphdr header{};
      memcpy(&header, packet.data() + 20, sizeof header);
      if (header.dest != htons(to)) continue;
      return {ntohs(header.source), to, ntohl(header.seq), ntohl(header.ack_seq), header.th_flags};
    }
  }

  // A SYN from this port, and what acknowledges the SYN-ACK that it gets.
  Segment half_open(uint16_t from, uint16_t to) {
    put({.from = from, .to = to, .seq = 1000, .flags = TH_SYN});
    const Segment answer = take(from);
    EXPECT_EQ(answer.flags, TH_SYN | TH_ACK) << from;
    EXPECT_EQ(answer.ack, 1001u);
    return {.from = from, .to = to, .seq = 1001, .ack = answer.seq + 1, .flags = TH_ACK};
  }

 private:
  Tun tun_;
};

}  // namespace conformance
