#include "stack/wire/tcp.hh"

#include <gtest/gtest.h>

#include "stack/wire/tcp_options.hh"
#include "tests/stack/wire/hex.hh"

namespace lxnet {
namespace {

// A handshake and a reset, as Linux sent them.
const char kSyn[] = "e5141e616a14f90b00000000a002faf014430000 020405b4 0402 080a0a60b50e00000000 01 03030a";
const char kSynAck[] = "1e61e514c84845e46a14f90ca012fe8814430000 020405b4 0402 080a3ebd50ae0a60b50e 01 03030a";
const char kAck[] = "e5141e616a14f90cc84845e58010003f143b0000 0101080a0a60b50e3ebd50ae";
const char kRst[] = "1e62ca5600000000338fdc0150140000a3720000";

TcpOptions parse_options(const Bytes& segment) {
  return TcpOptions::parse(TcpHeader::options_in(segment).take(), TcpHeader::parse(segment).take()->flags());
}
TcpOptions syn_options(const char* text) { return TcpOptions::parse(from_hex(text), kTcpSyn); }

TEST(TcpHeaderTest, SegmentsFromLinuxAreReadAndWrittenBack) {
  for (const char* text : {kSyn, kSynAck, kAck, kRst}) {
    const Bytes segment = from_hex(text);
    const TcpSegmentHeader header = TcpSegmentHeader::from(*TcpHeader::parse(segment).take());
    EXPECT_EQ(header.header_size, segment.size());
    EXPECT_EQ(emitted(header), to_bytes(ByteSpan(segment).first(20))) << text;
  }
}

TEST(TcpHeaderTest, FieldsAreWhatWiresharkShows) {
  const Bytes segment = from_hex(kSynAck);
  const TcpSegmentHeader header = TcpSegmentHeader::from(*TcpHeader::parse(segment).take());
  EXPECT_EQ(header.source_port, 7777);
  EXPECT_EQ(header.destination_port, 58644);
  EXPECT_EQ(header.seq, SeqNum(0xc84845e4));
  EXPECT_EQ(header.ack, SeqNum(0x6a14f90c));
  EXPECT_EQ(header.flags, kTcpSyn | kTcpAck);
  EXPECT_EQ(header.window, 65160);
  EXPECT_TRUE(header.flags.has_all(kTcpSyn));
  EXPECT_FALSE(header.flags.has_any(kTcpFin | kTcpRst | kTcpUrg));
  EXPECT_EQ(header.flags.without(kTcpSyn), kTcpAck);
}

TEST(TcpHeaderTest, EveryFlagHasItsBit) {
  const Bytes segment = from_hex("0001 0002 00000003 00000004 5fff 0005 0006 0007");
  const TcpSegmentHeader header = TcpSegmentHeader::from(*TcpHeader::parse(segment).take());
  EXPECT_TRUE(header.flags.has_all(kTcpFin | kTcpSyn | kTcpRst | kTcpPsh | kTcpAck | kTcpUrg | kTcpEce | kTcpCwr | kTcpAe));
  EXPECT_EQ(emitted(header), segment);
}

TEST(TcpHeaderTest, TheDataOffsetIsCheckedOnTheWayIn) {
  Bytes segment = from_hex(kAck);
  EXPECT_FALSE(TcpHeader::parse(ByteSpan(segment).first(19)).is_ok());
  EXPECT_TRUE(TcpHeader::parse(ByteSpan(segment).first(20)).is_ok());
  EXPECT_FALSE(TcpHeader::options_in(ByteSpan(segment).first(31)).is_ok());
  segment[12] = 0x40;
  EXPECT_FALSE(TcpHeader::parse(segment).is_ok());
}

TEST(TcpOptionsTest, OptionsFromLinuxAreReadAndWrittenBack) {
  for (const char* text : {kSyn, kSynAck, kAck, kRst}) {
    const Bytes segment = from_hex(text);
    EXPECT_EQ(emitted(parse_options(segment)), to_bytes(TcpHeader::options_in(segment).take())) << text;
  }
  const TcpOptions options = parse_options(from_hex(kSyn));
  EXPECT_EQ(options.maximum_segment_size, 1460);
  EXPECT_EQ(options.window_scale, 10);
  EXPECT_TRUE(options.sack_permitted);
  EXPECT_EQ(options.timestamps, (TcpTimestamps{.value = 0x0a60b50e, .echo_reply = 0}));
  EXPECT_EQ(options.sack_count, 0);
  EXPECT_FALSE(options.fast_open);
}

TEST(TcpOptionsTest, TheAlignedTimestampsAreTheFastPath) {
  const Bytes segment = from_hex(kAck);
  const ByteSpan options = TcpHeader::options_in(segment).take();
  EXPECT_EQ(parse_aligned_timestamps(options), (TcpTimestamps{.value = 0x0a60b50e, .echo_reply = 0x3ebd50ae}));
  EXPECT_EQ(parse_aligned_timestamps(options.first(11)), std::nullopt);
  EXPECT_EQ(parse_aligned_timestamps({}), std::nullopt);
  EXPECT_EQ(parse_aligned_timestamps(from_hex("080a0a60b50e3ebd50ae0101")), std::nullopt);
  EXPECT_EQ(parse_aligned_timestamps(from_hex("0101080a0a60b50e3ebd50ae01010101")), std::nullopt);
}

TEST(TcpOptionsTest, SackBlocksAreReadInTheirOrder) {
  const Bytes bytes = from_hex("0101080a0000000100000002 0101051200000010000000200000003000000040");
  const TcpOptions options = TcpOptions::parse(bytes, kTcpAck);
  ASSERT_EQ(options.sack_count, 2);
  EXPECT_EQ(options.sack[0], (SackBlock{SeqNum(0x10), SeqNum(0x20)}));
  EXPECT_EQ(options.sack[1], (SackBlock{SeqNum(0x30), SeqNum(0x40)}));
  EXPECT_EQ(emitted(options), bytes);
}

TEST(TcpOptionsTest, OptionsOfASynAreIgnoredElsewhere) {
  const TcpOptions options = TcpOptions::parse(TcpHeader::options_in(from_hex(kSyn)).take(), kTcpAck);
  EXPECT_FALSE(options.maximum_segment_size);
  EXPECT_FALSE(options.window_scale);
  EXPECT_FALSE(options.sack_permitted);
  EXPECT_TRUE(options.timestamps);
  EXPECT_FALSE(TcpOptions::parse(from_hex("2206aabbccdd"), kTcpAck).fast_open);
}

TEST(TcpOptionsTest, AWrongLengthIsSkippedByThatLength) {
  EXPECT_EQ(syn_options("0205 010203 02040500").maximum_segment_size, 0x0500);
  EXPECT_FALSE(syn_options("0203ff").maximum_segment_size);
  EXPECT_FALSE(syn_options("0302").window_scale);
  EXPECT_FALSE(syn_options("040300").sack_permitted);
  EXPECT_FALSE(syn_options("08090000000000000000").timestamps);
  EXPECT_EQ(syn_options("0502").sack_count, 0);
  EXPECT_EQ(syn_options("050b000000000000000000").sack_count, 0);
  // An unknown option of any length from two on is skipped as well.
  EXPECT_EQ(syn_options("fd02 fd0411 22 02040500").maximum_segment_size, 0x0500);
}

TEST(TcpOptionsTest, AMalformedLengthEndsParsingAndKeepsWhatWasRead) {
  EXPECT_EQ(syn_options("02040500 fd01 02040600").maximum_segment_size, 0x0500);
  EXPECT_EQ(syn_options("02040500 fd00 02040600").maximum_segment_size, 0x0500);
  EXPECT_EQ(syn_options("02040500 fd09 02040600").maximum_segment_size, 0x0500);
  EXPECT_EQ(syn_options("02040500 00 02040600").maximum_segment_size, 0x0500);
  EXPECT_EQ(syn_options("02040500 010101 02").maximum_segment_size, 0x0500);
}

TEST(TcpOptionsTest, TheLastOfTwoCountsAndAnMssOfZeroSaysNothing) {
  EXPECT_EQ(syn_options("02040500 02040600").maximum_segment_size, 0x0600);
  EXPECT_EQ(syn_options("02040500 02040000").maximum_segment_size, 0x0500);
  EXPECT_FALSE(syn_options("02040000").maximum_segment_size);
}

TEST(TcpOptionsTest, AWindowScaleAboveFourteenIsFourteen) {
  EXPECT_EQ(syn_options("03030e").window_scale, 14);
  EXPECT_EQ(syn_options("03030f").window_scale, 14);
  EXPECT_EQ(syn_options("0303ff").window_scale, 14);
}

TEST(TcpOptionsTest, FastOpenHasTwoFormsAndARequestIsEmpty) {
  const TcpOptions request = syn_options("2202");
  ASSERT_TRUE(request.fast_open);
  EXPECT_TRUE(request.fast_open->is_request());
  EXPECT_EQ(emitted(request), from_hex("2202 0101"));

  const TcpOptions cookie = syn_options("220a1122334455667788");
  ASSERT_TRUE(cookie.fast_open);
  EXPECT_EQ(to_bytes(cookie.fast_open->span()), from_hex("1122334455667788"));
  EXPECT_EQ(emitted(cookie), from_hex("220a1122334455667788 0101"));

  const TcpOptions experimental = syn_options("fe0cf9891122334455667788");
  ASSERT_TRUE(experimental.fast_open);
  EXPECT_EQ(experimental.fast_open->form, TcpFastOpenCookie::Form::Experimental);
  EXPECT_EQ(emitted(experimental), from_hex("fe0cf9891122334455667788"));
  EXPECT_FALSE(syn_options("fe0cf9881122334455667788").fast_open);
  EXPECT_FALSE(syn_options("fe03f9").fast_open);
}

TEST(TcpOptionsTest, ACookieOfAnImpossibleSizeIsNone) {
  EXPECT_FALSE(syn_options("2204aabb").fast_open);                                  // two bytes: too short
  EXPECT_FALSE(syn_options("2214000102030405060708090a0b0c0d0e0f1011").fast_open);  // eighteen: too long
  EXPECT_FALSE(syn_options("2207aabbccddee").fast_open);                            // odd
  EXPECT_TRUE(syn_options("2206aabbccdd 2207aabbccddee").fast_open);                // the odd one is ignored
  EXPECT_FALSE(syn_options("2206aabbccdd 2204aabb").fast_open);                     // the even one is not
}

TEST(TcpOptionsTest, EveryCombinationThatFitsHasLinuxsLayout) {
  TcpOptions options;
  options.maximum_segment_size = 1460;
  EXPECT_EQ(emitted(options), from_hex("020405b4"));
  options.sack_permitted = true;
  EXPECT_EQ(emitted(options), from_hex("020405b4 01010402"));
  options.window_scale = 7;
  EXPECT_EQ(emitted(options), from_hex("020405b4 01010402 01030307"));
  options.timestamps = TcpTimestamps{1, 2};
  EXPECT_EQ(emitted(options), from_hex("020405b4 0402080a0000000100000002 01030307"));
  options.sack_permitted = false;
  EXPECT_EQ(emitted(options), from_hex("020405b4 0101080a0000000100000002 01030307"));
  const Bytes signature(16, 0xaa);
  options.md5_signature = signature;
  EXPECT_EQ(emitted(options), from_hex("01011312aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 020405b4 0101080a0000000100000002 01030307"));
  EXPECT_EQ(options.encoded_size(), TcpHeader::kMaxOptionsSize);
}

TEST(TcpOptionsTest, UserTimeoutAndSignaturesAreRecognised) {
  EXPECT_EQ(syn_options("1c048005").user_timeout, (TcpUserTimeout{TcpUserTimeout::Unit::Minutes, 5}));
  EXPECT_EQ(syn_options("1c04003c").user_timeout, (TcpUserTimeout{TcpUserTimeout::Unit::Seconds, 60}));
  const Bytes bytes = from_hex("1d08010a aabbccdd");
  const TcpOptions options = TcpOptions::parse(bytes, kTcpAck);
  ASSERT_TRUE(options.authentication);
  EXPECT_EQ(options.authentication->key_id, 1);
  EXPECT_EQ(options.authentication->receive_next_key_id, 10);
  EXPECT_EQ(to_bytes(options.authentication->mac), from_hex("aabbccdd"));
  EXPECT_FALSE(syn_options("1d04010a").authentication);
}

TEST(TcpSignaturesTest, OneIsAcceptedAndTwoAreNot) {
  const Bytes one = from_hex("01011312aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_EQ(to_bytes(parse_tcp_signatures(one).take().md5), Bytes(16, 0xaa));
  EXPECT_TRUE(parse_tcp_signatures(from_hex("0101080a0000000100000002")).take().md5.empty());
  Bytes two = one;
  two.insert(two.end(), one.begin() + 2, one.end());
  EXPECT_TRUE(parse_tcp_signatures(two).is_error(Errno::EEXIST));
  Bytes wrong = one;
  wrong[3] = 0x11;
  EXPECT_TRUE(parse_tcp_signatures(wrong).is_error(Errno::EINVAL));
  wrong[3] = 0x01;
  EXPECT_TRUE(parse_tcp_signatures(wrong).is_error(Errno::EINVAL));
  // Behind the last place a signature could stand nothing is looked at.
  EXPECT_TRUE(parse_tcp_signatures(from_hex("080a0000000100000002 0101 fd01")).is_ok());
}

}  // namespace
}  // namespace lxnet
