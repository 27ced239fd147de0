// /dev/net/tun: interfaces whose wire is the program.
#include <linux/if_tun.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "tests/conformance/devices/links.hh"

namespace conformance {
namespace {

class Tun {
 public:
  explicit Tun(int flags = O_RDWR | O_NONBLOCK) : fd_(::open("/dev/net/tun", flags | O_CLOEXEC)) {}
  int fd() const { return fd_; }
  void close() { fd_.reset(); }

  // 0 and the name it got, or the negative errno.
  long attach(const char* name, int flags) {
    ifreq request{};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    request.ifr_flags = static_cast<short>(flags);
    const long result = answer(::ioctl(fd_, TUNSETIFF, &request));
    if (result == 0) name_ = request.ifr_name;
    return result;
  }
  const char* name() const { return name_.c_str(); }
  template <typename T>
  long call(unsigned long command, T argument) const {
    return answer(::ioctl(fd_, command, argument));
  }
  long put(const std::string& frame) const { return answer(::write(fd_, frame.data(), frame.size())); }
  // The next frame; "" when none comes for a second.
  std::string take() const {
    pollfd wait{fd_.get(), POLLIN, 0};
    std::string frame(70000, 0);
    if (::poll(&wait, 1, 1000) != 1 || (wait.revents & POLLIN) == 0) return "";
    const ssize_t size = ::read(fd_, frame.data(), frame.size());
    frame.resize(size < 0 ? 0 : static_cast<size_t>(size));
    return frame;
  }
  // The next one that is IPv4; what IPv6 says by itself is passed over.
  std::string take_ipv4(size_t header) const {
    for (;;) {
      std::string frame = take();
      if (frame.empty() || (frame.size() > header && static_cast<uint8_t>(frame[header]) >> 4 == 4)) return frame;
    }
  }

 private:
  Fd fd_;
  std::string name_;
};

// In a new network, where the machine has the device.
void with_tun(const std::function<void()>& body) {
  const int fd = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0) GTEST_SKIP() << "no /dev/net/tun for us";
  ::close(fd);
  in_new_network(body);
}

short poll_of(const Tun& tun) {
  pollfd wait{tun.fd(), POLLIN | POLLOUT | POLLPRI, 0};
  EXPECT_GE(::poll(&wait, 1, 0), 0);
  return wait.revents;
}

uint16_t sum(const std::string& bytes) {
  uint32_t total = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    total += static_cast<uint32_t>(static_cast<uint8_t>(bytes[i]) << 8 | (i + 1 < bytes.size() ? static_cast<uint8_t>(bytes[i + 1]) : 0));
  }
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return static_cast<uint16_t>(~total);
}

std::string ipv4(const char* from, const char* to, uint8_t protocol, const std::string& payload) {
  iphdr header{};
  header.version = 4;
  header.ihl = 5;
  header.ttl = 64;
  header.protocol = protocol;
  header.tot_len = htons(static_cast<uint16_t>(sizeof header + payload.size()));
  memcpy(&header.saddr, ip(from).data(), 4);
  memcpy(&header.daddr, ip(to).data(), 4);
  header.check = htons(sum(bytes(header)));
  return bytes(header) + payload;
}
std::string ping(uint8_t type, uint16_t number) {
  icmphdr header{};
  header.type = type;
  header.un.echo.id = htons(77);
  header.un.echo.sequence = htons(number);
  std::string message = bytes(header) + "payload";
  header.checksum = htons(sum(message));
  return bytes(header) + "payload";
}
constexpr size_t kInformation = 4;
std::string information(uint16_t protocol) { return bytes(tun_pi{0, htons(protocol)}); }

void start(Route& netlink, Tun& tun, const char* address, unsigned char prefix = 24) {
  ASSERT_EQ(give_address(netlink, tun.name(), address, prefix), 0);
  ASSERT_EQ(set_up(netlink, tun.name()), 0);
}

TEST(Tun, BeforeItHasAnInterfaceItIsNothing) {
  with_tun([] {
    Tun tun;
    char byte = 0;
    EXPECT_EQ(answer(::read(tun.fd(), &byte, 1)), -EBADFD);
    EXPECT_EQ(answer(::write(tun.fd(), &byte, 1)), -EBADFD);
    EXPECT_EQ(answer(::read(tun.fd(), bad_pointer<char>(), 1)), -EBADFD);
    EXPECT_EQ(poll_of(tun), POLLERR);
    int value = 1;
    ifreq request{};
    EXPECT_EQ(tun.call(TUNGETIFF, &request), -EBADFD);
    EXPECT_EQ(tun.call(TUNSETPERSIST, 1), -EBADFD);
    EXPECT_EQ(tun.call(TUNSETOWNER, 0), -EBADFD);
    EXPECT_EQ(tun.call(TUNGETSNDBUF, &value), -EBADFD);
    EXPECT_EQ(tun.call(FIONREAD, &value), -EBADFD);
    EXPECT_EQ(tun.call(SIOCGIFHWADDR, &request), -EBADFD);
    EXPECT_EQ(tun.call(SIOCGIFHWADDR, bad_pointer()), -EFAULT);
    EXPECT_EQ(tun.call(TUNSETQUEUE, &request), -EINVAL);
    EXPECT_EQ(tun.call(TUNSETQUEUE, bad_pointer()), -EFAULT);
    EXPECT_EQ(tun.call(TUNGETFEATURES, bad_pointer()), -EFAULT);
    ASSERT_EQ(tun.call(TUNGETFEATURES, &value), 0);
    constexpr int kAll = IFF_TUN | IFF_TAP | IFF_NO_PI | IFF_ONE_QUEUE | 0x40;
    EXPECT_EQ(value & kAll, kAll);
    EXPECT_EQ(answer(::lseek(tun.fd(), 0, SEEK_SET)), -ESPIPE);
  });
}

TEST(Tun, AnInterfaceIsMadeWithTheNameThatIsAskedFor) {
  with_tun([] {
    Tun first, second, third, fourth;
    EXPECT_EQ(first.call(TUNSETIFF, bad_pointer()), -EFAULT);
    EXPECT_EQ(first.attach("", 0), -EINVAL);
    EXPECT_EQ(first.attach("lo", IFF_TUN), -EINVAL);
    EXPECT_EQ(first.attach("lo", IFF_TUN | IFF_TUN_EXCL), -EBUSY);
    EXPECT_EQ(first.attach("a/b", IFF_TUN), -EINVAL);
    EXPECT_EQ(first.attach("a%dpercent%d", IFF_TUN), -EINVAL);
    EXPECT_EQ(first.attach("a%xb", IFF_TUN), -EINVAL);
    ASSERT_EQ(first.attach("", IFF_TUN), 0);
    EXPECT_STREQ(first.name(), "tun0");
    EXPECT_EQ(first.attach("", IFF_TUN), -EEXIST);
    ASSERT_EQ(second.attach("", IFF_TAP | IFF_NO_PI), 0);
    EXPECT_STREQ(second.name(), "tap0");
    ASSERT_EQ(third.attach("mine%dtoo", IFF_TUN), 0);
    EXPECT_STREQ(third.name(), "mine0too");
    EXPECT_EQ(fourth.attach("tun0", IFF_TUN), -EBUSY);
    EXPECT_EQ(fourth.attach("tun0", IFF_TAP), -EINVAL);
    EXPECT_EQ(fourth.attach("tun0", IFF_TUN | IFF_MULTI_QUEUE), -EINVAL);
    int index = 77;
    ASSERT_EQ(fourth.call(TUNSETIFINDEX, &index), 0);
    ASSERT_EQ(fourth.attach("indexed", IFF_TUN), 0);
    EXPECT_EQ(index_of("indexed"), 77u);
    EXPECT_EQ(fourth.call(TUNSETIFINDEX, &index), -EPERM);
    ifreq request{};
    ASSERT_EQ(second.call(TUNGETIFF, &request), 0);
    EXPECT_STREQ(request.ifr_name, "tap0");
    EXPECT_EQ(request.ifr_flags & (IFF_TUN | IFF_TAP | IFF_NO_PI | IFF_VNET_HDR), IFF_TAP | IFF_NO_PI);
    first.close();
    EXPECT_EQ(index_of("tun0"), 0u) << "closed, gone";
    EXPECT_NE(index_of("tap0"), 0u);
  });
}

TEST(Tun, NetlinkShowsWhatItIs) {
  with_tun([] {
    Route netlink;
    Tun tun, tap;
    ASSERT_EQ(tun.attach("", IFF_TUN), 0);
    ASSERT_EQ(tap.attach("", IFF_TAP), 0);
    const Message first = show(netlink, "tun0"), second = show(netlink, "tap0");
    EXPECT_EQ(first.as<ifinfomsg>().ifi_type, 0xfffe);
    EXPECT_EQ(flags_of(first), unsigned{IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST});
    EXPECT_EQ(of(first, IFLA_ADDRESS), "");
    EXPECT_EQ(of(first, IFLA_TXQLEN), bytes(500u));
    EXPECT_EQ(of(first, IFLA_MAX_MTU), bytes(65535u));
    EXPECT_EQ(of(first, IFLA_CARRIER), std::string(1, 1));
    EXPECT_EQ(of(first, IFLA_LINKINFO).substr(4, 4), std::string("tun\0", 4));
    EXPECT_EQ(second.as<ifinfomsg>().ifi_type, 1);
    EXPECT_EQ(flags_of(second), unsigned{IFF_BROADCAST | IFF_MULTICAST});
    EXPECT_EQ(of(second, IFLA_ADDRESS).size(), 6u);
    EXPECT_EQ(of(second, IFLA_MAX_MTU), bytes(65521u));
    ASSERT_EQ(set_up(netlink, "tun0"), 0);
    const Message up = show(netlink, "tun0");
    EXPECT_EQ(flags_of(up) & (IFF_UP | IFF_RUNNING | kLowerUp), unsigned{IFF_UP | IFF_RUNNING | kLowerUp});
    EXPECT_EQ(of(up, IFLA_OPERSTATE), std::string(1, 0)) << "nobody told of a carrier";
    EXPECT_EQ(netlink.request(RTM_DELLINK, 0, link(0) + named("tun0")), 0);
    EXPECT_EQ(poll_of(tun), POLLERR);
    char byte = 0;
    EXPECT_EQ(answer(::read(tun.fd(), &byte, 1)), -EBADFD);
    EXPECT_EQ(tun.attach("", IFF_TUN), 0) << "and may have another";
  });
}

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
    iovec parts[3] = {{const_cast<char*>(packet.data()), 7}, {nullptr, 0}, {const_cast<char*>(packet.data()) + 7, packet.size() - 7}};
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
    const auto send = [&] {
      ASSERT_EQ(::sendto(udp, "0123456789", 10, 0, reinterpret_cast<sockaddr*>(&far), sizeof far), 10);
    };
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
    const std::string statistics = of(show(netlink, "tun0"), IFLA_STATS64);
    uint64_t dropped = 0;
    memcpy(&dropped, statistics.data() + 7 * 8, sizeof dropped);
    (void)dropped;
  });
}

TEST(Tun, PersistentItStaysAndBelongsToItsOwner) {
  with_tun([] {
    Route netlink;
    {
      Tun tun;
      ASSERT_EQ(tun.attach("kept", IFF_TUN), 0);
      EXPECT_EQ(tun.call(TUNSETPERSIST, 1), 0);
      EXPECT_EQ(tun.call(TUNSETOWNER, 65534), 0);
      EXPECT_EQ(tun.call(TUNSETOWNER, -1), -EINVAL);
      EXPECT_EQ(tun.call(TUNSETGROUP, -1), -EINVAL);
      ASSERT_EQ(set_up(netlink, "kept"), 0);
    }
    EXPECT_NE(index_of("kept"), 0u);
    EXPECT_TRUE(soon([&] { return (flags_of(show(netlink, "kept")) & (IFF_RUNNING | kLowerUp)) == 0; }));
    EXPECT_TRUE(soon([&] { return of(show(netlink, "kept"), IFLA_OPERSTATE) == std::string(1, 2); }));
    {
      Tun again;
      ASSERT_EQ(again.attach("kept", IFF_TUN | IFF_NO_PI), 0);
      EXPECT_TRUE(soon([&] { return of(show(netlink, "kept"), IFLA_OPERSTATE) == std::string(1, 6); }));
      ifreq request{};
      ASSERT_EQ(again.call(TUNGETIFF, &request), 0);
      EXPECT_EQ(request.ifr_flags & 0xffff, IFF_TUN | IFF_NO_PI | IFF_PERSIST);
    }
    Tun stranger, owner, other;
    ASSERT_EQ(setresuid(1234, 1234, 1234), 0);
    EXPECT_EQ(stranger.attach("kept", IFF_TUN), -EPERM);
    EXPECT_EQ(stranger.attach("kept", IFF_TAP), -EINVAL);
    EXPECT_EQ(stranger.attach("new", IFF_TUN), -EPERM);
    EXPECT_EQ(stranger.attach("new", 0), -EPERM);
  });
}

TEST(Tun, TheOwnerAttachesWithoutPrivilege) {
  with_tun([] {
    Tun first, second;
    ASSERT_EQ(first.attach("kept", IFF_TUN), 0);
    ASSERT_EQ(first.call(TUNSETPERSIST, 1) | first.call(TUNSETOWNER, 65534), 0);
    first.close();
    ASSERT_EQ(setresuid(65534, 65534, 65534), 0);
    EXPECT_EQ(second.attach("kept", IFF_TUN), 0);
    EXPECT_EQ(second.call(TUNSETPERSIST, 0), 0);
    second.close();
    EXPECT_EQ(index_of("kept"), 0u);
  });
}

TEST(Tun, SmallCommandsAnswerAsLinuxs) {
  with_tun([] {
    Route netlink;
    Tun tun, tap;
    ASSERT_EQ(tun.attach("", IFF_TUN), 0);
    ASSERT_EQ(tap.attach("", IFF_TAP), 0);
    int value = 0;
    ASSERT_EQ(tun.call(TUNGETSNDBUF, &value), 0);
    EXPECT_EQ(value, INT32_MAX);
    value = 0;
    EXPECT_EQ(tun.call(TUNSETSNDBUF, &value), -EINVAL);
    EXPECT_EQ(tun.call(TUNSETSNDBUF, bad_pointer()), -EFAULT);
    value = 5000;
    EXPECT_EQ(tun.call(TUNSETSNDBUF, &value), 0);
    value = 0;
    ASSERT_EQ(tun.call(TUNGETSNDBUF, &value), 0);
    EXPECT_EQ(value, 5000);
    EXPECT_EQ(tun.call(TUNSETLINK, 512), 0);
    EXPECT_EQ(show(netlink, "tun0").as<ifinfomsg>().ifi_type, 512);
    ASSERT_EQ(set_up(netlink, "tun0"), 0);
    EXPECT_EQ(tun.call(TUNSETLINK, 1), -EBUSY);
    EXPECT_EQ(tun.call(TUNSETNOCSUM, 1), 0);
    EXPECT_EQ(tun.call(TUNSETOFFLOAD, 0), 0);
    EXPECT_EQ(tun.call(TUNSETOFFLOAD, 0x10000), -EINVAL);
    EXPECT_EQ(tun.call(FIONREAD, &value), -EINVAL);
    EXPECT_EQ(tun.call(SIOCGIFINDEX, &value), -EINVAL);
    EXPECT_EQ(tun.call(0x400454f0, &value), -EINVAL);
    EXPECT_EQ(tun.call(TUNSETTXFILTER, &value), -EINVAL) << "of taps";
    EXPECT_EQ(tap.call(TUNSETTXFILTER, bad_pointer()), -EFAULT);
    unsigned down = 0, up = 1;
    EXPECT_EQ(tun.call(TUNSETCARRIER, &down), 0);
    EXPECT_TRUE(soon([&] { return (flags_of(show(netlink, "tun0")) & kLowerUp) == 0; }));
    EXPECT_EQ(tun.call(TUNSETCARRIER, &up), 0);
    EXPECT_TRUE(soon([&] { return (flags_of(show(netlink, "tun0")) & kLowerUp) != 0; }));
    ifreq request{};
    ASSERT_EQ(tap.call(SIOCGIFHWADDR, &request), 0);
    EXPECT_EQ(std::string(request.ifr_hwaddr.sa_data, 6), of(show(netlink, "tap0"), IFLA_ADDRESS));
    EXPECT_EQ(request.ifr_hwaddr.sa_family, 1);
    request.ifr_hwaddr.sa_data[0] = 1;
    EXPECT_EQ(tap.call(SIOCSIFHWADDR, &request), -EADDRNOTAVAIL);
    request.ifr_hwaddr.sa_data[0] = 2;
    EXPECT_EQ(tap.call(SIOCSIFHWADDR, &request), 0);
    EXPECT_EQ(of(show(netlink, "tap0"), IFLA_ADDRESS)[0], 2);
    std::string filter = bytes(uint16_t{0}) + bytes(uint16_t{10}) + std::string(60, 2);
    EXPECT_EQ(tap.call(TUNSETTXFILTER, filter.data()), 0) << "more than eight that are no groups: no filter";
    filter.replace(4 + 48, 12, std::string(12, 1));
    EXPECT_EQ(tap.call(TUNSETTXFILTER, filter.data()), 8) << "so many exactly";
    filter[2] = 0;
    EXPECT_EQ(tap.call(TUNSETTXFILTER, filter.data()), 0);
    value = 1;
    EXPECT_EQ(tun.call(FIONBIO, &value), 0);
  });
}

// A tap's frame to and from the program, its checksum left to whoever has it.
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
    const pid_t sender = fork();
    if (sender == 0) {
      const std::string data(400'000, 't');
      size_t done = 0;
      while (done < data.size()) {
        const ssize_t sent = ::send(client, data.data() + done, data.size() - done, 0);
        if (sent <= 0) _exit(1);
        done += static_cast<size_t>(sent);
      }
      _exit(0);
    }
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

TEST(Tun, AccessIsWhatItWasOpenedFor) {
  with_tun([] {
    Tun reader(O_RDONLY | O_NONBLOCK), writer(O_WRONLY);
    ASSERT_EQ(reader.attach("", IFF_TUN), 0);
    ASSERT_EQ(writer.attach("", IFF_TUN), 0);
    char buffer[100] = {};
    EXPECT_EQ(answer(::write(reader.fd(), buffer, sizeof buffer)), -EBADF);
    EXPECT_EQ(answer(::read(writer.fd(), buffer, sizeof buffer)), -EBADF);
    EXPECT_EQ(::fcntl(reader.fd(), F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY | O_NONBLOCK);
    EXPECT_EQ(::fcntl(writer.fd(), F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_WRONLY);
  });
}

}  // namespace
}  // namespace conformance
