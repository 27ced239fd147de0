#include "stack/wire/ipv6_extensions.hh"

#include <gtest/gtest.h>

#include "tests/stack/wire/hex.hh"

namespace lxnet {
namespace {

using Action = Ipv6Verdict::Action;

// Sent by Linux: an MLD report, and the first and last fragment of an echo request.
const char kMldReport[] =
    "6000000000240001fe80000000000000505400fffe000001ff020000000000000000000000000016 3a00050200000100"
    "8f000e7f0000000104000000ff050000000000000000000000001234";
const char kFirstFragment[] =
    "6004dd0d05b02c4020010db800000000000000000000000120010db8000000000000000000000002 3a00000146a9aac7 800009bd44d60001";
const char kLastFragment[] =
    "6004dd0d02382c4020010db800000000000000000000000120010db8000000000000000000000002 3a0005a846a9aac7 a0a1a2a3a4a5a6a7";

// A packet of `first` and `rest` behind an IPv6 header.
Bytes packet_of(IpProtocol first, const Bytes& rest, const char* destination = "20010db8000000000000000000000002") {
  Bytes packet = from_hex("60000000");
  packet.push_back(static_cast<uint8_t>(rest.size() >> 8));
  packet.push_back(static_cast<uint8_t>(rest.size()));
  packet.push_back(static_cast<uint8_t>(first));
  packet.push_back(64);
  const Bytes addresses = from_hex(std::string("20010db8000000000000000000000001") + destination);
  packet.insert(packet.end(), addresses.begin(), addresses.end());
  packet.insert(packet.end(), rest.begin(), rest.end());
  return packet;
}

// `options` are what follows the two bytes of next header and length, which say what they should.
Bytes options_header(const char* options) {
  Bytes header = from_hex(options);
  header.insert(header.begin(), {static_cast<uint8_t>(IpProtocol::Udp), 0});
  EXPECT_EQ(header.size() % 8, 0u) << options;
  header[1] = static_cast<uint8_t>(header.size() / 8 - 1);
  return header;
}

Ipv6Verdict hop_by_hop(const char* options, Ipv6OptionLimits limits = {}) {
  return check_hop_by_hop_options(packet_of(IpProtocol::HopByHop, options_header(options)), 40, limits).verdict;
}
Ipv6Verdict destination(const char* options, const char* address = "20010db8000000000000000000000002") {
  return check_destination_options(packet_of(IpProtocol::DestinationOptions, options_header(options), address), 40).verdict;
}

constexpr Ipv6Verdict kContinue{};
constexpr Ipv6Verdict kDrop{.action = Action::Drop};
Ipv6Verdict problem(Icmp6ParameterProblem code, uint32_t pointer) {
  return {.action = Action::ParameterProblem, .code = code, .pointer = pointer};
}

TEST(Ipv6OptionsTest, TheRouterAlertOfLinuxsMldIsRead) {
  const Bytes packet = from_hex(kMldReport);
  const Ipv6OptionsReport report = check_hop_by_hop_options(packet, 40);
  EXPECT_EQ(report.verdict, kContinue);
  EXPECT_EQ(report.router_alert, static_cast<uint16_t>(RouterAlert::Mld));
  Bytes header(kRouterAlertHeaderSize);
  emit_router_alert_header(header, IpProtocol::Icmpv6);
  EXPECT_EQ(header, to_bytes(ByteSpan(packet).subspan(40, 8)));
}

TEST(Ipv6OptionsTest, PaddingIsAtMostSevenZerosInARow) {
  EXPECT_EQ(hop_by_hop("000000000000"), kContinue);
  EXPECT_EQ(hop_by_hop("010400000000"), kContinue);
  EXPECT_EQ(hop_by_hop("010400000100"), kDrop);
  EXPECT_EQ(hop_by_hop("01050000000000 00 1e0400000000"), kDrop);  // seven and one
  EXPECT_EQ(hop_by_hop("01050000000000 1e0500 00000000"), kContinue);
  EXPECT_EQ(hop_by_hop("0000000000000000 1e0400000000"), kDrop);
}

TEST(Ipv6OptionsTest, AnOptionThatDoesNotFitIsDropped) {
  EXPECT_EQ(hop_by_hop("1e0500000000"), kDrop);
  EXPECT_EQ(hop_by_hop("000000000001"), kDrop);  // no room for its length
  EXPECT_EQ(hop_by_hop("010500000000"), kDrop);
}

TEST(Ipv6OptionsTest, UnknownOptionsAreJudgedByTheirActionBits) {
  EXPECT_EQ(hop_by_hop("1e0400000000"), kContinue);
  EXPECT_EQ(hop_by_hop("5e0400000000"), kDrop);
  EXPECT_EQ(hop_by_hop("9e0400000000"), problem(Icmp6ParameterProblem::Option, 42));
  EXPECT_EQ(hop_by_hop("00de03000000"), problem(Icmp6ParameterProblem::Option, 43));
  const char group[] = "ff020000000000000000000000000001";
  EXPECT_EQ(destination("9e0400000000", group), problem(Icmp6ParameterProblem::Option, 42));
  EXPECT_EQ(destination("de0400000000", group), kDrop);
  EXPECT_EQ(destination("de0400000000"), problem(Icmp6ParameterProblem::Option, 42));
  // A home address: unknown without mobility.
  EXPECT_EQ(destination("01020000 c91020010db8000000000000000000000009"), problem(Icmp6ParameterProblem::Option, 46));
  // Hop-by-hop options mean nothing to a destination.
  EXPECT_EQ(destination("050300000000 00000000000000 00"), kDrop);  // eight bytes of padding
  EXPECT_EQ(destination("050400000000"), kContinue);
}

TEST(Ipv6OptionsTest, MoreThanEightAreTooMany) {
  EXPECT_EQ(hop_by_hop("1e001e001e00 1e001e001e001e00 1e0000000000 0000"), kContinue);
  EXPECT_EQ(hop_by_hop("1e001e001e00 1e001e001e001e00 1e001e00 01020000"), kDrop);
  EXPECT_EQ(hop_by_hop("1e001e001e00", {.max_count = 3}), kContinue);
  EXPECT_EQ(hop_by_hop("1e001e001e00", {.max_count = 2}), kDrop);
  EXPECT_EQ(hop_by_hop("010400000000", {.max_count = 0}), kContinue);
  EXPECT_EQ(hop_by_hop("010400000000", {.max_size = 7}), kDrop);
  EXPECT_EQ(hop_by_hop("010400000000", {.max_size = 8}), kContinue);
}

TEST(Ipv6OptionsTest, ANegativeLimitForbidsUnknownOptions) {
  EXPECT_EQ(hop_by_hop("050200000100", {.max_count = -8}), kContinue);
  EXPECT_EQ(hop_by_hop("9e0400000000", {.max_count = -8}), kDrop);
}

TEST(Ipv6OptionsTest, ARouterAlertOfAnotherLengthIsDropped) {
  EXPECT_EQ(hop_by_hop("050300000000 0000000000000000").action, Action::Drop);
  EXPECT_EQ(hop_by_hop("050400000000"), kDrop);
  EXPECT_EQ(hop_by_hop("050100010100"), kDrop);
}

TEST(Ipv6OptionsTest, JumbogramsAreRefused) {
  EXPECT_EQ(hop_by_hop("c20400000001"), problem(Icmp6ParameterProblem::HeaderField, 44));
  EXPECT_EQ(hop_by_hop("c20400010000"), problem(Icmp6ParameterProblem::HeaderField, 42));  // with a payload length as well
  EXPECT_EQ(hop_by_hop("00c2030001 00"), kDrop);
  EXPECT_EQ(hop_by_hop("0000c2040001 0000 010400000000"), kDrop);  // not aligned
  Bytes packet = packet_of(IpProtocol::HopByHop, options_header("c20400010000"));
  packet[4] = packet[5] = 0;
  EXPECT_EQ(check_hop_by_hop_options(packet, 40).verdict, kDrop);
  EXPECT_EQ(hop_by_hop("0708 00000001 00000000 0102 0000"), kDrop);  // a CALIPSO label
}

TEST(Ipv6OptionsTest, AHeaderPastTheEndIsDropped) {
  const Bytes packet = packet_of(IpProtocol::HopByHop, options_header("050200000100"));
  for (size_t size = 0; size < packet.size(); ++size) {
    const Bytes cut(packet.begin(), packet.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(check_hop_by_hop_options(cut, 40).verdict, kDrop) << size;
    EXPECT_EQ(check_routing_header(cut, 40), kDrop) << size;
  }
  EXPECT_EQ(check_hop_by_hop_options(packet, packet.size() + 1).verdict, kDrop);
}

TEST(Ipv6RoutingTest, ARouteThatIsUsedUpIsPassedOver) {
  const auto judge = [](const char* header) {
    return check_routing_header(packet_of(IpProtocol::Routing, from_hex(header)), 40);
  };
  EXPECT_EQ(judge("1100000000000000"), kContinue);
  EXPECT_EQ(judge("1100000100000000"), problem(Icmp6ParameterProblem::HeaderField, 42));
  EXPECT_EQ(judge("1100020100000000"), problem(Icmp6ParameterProblem::HeaderField, 42));
  EXPECT_EQ(judge("1100ff0000000000"), kContinue);
  EXPECT_EQ(judge("1100040000000000"), kDrop);
  EXPECT_EQ(judge("1100030000000000"), kDrop);
  EXPECT_EQ(judge("1101000000000000"), kDrop);
  EXPECT_EQ(
      check_routing_header(packet_of(IpProtocol::Routing, from_hex("1100000000000000"), "ff020000000000000000000000000001"), 40),
      kDrop);
}

TEST(Ipv6FragmentTest, FragmentsFromLinuxAreReadAndWrittenBack) {
  for (const char* text : {kFirstFragment, kLastFragment}) {
    const Bytes packet = from_hex(text);
    const ByteSpan header = ByteSpan(packet).subspan(40, 8);
    EXPECT_EQ(emitted(Ipv6Fragment::from(*Ipv6FragmentHeader::parse(header).take())), to_bytes(header));
  }
  const Bytes last = from_hex(kLastFragment);
  EXPECT_EQ(Ipv6Fragment::from(*Ipv6FragmentHeader::parse(ByteSpan(last).subspan(40)).take()),
            (Ipv6Fragment{.next_header = IpProtocol::Icmpv6, .offset = 1448, .identification = 0x46a9aac7}));
  EXPECT_TRUE(Ipv6FragmentHeader::parse(from_hex("3a00000000000001")).is_ok());
  const Bytes atomic = from_hex("3a00000646a9aac7");
  EXPECT_TRUE(Ipv6FragmentHeader::parse(atomic).take()->is_atomic());  // the reserved bits do not count
  EXPECT_FALSE(Ipv6FragmentHeader::parse(ByteSpan(atomic).first(7)).is_ok());
}

TEST(Ipv6UpperLayerTest, IsFoundBehindEveryKindOfHeader) {
  const Bytes report = from_hex(kMldReport);
  const Ipv6UpperLayer mld = find_upper_layer(report).take();
  EXPECT_EQ(mld.protocol, IpProtocol::Icmpv6);
  EXPECT_EQ(mld.offset, 48u);
  EXPECT_EQ(mld.next_header_offset, 40u);
  // Hop-by-hop, routing, authentication (four words), destination options, TCP.
  const Bytes packet = packet_of(IpProtocol::HopByHop, from_hex("2b00010400000000 3300000000000000"
                                                                "3c020000 00000000 00000000 00000000 0600010400000000 ffff"));
  const Ipv6UpperLayer tcp = find_upper_layer(packet).take();
  EXPECT_EQ(tcp.protocol, IpProtocol::Tcp);
  EXPECT_EQ(tcp.offset, 80u);
  EXPECT_EQ(tcp.next_header_offset, 72u);
  EXPECT_FALSE(tcp.fragment);
}

TEST(Ipv6UpperLayerTest, ALaterFragmentHasNoHeadersToLookFor) {
  const Ipv6UpperLayer first = find_upper_layer(from_hex(kFirstFragment)).take();
  EXPECT_EQ(first.protocol, IpProtocol::Icmpv6);
  ASSERT_TRUE(first.fragment);
  EXPECT_TRUE(first.fragment->more_fragments);
  Bytes packet = from_hex(kLastFragment);
  packet[40] = static_cast<uint8_t>(IpProtocol::DestinationOptions);
  const Ipv6UpperLayer last = find_upper_layer(packet).take();
  EXPECT_EQ(last.protocol, IpProtocol::DestinationOptions);
  EXPECT_EQ(last.offset, 48u);
  EXPECT_EQ(last.fragment->offset, 1448);
}

TEST(Ipv6UpperLayerTest, HeadersThatDoNotEndAreRefused) {
  EXPECT_FALSE(find_upper_layer(packet_of(IpProtocol::Routing, from_hex("11010000"))).is_ok());
  EXPECT_FALSE(find_upper_layer(packet_of(IpProtocol::Routing, {})).is_ok());
  EXPECT_FALSE(find_upper_layer(packet_of(IpProtocol::Fragment, from_hex("1100000000"))).is_ok());
  EXPECT_EQ(find_upper_layer(packet_of(IpProtocol::NoNextHeader, {})).take().protocol, IpProtocol::NoNextHeader);
}

}  // namespace
}  // namespace lxnet
