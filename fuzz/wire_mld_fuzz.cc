#include "fuzz/support/wire.hh"
#include "stack/wire/mld.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan message(data, size);
  if (auto parsed = MldQuery::parse(message); parsed.is_ok()) {
    const MldQuery query = parsed.take();
    check(query.version == (size == sizeof(MldHeader) ? 1 : 2));
    check(query.sources.size_bytes() <= size);
    for (const Ipv6Address& source : query.sources) touch(source.bytes());
  }
  auto report = MldReportHeader::records_in(message);
  if (!report.is_ok()) return 0;
  GroupRecordReader<Ipv6Address> records = report.take();
  std::vector<uint8_t> written(sizeof(MldReportHeader));
  uint16_t count = 0;
  while (!records.is_at_end()) {
    auto record = records.next();
    if (!record.is_ok()) break;
    const std::vector<uint8_t> bytes = emitted(record.take());
    written.insert(written.end(), bytes.begin(), bytes.end());
    ++count;
  }
  check(written.size() <= size);
  MldReportHeader::emit(written, count);
  GroupRecordReader<Ipv6Address> again = MldReportHeader::records_in(written).take();
  while (!again.is_at_end()) check(again.next().is_ok());
  return 0;
}
