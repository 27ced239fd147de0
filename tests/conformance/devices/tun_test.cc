// /dev/net/tun: interfaces made, kept, changed and removed.
#include "tests/conformance/devices/tun.hh"

namespace conformance {
namespace {

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
    // Its type, and whether it has packet information, a header, stays, and has many queues.
    const std::string data = attribute(3, "\x01") + attribute(4, "\x01") + attribute(5, std::string(1, 0)) +
                             attribute(6, std::string(1, 0)) + attribute(7, std::string(1, 0));
    EXPECT_EQ(of(first, IFLA_LINKINFO), text_attribute(IFLA_INFO_KIND, "tun") + attribute(IFLA_INFO_DATA, data));
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
