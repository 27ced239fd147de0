// IGMP versions 1, 2 and 3 (RFC 1112, 2236, 3376), each a whole message behind the IPv4 header. DVMRP, PIM and traces are not for
// a host.
//
// A query's version is told by its size and its response code, as RFC 3376 7.1 and Linux do (igmp_heard_query).
#pragma once

#include "base/checksum.hh"
#include "stack/wire/addresses.hh"
#include "stack/wire/group_record.hh"

namespace lxnet {

// Any value may arrive.
enum class IgmpType : uint8_t {
  MembershipQuery = 0x11,
  MembershipReportV1 = 0x12,
  MembershipReportV2 = 0x16,
  LeaveGroup = 0x17,
  MembershipReportV3 = 0x22,
};

struct IgmpHeader {
  uint8_t type;
  uint8_t response_code;  // a query's, in tenths of a second
  Be16 checksum;          // of the whole message
  Ipv4Address group;

  // EINVAL: shorter than 8 bytes.
  static Result<const IgmpHeader*> parse(ByteSpan message) { return view_header<IgmpHeader>(message); }
};
static_assert(sizeof(IgmpHeader) == 8 && alignof(IgmpHeader) == 1 && offsetof(IgmpHeader, group) == 4);

struct IgmpQuery {
  uint8_t version = 3;
  Ipv4Address group = {};  // unspecified: a general query
  // Time to answer in, in tenths of a second. Version 1 has no such field and always means ten seconds.
  uint32_t response_tenths = 100;
  // Version 3 only.
  bool suppresses_routers = false;
  uint8_t robustness = 0;         // 0 to 7
  uint32_t interval_seconds = 0;  // between general queries
  std::span<const Ipv4Address> sources = {};

  // EINVAL: of a size no version has, or sources that do not fit.
  static Result<IgmpQuery> parse(ByteSpan message);
};

// A version 1 or 2 report, or a version 2 leave. Emitted with its checksum.
struct IgmpMessage {
  IgmpType type = IgmpType::MembershipReportV2;
  Ipv4Address group = {};

  static constexpr size_t encoded_size() { return sizeof(IgmpHeader); }
  void emit(MutableByteSpan to) const;
};

// A version 3 report: this header and `record_count` group records.
struct IgmpReportHeader {
  uint8_t type;
  uint8_t reserved;
  Be16 checksum;
  Be16 reserved_more;
  Be16 record_count;

  // EINVAL: shorter than 8 bytes, or another type.
  static Result<const IgmpReportHeader*> parse(ByteSpan message);
  // `message` is the whole report.
  static Result<GroupRecordReader<Ipv4Address>> records_in(ByteSpan message);
  // Writes the header of a report whose records stand behind it already, with the checksum of all.
  static void emit(MutableByteSpan message, uint16_t record_count);
};
static_assert(sizeof(IgmpReportHeader) == 8 && alignof(IgmpReportHeader) == 1 && offsetof(IgmpReportHeader, record_count) == 6);

using IgmpGroupRecord = GroupRecord<Ipv4Address>;
static_assert(sizeof(GroupRecordHeader<Ipv4Address>) == 8 && alignof(GroupRecordHeader<Ipv4Address>) == 1);

}  // namespace lxnet
