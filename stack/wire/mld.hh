// MLD versions 1 and 2 (RFC 2710, RFC 3810), each a whole ICMPv6 message from its type on. IPv6's IGMP.
//
// A query's version is told by its size, as RFC 3810 8.1 and Linux do (igmp6_event_query). Checksums are the caller's.
#pragma once

#include "stack/wire/addresses.hh"
#include "stack/wire/group_record.hh"
#include "stack/wire/icmp6.hh"

namespace lxnet {

// A version 1 query, report or done; the front of a version 2 query.
struct MldHeader {
  uint8_t type;
  uint8_t code;
  Be16 checksum;
  Be16 response_code;  // a query's, in milliseconds
  Be16 reserved;
  Ipv6Address group;

  // EINVAL: shorter than 24 bytes.
  static Result<const MldHeader*> parse(ByteSpan message) { return view_header<MldHeader>(message); }
};
static_assert(sizeof(MldHeader) == 24 && alignof(MldHeader) == 1 && offsetof(MldHeader, group) == 8);

struct MldQuery {
  uint8_t version = 2;
  Ipv6Address group = {};  // unspecified: a general query
  uint32_t response_milliseconds = 0;
  // Version 2 only.
  bool suppresses_routers = false;
  uint8_t robustness = 0;         // 0 to 7
  uint32_t interval_seconds = 0;  // between general queries
  std::span<const Ipv6Address> sources = {};

  // EINVAL: of a size no version has, or sources that do not fit.
  static Result<MldQuery> parse(ByteSpan message);
};

// A version 1 report or done, with a checksum of zero.
struct MldMessage {
  Icmp6Type type = Icmp6Type::MulticastListenerReport;
  Ipv6Address group = {};

  static constexpr size_t encoded_size() { return sizeof(MldHeader); }
  void emit(MutableByteSpan to) const;
};

// A version 2 report: this header and `record_count` group records.
struct MldReportHeader {
  uint8_t type;
  uint8_t reserved;
  Be16 checksum;
  Be16 reserved_more;
  Be16 record_count;

  // EINVAL: shorter than 8 bytes, or another type.
  static Result<const MldReportHeader*> parse(ByteSpan message);
  // `message` is the whole report.
  static Result<GroupRecordReader<Ipv6Address>> records_in(ByteSpan message);
  // With a checksum of zero.
  static void emit(MutableByteSpan to, uint16_t record_count);
};
static_assert(sizeof(MldReportHeader) == 8 && alignof(MldReportHeader) == 1 && offsetof(MldReportHeader, record_count) == 6);

using MldGroupRecord = GroupRecord<Ipv6Address>;
static_assert(sizeof(GroupRecordHeader<Ipv6Address>) == 20 && alignof(GroupRecordHeader<Ipv6Address>) == 1);

}  // namespace lxnet
