// The input is a packet and a table as a program writes it, of one of the families and layouts. What is accepted must let any
// packet end at every hook, and what is read of it must be accepted again.
#include <utility>

#include "compat/xtables/table_image.hh"
#include "compat/xtables/table_maker.hh"
#include "fuzz/support/calls.hh"
#include "stack/filter/filter_table.hh"
#include "stack/stack.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

namespace {

using namespace lxnet::xtables;

struct Source {
  IpFamily family;
  bool is_narrow;
  std::vector<uint8_t> packet;
};

Request read_request(Input& input, IpFamily family) {
  Request request;
  request.family = family;
  copy_bytes(mutable_bytes_of(request.table), ByteSpan(reinterpret_cast<const uint8_t*>("filter"), 6));
  request.hooks = input.take<uint8_t>();
  request.entries = input.take<uint8_t>();
  for (uint32_t& at : request.entry_at) at = input.take<uint16_t>();
  for (uint32_t& at : request.underflow_at) at = input.take<uint16_t>();
  const std::vector<uint8_t> blob = input.take_bytes(input.left());
  request.blob = HeapArray<uint8_t>::create(host().stack().hal(), blob.size()).take();
  copy_bytes({request.blob.data(), request.blob.size()}, blob);
  return request;
}

// Its IP header is whole, in bytes that end with it; the rest lies apart.
void walk(Entry& entry, FilterTable& table, const Source& source, FilterHook hook) {
  const size_t header = source.family == IpFamily::V4 ? 20 : 40;
  std::vector<uint8_t> bytes = source.packet;
  if (bytes.size() < header) bytes.resize(header);
  Ref<Packet> packet = Packet::create(entry.stack().pool()).take();
  copy_bytes(packet->append(header), bytes);
  if (!packet->append_copy(ByteSpan(bytes).subspan(header)).is_ok()) return;
  packet->mark_network_header();
  FilterPacket seen(entry, *packet, source.family, hook, nullptr, nullptr);
  static_cast<void>(table.walk(seen));
}

Ref<FilterTable> make(Entry& entry, Request&& request) {
  auto made = make_table(entry, std::move(request));
  return made.is_ok() ? made.take() : nullptr;
}

void check_image(Entry& entry, const FilterTable& table, IpFamily family) {
  const Hal& hal = host().stack().hal();
  const std::vector<FilterCounters> counters(table.rules().size());
  for (const Width width : {Width::Narrow, Width::Wide}) {
    TableImage image(table, family, width);
    check(image.measure(hal).is_ok());
    Request request;
    request.blob = image.write(hal, counters).take();
    check(request.blob.size() == image.shape().size);
    if (width == Width::Narrow) continue;
    request.family = family;
    copy_bytes(mutable_bytes_of(request.table), ByteSpan(reinterpret_cast<const uint8_t*>("filter"), 6));
    request.hooks = table.hooks();
    request.entries = static_cast<uint32_t>(table.rules().size());
    copy_bytes(mutable_bytes_of(request.entry_at), bytes_of(image.shape().entry_at));
    copy_bytes(mutable_bytes_of(request.underflow_at), bytes_of(image.shape().underflow_at));
    const Ref<FilterTable> again = make(entry, std::move(request));
    check(again && again->rules().size() == table.rules().size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const auto which = input.take<uint8_t>();
  const Source source{(which & 1) == 0 ? IpFamily::V4 : IpFamily::V6, (which & 2) != 0, input.take_bytes(input.take<uint8_t>())};
  Entry entry(host().stack());
  Request request = read_request(input, source.family);
  if (source.is_narrow && !widen(host().stack().hal(), request).is_ok()) return 0;
  const Ref<FilterTable> table = make(entry, std::move(request));
  if (!table) return 0;
  for (size_t hook = 0; hook < kFilterHookCount; ++hook) {
    if ((table->hooks() & 1u << hook) != 0) walk(entry, *table, source, FilterHook{static_cast<uint8_t>(hook)});
  }
  check_image(entry, *table, source.family);
  return 0;
}
