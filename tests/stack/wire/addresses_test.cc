#include "stack/wire/addresses.hh"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "stack/wire/address_text.hh"

namespace lxnet {
namespace {

Ipv6Address v6(const char* text) { return parse_ipv6(text).take(); }

TEST(Ipv4AddressTest, RangesEndWhereTheRegistrySaysTheyDo) {
  EXPECT_TRUE(Ipv4Address(127, 255, 255, 255).is_loopback());
  EXPECT_FALSE(Ipv4Address(128, 0, 0, 0).is_loopback());
  EXPECT_TRUE(Ipv4Address(224, 0, 0, 0).is_multicast());
  EXPECT_TRUE(Ipv4Address(239, 255, 255, 255).is_multicast());
  EXPECT_FALSE(Ipv4Address(240, 0, 0, 0).is_multicast());
  EXPECT_TRUE(Ipv4Address(224, 0, 0, 255).is_local_multicast());
  EXPECT_FALSE(Ipv4Address(224, 0, 1, 0).is_local_multicast());
  EXPECT_TRUE(Ipv4Address::broadcast().is_reserved());
  EXPECT_TRUE(Ipv4Address(169, 254, 0, 1).is_link_local());
  EXPECT_TRUE(Ipv4Address(172, 31, 255, 255).is_private());
  EXPECT_FALSE(Ipv4Address(172, 32, 0, 0).is_private());
}

TEST(Ipv4AddressTest, ANetworkHasItsMaskItsFirstAndItsLastAddress) {
  const Ipv4Address address(10, 1, 2, 77);
  EXPECT_EQ(Ipv4Address::netmask(0), Ipv4Address());
  EXPECT_EQ(Ipv4Address::netmask(26), Ipv4Address(255, 255, 255, 192));
  EXPECT_EQ(Ipv4Address::netmask(32), Ipv4Address::broadcast());
  EXPECT_EQ(address.network(26), Ipv4Address(10, 1, 2, 64));
  EXPECT_EQ(address.network_broadcast(26), Ipv4Address(10, 1, 2, 127));
  EXPECT_EQ(address.common_prefix_length(Ipv4Address(10, 1, 2, 64)), 28);
  EXPECT_EQ(address.common_prefix_length(address), 32);
}

TEST(MulticastMacTest, ComesFromTheLowBitsOfTheGroup) {
  EXPECT_EQ(Ipv4Address(239, 255, 1, 2).multicast_mac(), MacAddress(0x01, 0x00, 0x5e, 0x7f, 0x01, 0x02));
  EXPECT_EQ(v6("ff02::1:ff12:3456").multicast_mac(), MacAddress(0x33, 0x33, 0xff, 0x12, 0x34, 0x56));
}

TEST(Ipv6AddressTest, KindsAndScopesAreLinuxs) {
  EXPECT_EQ(v6("::1").scope(), Ipv6Scope::InterfaceLocal);
  EXPECT_EQ(v6("fe80::1").scope(), Ipv6Scope::LinkLocal);
  EXPECT_EQ(v6("febf::1").scope(), Ipv6Scope::LinkLocal);
  EXPECT_EQ(v6("fec0::1").scope(), Ipv6Scope::SiteLocal);
  EXPECT_EQ(v6("fd00::1").scope(), Ipv6Scope::Global);
  EXPECT_EQ(v6("2001:db8::1").scope(), Ipv6Scope::Global);
  EXPECT_EQ(v6("ff05::2").scope(), Ipv6Scope::SiteLocal);
  EXPECT_EQ(v6("ff0e::2").scope(), Ipv6Scope::Global);
  EXPECT_EQ(v6("::").scope(), Ipv6Scope::Reserved);
  EXPECT_TRUE(v6("ff02::1").needs_scope_id());
  EXPECT_FALSE(v6("ff05::1").needs_scope_id());
  EXPECT_TRUE(v6("::2").is_v4_compatible());
  EXPECT_FALSE(v6("::1").is_v4_compatible());
  EXPECT_TRUE(v6("::ffff:10.0.0.1").is_v4_mapped());
  EXPECT_EQ(v6("::ffff:10.0.0.1").embedded_v4(), Ipv4Address(10, 0, 0, 1));
}

TEST(Ipv6AddressTest, SolicitedNodeKeepsTheLastThreeBytes) {
  EXPECT_EQ(v6("2001:db8::a1b2:c3d4").solicited_node(), v6("ff02::1:ffb2:c3d4"));
  EXPECT_TRUE(v6("ff02::1:ffb2:c3d4").is_solicited_node());
  EXPECT_FALSE(v6("ff02::1:feb2:c3d4").is_solicited_node());
}

TEST(Ipv6AddressTest, LinkLocalComesFromTheMacAddress) {
  EXPECT_EQ(Ipv6Address::link_local(MacAddress(0x52, 0x54, 0x00, 0x12, 0x34, 0x56)), v6("fe80::5054:ff:fe12:3456"));
}

TEST(Ipv6AddressTest, PrefixesOfEveryLengthAgreeWithTheirNetwork) {
  const Ipv6Address address = v6("2001:db8:1234:5678:9abc:def0:8765:4321");
  for (unsigned length = 0; length <= 128; ++length) {
    const uint8_t prefix = static_cast<uint8_t>(length);
    const Ipv6Address network = address.network(prefix);
    EXPECT_TRUE(address.is_in(network, prefix)) << length;
    EXPECT_EQ(network.network(prefix), network) << length;
    if (length == 0) continue;
    // The same address with the last bit of the prefix turned over is outside.
    uint8_t bytes[16];
    std::copy(network.bytes().begin(), network.bytes().end(), bytes);
    bytes[(length - 1) / 8] = static_cast<uint8_t>(bytes[(length - 1) / 8] ^ 0x80 >> (length - 1) % 8);
    EXPECT_FALSE(address.is_in(Ipv6Address::from_bytes(bytes), prefix)) << length;
    EXPECT_EQ(address.network(prefix).common_prefix_length(Ipv6Address::from_bytes(bytes)), length - 1);
  }
}

TEST(AddressTextTest, AcceptsExactlyWhatInetPtonAccepts) {
  const char* const texts[] = {"1.2.3.4",
                               "255.255.255.255",
                               "256.1.1.1",
                               "01.2.3.4",
                               "1.2.3",
                               "1.2.3.4.5",
                               "1.2.3.4 ",
                               " 1.2.3.4",
                               "",
                               ".",
                               "1..2.3",
                               "0.0.0.0",
                               "00.0.0.0",
                               "1.2.3.4x",
                               "1.2.3.",
                               "0x1.2.3.4",
                               "1111.2.3.4",
                               "::",
                               ":",
                               ":::",
                               "::1",
                               "1::",
                               "1::2::3",
                               "1:2:3:4:5:6:7:8",
                               "1:2:3:4:5:6:7",
                               "1:2:3:4:5:6:7:8:9",
                               "1:2:3:4:5:6:7::",
                               "::2:3:4:5:6:7:8",
                               "1:2:3:4::5:6:7:8",
                               "::1.2.3.4",
                               "1:2:3:4:5:6:1.2.3.4",
                               "1:2:3:4:5:6:7:1.2.3.4",
                               "1:2:3:4:5:1.2.3.4",
                               "::1.2.3.4:5",
                               "1.2.3.4::",
                               "::1.2.3",
                               "12345::",
                               "fe80::1%eth0",
                               "g::",
                               "1:",
                               ":1",
                               "::1:",
                               "1:2:3:4:5:6:7:",
                               ":1:2:3:4:5:6:7:8",
                               "::ffff:1.2.3.4",
                               "ABCD::EF",
                               "::01.2.3.4",
                               "0001::",
                               "00001::",
                               "::1::",
                               "1:::2",
                               "::.1.2.3",
                               "::1.2.3.4.",
                               "2001:db8::1"};
  for (const char* text : texts) {
    in_addr host4{};
    const bool is_v4 = inet_pton(AF_INET, text, &host4) == 1;
    auto ours4 = parse_ipv4(text);
    EXPECT_EQ(ours4.is_ok(), is_v4) << text;
    if (is_v4 && ours4.is_ok()) {
      EXPECT_EQ(ours4.take().value(), ntohl(host4.s_addr)) << text;
    }
    in6_addr host6{};
    const bool is_v6 = inet_pton(AF_INET6, text, &host6) == 1;
    auto ours6 = parse_ipv6(text);
    EXPECT_EQ(ours6.is_ok(), is_v6) << text;
    if (is_v6 && ours6.is_ok()) {
      EXPECT_EQ(ours6.take(), Ipv6Address::from_bytes(host6.s6_addr)) << text;
    }
  }
}

TEST(AddressTextTest, RandomTextIsAcceptedWhenInetPtonAcceptsIt) {
  std::mt19937 random(2);
  const std::string alphabet = "::::..0011f2";
  unsigned accepted = 0;
  for (int round = 0; round < 400'000; ++round) {
    std::string text;
    for (size_t length = random() % 18; length != 0; --length) text += alphabet[random() % alphabet.size()];
    in_addr host4{};
    ASSERT_EQ(parse_ipv4(text.c_str()).is_ok(), inet_pton(AF_INET, text.c_str(), &host4) == 1) << text;
    in6_addr host6{};
    const bool is_v6 = inet_pton(AF_INET6, text.c_str(), &host6) == 1;
    auto ours = parse_ipv6(text.c_str());
    ASSERT_EQ(ours.is_ok(), is_v6) << text;
    if (!is_v6) continue;
    ++accepted;
    ASSERT_EQ(ours.take(), Ipv6Address::from_bytes(host6.s6_addr)) << text;
  }
  EXPECT_GT(accepted, 1000u);
}

TEST(AddressTextTest, PrintsWhatInetNtopPrintsAndReadsItBack) {
  std::mt19937 random(3);
  for (int round = 0; round < 200'000; ++round) {
    uint8_t bytes[16];
    const uint32_t zero_groups = static_cast<uint32_t>(random());
    for (size_t i = 0; i < 16; ++i) bytes[i] = (zero_groups >> i / 2 & 1) != 0 ? 0 : static_cast<uint8_t>(random() >> 3);
    const Ipv6Address address = Ipv6Address::from_bytes(bytes);
    const AddressText ours = format_ipv6(address);
    ASSERT_EQ(parse_ipv6(ours.span()).take(), address) << ours.c_str();
    if (address.is_v4_compatible()) continue;  // inet_ntop prints these dotted; RFC 5952 does not ask for it
    char host[INET6_ADDRSTRLEN];
    ASSERT_STREQ(ours.c_str(), inet_ntop(AF_INET6, bytes, host, sizeof(host)));
  }
}

TEST(AddressTextTest, FollowsTheExamplesOfRfc5952) {
  EXPECT_STREQ(format_ipv6(v6("2001:0db8::0001")).c_str(), "2001:db8::1");
  EXPECT_STREQ(format_ipv6(v6("2001:db8:0:1:1:1:1:1")).c_str(), "2001:db8:0:1:1:1:1:1");
  EXPECT_STREQ(format_ipv6(v6("2001:0:0:1:0:0:0:1")).c_str(), "2001:0:0:1::1");
  EXPECT_STREQ(format_ipv6(v6("2001:db8:0:0:1:0:0:1")).c_str(), "2001:db8::1:0:0:1");
  EXPECT_STREQ(format_ipv6(v6("::FFFF:1.2.3.4")).c_str(), "::ffff:1.2.3.4");
  EXPECT_STREQ(format_ipv6(v6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")).c_str(), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_STREQ(format_ipv4(Ipv4Address(192, 0, 2, 100)).c_str(), "192.0.2.100");
}

TEST(AddressTextTest, MacAddressesRoundTrip) {
  const MacAddress mac = parse_mac("02:00:5E:10:00:fF").take();
  EXPECT_EQ(mac, MacAddress(0x02, 0x00, 0x5e, 0x10, 0x00, 0xff));
  EXPECT_STREQ(format_mac(mac).c_str(), "02:00:5e:10:00:ff");
  EXPECT_TRUE(parse_mac("02:00:5e:10:00").is_error(Errno::EINVAL));
  EXPECT_TRUE(parse_mac("02:00:5e:10:00:0g").is_error(Errno::EINVAL));
  EXPECT_TRUE(parse_mac("02-00-5e-10-00-01").is_error(Errno::EINVAL));
}

}  // namespace
}  // namespace lxnet
