#include <gtest/gtest.h>

#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"
#include "stack/wire/pseudo_header.hh"
#include "stack/wire/udp.hh"
#include "tests/stack/wire/hex.hh"

namespace lxnet {
namespace {

// All of these were sent by Linux: a datagram, the error that answered it, an echo request, a first and a last fragment.
const char kUdp4[] = "45000021640c40004011c2ab0a0900010a090002 99170009000d0ecd 68656c6c6f";
const char kPortUnreachable4[] =
    "45c0003d5a09000040010be30a0900020a090001 03030bca00000000"
    "45000021640c40004011c2ab0a0900010a09000299170009000d143368656c6c6f";
const char kEcho4[] =
    "4500005427b840004001fedc0a0900010a090002 0800b18a44d10001"
    "9185016b00000000a7df080000000000101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637";
const char kFirstFragment4[] = "450005dc27bb2000400119520a0900010a090002";
const char kLastFragment4[] = "4500022427bb00b940013c510a0900010a090002";
const char kUdp6[] =
    "6008a5dc000e114020010db800000000000000000000000120010db8000000000000000000000002 e0a90009000e5b94 68656c6c6f36";
const char kPortUnreachable6[] =
    "6009dfce003e3a4020010db800000000000000000000000220010db8000000000000000000000001 0104b00800000000"
    "6008a5dc000e114020010db800000000000000000000000120010db8000000000000000000000002e0a90009000e5b9468656c6c6f36";
const char kEcho6[] =
    "6004dd0d00403a4020010db800000000000000000000000120010db8000000000000000000000002 8000147c44d40001"
    "9185016b0000000070fb080000000000101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637";

TEST(Ipv4HeaderTest, APacketFromLinuxIsReadAndWrittenBack) {
  for (const char* text : {kUdp4, kPortUnreachable4, kEcho4, kFirstFragment4, kLastFragment4}) {
    const Bytes packet = from_hex(text);
    EXPECT_TRUE(Ipv4Header::is_checksum_valid(packet, 20)) << text;
    const Ipv4PacketHeader header = Ipv4PacketHeader::parse(packet).take();
    EXPECT_EQ(emitted(header), to_bytes(ByteSpan(packet).first(20))) << text;
  }
}

TEST(Ipv4HeaderTest, FieldsAreWhatWiresharkShows) {
  const Bytes packet = from_hex(kPortUnreachable4);
  const Ipv4PacketHeader header = Ipv4PacketHeader::parse(packet).take();
  EXPECT_EQ(header.source, Ipv4Address(10, 9, 0, 2));
  EXPECT_EQ(header.destination, Ipv4Address(10, 9, 0, 1));
  EXPECT_EQ(header.protocol, IpProtocol::Icmp);
  EXPECT_EQ(header.type_of_service, 0xc0);
  EXPECT_EQ(header.identification, 0x5a09);
  EXPECT_EQ(header.total_length, packet.size());
  EXPECT_EQ(header.time_to_live, 64);
  EXPECT_FALSE(header.dont_fragment);
  EXPECT_TRUE(Ipv4PacketHeader::parse(from_hex(kUdp4)).take().dont_fragment);
}

TEST(Ipv4HeaderTest, FragmentsSayWhereTheyBelong) {
  const Ipv4PacketHeader first = Ipv4PacketHeader::parse(from_hex(kFirstFragment4)).take();
  EXPECT_TRUE(first.more_fragments);
  EXPECT_EQ(first.fragment_offset, 0);
  const Ipv4PacketHeader last = Ipv4PacketHeader::parse(from_hex(kLastFragment4)).take();
  EXPECT_FALSE(last.more_fragments);
  EXPECT_EQ(last.fragment_offset, 1480);
  const Bytes whole = from_hex(kUdp4);
  EXPECT_FALSE(Ipv4Header::parse(whole).take()->is_fragment());
  const Bytes fragment = from_hex(kLastFragment4);
  EXPECT_TRUE(Ipv4Header::parse(fragment).take()->is_fragment());
}

TEST(Ipv4HeaderTest, VersionAndHeaderSizeAreCheckedOnTheWayIn) {
  const Bytes good = from_hex(kUdp4);
  EXPECT_TRUE(Ipv4Header::parse(ByteSpan(good).first(20)).is_ok());
  EXPECT_FALSE(Ipv4Header::parse(ByteSpan(good).first(19)).is_ok());
  Bytes packet = good;
  packet[0] = 0x65;
  EXPECT_FALSE(Ipv4Header::parse(packet).is_ok());
  packet[0] = 0x44;
  EXPECT_FALSE(Ipv4Header::parse(packet).is_ok());
  packet[0] = 0x4f;  // sixty bytes of header in a packet of 33
  EXPECT_TRUE(Ipv4Header::parse(packet).is_ok());
  EXPECT_FALSE(Ipv4Header::options_in(packet).is_ok());
}

TEST(Ipv4HeaderTest, ALengthThatLiesIsNotValid) {
  Bytes packet = from_hex(kUdp4);
  const Ipv4Header* header = Ipv4Header::parse(packet).take();
  EXPECT_TRUE(header->is_length_valid(packet.size()));
  EXPECT_TRUE(header->is_length_valid(packet.size() + 13));  // Ethernet padding
  EXPECT_FALSE(header->is_length_valid(packet.size() - 1));
  packet[3] = 19;
  EXPECT_FALSE(header->is_length_valid(packet.size()));
}

TEST(Ipv4HeaderTest, AHopLessKeepsTheChecksumRight) {
  Bytes packet = from_hex(kUdp4);
  Ipv4Header& header = *reinterpret_cast<Ipv4Header*>(packet.data());
  while (header.time_to_live > 0) {
    header.decrease_time_to_live();
    ASSERT_TRUE(Ipv4Header::is_checksum_valid(packet, 20)) << int{header.time_to_live};
  }
}

TEST(Ipv6HeaderTest, APacketFromLinuxIsReadAndWrittenBack) {
  const Bytes packet = from_hex(kUdp6);
  const Ipv6Header* view = Ipv6Header::parse(packet).take();
  EXPECT_TRUE(view->is_length_valid(packet.size()));
  EXPECT_FALSE(view->is_length_valid(packet.size() - 1));
  const Ipv6PacketHeader header = Ipv6PacketHeader::from(*view);
  EXPECT_EQ(header.flow_label, 0x8a5dcu);
  EXPECT_EQ(header.next_header, IpProtocol::Udp);
  EXPECT_EQ(header.destination, Ipv6Address(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2));
  EXPECT_EQ(emitted(header), to_bytes(ByteSpan(packet).first(40)));
}

TEST(Ipv6HeaderTest, TrafficClassAndFlowLabelShareAWord) {
  const Ipv6PacketHeader header{.traffic_class = 0xab, .flow_label = 0xf'1234};
  const Bytes bytes = emitted(header);
  EXPECT_EQ(to_bytes(ByteSpan(bytes).first(4)), from_hex("6abf1234"));
  EXPECT_EQ(Ipv6PacketHeader::from(*Ipv6Header::parse(bytes).take()), header);
}

TEST(Ipv6HeaderTest, AnotherVersionOrAShortPacketIsRefused) {
  Bytes packet = from_hex(kUdp6);
  EXPECT_FALSE(Ipv6Header::parse(ByteSpan(packet).first(39)).is_ok());
  packet[0] = 0x40;
  EXPECT_FALSE(Ipv6Header::parse(packet).is_ok());
}

TEST(UdpHeaderTest, ADatagramFromLinuxIsReadAndWrittenBack) {
  const Bytes packet = from_hex(kUdp6);
  const ByteSpan datagram = ByteSpan(packet).subspan(40);
  const UdpHeader* view = UdpHeader::parse(datagram).take();
  const UdpDatagramHeader header = UdpDatagramHeader::from(*view);
  EXPECT_EQ(header.source_port, 0xe0a9);
  EXPECT_EQ(header.destination_port, 9);
  EXPECT_EQ(header.length, datagram.size());
  EXPECT_EQ(emitted(header), to_bytes(datagram.first(8)));
  EXPECT_EQ(view->datagram_size(datagram.size()).take(), datagram.size());
}

TEST(UdpHeaderTest, ALengthThatLiesIsRefused) {
  const Bytes datagram = from_hex("0001 0002 0009 0000 ff");
  const UdpHeader* view = UdpHeader::parse(datagram).take();
  EXPECT_EQ(view->datagram_size(9).take(), 9u);
  EXPECT_EQ(view->datagram_size(20).take(), 9u);
  EXPECT_FALSE(view->datagram_size(8).is_ok());
  const Bytes tiny = from_hex("0001 0002 0007 0000 ff");
  EXPECT_FALSE(UdpHeader::parse(tiny).take()->datagram_size(9).is_ok());
  EXPECT_FALSE(UdpHeader::parse(ByteSpan(tiny).first(7)).is_ok());
}

TEST(PseudoHeaderTest, TheChecksumsLinuxSentAreRight) {
  const Bytes echo6 = from_hex(kEcho6), error6 = from_hex(kPortUnreachable6);
  for (const Bytes& packet : {echo6, error6}) {
    const Ipv6Header* header = Ipv6Header::parse(packet).take();
    const ByteSpan payload = ByteSpan(packet).subspan(40);
    InternetChecksum sum =
        pseudo_header_checksum(header->source, header->destination, IpProtocol::Icmpv6, static_cast<uint32_t>(payload.size()));
    sum.add(payload);
    EXPECT_TRUE(sum.is_valid());
  }
  // A device was to finish this one: the field holds the pseudo-header's sum alone.
  const Bytes udp6 = from_hex(kUdp6);
  const Ipv6Header* header = Ipv6Header::parse(udp6).take();
  EXPECT_EQ(pseudo_header_checksum(header->source, header->destination, IpProtocol::Udp, 14).sum(), 0x5b94);
  EXPECT_EQ(pseudo_header_checksum(Ipv4Address(10, 9, 0, 1), Ipv4Address(10, 9, 0, 2), IpProtocol::Udp, 13).sum(), 0x1433);
}

TEST(PseudoHeaderTest, AUdpDatagramWithItsRealChecksumIsValid) {
  const Bytes packet = from_hex(kUdp4);
  const ByteSpan datagram = ByteSpan(packet).subspan(20);
  InternetChecksum sum = pseudo_header_checksum(Ipv4Address(10, 9, 0, 1), Ipv4Address(10, 9, 0, 2), IpProtocol::Udp, 13);
  sum.add(datagram);
  EXPECT_TRUE(sum.is_valid());
}

TEST(Icmp4Test, MessagesFromLinuxAreReadAndWrittenBack) {
  for (const char* text : {kPortUnreachable4, kEcho4}) {
    const Bytes packet = from_hex(text);
    const ByteSpan message = ByteSpan(packet).subspan(20);
    EXPECT_EQ(internet_checksum(message), 0);
    Bytes header = emitted(Icmp4Message::from(*Icmp4Header::parse(message).take()));
    EXPECT_EQ(header[2] | header[3], 0);
    header[2] = message[2];
    header[3] = message[3];
    EXPECT_EQ(header, to_bytes(message.first(8)));
  }
}

TEST(Icmp4Test, TheRestMeansWhatTheTypeSays) {
  const Bytes packet = from_hex(kEcho4);
  const Icmp4Message echo = Icmp4Message::from(*Icmp4Header::parse(ByteSpan(packet).subspan(20)).take());
  EXPECT_EQ(echo, Icmp4Message::echo(Icmp4Type::Echo, 0x44d1, 1));
  EXPECT_FALSE(echo.is_error());
  EXPECT_EQ(echo.identifier(), 0x44d1);
  EXPECT_EQ(echo.sequence(), 1);
  const Icmp4Message too_big = Icmp4Message::unreachable(Icmp4Unreachable::FragmentationNeeded, 1400);
  EXPECT_TRUE(too_big.is_error());
  EXPECT_EQ(too_big.next_hop_mtu(), 1400);
  EXPECT_EQ(Icmp4Message::redirect(Icmp4Redirect::Host, Ipv4Address(10, 0, 0, 9)).gateway(), Ipv4Address(10, 0, 0, 9));
  EXPECT_EQ(emitted(Icmp4Message::parameter_problem(21)), from_hex("0c000000 15000000"));
  EXPECT_EQ((Icmp4Message{.type = Icmp4Type::TimeExceeded, .rest = 0x0020'0000}.quoted_size()), 128u);
  EXPECT_FALSE(Icmp4Header::parse(from_hex("08000000000000")).is_ok());
}

TEST(Icmp6Test, MessagesFromLinuxAreReadAndWrittenBack) {
  for (const char* text : {kPortUnreachable6, kEcho6}) {
    const Bytes packet = from_hex(text);
    const ByteSpan message = ByteSpan(packet).subspan(40);
    Bytes header = emitted(Icmp6Message::from(*Icmp6Header::parse(message).take()));
    header[2] = message[2];
    header[3] = message[3];
    EXPECT_EQ(header, to_bytes(message.first(8)));
  }
}

TEST(Icmp6Test, TheRestMeansWhatTheTypeSays) {
  const Bytes packet = from_hex(kPortUnreachable6);
  const Icmp6Message error = Icmp6Message::from(*Icmp6Header::parse(ByteSpan(packet).subspan(40)).take());
  EXPECT_EQ(error, Icmp6Message::unreachable(Icmp6Unreachable::Port));
  EXPECT_TRUE(error.is_error());
  EXPECT_EQ(Icmp6Message::packet_too_big(1280).mtu(), 1280u);
  EXPECT_EQ(emitted(Icmp6Message::parameter_problem(Icmp6ParameterProblem::Option, 42)), from_hex("04020000 0000002a"));
  EXPECT_FALSE(Icmp6Message::echo(Icmp6Type::EchoReply, 1, 2).is_error());
  EXPECT_TRUE((Icmp6Message{.type = Icmp6Type::NeighborAdvertisement}.is_neighbor_discovery()));
  EXPECT_FALSE((Icmp6Message{.type = Icmp6Type::MulticastListenerReport}.is_neighbor_discovery()));
}

}  // namespace
}  // namespace lxnet
