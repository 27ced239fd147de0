// /dev/net/tun: what is read and written.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "tests/conformance/devices/tun.hh"

namespace conformance {
namespace {

TEST(Tun, AProgramAnswersPings) {
  with_tun([] {
    Route netlink;
    Tun tun;
    ASSERT_EQ(tun.attach("", IFF_TUN), 0);
    start(netlink, tun, "10.6.0.1");
    Fd raw(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    ASSERT_GE(raw.get(), 0);
    sockaddr_in far = loopback4();
    memcpy(&far.sin_addr, ip("10.6.0.9").data(), 4);
    const std::string question = ping(ICMP_ECHO, 1);
    ASSERT_EQ(::sendto(raw, question.data(), question.size(), 0, reinterpret_cast<sockaddr*>(&far), sizeof far),
              static_cast<ssize_t>(question.size()));
    const std::string frame = tun.take_ipv4(kInformation);
    ASSERT_EQ(frame.size(), kInformation + sizeof(iphdr) + question.size());
    EXPECT_EQ(frame.substr(0, kInformation), information(0x0800));
    EXPECT_EQ(frame.substr(kInformation + sizeof(iphdr)), question);
    const std::string reply = information(0x0800) + ipv4("10.6.0.9", "10.6.0.1", IPPROTO_ICMP, ping(ICMP_ECHOREPLY, 1));
    ASSERT_EQ(tun.put(reply), static_cast<long>(reply.size()));
    char buffer[200];
    pollfd wait{raw.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&wait, 1, 2000), 1);
    EXPECT_EQ(::recv(raw, buffer, sizeof buffer, 0), static_cast<ssize_t>(reply.size() - kInformation));
    // And the kernel those of the program.
    const std::string asked = information(0x0800) + ipv4("10.6.0.9", "10.6.0.1", IPPROTO_ICMP, ping(ICMP_ECHO, 2));
    ASSERT_EQ(tun.put(asked), static_cast<long>(asked.size()));
    EXPECT_EQ(tun.take_ipv4(kInformation).substr(kInformation + sizeof(iphdr)), ping(ICMP_ECHOREPLY, 2));
  });
}

TEST(Tun, WhatIsWrittenIsChecked) {
  with_tun([] {
    Route netlink;
    Tun with, without, tap;
    ASSERT_EQ(with.attach("", IFF_TUN), 0);
    ASSERT_EQ(without.attach("", IFF_TUN | IFF_NO_PI), 0);
    ASSERT_EQ(tap.attach("", IFF_TAP | IFF_NO_PI), 0);
    const std::string packet = ipv4("10.6.0.9", "10.6.0.1", IPPROTO_ICMP, ping(ICMP_ECHO, 1));
    for (const char* state : {"down", "up"}) {
      const bool is_up = state[0] == 'u';
      if (is_up) {
        for (const char* name : {"tun0", "tun1", "tap0"}) ASSERT_EQ(set_up(netlink, name), 0);
      }
      const auto expect = [&](const Tun& tun, const std::string& frame, long error) {
        const long good = is_up ? static_cast<long>(frame.size()) : -EIO;
        EXPECT_EQ(tun.put(frame), error == 0 ? good : error) << state << " " << frame.size();
      };
      expect(with, "", -EINVAL);
      expect(with, "123", -EINVAL);
      expect(with, information(0x0800), 0);
      expect(with, information(0x0800) + packet, 0);
      expect(with, information(0x1234) + packet, 0);
      expect(with, information(0x86dd) + packet, 0);
      expect(without, "", -EINVAL);
      expect(without, "E", 0);
      expect(without, packet, 0);
      expect(without, "\x50" + packet.substr(1), -EINVAL);
      expect(tap, "", -EINVAL);
      expect(tap, std::string(13, 0), -EINVAL);
      expect(tap, std::string(14, 0), 0);
      expect(tap, std::string(2000, 0), 0);
      EXPECT_EQ(answer(::write(without.fd(), bad_pointer<char>(), 40)), -EFAULT);
      EXPECT_EQ(answer(::write(with.fd(), bad_pointer<char>(), 40)), -EFAULT);
      EXPECT_EQ(answer(::write(tap.fd(), bad_pointer<char>(), 13)), -EINVAL);
      EXPECT_EQ(poll_of(without) & POLLOUT, is_up ? POLLOUT : 0);
    }
    iovec parts[3] = {
        {const_cast<char*>(packet.data()), 7}, {nullptr, 0}, {const_cast<char*>(packet.data()) + 7, packet.size() - 7}};
    EXPECT_EQ(::writev(without.fd(), parts, 3), static_cast<ssize_t>(packet.size()));
  });
}

TEST(Tun, AFrameIsReadOnceAndCutToTheBuffer) {
  with_tun([] {
    Route netlink;
    Tun tun;
    ASSERT_EQ(tun.attach("", IFF_TUN), 0);
    ASSERT_EQ(netlink.request(RTM_NEWLINK, 0, link(static_cast<int>(index_of("tun0"))) + attribute(IFLA_MTU, bytes(1000u))), 0);
    start(netlink, tun, "10.6.0.1");
    while (!tun.take().empty()) {
    }
    Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in far = loopback4(9);
    memcpy(&far.sin_addr, ip("10.6.0.9").data(), 4);
    const auto send = [&] { ASSERT_EQ(::sendto(udp, "0123456789", 10, 0, reinterpret_cast<sockaddr*>(&far), sizeof far), 10); };
    char buffer[100];
    EXPECT_EQ(answer(::read(tun.fd(), buffer, sizeof buffer)), -EAGAIN);
    EXPECT_EQ(answer(::read(tun.fd(), buffer, 0)), 0);
    EXPECT_EQ(poll_of(tun), POLLOUT);
    send();
    EXPECT_EQ(poll_of(tun), POLLIN | POLLOUT);
    EXPECT_EQ(answer(::read(tun.fd(), buffer, 3)), -EINVAL) << "not even what it is";
    EXPECT_EQ(answer(::read(tun.fd(), buffer, sizeof buffer)), -EAGAIN) << "and gone";
    send();
    EXPECT_EQ(::read(tun.fd(), buffer, 20), 20);
    EXPECT_EQ(std::string(buffer, 4), bytes(tun_pi{TUN_PKT_STRIP, htons(0x0800)}));
    send();
    EXPECT_EQ(answer(::read(tun.fd(), bad_pointer<char>(), 100)), -EFAULT);
    send();
    iovec parts[2] = {{buffer, 10}, {buffer + 50, 50}};
    EXPECT_EQ(::readv(tun.fd(), parts, 2), 42);
    EXPECT_EQ(std::string(buffer + 50 + 22, 10), "0123456789");
    // Two frames are two.
    send();
    send();
    EXPECT_EQ(::read(tun.fd(), buffer, sizeof buffer), 42);
    EXPECT_EQ(::read(tun.fd(), buffer, sizeof buffer), 42);
    // More than wait are lost.
    int lost = 0;
    for (int i = 0; i < 600; ++i) send();
    for (int i = 0; i < 600; ++i) lost += ::read(tun.fd(), buffer, sizeof buffer) == 42 ? 0 : 1;
    EXPECT_GE(lost, 90);
  });
}

TEST(Tun, AHeaderTellsWhatIsStillToBeDone) {
  with_tun([] {
    Route netlink;
    Tun tun;
    ASSERT_EQ(tun.attach("", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR), 0);
    ifreq request{};
    ASSERT_EQ(tun.call(TUNGETIFF, &request), 0);
    EXPECT_EQ(request.ifr_flags, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
    int size = 0;
    ASSERT_EQ(tun.call(TUNGETVNETHDRSZ, &size), 0);
    EXPECT_EQ(size, 10);
    size = 9;
    EXPECT_EQ(tun.call(TUNSETVNETHDRSZ, &size), -EINVAL);
    EXPECT_EQ(tun.call(TUNSETVNETHDRSZ, bad_pointer()), -EFAULT);
    size = 12;
    EXPECT_EQ(tun.call(TUNSETVNETHDRSZ, &size), 0);
    EXPECT_EQ(tun.call(TUNSETOFFLOAD, TUN_F_TSO4), -EINVAL) << "not without checksums";
    EXPECT_EQ(tun.call(TUNSETOFFLOAD, TUN_F_CSUM | 0x20), -EINVAL) << "both or neither";
    EXPECT_EQ(tun.call(TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6), 0);
    start(netlink, tun, "10.6.0.1");
    while (!tun.take().empty()) {
    }
    Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in far = loopback4(9);
    memcpy(&far.sin_addr, ip("10.6.0.9").data(), 4);
    ASSERT_EQ(::sendto(udp, "0123456789", 10, 0, reinterpret_cast<sockaddr*>(&far), sizeof far), 10);
    std::string frame = tun.take_ipv4(12);
    ASSERT_EQ(frame.size(), 12u + 20 + 8 + 10);
    // NEEDS_CSUM from the UDP header, its field six bytes behind; no segmentation.
    EXPECT_EQ(frame.substr(0, 12), std::string("\x01\0\0\0\0\0\x14\0\x06\0\0\0", 12));
    // The same back, from there to here: received though nobody summed it.
    Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in own = loopback4(6000);
    memcpy(&own.sin_addr, ip("10.6.0.1").data(), 4);
    ASSERT_EQ(answer(::bind(receiver, reinterpret_cast<sockaddr*>(&own), sizeof own)), 0);
    const uint16_t ports[3] = {htons(9), htons(6000), htons(18)};
    const std::string datagram = bytes(ports) + std::string(2, 0) + "0123456789";
    const std::string packet = ipv4("10.6.0.9", "10.6.0.1", IPPROTO_UDP, datagram);
    const std::string head("\x01\0\0\0\0\0\x14\0\x06\0\0\0", 12);
    EXPECT_EQ(tun.put(head + packet), static_cast<long>(head.size() + packet.size()));
    pollfd wait{receiver.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&wait, 1, 2000), 1);
    EXPECT_EQ(tun.put(head.substr(0, 11)), -EINVAL);
    EXPECT_EQ(tun.put(std::string("\x01\0\0\0\0\0\xff\0\x06\0\0\0", 12) + packet), -EINVAL) << "beyond the frame";
    EXPECT_EQ(tun.put(std::string("\0\x7f\0\0\x64\0\0\0\0\0\0\0", 12) + packet), -EINVAL) << "no such segmentation";
    // TCP comes whole, to be cut by the reader.
    Fd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    EXPECT_EQ(answer(::connect(tcp, reinterpret_cast<sockaddr*>(&far), sizeof far)), -EINPROGRESS);
    frame = tun.take_ipv4(12);
    ASSERT_GT(frame.size(), 12u + 40);
    EXPECT_EQ(frame.substr(0, 10), std::string("\x01\0\0\0\0\0\x14\0\x10\0", 10));
  });
}

TEST(Tun, FilesShareADeviceThatHasManyQueues) {
  with_tun([] {
    Route netlink;
    Tun first, second, third;
    constexpr int kFlags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE;
    ASSERT_EQ(first.attach("many", kFlags), 0);
    EXPECT_EQ(second.attach("many", IFF_TUN | IFF_NO_PI), -EINVAL);
    ASSERT_EQ(second.attach("many", kFlags), 0);
    start(netlink, first, "10.6.0.1");
    ::usleep(100'000);
    const auto drain = [&] {
      while (!first.take_ipv4(0).empty()) {
      }
      while (!second.take_ipv4(0).empty()) {
      }
    };
    drain();
    Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in own = loopback4(6001), far = loopback4(6002);
    memcpy(&own.sin_addr, ip("10.6.0.1").data(), 4);
    memcpy(&far.sin_addr, ip("10.6.0.9").data(), 4);
    ASSERT_EQ(answer(::bind(udp, reinterpret_cast<sockaddr*>(&own), sizeof own)), 0);
    ASSERT_EQ(answer(::connect(udp, reinterpret_cast<sockaddr*>(&far), sizeof far)), 0);
    // Answers go to where the questions came from.
    const uint16_t ports[4] = {htons(6002), htons(6001), htons(9), 0};
    const std::string question = ipv4("10.6.0.9", "10.6.0.1", IPPROTO_UDP, bytes(ports) + "q");
    for (int round = 0; round < 4; ++round) {
      Tun& asking = round % 2 == 0 ? first : second;
      Tun& other = round % 2 == 0 ? second : first;
      ASSERT_EQ(asking.put(question), static_cast<long>(question.size()));
      ASSERT_EQ(::send(udp, "answer", 6, 0), 6);
      EXPECT_EQ(asking.take_ipv4(0).size(), 34u) << round;
      EXPECT_EQ(poll_of(other) & POLLIN, 0) << round;
    }
    ifreq request{};
    request.ifr_flags = IFF_DETACH_QUEUE;
    EXPECT_EQ(third.call(TUNSETQUEUE, &request), -EINVAL);
    EXPECT_EQ(second.call(TUNSETQUEUE, &request), 0);
    EXPECT_EQ(second.call(TUNSETQUEUE, &request), -EINVAL) << "it is already";
    ifreq shown{};
    ASSERT_EQ(second.call(TUNGETIFF, &shown), 0);
    EXPECT_EQ(shown.ifr_flags & (IFF_MULTI_QUEUE | IFF_DETACH_QUEUE), IFF_MULTI_QUEUE | IFF_DETACH_QUEUE);
    ASSERT_EQ(::send(udp, "answer", 6, 0), 6);
    EXPECT_EQ(first.take_ipv4(0).size(), 34u) << "the only one";
    request.ifr_flags = IFF_ATTACH_QUEUE;
    EXPECT_EQ(second.call(TUNSETQUEUE, &request), 0);
    EXPECT_EQ(second.call(TUNSETQUEUE, &request), -EINVAL);
    request.ifr_flags = 0;
    EXPECT_EQ(second.call(TUNSETQUEUE, &request), -EINVAL);
    first.close();
    EXPECT_NE(index_of("many"), 0u) << "another has it";
    second.close();
    EXPECT_EQ(index_of("many"), 0u);
    ASSERT_EQ(third.attach("plain", IFF_TUN), 0);
    request.ifr_flags = IFF_DETACH_QUEUE;
    EXPECT_EQ(third.call(TUNSETQUEUE, &request), -EINVAL);
  });
}

TEST(Tun, TwoTapsAreBridgedByAProgramAndCarryTcp) {
  with_tun([] {
    Namespaces both;
    Route here;
    Tun first, second;
    ASSERT_EQ(first.attach("", IFF_TAP | IFF_NO_PI), 0);
    ASSERT_EQ(second.attach("", IFF_TAP | IFF_NO_PI), 0);
    start(here, first, "10.6.0.1");
    ASSERT_EQ(here.request(RTM_SETLINK, 0, link(0) + named(second.name()) + both.in_second()), 0) << "a file's interface moves";
    both.enter_second();
    Route there;
    start(there, second, "10.6.0.2");
    Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in server = loopback4(7000);
    memcpy(&server.sin_addr, ip("10.6.0.2").data(), 4);
    ASSERT_EQ(answer(::bind(listener, reinterpret_cast<sockaddr*>(&server), sizeof server)), 0);
    ASSERT_EQ(answer(::listen(listener, 1)), 0);
    both.enter_first();
    const pid_t bridge = fork();
    if (bridge == 0) {
      Fd epoll(::epoll_create1(0));
      for (const Tun* tap : {&first, &second}) {
        epoll_event event{EPOLLIN, {.ptr = const_cast<Tun*>(tap)}};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, tap->fd(), &event);
      }
      std::string frame(70000, 0);
      for (;;) {
        epoll_event event{};
        if (::epoll_wait(epoll, &event, 1, 5000) != 1) _exit(1);
        const Tun& from = *static_cast<Tun*>(event.data.ptr);
        const ssize_t size = ::read(from.fd(), frame.data(), frame.size());
        if (size > 0 && ::write((&from == &first ? second : first).fd(), frame.data(), static_cast<size_t>(size)) < 0) _exit(2);
      }
    }
    Fd client(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(answer(::connect(client, reinterpret_cast<sockaddr*>(&server), sizeof server)), 0);
    Fd accepted(::accept(listener, nullptr, nullptr));
    const pid_t sender = send_from_child(client, 400'000);
    size_t received = 0;
    std::string buffer(65536, 0);
    while (received < 400'000) {
      const ssize_t got = ::recv(accepted, buffer.data(), buffer.size(), 0);
      ASSERT_GT(got, 0);
      received += static_cast<size_t>(got);
    }
    int status = 0;
    waitpid(sender, &status, 0);
    EXPECT_EQ(status, 0);
    kill(bridge, SIGKILL);
    waitpid(bridge, &status, 0);
  });
}

TEST(Tun, ABlockedReadEndsWithAFrameOrWithTheInterface) {
  with_tun([] {
    Route netlink;
    Tun tun(O_RDWR);
    ASSERT_EQ(tun.attach("", IFF_TUN | IFF_NO_PI), 0);
    const pid_t child = fork();
    if (child == 0) {
      char buffer[2000];
      for (;;) {
        const long size = answer(::read(tun.fd(), buffer, sizeof buffer));
        if (size < 0) _exit(static_cast<int>(-size));
      }
    }
    start(netlink, tun, "10.6.0.1");
    ::usleep(50'000);
    ASSERT_EQ(netlink.request(RTM_DELLINK, 0, link(0) + named("tun0")), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), EFAULT);
  });
}

}  // namespace
}  // namespace conformance
