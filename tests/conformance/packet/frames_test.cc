// What packet sockets are shown, and what they may send.
#include <linux/sockios.h>

#include "tests/conformance/packet/packet.hh"

namespace conformance {
namespace {

using ::testing::Test;

void send_udp(const char* text) {
  Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in to = loopback4(9);
  ASSERT_EQ(::sendto(udp, text, strlen(text), 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
            static_cast<ssize_t>(strlen(text)));
}

TEST(PacketFrames, LoopbackShowsEachFrameGoingAndComing) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW), datagram = packet_socket(SOCK_DGRAM);
    ASSERT_EQ(set_option(raw, PACKET_AUXDATA, 1), 0);
    send_udp("hello");
    const Heard out = hear(raw), in = hear(raw);
    EXPECT_EQ(out.kind(), PACKET_OUTGOING);
    EXPECT_EQ(in.kind(), PACKET_HOST);
    EXPECT_EQ(out.size, 14 + 28 + 5);
    EXPECT_EQ(out.bytes, in.bytes);
    EXPECT_EQ(in.bytes.substr(0, 14), std::string(12, 0) + std::string("\x08\x00", 2));
    EXPECT_EQ(in.bytes.substr(42), "hello");
    EXPECT_EQ(in.from_size, sizeof(sockaddr_ll));
    EXPECT_EQ(in.from.sll_family, AF_PACKET);
    EXPECT_EQ(in.from.sll_protocol, htons(ETH_P_IP));
    EXPECT_EQ(in.from.sll_hatype, 772);
    EXPECT_EQ(in.from.sll_halen, 6);
    EXPECT_EQ(in.from.sll_ifindex, 1);
    ASSERT_TRUE(in.has_status);
    EXPECT_EQ(in.status.tp_status, unsigned{TP_STATUS_USER | TP_STATUS_CSUMNOTREADY});
    EXPECT_EQ(in.status.tp_len, 47u);
    EXPECT_EQ(in.status.tp_snaplen, 47u);
    EXPECT_EQ(in.status.tp_mac, 0u);
    EXPECT_EQ(in.status.tp_net, 14u);
    const Heard network = hear(datagram);
    EXPECT_EQ(network.size, 33);
    EXPECT_EQ(network.bytes, in.bytes.substr(14));
  });
}

TEST(PacketFrames, OneProtocolIsShownOnlyWhatComesIn) {
  in_own_network([] {
    Fd ip = packet_socket(SOCK_RAW, ETH_P_IP), ours = packet_socket(SOCK_RAW, kOurs), nothing = packet_socket(SOCK_RAW, 0);
    send_udp("x");
    EXPECT_EQ(hear(ip).kind(), PACKET_HOST);
    EXPECT_EQ(kinds(ours), std::vector<int>());
    EXPECT_EQ(kinds(nothing), std::vector<int>());
  });
}

TEST(PacketFrames, WhatAProgramSendsIsShownToOthersAsGoingAndToAllAsComing) {
  in_own_network([] {
    Fd sender = packet_socket(SOCK_RAW), other = packet_socket(SOCK_RAW);
    const sockaddr_ll lo = link_name(1, kOurs);
    const std::string whole = frame(kZero, "pay");
    ASSERT_EQ(answer(::sendto(sender, whole.data(), whole.size(), 0, reinterpret_cast<const sockaddr*>(&lo), sizeof lo)), 17);
    EXPECT_EQ(kinds(sender), std::vector<int>({PACKET_HOST}));
    const Heard out = hear(other), in = hear(other);
    EXPECT_EQ(out.kind(), PACKET_OUTGOING);
    EXPECT_EQ(in.kind(), PACKET_HOST);
    EXPECT_EQ(in.bytes, whole);
    EXPECT_EQ(in.from.sll_protocol, htons(kOurs));
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(in.from.sll_addr), 6), whole.substr(6, 6));
  });
}

TEST(PacketFrames, TheKindIsOfTheDestination) {
  in_own_network([] {
    Fd sender = packet_socket(SOCK_RAW, 0), other = packet_socket(SOCK_RAW, kOurs);
    ASSERT_EQ(bind_to(sender, link_name(1, 0)), 0);
    for (const char* destination : {kZero, "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:00:00:00:00:07"}) {
      const std::string whole = frame(destination, "pay");
      EXPECT_EQ(answer(::send(sender, whole.data(), whole.size(), 0)), 17);
    }
    EXPECT_EQ(kinds(other), std::vector<int>({PACKET_HOST, PACKET_MULTICAST, PACKET_MULTICAST, PACKET_OTHERHOST}));
  });
}

TEST(PacketFrames, ATagIsTakenOffAndTold) {
  in_own_network([] {
    Fd sender = packet_socket(SOCK_RAW, 0), other = packet_socket(SOCK_RAW);
    ASSERT_EQ(bind_to(sender, link_name(1, 0)), 0);
    ASSERT_EQ(set_option(other, PACKET_AUXDATA, 1), 0);
    ASSERT_EQ(set_option(other, PACKET_IGNORE_OUTGOING, 1), 0);
    const std::string whole = frame(kZero, std::string("\x20\x05\x88\xb5", 4) + "pay", 0x8100);
    ASSERT_EQ(answer(::send(sender, whole.data(), whole.size(), 0)), 21);
    const Heard in = hear(other);
    EXPECT_EQ(in.bytes, frame(kZero, "pay").replace(6, 6, whole.substr(6, 6)));
    EXPECT_EQ(in.status.tp_vlan_tci, 0x2005);
    EXPECT_EQ(in.status.tp_vlan_tpid, 0x8100);
    EXPECT_EQ(in.status.tp_status, unsigned{TP_STATUS_USER | TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID});
    EXPECT_EQ(in.from.sll_protocol, htons(kOurs));
  });
}

TEST(PacketFrames, ADatagramSocketGivesTheHeaderItsAddress) {
  in_own_network([] {
    Fd sender = packet_socket(SOCK_DGRAM, 0), other = packet_socket(SOCK_RAW, kOurs);
    sockaddr_ll to = link_name(1, kOurs);
    to.sll_halen = 6;
    memcpy(to.sll_addr, "\x02\0\0\0\0\x07", 6);
    EXPECT_EQ(answer(::sendto(sender, "pay", 3, 0, reinterpret_cast<sockaddr*>(&to), sizeof to)), 3);
    EXPECT_EQ(answer(::sendto(sender, nullptr, 0, 0, reinterpret_cast<sockaddr*>(&to), sizeof to)), 0);
    const Heard in = hear(other);
    EXPECT_EQ(in.bytes, std::string("\x02\0\0\0\0\x07\0\0\0\0\0\0\x88\xb5pay", 17));
    EXPECT_EQ(in.kind(), PACKET_OTHERHOST);
    EXPECT_EQ(hear(other).size, 14);
    ASSERT_EQ(bind_to(sender, link_name(1, kOurs)), 0);
    EXPECT_EQ(answer(::send(sender, "pay", 3, 0)), 3);
  });
}

TEST(PacketFrames, SendingIsRefusedInLinuxOrder) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW, 0), datagram = packet_socket(SOCK_DGRAM, 0);
    const std::string whole = frame(kZero, "pay"), huge = frame(kZero, std::string(65536 + 1, 'x'));
    const auto send_to = [](int fd, const std::string& bytes, const sockaddr_ll& to, socklen_t size = sizeof(sockaddr_ll)) {
      return answer(::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to), size));
    };
    const sockaddr_ll lo = link_name(1, kOurs);
    EXPECT_EQ(answer(::send(raw, whole.data(), whole.size(), 0)), -ENXIO);
    EXPECT_EQ(send_to(raw, whole, link_name(4711, kOurs)), -ENXIO);
    EXPECT_EQ(send_to(raw, whole, link_name(4711, kOurs), sizeof lo - 1), -EINVAL);
    sockaddr_ll long_address = lo;
    long_address.sll_halen = 9;
    EXPECT_EQ(send_to(raw, whole, long_address), -EINVAL);
    EXPECT_EQ(send_to(raw, whole.substr(0, 13), lo), -EINVAL);
    EXPECT_EQ(send_to(raw, "", lo), -EINVAL);
    EXPECT_EQ(send_to(raw, whole.substr(0, 14), lo), 14);
    EXPECT_EQ(send_to(raw, huge, lo), -EMSGSIZE);
    EXPECT_EQ(send_to(raw, huge.substr(0, 14 + 65536), lo), 14 + 65536);
    EXPECT_EQ(send_to(raw, huge + std::string(9, 'x'), lo), -EMSGSIZE);
    EXPECT_EQ(answer(::sendto(raw, bad_pointer<char>(), 65536 + 30, 0, reinterpret_cast<const sockaddr*>(&lo), sizeof lo)),
              -EMSGSIZE);
    EXPECT_EQ(answer(::sendto(raw, bad_pointer<char>(), 20, 0, reinterpret_cast<const sockaddr*>(&lo), sizeof lo)), -EFAULT);
    // The family of the address is nobody's concern.
    sockaddr_ll odd = lo;
    odd.sll_family = AF_INET;
    EXPECT_EQ(send_to(raw, whole, odd), 17);
    ASSERT_TRUE(set_lo(false));
    EXPECT_EQ(send_to(raw, huge, lo), -ENETDOWN);
    EXPECT_EQ(send_to(datagram, "x", lo), -ENETDOWN);
  });
}

TEST(PacketFrames, WhatIsTooLongIsCutAndTold) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW, ETH_P_IP), receiver(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(bind_to(receiver, loopback4(9)), 0);
    for (int i = 0; i < 3; ++i) send_udp("hello");
    const Heard peeked = hear(raw, MSG_PEEK, 20);
    EXPECT_EQ(peeked.size, 20);
    EXPECT_EQ(peeked.flags & MSG_TRUNC, MSG_TRUNC);
    const Heard cut = hear(raw, MSG_TRUNC, 20);
    EXPECT_EQ(cut.size, 47);
    EXPECT_EQ(cut.flags & MSG_TRUNC, MSG_TRUNC);
    int unread = 0;
    EXPECT_EQ(::ioctl(raw, FIONREAD, &unread), 0);
    EXPECT_EQ(unread, 47);
    EXPECT_EQ(hear(raw).flags, 0);
    EXPECT_EQ(hear(raw).size, 47);
    EXPECT_EQ(hear(raw).size, -EAGAIN);
    EXPECT_EQ(hear(raw, MSG_ERRQUEUE).size, -EAGAIN);
    EXPECT_EQ(hear(raw, MSG_WAITALL).size, -EINVAL);
    EXPECT_EQ(hear(raw, MSG_OOB).size, -EINVAL);
    EXPECT_EQ(hear(raw, MSG_CMSG_CLOEXEC).size, -EINVAL);
  });
}

TEST(PacketFrames, AFilterSeesWhatTheSocketSeesAndCuts) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW, ETH_P_IP), datagram = packet_socket(SOCK_DGRAM, ETH_P_IP);
    ASSERT_EQ(set_option(raw, PACKET_AUXDATA, 1), 0);
    // Raw: the type at 12 is IP; keep 20 bytes. Datagram: the version at 0 is 4.
    sock_filter of_raw[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x800, 0, 1),
                            BPF_STMT(BPF_RET | BPF_K, 20), BPF_STMT(BPF_RET | BPF_K, 0)};
    sock_filter of_datagram[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x45, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, 0xffff), BPF_STMT(BPF_RET | BPF_K, 0)};
    sock_fprog program{4, of_raw};
    ASSERT_EQ(::setsockopt(raw, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
    program.filter = of_datagram;
    ASSERT_EQ(::setsockopt(datagram, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
    send_udp("hello");
    const Heard kept = hear(raw);
    EXPECT_EQ(kept.size, 20);
    EXPECT_EQ(kept.status.tp_len, 47u);
    EXPECT_EQ(kept.status.tp_snaplen, 20u);
    EXPECT_EQ(kept.flags & MSG_TRUNC, 0);
    EXPECT_EQ(hear(datagram).size, 33);
  });
}

TEST(PacketFrames, StampsComeWithTheFrame) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW, ETH_P_IP);
    timeval when{};
    EXPECT_EQ(answer(::ioctl(raw, SIOCGSTAMP, &when)), -ENOENT);
    const int on = 1;
    ASSERT_EQ(::setsockopt(raw, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on), 0);
    send_udp("x");
    EXPECT_EQ(hear(raw).messages, (std::vector<std::pair<int, int>>{{SOL_SOCKET, SO_TIMESTAMPNS}}));
    // Who has them told is not told again.
    EXPECT_EQ(answer(::ioctl(raw, SIOCGSTAMP, &when)), -ENOENT);
    const int off = 0;
    ASSERT_EQ(::setsockopt(raw, SOL_SOCKET, SO_TIMESTAMPNS, &off, sizeof off), 0);
    send_udp("x");
    EXPECT_EQ(hear(raw).messages.size(), 0u);
    EXPECT_EQ(answer(::ioctl(raw, SIOCGSTAMP, &when)), 0);
    EXPECT_GT(when.tv_sec, 1'000'000'000);
  });
}

TEST(PacketFrames, NothingBehindALinkHeaderIsNotShownToWhoDoesWithoutIt) {
  in_own_network([] {
    const Fd cooked = packet_socket(SOCK_DGRAM, kOurs), whole = packet_socket(SOCK_RAW, kOurs);
    const sockaddr_ll to = link_name(1, kOurs);
    ASSERT_EQ(::sendto(cooked, "", 0, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    char bytes[64];
    EXPECT_EQ(answer(::recv(cooked, bytes, sizeof bytes, 0)), -EAGAIN);
    EXPECT_EQ(::recv(whole, bytes, sizeof bytes, 0), 14);
    tpacket_stats statistics{};
    socklen_t length = sizeof statistics;
    ASSERT_EQ(::getsockopt(cooked, kPacketLevel, PACKET_STATISTICS, &statistics, &length), 0);
    EXPECT_EQ(statistics.tp_packets, 0u);
  });
}

TEST(PacketFrames, WhatEndedABatchStaysForTheNextCall) {
  in_own_network([] {
    const Fd fd = packet_socket(SOCK_DGRAM, kOurs);
    const sockaddr_ll to = link_name(1, kOurs);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(::sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), 1);
    mmsghdr messages[2] = {};
    messages[1].msg_hdr.msg_iovlen = 1025;
    EXPECT_EQ(::recvmmsg(fd, messages, 2, 0, nullptr), 1);
    EXPECT_EQ(poll_now(fd, POLLIN), POLLIN | POLLERR);
    char byte;
    EXPECT_EQ(answer(::recv(fd, &byte, 1, 0)), -EMSGSIZE);
    EXPECT_EQ(::recv(fd, &byte, 1, 0), 1);
  });
}

TEST(PacketFrames, WhoHasLookedIsToldANameForTheSizeNextTime) {
  in_own_network([] {
    const Fd fd = packet_socket(SOCK_RAW, kOurs);
    const int on = 1;
    ASSERT_EQ(::setsockopt(fd, kPacketLevel, PACKET_AUXDATA, &on, sizeof on), 0);
    const sockaddr_ll to = link_name(1, kOurs);
    std::string frame(60, '\0');
    frame[12] = '\x88';
    frame[13] = '\xb5';
    ASSERT_EQ(::sendto(fd, frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), 60);
    for (const bool is_first : {true, false}) {
      char bytes[64];
      alignas(cmsghdr) char control[128];
      iovec vector{bytes, sizeof bytes};
      msghdr message{nullptr, 0, &vector, 1, control, sizeof control, 0};
      ASSERT_EQ(::recvmsg(fd, &message, MSG_PEEK), 60);
      tpacket_auxdata told{};
      memcpy(&told, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof told);
      const unsigned char name[4] = {AF_PACKET, 0, 0x88, 0xb5};
      uint32_t size = 60;
      if (!is_first) memcpy(&size, name, sizeof size);
      EXPECT_EQ(told.tp_len, size);
      EXPECT_EQ(told.tp_snaplen, 60u);
    }
  });
}

TEST(PacketFrames, WhatIsToBeCutInAnUnknownWayIsNoMatterOfSize) {
  in_own_network([] {
    const Fd fd = packet_socket(SOCK_RAW, kOurs);
    const int on = 1;
    ASSERT_EQ(::setsockopt(fd, kPacketLevel, 15 /* PACKET_VNET_HDR */, &on, sizeof on), 0);
    const sockaddr_ll to = link_name(1, kOurs);
    std::string bytes(70010, '\0');
    EXPECT_EQ(answer(::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to)), -EMSGSIZE);
    bytes[1] = 9;
    EXPECT_EQ(answer(::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to)), -EINVAL);
  });
}

TEST(PacketFrames, AnOldSocketNamesItsDevice) {
  in_own_network([] {
    Fd old(::socket(AF_INET, SOCK_PACKET | SOCK_NONBLOCK, htons(ETH_P_IP)));
    ASSERT_GE(old.get(), 0);
    sockaddr device{};
    device.sa_family = AF_PACKET;
    strcpy(device.sa_data, "lo");
    EXPECT_EQ(answer(::bind(old, &device, sizeof device - 1)), -EINVAL);
    EXPECT_EQ(answer(::bind(old, &device, sizeof device)), 0);
    sockaddr name{};
    socklen_t size = sizeof name;
    EXPECT_EQ(answer(::getsockname(old, &name, &size)), 0);
    EXPECT_EQ(size, sizeof name);
    EXPECT_STREQ(name.sa_data, "lo");
    send_udp("hello");
    char buffer[100];
    struct {
      unsigned short family;
      char device[14];
      uint16_t protocol;
    } from{};
    size = sizeof from;
    EXPECT_EQ(answer(::recvfrom(old, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size)), 47);
    EXPECT_EQ(size, 18u);
    EXPECT_EQ(from.family, 772);
    EXPECT_STREQ(from.device, "lo");
    EXPECT_EQ(from.protocol, htons(ETH_P_IP));
    const std::string whole = frame(kZero, "pay");
    EXPECT_EQ(answer(::send(old, whole.data(), whole.size(), 0)), -ENOTCONN);
    EXPECT_EQ(answer(::sendto(old, whole.data(), whole.size(), 0, &device, sizeof device)), 17);
    strcpy(device.sa_data, "absent");
    EXPECT_EQ(answer(::sendto(old, whole.data(), whole.size(), 0, &device, sizeof device)), -ENODEV);
    EXPECT_EQ(set_option(old, PACKET_AUXDATA, 1), -EOPNOTSUPP);
    EXPECT_EQ(get_option(old, PACKET_AUXDATA), -EOPNOTSUPP);
  });
}

// The host's own packets were routed before they came to lo; these were not, and addresses of 127/8 come from no wire.
TEST(PacketFrames, ThatAProgramPutsOnLoAreMartians) {
  in_own_network([] {
    Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0)), sender = packet_socket(SOCK_RAW, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(5000);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(receiver, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    ASSERT_EQ(bind_to(sender, link_name(1, 0)), 0);
    const std::string datagram = {0x13, static_cast<char>(0x89), 0x13, static_cast<char>(0x88), 0, 11, 0, 0, 'h', 'e', 'y'};
    const std::string whole = ip_frame(0, datagram, 1, IPPROTO_UDP);
    EXPECT_EQ(answer(::send(sender, whole.data(), whole.size(), 0)), static_cast<long>(whole.size()));
    char got[16];
    EXPECT_EQ(answer(::recv(receiver, got, sizeof got, MSG_DONTWAIT)), -EAGAIN);
    EXPECT_EQ(answer(::sendto(receiver, "own", 3, 0, reinterpret_cast<sockaddr*>(&name), sizeof name)), 3);
    EXPECT_EQ(answer(::recv(receiver, got, sizeof got, MSG_DONTWAIT)), 3);
  });
}

}  // namespace
}  // namespace conformance
