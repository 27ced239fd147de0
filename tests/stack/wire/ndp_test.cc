#include "stack/wire/ndp.hh"

#include <gtest/gtest.h>

#include "stack/wire/pseudo_header.hh"
#include "tests/stack/wire/hex.hh"

namespace lxnet {
namespace {

const MacAddress kFirst(0x52, 0x54, 0, 0, 0, 1), kSecond(0x52, 0x54, 0, 0, 0, 2);
const Ipv6Address kTarget(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

// Sent by Linux: address detection with a nonce, resolution and its answer, a router solicitation.
const char kDetection[] = "87009ae900000000fe80000000000000505400fffe000002 0e016024aee474d3";
const char kSolicitation[] = "8700cbd20000000020010db8000000000000000000000002 0101525400000001";
const char kAdvertisement[] = "88003a1d6000000020010db8000000000000000000000002 0201525400000002";
const char kRouterSolicitation[] = "8500da8100000000 0101525400000002";
// As radvd sends them (RFC 4861 4.2, RFC 8106): prefix, MTU, RDNSS, source link address.
const char kRouterAdvertisement[] =
    "86000000 40c80708 00007530 000003e8"
    "030440c0 00015180 00003840 00000000 20010db8000100000000000000000000"
    "0501000000000590 1903000000000708 20010db8000000000000000000000053 0101525400000001";

Bytes without_checksum(Bytes message) {
  message[2] = message[3] = 0;
  return message;
}

TEST(NdpTest, MessagesFromLinuxAreReadAndWrittenBack) {
  const Bytes detection = from_hex(kDetection), solicitation = from_hex(kSolicitation), advertisement = from_hex(kAdvertisement),
              router = from_hex(kRouterSolicitation);
  EXPECT_EQ(emitted(NeighborSolicitation::parse(detection).take()), without_checksum(detection));
  EXPECT_EQ(emitted(NeighborSolicitation::parse(solicitation).take()), without_checksum(solicitation));
  EXPECT_EQ(emitted(NeighborAdvertisement::parse(advertisement).take()), without_checksum(advertisement));
  EXPECT_EQ(emitted(RouterSolicitation::parse(router).take()), without_checksum(router));
}

TEST(NdpTest, ASolicitationSaysWhoAsksForWhom) {
  const Bytes bytes = from_hex(kSolicitation);
  const NeighborSolicitation message = NeighborSolicitation::parse(bytes).take();
  EXPECT_EQ(message.target, kTarget);
  EXPECT_EQ(message.options.source_link_address, kFirst);
  EXPECT_FALSE(message.options.target_link_address);
  EXPECT_FALSE(message.options.nonce);
  const Bytes detection = from_hex(kDetection);
  EXPECT_EQ(NeighborSolicitation::parse(detection).take().options.nonce, (NdpNonce{{0x60, 0x24, 0xae, 0xe4, 0x74, 0xd3}}));
}

TEST(NdpTest, AnAdvertisementHasThreeFlags) {
  const Bytes bytes = from_hex(kAdvertisement);
  NeighborAdvertisement message = NeighborAdvertisement::parse(bytes).take();
  EXPECT_FALSE(message.is_router);
  EXPECT_TRUE(message.is_solicited);
  EXPECT_TRUE(message.overrides);
  EXPECT_EQ(message.options.target_link_address, kSecond);
  message.is_router = true;
  message.is_solicited = message.overrides = false;
  EXPECT_EQ(emitted(message)[4], 0x80);
}

TEST(NdpTest, ARouterAdvertisementIsReadWholly) {
  const Bytes bytes = from_hex(kRouterAdvertisement);
  const RouterAdvertisement message = RouterAdvertisement::parse(bytes).take();
  EXPECT_EQ(message.hop_limit, 64);
  EXPECT_TRUE(message.is_managed);
  EXPECT_TRUE(message.has_other_configuration);
  EXPECT_EQ(message.preference, RouterPreference::High);
  EXPECT_EQ(message.lifetime, 1800);
  EXPECT_EQ(message.reachable_milliseconds, 30000u);
  EXPECT_EQ(message.retransmit_milliseconds, 1000u);
  EXPECT_EQ(message.options.mtu, 1424u);
  EXPECT_EQ(message.options.source_link_address, kFirst);
  NdpPrefixReader prefixes = message.options.prefixes();
  EXPECT_EQ(prefixes.next(), (NdpPrefix{.prefix = Ipv6Address(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0),
                                        .prefix_length = 64,
                                        .is_on_link = true,
                                        .is_autonomous = true,
                                        .valid_lifetime = 86400,
                                        .preferred_lifetime = 14400}));
  EXPECT_EQ(prefixes.next(), std::nullopt);
  EXPECT_EQ(prefixes.next(), std::nullopt);
}

TEST(NdpTest, ARouterAdvertisementIsWrittenAsItIsRead) {
  const NdpPrefix prefixes[] = {{.prefix = Ipv6Address(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0),
                                 .prefix_length = 64,
                                 .is_on_link = true,
                                 .is_autonomous = true,
                                 .valid_lifetime = kNdpInfinity,
                                 .preferred_lifetime = 1},
                                {.prefix = Ipv6Address(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0), .prefix_length = 48}};
  RouterAdvertisement message{.hop_limit = 64, .preference = RouterPreference::Low, .lifetime = 1800};
  message.options.source_link_address = kFirst;
  message.options.mtu = 1280;
  message.options.sending_prefixes = prefixes;
  const Bytes bytes = emitted(message);
  const RouterAdvertisement read = RouterAdvertisement::parse(bytes).take();
  EXPECT_EQ(read.preference, RouterPreference::Low);
  EXPECT_EQ(read.lifetime, 1800);
  EXPECT_FALSE(read.is_managed);
  EXPECT_EQ(read.options.mtu, 1280u);
  NdpPrefixReader reader = read.options.prefixes();
  EXPECT_EQ(reader.next(), prefixes[0]);
  EXPECT_EQ(reader.next(), prefixes[1]);
  EXPECT_EQ(reader.next(), std::nullopt);
}

TEST(NdpTest, ReservedPreferenceIsMedium) {
  Bytes bytes = from_hex("8600000040100000 0000000000000000");
  EXPECT_EQ(RouterAdvertisement::parse(bytes).take().preference, RouterPreference::Medium);
  bytes[5] = 0x08;
  EXPECT_EQ(RouterAdvertisement::parse(bytes).take().preference, RouterPreference::High);
}

TEST(NdpTest, ARedirectQuotesThePacketThatCausedIt) {
  NdpRedirect message{.target = kTarget, .destination = Ipv6Address(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9), .options = {}};
  const Bytes quoted(41, 0xab);
  message.options.target_link_address = kSecond;
  message.options.redirected_packet = quoted;
  const Bytes bytes = emitted(message);
  ASSERT_EQ(bytes.size(), 40u + 8 + 56);
  const NdpRedirect read = NdpRedirect::parse(bytes).take();
  EXPECT_EQ(read.target, message.target);
  EXPECT_EQ(read.destination, message.destination);
  EXPECT_EQ(read.options.target_link_address, kSecond);
  EXPECT_EQ(to_bytes(read.options.redirected_packet.first(41)), quoted);
  EXPECT_EQ(to_bytes(read.options.redirected_packet.subspan(41)), Bytes(7, 0));
}

TEST(NdpTest, MalformedOptionsCondemnTheMessage) {
  const char* const bad[] = {"0100525400000001",                    // a length of zero
                             "0102525400000001",                    // past the end
                             "01", "010152540000",                  // not a whole unit
                             "0102525400000001 0000000000000000"};  // an address no Ethernet has
  for (const char* options : bad) EXPECT_FALSE(NdpOptions::parse(from_hex(options)).is_ok()) << options;
  EXPECT_TRUE(NdpOptions::parse({}).is_ok());
}

TEST(NdpTest, TheFirstOfTwoCountsAndUnknownOnesAreSkipped) {
  const Bytes bytes =
      from_hex("0101525400000001 ee02000000000000 0000000000000000 0101525400000002 0501000000000500 0501000000000600");
  const NdpOptions options = NdpOptions::parse(bytes).take();
  EXPECT_EQ(options.source_link_address, kFirst);
  EXPECT_EQ(options.mtu, 0x500u);
}

TEST(NdpTest, AMessageShorterThanItsFixedPartIsRefused) {
  const Bytes solicitation = from_hex(kSolicitation), router = from_hex(kRouterAdvertisement);
  for (size_t size = 0; size < 24; ++size) EXPECT_FALSE(NeighborSolicitation::parse(ByteSpan(solicitation).first(size)).is_ok());
  for (size_t size = 0; size < 16; ++size) EXPECT_FALSE(RouterAdvertisement::parse(ByteSpan(router).first(size)).is_ok());
  EXPECT_FALSE(NdpRedirect::parse(Bytes(39)).is_ok());
  EXPECT_FALSE(RouterSolicitation::parse(Bytes(7)).is_ok());
}

}  // namespace
}  // namespace lxnet
