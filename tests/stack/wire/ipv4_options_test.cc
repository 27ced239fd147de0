#include "stack/wire/ipv4_options.hh"

#include <gtest/gtest.h>

#include <optional>

#include "tests/stack/wire/hex.hh"

namespace lxnet {
namespace {

const Ipv4Address kSender(10, 9, 0, 1), kReceiver(10, 9, 0, 2);

// Headers of `ping -R` and `ping -T tsandaddr` and of Linux's answers to them.
const char kRecordRequest[] =
    "4f00007c27b940004001c29a0a0900010a090002 010727080a090001 0000000000000000000000000000000000000000"
    "000000000000000000000000";
const char kRecordReply[] =
    "4f00007c59ef00004001cb380a0900020a090001 0727100a0900010a0900020a090002 00000000000000000000000000"
    "000000000000000000000000";
const char kStampRequest[] =
    "4e00007827ba40004001ef4a0a0900010a090002 44240d010a090001028aa8b2 000000000000000000000000"
    "000000000000000000000000";
const char kStampReply[] =
    "4e00007859f00000400182850a0900020a090001 44241d010a090001028aa8b20a090002028aa8b20a090002028aa8b2"
    "0000000000000000";
constexpr uint32_t kStamp = 0x028aa8b2;

Bytes options_of(const char* packet) { return to_bytes(ByteSpan(from_hex(packet)).subspan(20)); }

Bytes padded(Bytes bytes) {
  while (bytes.size() % 4 != 0) bytes.push_back(0);
  return bytes;
}

Ipv4Options accepted(const char* options) {
  uint8_t bad_position = 0;
  return Ipv4Options::from_packet(padded(from_hex(options)), bad_position).take();
}

// The blamed position, or nothing if the options are good.
std::optional<int> blamed(const char* options) {
  uint8_t bad_position = 0;
  if (Ipv4Options::from_packet(padded(from_hex(options)), bad_position).is_ok()) return std::nullopt;
  return bad_position;
}

TEST(Ipv4OptionsTest, ARecordedRouteIsAnsweredAsLinuxAnswersIt) {
  uint8_t bad_position = 0;
  Ipv4Options received = Ipv4Options::from_packet(options_of(kRecordRequest), bad_position).take();
  ASSERT_TRUE(received.needs_recording());
  received.record(kReceiver, 0);
  Ipv4Options reply = received.make_reply(kSender).take();
  reply.record(kReceiver, 0);
  // The request's leading NOP is not copied.
  EXPECT_EQ(to_bytes(reply.bytes()), options_of(kRecordReply));
}

TEST(Ipv4OptionsTest, ATimestampIsAnsweredAsLinuxAnswersIt) {
  uint8_t bad_position = 0;
  Ipv4Options received = Ipv4Options::from_packet(options_of(kStampRequest), bad_position).take();
  received.record(kReceiver, kStamp);
  Ipv4Options reply = received.make_reply(kSender).take();
  reply.record(kReceiver, kStamp);
  EXPECT_EQ(to_bytes(reply.bytes()), options_of(kStampReply));
}

TEST(Ipv4OptionsTest, RecordedOptionsAreReadAgainWithoutReservingMore) {
  for (const char* text : {kRecordRequest, kStampRequest}) {
    uint8_t bad_position = 0;
    Ipv4Options received = Ipv4Options::from_packet(options_of(text), bad_position).take();
    received.record(kReceiver, kStamp);
    const Ipv4Options again = Ipv4Options::from_recorded(received.bytes()).take();
    EXPECT_EQ(to_bytes(again.bytes()), to_bytes(received.bytes()));
    Ipv4Options reply = again.make_reply(kSender).take(), expected = received.make_reply(kSender).take();
    reply.record(kReceiver, kStamp);
    expected.record(kReceiver, kStamp);
    EXPECT_EQ(to_bytes(reply.bytes()), to_bytes(expected.bytes()));
  }
  // A list that was full, or that says it is filled past its end, has no entry of ours.
  for (const char* text : {"070704 00000000 00", "0707ff 00000000 00", "440805e0 00000000", "4408ff00 00000000"}) {
    const Ipv4Options options = Ipv4Options::from_recorded(from_hex(text)).take();
    EXPECT_FALSE(options.needs_recording()) << text;
    EXPECT_EQ(to_bytes(options.bytes()), from_hex(text));
  }
}

TEST(Ipv4OptionsTest, EveryHeaderLinuxSentIsAcceptedAndWritesItsOwnSize) {
  for (const char* text : {kRecordRequest, kRecordReply, kStampRequest, kStampReply}) {
    const Bytes packet = from_hex(text);
    EXPECT_TRUE(Ipv4Header::is_checksum_valid(packet, packet.size()));
    const Ipv4PacketHeader header = Ipv4PacketHeader::parse(packet).take();
    EXPECT_EQ(emitted(header), packet);
    uint8_t bad_position = 0;
    EXPECT_TRUE(Ipv4Options::from_packet(header.options, bad_position).is_ok()) << int{bad_position};
  }
}

TEST(Ipv4OptionsTest, TheBlamedByteIsLinuxs) {
  struct {
    const char* options;
    std::optional<int> position;
  } const cases[] = {
      {"", std::nullopt},
      {"01010101", std::nullopt},
      {"00ffffff", std::nullopt},  // behind the end of the list nothing counts
      {"010107", 22},              // record route: a length of 0 follows in the padding
      {"01010107", 23},            // its length byte is missing
      {"0701", 20},                // a length below two
      {"070500", 20},              // a length past the end
      {"0702", 21},                // too short for a pointer
      {"070703 00000000", 22},     // a pointer into the option's head
      {"070704 00000000", std::nullopt},
      {"070705 00000000", 22},            // room for part of an address
      {"070708 00000000", std::nullopt},  // full
      {"070704 00000000 070704 00000000", 27},
      {"830704 0a000001", std::nullopt},
      {"830703 0a000001", 22},
      {"8302", 21},
      {"830704 0a000001 890704 0a000002", 27},
      {"44030501", 21},
      {"44080400 00000000", 22},
      {"44080500 00000000", std::nullopt},
      {"44080700 00000000", 22},
      {"44080501 00000000", 22},  // an address and a time do not fit four bytes
      {"440805f0 00000000", std::nullopt},
      {"440809f0 00000000", 23},  // the overflow count is full
      {"440809f3 00000000", std::nullopt},
      {"440805e2 00000000", std::nullopt},  // an unknown flag
      {"94040000", std::nullopt},
      {"9403 00", 21},
      {"8603 00", 21},
      {"8608 00000001 0502", 22},  // a label of an unknown domain
      {"820b 112233445566778899", std::nullopt},
      {"1e04 0000", std::nullopt},  // unknown
  };
  for (const auto& row : cases) EXPECT_EQ(blamed(row.options), row.position) << row.options;
}

TEST(Ipv4OptionsTest, BehindTheEndOfTheListEverythingBecomesZero) {
  EXPECT_EQ(to_bytes(accepted("01 00 aabb ccddeeff").bytes()), from_hex("01000000 00000000"));
}

TEST(Ipv4OptionsTest, ATimestampWithoutRoomCountsTheOverflow) {
  EXPECT_EQ(to_bytes(accepted("44080920 00000001").bytes()), from_hex("44080930 00000001"));
}

TEST(Ipv4OptionsTest, APrespecifiedTimestampIsForItsAddressOnly) {
  Ipv4Options options = accepted("440c0503 0a090002 00000000");
  EXPECT_EQ(options.prespecified_address(), kReceiver);
  Ipv4Options skipped = options;
  options.record(kReceiver, 7);
  EXPECT_EQ(to_bytes(options.bytes()), from_hex("440c0d03 0a090002 00000007"));
  skipped.skip_timestamp();
  skipped.record(kReceiver, 7);
  EXPECT_EQ(to_bytes(skipped.bytes()), from_hex("440c0503 0a090002 00000000"));
  EXPECT_EQ(skipped.prespecified_address(), std::nullopt);
}

TEST(Ipv4OptionsTest, OnlyACorrectRouterAlertIsOne) {
  EXPECT_TRUE(accepted("94040000").has_router_alert());
  EXPECT_FALSE(accepted("94040001").has_router_alert());
}

TEST(Ipv4OptionsTest, ASourceRouteIsFollowedHopByHop) {
  Ipv4Options options = accepted("830b04 0a000001 0a000002 00");
  EXPECT_TRUE(options.has_source_route());
  EXPECT_FALSE(options.is_strict_route());
  EXPECT_EQ(options.next_hop().take(), Ipv4Address(10, 0, 0, 1));
  EXPECT_EQ(options.next_hop(1).take(), Ipv4Address(10, 0, 0, 2));
  EXPECT_EQ(options.next_hop(2).take(), std::nullopt);
  options.advance_source_route(Ipv4Address(10, 0, 0, 1), kReceiver);
  EXPECT_EQ(to_bytes(options.bytes()), from_hex("830b08 0a090002 0a000002 00"));
  EXPECT_EQ(options.next_hop().take(), Ipv4Address(10, 0, 0, 2));
  EXPECT_TRUE(accepted("890705 0a000001 00").next_hop().is_error(Errno::EINVAL));
}

TEST(Ipv4OptionsTest, AReplyGoesBackTheWayThePacketCame) {
  // Over 10.0.0.1, 10.0.0.2, 10.0.0.3 to here.
  const Ipv4Options received = accepted("890f10 0a000001 0a000002 0a000003");
  Ipv4Options reply = received.make_reply(kSender).take();
  EXPECT_EQ(reply.first_hop(), Ipv4Address(10, 0, 0, 3));
  EXPECT_TRUE(reply.is_strict_route());
  reply.finish_source_route(kSender);
  EXPECT_EQ(to_bytes(reply.bytes()), from_hex("890f04 0a000002 0a000001 0a090001 00"));
  // A route that begins with the sender is mended.
  Ipv4Options mended = accepted("890f10 0a090001 0a000002 0a000003").make_reply(kSender).take();
  mended.finish_source_route(kSender);
  EXPECT_EQ(to_bytes(mended.bytes()), from_hex("890b04 0a000002 0a090001 00"));
  // Nothing was passed, so nothing is turned round.
  EXPECT_TRUE(accepted("890704 0a000001 00").make_reply(kSender).take().is_empty());
}

TEST(Ipv4OptionsTest, FragmentsKeepOnlyWhatIsCopied) {
  Ipv4Options options = accepted("94040000 070704 00000000 830704 0a000001 01 44080500 00000000");
  options.keep_for_fragments();
  EXPECT_EQ(to_bytes(options.bytes()), from_hex("94040000 01010101010101 830704 0a000001 01 0101010101010101 00"));
  EXPECT_FALSE(options.needs_recording());
}

TEST(Ipv4OptionsFromUserTest, ASourceRouteIsSplitIntoFirstHopAndRest) {
  Ipv4Options options = Ipv4Options::from_user(from_hex("830b04 0a000001 0a000002"), Ipv4OptionsPrivilege::Ordinary).take();
  EXPECT_EQ(options.first_hop(), Ipv4Address(10, 0, 0, 1));
  EXPECT_EQ(to_bytes(options.as_set_by_user().bytes()), from_hex("830b04 0a000001 0a000002 00"));
  options.finish_source_route(kReceiver);
  EXPECT_EQ(to_bytes(options.bytes()), from_hex("830b04 0a000002 0a090002 00"));
}

TEST(Ipv4OptionsFromUserTest, WhatTheUserSetIsGivenBack) {
  for (const char* text : {"070b04 0000000000000000 00", "44140501 0000000000000000 0000000000000000",
                           "440c0500 0000000000000000", "440c0503 0a090002 00000000", "94040000", "01010100"}) {
    const Ipv4Options options = Ipv4Options::from_user(from_hex(text), Ipv4OptionsPrivilege::Ordinary).take();
    EXPECT_EQ(to_bytes(options.as_set_by_user().bytes()), from_hex(text));
  }
}

TEST(Ipv4OptionsFromUserTest, WhatOnlyThePrivilegedMaySetIsRefusedToOthers) {
  for (const char* text : {"1e040000", "820b112233445566778899", "44080502 00000000"}) {
    EXPECT_FALSE(Ipv4Options::from_user(from_hex(text), Ipv4OptionsPrivilege::Ordinary).is_ok()) << text;
    EXPECT_TRUE(Ipv4Options::from_user(from_hex(text), Ipv4OptionsPrivilege::RawNetwork).is_ok()) << text;
  }
  for (const char* text : {"8608 00000001 0502", "830705 0a000001", "830604 0a0000", "830804 0a000001 0a"}) {
    EXPECT_FALSE(Ipv4Options::from_user(from_hex(text), Ipv4OptionsPrivilege::RawNetwork).is_ok()) << text;
  }
  EXPECT_FALSE(Ipv4Options::from_user(Bytes(41, 1), Ipv4OptionsPrivilege::RawNetwork).is_ok());
  EXPECT_TRUE(Ipv4Options::from_user(Bytes(40, 1), Ipv4OptionsPrivilege::RawNetwork).is_ok());
}

}  // namespace
}  // namespace lxnet
