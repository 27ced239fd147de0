// Making packet sockets, binding them, and what becomes of them when an interface goes.
#include "tests/conformance/packet/packet.hh"

namespace conformance {
namespace {

TEST(PacketBinding, PrivilegeIsAskedBeforeTheType) {
  in_own_network([] {
    EXPECT_EQ(answer(::socket(AF_PACKET, SOCK_STREAM, 0)), -ESOCKTNOSUPPORT);
    EXPECT_EQ(answer(::socket(AF_PACKET, SOCK_SEQPACKET, 0)), -ESOCKTNOSUPPORT);
    EXPECT_EQ(answer(::socket(AF_PACKET, 11, 0)), -EINVAL);
    int pair[2];
    EXPECT_EQ(answer(::socketpair(AF_PACKET, SOCK_RAW, 0, pair)), -EOPNOTSUPP);
    if (setresuid(65534, 65534, 65534) != 0) return;
    EXPECT_EQ(answer(::socket(AF_PACKET, SOCK_STREAM, 0)), -EPERM);
    EXPECT_EQ(answer(::socket(AF_PACKET, SOCK_RAW, 0)), -EPERM);
  });
}

TEST(PacketBinding, ANameIsOfTheInterface) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW, kOurs);
    sockaddr_ll name{};
    socklen_t size = sizeof name;
    EXPECT_EQ(answer(::getsockname(raw, reinterpret_cast<sockaddr*>(&name), &size)), 0);
    EXPECT_EQ(size, 12u);
    EXPECT_EQ(name.sll_protocol, htons(kOurs));
    EXPECT_EQ(name.sll_ifindex, 0);
    EXPECT_EQ(bind_to(raw, link_name(1, ETH_P_IP)), 0);
    size = sizeof name;
    EXPECT_EQ(answer(::getsockname(raw, reinterpret_cast<sockaddr*>(&name), &size)), 0);
    EXPECT_EQ(size, 18u);
    EXPECT_EQ(name.sll_family, AF_PACKET);
    EXPECT_EQ(name.sll_protocol, htons(ETH_P_IP));
    EXPECT_EQ(name.sll_ifindex, 1);
    EXPECT_EQ(name.sll_hatype, 772);
    EXPECT_EQ(name.sll_halen, 6);
    // Protocol 0 is the one it has.
    EXPECT_EQ(bind_to(raw, link_name(0, 0)), 0);
    size = sizeof name;
    ::getsockname(raw, reinterpret_cast<sockaddr*>(&name), &size);
    EXPECT_EQ(name.sll_protocol, htons(ETH_P_IP));
    EXPECT_EQ(name.sll_ifindex, 0);
    EXPECT_EQ(answer(::getpeername(raw, reinterpret_cast<sockaddr*>(&name), &size)), -EOPNOTSUPP);
  });
}

TEST(PacketBinding, BindIsRefusedInLinuxOrder) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW, 0);
    sockaddr_ll name = link_name(4711, kOurs);
    EXPECT_EQ(bind_to(raw, name), -ENODEV);
    EXPECT_EQ(answer(::bind(raw, reinterpret_cast<sockaddr*>(&name), sizeof name - 1)), -EINVAL);
    name.sll_family = AF_INET;
    EXPECT_EQ(bind_to(raw, name), -EINVAL);
    ASSERT_TRUE(set_lo(false));
    EXPECT_EQ(bind_to(raw, link_name(1, kOurs)), 0);
    EXPECT_EQ(poll_now(raw, POLLIN | POLLOUT), POLLERR | POLLOUT);
    int error = 0;
    socklen_t size = sizeof error;
    EXPECT_EQ(::getsockopt(raw, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    EXPECT_EQ(error, ENETDOWN);
    EXPECT_EQ(poll_now(raw, POLLIN | POLLOUT), POLLOUT);
  });
}

TEST(PacketBinding, AnInterfaceThatGoesDownIsAnError) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW, kOurs), every = packet_socket(SOCK_RAW, kOurs);
    ASSERT_EQ(bind_to(raw, link_name(1, kOurs)), 0);
    const std::string whole = frame(kZero, "pay");
    ASSERT_EQ(answer(::send(raw, whole.data(), whole.size(), 0)), 17);
    ASSERT_TRUE(set_lo(false));
    EXPECT_EQ(poll_now(raw, POLLIN), POLLERR | POLLIN);
    EXPECT_EQ(poll_now(every, POLLIN), POLLIN);
    EXPECT_EQ(hear(raw).size, -ENETDOWN);
    EXPECT_EQ(hear(raw).size, 17);
    ASSERT_TRUE(set_lo(true));
    EXPECT_EQ(answer(::send(raw, whole.data(), whole.size(), 0)), 17);
    EXPECT_EQ(hear(raw).size, 17);
  });
}

TEST(PacketBinding, WhatAPacketSocketCannotDo) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW);
    const sockaddr_ll name = link_name(1, kOurs);
    EXPECT_EQ(connect_to(raw, name), -EOPNOTSUPP);
    EXPECT_EQ(answer(::listen(raw, 1)), -EOPNOTSUPP);
    EXPECT_EQ(answer(::accept(raw, nullptr, nullptr)), -EOPNOTSUPP);
    EXPECT_EQ(answer(::shutdown(raw, SHUT_RDWR)), -EOPNOTSUPP);
    int value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(answer(::getsockopt(raw, SOL_SOCKET, SO_PROTOCOL, &value, &size)), 0);
    EXPECT_EQ(value, 0);
    EXPECT_EQ(answer(::getsockopt(raw, SOL_SOCKET, SO_DOMAIN, &value, &size)), 0);
    EXPECT_EQ(value, AF_PACKET);
    EXPECT_EQ(answer(::getsockopt(raw, SOL_IP, 1, &value, &size)), -ENOPROTOOPT);
    EXPECT_EQ(answer(::setsockopt(raw, SOL_IP, 1, &value, size)), -ENOPROTOOPT);
    ifreq request{};
    strcpy(request.ifr_name, "lo");
    EXPECT_EQ(answer(::ioctl(raw, SIOCGIFINDEX, &request)), 0);
    EXPECT_EQ(request.ifr_ifindex, 1);
    EXPECT_EQ(answer(::ioctl(raw, SIOCGIFADDR, &request)), 0);
    EXPECT_EQ(answer(::ioctl(raw, 0x8905 /* SIOCATMARK */, &request)), -ENOTTY);
  });
}

}  // namespace
}  // namespace conformance
