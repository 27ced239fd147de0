// SOL_PACKET: lengths, ranges and effects.
#include "tests/conformance/packet/packet.hh"

namespace conformance {
namespace {

void send_frames(int sender, int count, const std::string& payload = "pay") {
  const std::string whole = frame(kZero, payload);
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(answer(::send(sender, whole.data(), whole.size(), 0)), static_cast<long>(whole.size()));
}
Fd sender_on_lo() {
  Fd sender = packet_socket(SOCK_RAW, 0);
  EXPECT_EQ(bind_to(sender, link_name(1, 0)), 0);
  return sender;
}

TEST(PacketOptions, LengthsAndRangesAreLinuxs) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW), datagram = packet_socket(SOCK_DGRAM);
    const auto set = [&](int name, const void* value, socklen_t size) {
      return answer(::setsockopt(raw, kPacketLevel, name, value, size));
    };
    const int eight[2] = {1, 0};
    for (int name : {PACKET_IGNORE_OUTGOING, PACKET_QDISC_BYPASS}) {
      EXPECT_EQ(set(name, eight, 8), -EINVAL) << name;
      EXPECT_EQ(set(name, eight, 3), -EINVAL) << name;
      EXPECT_EQ(set(name, bad_pointer(), 4), -EFAULT) << name;
      EXPECT_EQ(set(name, bad_pointer(), 8), -EINVAL) << name;
    }
    for (int name : {PACKET_AUXDATA, PACKET_ORIGDEV, PACKET_VNET_HDR}) {
      EXPECT_EQ(get_option(raw, name), 0) << name;
      EXPECT_EQ(set(name, eight, 8), 0) << name;
      EXPECT_EQ(set(name, eight, 3), -EINVAL) << name;
      EXPECT_EQ(set(name, bad_pointer(), 4), -EFAULT) << name;
      EXPECT_EQ(get_option(raw, name), 1) << name;
    }
    EXPECT_EQ(set_option(raw, PACKET_IGNORE_OUTGOING, 2), -EINVAL);
    EXPECT_EQ(set_option(raw, PACKET_IGNORE_OUTGOING, -1), -EINVAL);
    EXPECT_EQ(set_option(raw, 24 /* PACKET_VNET_HDR_SZ */, 11), -EINVAL);
    EXPECT_EQ(set_option(raw, 24, 12), 0);
    EXPECT_EQ(get_option(raw, 24), 12);
    EXPECT_EQ(set_option(datagram, PACKET_VNET_HDR, 1), -EINVAL);
    EXPECT_EQ(set_option(raw, 99, 1), -ENOPROTOOPT);
    EXPECT_EQ(get_option(raw, 99), -ENOPROTOOPT);
    char byte = 7;
    socklen_t size = 1;
    EXPECT_EQ(answer(::getsockopt(raw, kPacketLevel, PACKET_AUXDATA, &byte, &size)), 0);
    EXPECT_EQ(byte, 1);
    EXPECT_EQ(size, 1u);
    size = static_cast<socklen_t>(-1);
    EXPECT_EQ(answer(::getsockopt(raw, kPacketLevel, PACKET_AUXDATA, &byte, &size)), -EINVAL);
  });
}

TEST(PacketOptions, StatisticsBeginAnewWhenTheyAreRead) {
  in_own_network([] {
    Fd sender = sender_on_lo(), raw = packet_socket(SOCK_RAW, kOurs);
    const int smallest = 1;
    ASSERT_EQ(::setsockopt(raw, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest), 0);
    send_frames(sender, 10);
    long taken = 0;
    while (hear(raw).size >= 0) ++taken;
    EXPECT_GE(taken, 1);
    EXPECT_LT(taken, 10);
    tpacket_stats statistics{};
    socklen_t size = sizeof statistics;
    ASSERT_EQ(::getsockopt(raw, kPacketLevel, PACKET_STATISTICS, &statistics, &size), 0);
    EXPECT_EQ(size, sizeof statistics);
    EXPECT_EQ(statistics.tp_packets, 10u);
    EXPECT_EQ(statistics.tp_drops, static_cast<unsigned>(10 - taken));
    ASSERT_EQ(::getsockopt(raw, kPacketLevel, PACKET_STATISTICS, &statistics, &size), 0);
    EXPECT_EQ(statistics.tp_packets, 0u);
    EXPECT_EQ(statistics.tp_drops, 0u);
  });
}

TEST(PacketOptions, WhatGoesOutMayBeIgnoredOrHidden) {
  in_own_network([] {
    Fd sender = sender_on_lo(), ignores = packet_socket(SOCK_RAW), all = packet_socket(SOCK_RAW);
    ASSERT_EQ(set_option(ignores, PACKET_IGNORE_OUTGOING, 1), 0);
    send_frames(sender, 1);
    EXPECT_EQ(kinds(ignores), std::vector<int>({PACKET_HOST}));
    EXPECT_EQ(kinds(all), std::vector<int>({PACKET_OUTGOING, PACKET_HOST}));
    ASSERT_EQ(set_option(sender, PACKET_QDISC_BYPASS, 1), 0);
    send_frames(sender, 1);
    EXPECT_EQ(kinds(all), std::vector<int>({PACKET_HOST}));
  });
}

packet_mreq membership(int type, int size = 0, int index = 1) {
  packet_mreq request{};
  request.mr_ifindex = index;
  request.mr_type = static_cast<unsigned short>(type);
  request.mr_alen = static_cast<unsigned short>(size);
  memcpy(request.mr_address, "\x01\0\x5e\0\0\x01", 6);
  return request;
}

TEST(PacketOptions, MembershipsAreCountedAndForgiving) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW);
    const auto change = [&](int name, const packet_mreq& request, socklen_t size = sizeof(packet_mreq)) {
      return answer(::setsockopt(raw, kPacketLevel, name, &request, size));
    };
    EXPECT_EQ(change(PACKET_ADD_MEMBERSHIP, membership(PACKET_MR_PROMISC), 15), -EINVAL);
    EXPECT_EQ(change(PACKET_ADD_MEMBERSHIP, membership(PACKET_MR_PROMISC, 0, 4711)), -ENODEV);
    EXPECT_EQ(change(PACKET_ADD_MEMBERSHIP, membership(PACKET_MR_MULTICAST, 7)), -EINVAL);
    EXPECT_EQ(change(PACKET_ADD_MEMBERSHIP, membership(PACKET_MR_MULTICAST, 9, 4711)), -EINVAL);
    EXPECT_EQ(change(PACKET_ADD_MEMBERSHIP, membership(PACKET_MR_MULTICAST, 5)), -EINVAL);
    EXPECT_EQ(change(PACKET_ADD_MEMBERSHIP, membership(PACKET_MR_UNICAST, 5)), -EINVAL);
    EXPECT_EQ(answer(::setsockopt(raw, kPacketLevel, PACKET_ADD_MEMBERSHIP, bad_pointer(), 16)), -EFAULT);
    for (int type : {PACKET_MR_PROMISC, PACKET_MR_ALLMULTI, 77}) {
      EXPECT_EQ(change(PACKET_ADD_MEMBERSHIP, membership(type)), 0) << type;
      EXPECT_EQ(change(PACKET_ADD_MEMBERSHIP, membership(type)), 0) << type;
      EXPECT_EQ(change(PACKET_DROP_MEMBERSHIP, membership(type)), 0) << type;
    }
    EXPECT_EQ(change(PACKET_ADD_MEMBERSHIP, membership(PACKET_MR_MULTICAST, 6)), 0);
    EXPECT_EQ(change(PACKET_DROP_MEMBERSHIP, membership(PACKET_MR_MULTICAST, 6)), 0);
    // What is not there goes without a word.
    EXPECT_EQ(change(PACKET_DROP_MEMBERSHIP, membership(PACKET_MR_MULTICAST, 6)), 0);
    EXPECT_EQ(change(PACKET_DROP_MEMBERSHIP, membership(PACKET_MR_PROMISC, 0, 4711)), 0);
    // The flags that a program sees do not tell.
    ifreq request{};
    strcpy(request.ifr_name, "lo");
    EXPECT_EQ(::ioctl(raw, SIOCGIFFLAGS, &request), 0);
    EXPECT_EQ(request.ifr_flags & (IFF_PROMISC | IFF_ALLMULTI), 0);
  });
}

TEST(PacketOptions, AVirtualHeaderGoesBeforeTheFrame) {
  in_own_network([] {
    Fd sender = sender_on_lo(), raw = packet_socket(SOCK_RAW, ETH_P_IP);
    ASSERT_EQ(set_option(raw, PACKET_VNET_HDR, 1), 0);
    ASSERT_EQ(set_option(sender, PACKET_VNET_HDR, 1), 0);
    Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in to = loopback4(9);
    ASSERT_EQ(::sendto(udp, "hello", 5, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 5);
    const Heard in = hear(raw);
    EXPECT_EQ(in.size, 10 + 47);
    EXPECT_EQ(in.bytes.substr(0, 10), std::string("\x01\0\0\0\0\0\x22\0\x06\0", 10));
    EXPECT_EQ(hear(raw, 0, 9).size, -EINVAL);
    EXPECT_EQ(answer(::send(sender, "123456789", 9, 0)), -EINVAL);
    const std::string whole = frame(kZero, "pay");
    const auto send_with = [&](const char* head) {
      const std::string bytes = std::string(head, 10) + whole;
      return answer(::send(sender, bytes.data(), bytes.size(), 0));
    };
    EXPECT_EQ(send_with("\0\0\0\0\0\0\0\0\0\0"), 27);
    EXPECT_EQ(send_with("\0\0\xff\0\0\0\0\0\0\0"), -EINVAL);      // hdr_len beyond the frame
    EXPECT_EQ(send_with("\0\x77\0\0\0\0\0\0\0\0"), -EINVAL);      // no such segmentation
    EXPECT_EQ(send_with("\x01\0\0\0\0\0\x10\0\x08\0"), -EINVAL);  // a checksum beyond the frame
  });
}

}  // namespace
}  // namespace conformance
