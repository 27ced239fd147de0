#include "compat/xtables/filter_options.hh"

#include "compat/xtables/filter_tables.hh"
#include "compat/xtables/table_image.hh"
#include "compat/xtables/table_maker.hh"

namespace lxnet {
namespace {

using namespace xtables;

Result<> check_privilege(const SyscallContext& context) {
  return context.hal().capable(LXNET_CAP_NET_ADMIN) ? Result<>(ok()) : Errno::EPERM;
}

Width width_of(const SyscallContext& context) { return context.is_32bit() ? Width::Narrow : Width::Wide; }

void terminate(char (&name)[kTableNameSize]) { name[kTableNameSize - 1] = 0; }

Result<const TableRow*> get_row(const char* name) {
  const TableRow* row = find_table_row(name);
  if (row == nullptr) return Errno::ENOENT;
  return row;
}

// ---- struct ipt_replace
struct ReplaceHead {
  char name[kTableNameSize];
  uint32_t hooks, entries, size;
  uint32_t entry_at[kFilterHookCount], underflow_at[kFilterHookCount];
  uint32_t counter_count;
  uint64_t counters;  // a pointer of the caller's
};
static_assert(sizeof(ReplaceHead) == 96);
constexpr size_t kNarrowReplaceHead = 92;

Result<ReplaceHead> read_replace_head(const OptionInput& input, size_t size) {
  if (static_cast<size_t>(input.length) < size) return Errno::EINVAL;
  ReplaceHead head{};
  TRY(copy_in(input.context.hal(), mutable_bytes_of(head).first(size), input.value));
  if (head.counter_count >= INT32_MAX / kCountersSize) return Errno::ENOMEM;
  if (head.counter_count == 0) return Errno::EINVAL;
  if (static_cast<uint64_t>(input.length) < uint64_t{head.size} + size) return Errno::EINVAL;
  terminate(head.name);
  constexpr uint64_t kTableHead = 64;  // what Linux keeps beside the rules
  if (head.size + kTableHead >= kMaxTableSize) return Errno::ENOMEM;
  return head;
}

Result<Request> read_request(const OptionInput& input, IpFamily family, const ReplaceHead& head, size_t head_size) {
  const Hal& hal = input.context.hal();
  Request request;
  request.family = family;
  copy_bytes(mutable_bytes_of(request.table), bytes_of(head.name));
  request.hooks = head.hooks;
  request.entries = head.entries;
  copy_bytes(mutable_bytes_of(request.entry_at), bytes_of(head.entry_at));
  copy_bytes(mutable_bytes_of(request.underflow_at), bytes_of(head.underflow_at));
  request.blob = TRY(HeapArray<uint8_t>::create(hal, head.size));
  TRY(copy_in(hal, {request.blob.data(), request.blob.size()}, input.value + head_size));
  return request;
}

// ---- struct ipt_getinfo
struct TableInfo {
  char name[kTableNameSize];
  uint32_t hooks;
  uint32_t entry_at[kFilterHookCount], underflow_at[kFilterHookCount];
  uint32_t entries, size;
};
static_assert(sizeof(TableInfo) == 84);

// ---- struct ipt_get_entries, struct xt_counters_info: a name and a number, padded for who aligns to eight
struct NameAndNumber {
  char name[kTableNameSize];
  uint32_t number;
};
static_assert(sizeof(NameAndNumber) == 36);

size_t head_size_of(const SyscallContext& context) { return align_up(sizeof(NameAndNumber), context.is_32bit() ? 4 : 8); }

// ---- struct xt_get_revision
struct Revision {
  char name[kExtensionNameSize];
  uint8_t revision;
};
static_assert(sizeof(Revision) == 30);

void copy_shape(TableInfo& info, const TableShape& shape) {
  info.size = shape.size;
  copy_bytes(mutable_bytes_of(info.entry_at), bytes_of(shape.entry_at));
  copy_bytes(mutable_bytes_of(info.underflow_at), bytes_of(shape.underflow_at));
}

}  // namespace

Result<> replace_filter_table(const OptionInput& input, IpFamily family) {
  SyscallContext& context = input.context;
  const Hal& hal = context.hal();
  TRY(check_privilege(context));
  const size_t head_size = context.is_32bit() ? kNarrowReplaceHead : sizeof(ReplaceHead);
  const ReplaceHead head = TRY(read_replace_head(input, head_size));
  Request request = TRY(read_request(input, family, head, head_size));
  if (context.is_32bit()) TRY(widen(hal, request));
  Ref<FilterTable> table = TRY(make_table(context.entry(), std::move(request)));
  if (uint64_t{head.counter_count} * kCountersSize > kMaxTableSize) return Errno::ENOMEM;
  const TableRow& row = *TRY(get_row(head.name));
  PacketFilter& filter = context.stack().filter();
  const Ref<FilterTable> present = TRY(find_or_create_table(context.entry(), family, row));
  if (head.hooks != row.hooks) return Errno::EINVAL;
  if (present->rules().size() != head.counter_count) return Errno::EAGAIN;
  auto counters = TRY(HeapArray<FilterCounters>::create(hal, head.counter_count));
  const Ref<FilterTable> old = TRY(filter.replace(family, row.kind, std::move(table), head.counter_count));
  filter.read_counters(*old, {counters.data(), counters.size()});
  const UserAddress to(context.is_32bit() ? static_cast<uint32_t>(head.counters) : head.counters);
  // The rules are in place: that the program cannot be told of the old counters is no error any more.
  static_cast<void>(
      copy_out(hal, to, {reinterpret_cast<const uint8_t*>(counters.data()), counters.size() * sizeof(FilterCounters)}));
  return ok();
}

Result<> add_filter_counters(const OptionInput& input, IpFamily family) {
  SyscallContext& context = input.context;
  TRY(check_privilege(context));
  const size_t head_size = head_size_of(context);
  if (static_cast<size_t>(input.length) <= head_size) return Errno::EINVAL;
  auto head = TRY(read_user<NameAndNumber>(context.hal(), input.value));
  terminate(head.name);
  const size_t size = static_cast<size_t>(input.length) - head_size;
  if (uint64_t{head.number} * kCountersSize != size) return Errno::EINVAL;
  auto counters = TRY(HeapArray<FilterCounters>::create(context.hal(), head.number));
  TRY(copy_in(context.hal(), {reinterpret_cast<uint8_t*>(counters.data()), size}, input.value + head_size));
  const TableRow& row = *TRY(get_row(head.name));
  TRY(find_or_create_table(context.entry(), family, row));
  return context.stack().filter().add_counters(family, row.kind, {counters.data(), counters.size()});
}

Result<> get_filter_info(const OptionOutput& output, IpFamily family) {
  SyscallContext& context = output.context;
  TRY(check_privilege(context));
  if (output.length != static_cast<int>(sizeof(TableInfo))) return Errno::EINVAL;
  TableInfo info{};
  TRY(copy_in(context.hal(), mutable_bytes_of(info.name), output.value));
  terminate(info.name);
  const TableRow& row = *TRY(get_row(info.name));
  const Ref<FilterTable> table = TRY(find_or_create_table(context.entry(), family, row));
  TableImage image(*table, family, width_of(context));
  TRY(image.measure(context.hal()));
  for (size_t i = 0, ended = 0; i < sizeof info.name; ++i) {
    if (info.name[i] == 0) ended = 1;
    if (ended != 0) info.name[i] = 0;
  }
  info.hooks = row.hooks;
  info.entries = static_cast<uint32_t>(table->rules().size());
  copy_shape(info, image.shape());
  TRY(write_user(context.hal(), output.value, info));
  return write_user(context.hal(), output.length_address, output.length);
}

Result<> get_filter_entries(const OptionOutput& output, IpFamily family) {
  SyscallContext& context = output.context;
  const Hal& hal = context.hal();
  TRY(check_privilege(context));
  const size_t head_size = head_size_of(context);
  if (output.length < static_cast<int>(head_size)) return Errno::EINVAL;
  auto head = TRY(read_user<NameAndNumber>(hal, output.value));
  if (static_cast<uint64_t>(output.length) != head_size + uint64_t{head.number}) return Errno::EINVAL;
  terminate(head.name);
  const TableRow& row = *TRY(get_row(head.name));
  const Ref<FilterTable> table = TRY(find_or_create_table(context.entry(), family, row));
  TableImage image(*table, family, width_of(context));
  TRY(image.measure(hal));
  if (head.number != image.shape().size) return Errno::EAGAIN;
  auto counters = TRY(HeapArray<FilterCounters>::create(hal, table->rules().size()));
  context.stack().filter().read_counters(*table, {counters.data(), counters.size()});
  const HeapArray<uint8_t> bytes = TRY(image.write(hal, {counters.data(), counters.size()}));
  TRY(copy_out(hal, output.value + head_size, {bytes.data(), bytes.size()}));
  return write_user(hal, output.length_address, output.length);
}

namespace {

template <typename Kind>
Result<> ask_revision(std::span<const Kind> kinds, IpFamily family, const Revision& asked) {
  Errno error = Errno::ENOENT;
  for (const Kind& kind : kinds) {
    if ((kind.shape.families & family_bit(family)) == 0 || !same_name(kind.shape.name, asked.name)) continue;
    if (kind.shape.revision == asked.revision) return ok();
    error = Errno::EPROTONOSUPPORT;
  }
  return error;
}

}  // namespace

Result<> get_filter_revision(const OptionOutput& output, IpFamily family, ExtensionSort sort) {
  const Hal& hal = output.context.hal();
  TRY(check_privilege(output.context));
  if (output.length != static_cast<int>(sizeof(Revision))) return Errno::EINVAL;
  auto asked = TRY(read_user<Revision>(hal, output.value));
  asked.name[kExtensionNameSize - 1] = 0;
  TRY(sort == ExtensionSort::Match ? ask_revision(match_kinds(), family, asked) : ask_revision(target_kinds(), family, asked));
  return write_user(hal, output.length_address, output.length);
}

}  // namespace lxnet
