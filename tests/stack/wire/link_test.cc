#include <gtest/gtest.h>

#include "stack/wire/arp.hh"
#include "stack/wire/ethernet.hh"
#include "tests/stack/wire/hex.hh"

namespace lxnet {
namespace {

const MacAddress kFirst(0x52, 0x54, 0, 0, 0, 1), kSecond(0x52, 0x54, 0, 0, 0, 2);

// A request and its answer, as Linux sent them.
const char kArpRequest[] = "ffffffffffff 525400000001 0806 0001 0800 06 04 0001 525400000001 0a090001 000000000000 0a090002";
const char kArpReply[] = "525400000001 525400000002 0806 0001 0800 06 04 0002 525400000002 0a090002 525400000001 0a090001";

TEST(EthernetTest, AFrameFromLinuxIsReadAndWrittenBack) {
  const Bytes frame = from_hex(kArpRequest);
  const EthernetFrameHeader header = EthernetFrameHeader::parse(frame).take();
  EXPECT_TRUE(header.destination.is_broadcast());
  EXPECT_EQ(header.source, kFirst);
  EXPECT_EQ(header.type, EtherType::Arp);
  EXPECT_EQ(header.tag_count, 0);
  EXPECT_EQ(emitted(header), to_bytes(ByteSpan(frame).first(14)));
}

TEST(EthernetTest, TagsAreReadOutermostFirst) {
  const Bytes frame = from_hex("ffffffffffff 525400000001 88a8 6064 8100 b007 0800 4500");
  const EthernetFrameHeader header = EthernetFrameHeader::parse(frame).take();
  EXPECT_EQ(header.type, EtherType::Ipv4);
  ASSERT_EQ(header.tag_count, 2);
  EXPECT_EQ(header.tags[0], (VlanTag{.protocol = EtherType::ServiceVlan, .priority = 3, .id = 100}));
  EXPECT_EQ(header.tags[1], (VlanTag{.protocol = EtherType::Vlan, .priority = 5, .id = 7, .drop_eligible = 1}));
  EXPECT_EQ(emitted(header), to_bytes(ByteSpan(frame).first(22)));
}

TEST(EthernetTest, AThirdTagIsThePayloadsType) {
  const Bytes frame = from_hex("ffffffffffff 525400000001 8100 0001 8100 0002 8100 0003 0800");
  const EthernetFrameHeader header = EthernetFrameHeader::parse(frame).take();
  EXPECT_EQ(header.tag_count, 2);
  EXPECT_EQ(header.type, EtherType::Vlan);
}

TEST(EthernetTest, AFrameThatEndsInsideItsHeaderOrATagIsRefused) {
  const Bytes frame = from_hex("ffffffffffff 525400000001 8100 0001 0800");
  for (size_t size = 0; size < frame.size(); ++size) {
    const Bytes cut(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_TRUE(EthernetFrameHeader::parse(cut).is_error(Errno::EINVAL)) << size;
  }
  EXPECT_TRUE(EthernetFrameHeader::parse(frame).is_ok());
}

TEST(EthernetTest, ALengthIsNotAType) {
  EXPECT_EQ(ether_type(Be16(0x0600), {}), EtherType{0x0600});
  EXPECT_EQ(ether_type(Be16(0x05ff), from_hex("aaaa03")), EtherType::Ieee8022);
  EXPECT_EQ(ether_type(Be16(0x0026), from_hex("ffff00")), EtherType::Ieee8023);
  EXPECT_EQ(ether_type(Be16(0x0001), from_hex("ff")), EtherType::Ieee8022);
}

TEST(ArpTest, ARequestFromLinuxIsReadAndWrittenBack) {
  const ArpMessage message = ArpMessage::parse(ByteSpan(from_hex(kArpRequest)).subspan(14)).take();
  EXPECT_EQ(message, (ArpMessage{.operation = ArpOperation::Request,
                                 .sender_mac = kFirst,
                                 .sender_address = Ipv4Address(10, 9, 0, 1),
                                 .target_mac = MacAddress(),
                                 .target_address = Ipv4Address(10, 9, 0, 2)}));
  EXPECT_EQ(emitted(message), to_bytes(ByteSpan(from_hex(kArpRequest)).subspan(14)));
}

TEST(ArpTest, AReplyFromLinuxIsReadAndWrittenBack) {
  const Bytes packet = to_bytes(ByteSpan(from_hex(kArpReply)).subspan(14));
  const ArpMessage message = ArpMessage::parse(packet).take();
  EXPECT_EQ(message.operation, ArpOperation::Reply);
  EXPECT_EQ(message.sender_mac, kSecond);
  EXPECT_EQ(message.target_mac, kFirst);
  EXPECT_EQ(emitted(message), packet);
}

TEST(ArpTest, ProbesAndAnnouncementsAreToldApart) {
  ArpMessage message{.sender_mac = kFirst, .target_address = Ipv4Address(10, 9, 0, 1)};
  EXPECT_TRUE(message.is_probe());
  EXPECT_FALSE(message.is_gratuitous());
  message.sender_address = message.target_address;
  EXPECT_TRUE(message.is_gratuitous());
  EXPECT_FALSE(message.is_probe());
}

TEST(ArpTest, OnlyIpv4OverEthernetIsAccepted) {
  const Bytes good = to_bytes(ByteSpan(from_hex(kArpReply)).subspan(14));
  struct {
    size_t offset;
    uint8_t value;
    bool is_accepted;
  } const changes[] = {{1, 6, true}, {1, 7, false}, {3, 6, false}, {4, 8, false}, {5, 16, false}, {7, 9, true}};
  for (const auto& change : changes) {
    Bytes packet = good;
    packet[change.offset] = change.value;
    EXPECT_EQ(ArpPacket::parse(packet).is_ok(), change.is_accepted) << change.offset;
  }
  EXPECT_FALSE(ArpPacket::parse(ByteSpan(good).first(27)).is_ok());
}

}  // namespace
}  // namespace lxnet
