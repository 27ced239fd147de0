#include "stack/wire/igmp.hh"

namespace lxnet {
namespace {

constexpr uint8_t kSuppress = 0x08, kRobustnessMask = 0x07;

struct QueryV3Header {
  IgmpHeader common;
  uint8_t flags;
  uint8_t interval_code;
  Be16 source_count;
};
static_assert(sizeof(QueryV3Header) == 12 && alignof(QueryV3Header) == 1);

}  // namespace

Result<IgmpQuery> IgmpQuery::parse(ByteSpan message) {
  const IgmpHeader* header = TRY(IgmpHeader::parse(message));
  IgmpQuery query;
  query.group = header->group;
  if (message.size() == sizeof(IgmpHeader)) {
    query.version = header->response_code == 0 ? 1 : 2;
    if (query.version == 2) query.response_tenths = header->response_code;
    return query;
  }
  const QueryV3Header* v3 = TRY(view_header<QueryV3Header>(message));
  query.response_tenths = decode_group_interval(header->response_code);
  query.suppresses_routers = (v3->flags & kSuppress) != 0;
  query.robustness = v3->flags & kRobustnessMask;
  query.interval_seconds = decode_group_interval(v3->interval_code);
  query.sources = TRY(view_addresses<Ipv4Address>(message.subspan(sizeof(QueryV3Header)), v3->source_count.get()));
  return query;
}

void IgmpMessage::emit(MutableByteSpan to) const {
  IgmpHeader& header = place_header<IgmpHeader>(to);
  header.type = static_cast<uint8_t>(type);
  header.group = group;
  header.checksum.set(internet_checksum(bytes_of(header)));
}

Result<const IgmpReportHeader*> IgmpReportHeader::parse(ByteSpan message) {
  const IgmpReportHeader* header = TRY(view_header<IgmpReportHeader>(message));
  if (IgmpType{header->type} != IgmpType::MembershipReportV3) return Errno::EINVAL;
  return header;
}

Result<GroupRecordReader<Ipv4Address>> IgmpReportHeader::records_in(ByteSpan message) {
  const IgmpReportHeader* header = TRY(parse(message));
  return GroupRecordReader<Ipv4Address>(message.subspan(sizeof(IgmpReportHeader)), header->record_count.get());
}

void IgmpReportHeader::emit(MutableByteSpan message, uint16_t record_count) {
  IgmpReportHeader& header = place_header<IgmpReportHeader>(message);
  header.type = static_cast<uint8_t>(IgmpType::MembershipReportV3);
  header.record_count.set(record_count);
  header.checksum.set(internet_checksum(message));
}

}  // namespace lxnet
