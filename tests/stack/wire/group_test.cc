#include <gtest/gtest.h>

#include "stack/wire/igmp.hh"
#include "stack/wire/mld.hh"
#include "tests/stack/wire/hex.hh"

namespace lxnet {
namespace {

// Reports Linux sent on joining 239.1.2.3, 232.1.1.1 from one source, and ff05::1234.
const char kIgmpReport[] = "2200f09e00000002 05000001e80101010a09004d 04000000ef010203";
const char kMldReport[] = "8f000e7f00000001 04000000ff050000000000000000000000001234";

TEST(IgmpTest, AReportFromLinuxIsReadRecordByRecord) {
  const Bytes message = from_hex(kIgmpReport);
  EXPECT_EQ(internet_checksum(message), 0);
  GroupRecordReader<Ipv4Address> records = IgmpReportHeader::records_in(message).take();
  const IgmpGroupRecord first = records.next().take();
  EXPECT_EQ(first.type, GroupRecordType::AllowNewSources);
  EXPECT_EQ(first.group, Ipv4Address(232, 1, 1, 1));
  ASSERT_EQ(first.sources.size(), 1u);
  EXPECT_EQ(first.sources[0], Ipv4Address(10, 9, 0, 77));
  const IgmpGroupRecord second = records.next().take();
  EXPECT_EQ(second.type, GroupRecordType::ChangeToExcludeMode);
  EXPECT_EQ(second.group, Ipv4Address(239, 1, 2, 3));
  EXPECT_TRUE(second.sources.empty());
  EXPECT_TRUE(records.is_at_end());
}

TEST(IgmpTest, TheSameReportIsWritten) {
  const Ipv4Address source(10, 9, 0, 77);
  const IgmpGroupRecord records[] = {
      {.type = GroupRecordType::AllowNewSources, .group = Ipv4Address(232, 1, 1, 1), .sources = {&source, 1}},
      {.type = GroupRecordType::ChangeToExcludeMode, .group = Ipv4Address(239, 1, 2, 3)}};
  Bytes message(sizeof(IgmpReportHeader));
  for (const IgmpGroupRecord& record : records) {
    const Bytes bytes = emitted(record);
    message.insert(message.end(), bytes.begin(), bytes.end());
  }
  IgmpReportHeader::emit(message, 2);
  EXPECT_EQ(message, from_hex(kIgmpReport));
}

TEST(IgmpTest, ReportsAndLeavesOfVersionTwoCarryTheirChecksum) {
  const Bytes report = emitted(IgmpMessage{.type = IgmpType::MembershipReportV2, .group = Ipv4Address(239, 1, 2, 3)});
  EXPECT_EQ(report, from_hex("1600f8fa ef010203"));
  EXPECT_EQ(emitted(IgmpMessage{.type = IgmpType::LeaveGroup, .group = Ipv4Address(239, 1, 2, 3)}),
            from_hex("1700f7fa ef010203"));
  EXPECT_EQ(IgmpHeader::parse(report).take()->group, Ipv4Address(239, 1, 2, 3));
}

TEST(IgmpTest, TheVersionOfAQueryShowsInItsSizeAndCode) {
  const IgmpQuery v1 = IgmpQuery::parse(from_hex("1100eeff 00000000")).take();
  EXPECT_EQ(v1.version, 1);
  EXPECT_EQ(v1.response_tenths, 100u);
  const IgmpQuery v2 = IgmpQuery::parse(from_hex("110a0000 ef010203")).take();
  EXPECT_EQ(v2.version, 2);
  EXPECT_EQ(v2.response_tenths, 10u);
  EXPECT_EQ(v2.group, Ipv4Address(239, 1, 2, 3));
  const Bytes bytes = from_hex("11640000 ef010203 0a7d0002 0a000001 0a000002");
  const IgmpQuery v3 = IgmpQuery::parse(bytes).take();
  EXPECT_EQ(v3.version, 3);
  EXPECT_TRUE(v3.suppresses_routers);
  EXPECT_EQ(v3.robustness, 2);
  EXPECT_EQ(v3.interval_seconds, 125u);
  ASSERT_EQ(v3.sources.size(), 2u);
  EXPECT_EQ(v3.sources[1], Ipv4Address(10, 0, 0, 2));
}

TEST(IgmpTest, QueriesOfNoVersionsSizeAndLyingCountsAreRefused) {
  const Bytes good = from_hex("11640000 ef010203 0a7d0002 0a000001 0a000002");
  for (size_t size : {0u, 7u, 9u, 11u, 12u, 19u}) EXPECT_FALSE(IgmpQuery::parse(ByteSpan(good).first(size)).is_ok()) << size;
  EXPECT_TRUE(IgmpQuery::parse(ByteSpan(good).first(8)).is_ok());
}

TEST(GroupRecordTest, ARecordThatDoesNotFitEndsTheReading) {
  const Bytes good = from_hex(kIgmpReport);
  for (size_t size = 8; size < good.size(); ++size) {
    GroupRecordReader<Ipv4Address> records = IgmpReportHeader::records_in(ByteSpan(good).first(size)).take();
    EXPECT_EQ(records.next().is_ok(), size >= 20) << size;
    if (size >= 20) {
      EXPECT_FALSE(records.next().is_ok()) << size;
    }
  }
  EXPECT_FALSE(IgmpReportHeader::records_in(ByteSpan(good).first(7)).is_ok());
  Bytes other = good;
  other[0] = 0x16;
  EXPECT_FALSE(IgmpReportHeader::records_in(other).is_ok());
}

TEST(GroupRecordTest, AuxiliaryDataIsPassedOver) {
  const Bytes bytes = from_hex("06010000ef010203 deadbeef 01000000ef010204");
  GroupRecordReader<Ipv4Address> records(bytes, 2);
  EXPECT_EQ(records.next().take().type, GroupRecordType::BlockOldSources);
  EXPECT_EQ(records.next().take().group, Ipv4Address(239, 1, 2, 4));
  GroupRecordReader<Ipv4Address> cut(ByteSpan(bytes).first(11), 1);
  EXPECT_FALSE(cut.next().is_ok());
}

TEST(GroupRecordTest, IntervalsGrowExponentially) {
  EXPECT_EQ(decode_group_interval(127), 127u);
  EXPECT_EQ(decode_group_interval(128), 128u);
  EXPECT_EQ(decode_group_interval(0x8f), 248u);
  EXPECT_EQ(decode_group_interval(0xff), 31744u);
}

TEST(MldTest, AReportFromLinuxIsReadAndWrittenBack) {
  const Bytes message = from_hex(kMldReport);
  GroupRecordReader<Ipv6Address> records = MldReportHeader::records_in(message).take();
  const MldGroupRecord record = records.next().take();
  EXPECT_TRUE(records.is_at_end());
  EXPECT_EQ(record.type, GroupRecordType::ChangeToExcludeMode);
  EXPECT_EQ(record.group, Ipv6Address(0xff05, 0, 0, 0, 0, 0, 0, 0x1234));
  Bytes written(sizeof(MldReportHeader));
  MldReportHeader::emit(written, 1);
  const Bytes body = emitted(record);
  written.insert(written.end(), body.begin(), body.end());
  written[2] = message[2];
  written[3] = message[3];
  EXPECT_EQ(written, message);
}

TEST(MldTest, TheVersionOfAQueryShowsInItsSize) {
  const std::string group = "ff050000000000000000000000001234";
  const MldQuery v1 = MldQuery::parse(from_hex("8200000003e80000" + group)).take();
  EXPECT_EQ(v1.version, 1);
  EXPECT_EQ(v1.response_milliseconds, 1000u);
  const Bytes bytes = from_hex("8200000080010000" + group + "0a7d0001 20010db8000000000000000000000009");
  const MldQuery v2 = MldQuery::parse(bytes).take();
  EXPECT_EQ(v2.version, 2);
  EXPECT_EQ(v2.response_milliseconds, 0x1001u << 3);
  EXPECT_EQ(v2.robustness, 2);
  EXPECT_TRUE(v2.suppresses_routers);
  ASSERT_EQ(v2.sources.size(), 1u);
  EXPECT_EQ(v2.group, Ipv6Address(0xff05, 0, 0, 0, 0, 0, 0, 0x1234));
  for (size_t size : {23u, 25u, 27u, 28u, 43u}) EXPECT_FALSE(MldQuery::parse(ByteSpan(bytes).first(size)).is_ok()) << size;
}

TEST(MldTest, AVersionOneMessageIsTwentyFourBytes) {
  const Bytes done = emitted(MldMessage{.type = Icmp6Type::MulticastListenerDone, .group = Ipv6Address::all_routers()});
  EXPECT_EQ(done, from_hex("8400000000000000 ff020000000000000000000000000002"));
}

}  // namespace
}  // namespace lxnet
