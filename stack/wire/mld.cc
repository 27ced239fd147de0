#include "stack/wire/mld.hh"

namespace lxnet {
namespace {

constexpr uint8_t kSuppress = 0x08, kRobustnessMask = 0x07;

struct QueryV2Header {
  MldHeader common;
  uint8_t flags;
  uint8_t interval_code;
  Be16 source_count;
};
static_assert(sizeof(QueryV2Header) == 28 && alignof(QueryV2Header) == 1);

// RFC 3810, 5.1.3: sixteen bits that grow exponentially from 32768 on.
uint32_t decode_response(uint16_t code) {
  if (code < 0x8000) return code;
  return static_cast<uint32_t>((code & 0xfff) | 0x1000) << ((code >> 12 & 7) + 3);
}

}  // namespace

Result<MldQuery> MldQuery::parse(ByteSpan message) {
  const MldHeader* header = TRY(MldHeader::parse(message));
  MldQuery query;
  query.group = header->group;
  if (message.size() == sizeof(MldHeader)) {
    query.version = 1;
    query.response_milliseconds = header->response_code.get();
    return query;
  }
  const QueryV2Header* v2 = TRY(view_header<QueryV2Header>(message));
  query.response_milliseconds = decode_response(header->response_code.get());
  query.suppresses_routers = (v2->flags & kSuppress) != 0;
  query.robustness = v2->flags & kRobustnessMask;
  query.interval_seconds = decode_group_interval(v2->interval_code);
  query.sources = TRY(view_addresses<Ipv6Address>(message.subspan(sizeof(QueryV2Header)), v2->source_count.get()));
  return query;
}

void MldMessage::emit(MutableByteSpan to) const {
  MldHeader& header = place_header<MldHeader>(to);
  header.type = static_cast<uint8_t>(type);
  header.group = group;
}

Result<const MldReportHeader*> MldReportHeader::parse(ByteSpan message) {
  const MldReportHeader* header = TRY(view_header<MldReportHeader>(message));
  if (Icmp6Type{header->type} != Icmp6Type::MulticastListenerReportV2) return Errno::EINVAL;
  return header;
}

Result<GroupRecordReader<Ipv6Address>> MldReportHeader::records_in(ByteSpan message) {
  const MldReportHeader* header = TRY(parse(message));
  return GroupRecordReader<Ipv6Address>(message.subspan(sizeof(MldReportHeader)), header->record_count.get());
}

void MldReportHeader::emit(MutableByteSpan to, uint16_t record_count) {
  MldReportHeader& header = place_header<MldReportHeader>(to);
  header.type = static_cast<uint8_t>(Icmp6Type::MulticastListenerReportV2);
  header.record_count.set(record_count);
}

}  // namespace lxnet
