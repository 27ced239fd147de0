#include "fuzz/support/wire.hh"
#include "stack/wire/igmp.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan message(data, size);
  if (auto parsed = IgmpQuery::parse(message); parsed.is_ok()) {
    const IgmpQuery query = parsed.take();
    check(query.version >= 1 && query.version <= 3 && (query.version == 3 || query.sources.empty()));
    check(query.sources.size_bytes() <= size);
    for (const Ipv4Address& source : query.sources) touch(bytes_of(source));
  }
  auto report = IgmpReportHeader::records_in(message);
  if (!report.is_ok()) return 0;
  GroupRecordReader<Ipv4Address> records = report.take();
  std::vector<uint8_t> written(sizeof(IgmpReportHeader));
  uint16_t count = 0;
  while (!records.is_at_end()) {
    auto record = records.next();
    if (!record.is_ok()) break;
    const std::vector<uint8_t> bytes = emitted(record.take());
    written.insert(written.end(), bytes.begin(), bytes.end());
    ++count;
  }
  check(written.size() <= size);
  IgmpReportHeader::emit(written, count);
  check(internet_checksum(written) == 0);
  GroupRecordReader<Ipv4Address> again = IgmpReportHeader::records_in(written).take();
  while (!again.is_at_end()) check(again.next().is_ok());
  return 0;
}
