#include "compat/xtables/filter_tables.hh"

#include "compat/xtables/table_maker.hh"
#include "stack/conntrack/connection_tracker.hh"

namespace lxnet::xtables {
namespace {

constexpr uint8_t kPre = hook_bit(FilterHook::PreRouting), kIn = hook_bit(FilterHook::LocalIn),
                  kForward = hook_bit(FilterHook::Forward), kOut = hook_bit(FilterHook::LocalOut),
                  kPost = hook_bit(FilterHook::PostRouting);

constexpr TableRow kTables[] = {
    {"filter", FilterTableKind::Filter, kIn | kForward | kOut},
    {"mangle", FilterTableKind::Mangle, kPre | kIn | kForward | kOut | kPost},
    {"nat", FilterTableKind::Nat, kPre | kIn | kOut | kPost},
    {"raw", FilterTableKind::Raw, kPre | kOut},
    {"security", FilterTableKind::Security, kIn | kForward | kOut},
};

// Writes entries without matches, one after another.
class BlobWriter {
 public:
  BlobWriter(MutableByteSpan to, const EntryLayout& layout) : to_(to), layout_(layout) {}

  static size_t size(const EntryLayout& layout, size_t hooks) {
    return hooks * (layout.size + kPolicySize) + layout.size + kErrorTargetSize;
  }
  uint32_t at() const { return static_cast<uint32_t>(at_); }
  void write_policy() {
    write_at(to_, at_ + layout_.size + kHeadSize, kVerdictAccept);
    write_head(kPolicySize);
  }
  // What ends every table.
  void write_error() {
    const auto write_name = [&](size_t at) {
      copy_bytes(to_.subspan(at), ByteSpan(reinterpret_cast<const uint8_t*>(kErrorTarget), sizeof kErrorTarget));
    };
    write_name(at_ + layout_.size + kHeadNameAt);
    write_name(at_ + layout_.size + kHeadSize);
    write_head(kErrorTargetSize);
  }

 private:
  static constexpr size_t kPolicySize = align_up(kHeadSize + sizeof(int32_t), 8);

  void write_head(size_t target_size) {
    write_at(to_, at_ + layout_.target_offset_at, layout_.size);
    write_at(to_, at_ + layout_.next_offset_at, static_cast<uint16_t>(layout_.size + target_size));
    write_at(to_, at_ + layout_.size, static_cast<uint16_t>(target_size));
    at_ += layout_.size + target_size;
  }

  MutableByteSpan to_;
  const EntryLayout& layout_;
  size_t at_ = 0;
};

Result<Ref<FilterTable>> make_initial_table(Entry& entry, IpFamily family, const TableRow& row) {
  const EntryLayout& layout = native_layout(family);
  Request request;
  request.family = family;
  request.hooks = row.hooks;
  for (size_t i = 0; row.name[i] != 0; ++i) request.table[i] = row.name[i];
  size_t hooks = 0;
  for (size_t hook = 0; hook < kFilterHookCount; ++hook) hooks += row.hooks >> hook & 1;
  request.entries = static_cast<uint32_t>(hooks + 1);
  request.blob = TRY(HeapArray<uint8_t>::create(entry.stack().hal(), BlobWriter::size(layout, hooks)));
  BlobWriter writer({request.blob.data(), request.blob.size()}, layout);
  for (size_t hook = 0; hook < kFilterHookCount; ++hook) {
    if ((row.hooks & 1u << hook) == 0) continue;
    request.entry_at[hook] = request.underflow_at[hook] = writer.at();
    writer.write_policy();
  }
  writer.write_error();
  return make_table(entry, std::move(request));
}

}  // namespace

const TableRow* find_table_row(const char* name) {
  for (const TableRow& row : kTables) {
    if (same_name(row.name, name)) return &row;
  }
  return nullptr;
}

const char* table_name(FilterTableKind kind) {
  for (const TableRow& row : kTables) {
    if (row.kind == kind) return row.name;
  }
  return "";
}

Result<Ref<FilterTable>> find_or_create_table(Entry& entry, IpFamily family, const TableRow& row) {
  PacketFilter& filter = entry.stack().filter();
  if (Ref<FilterTable> table = filter.find(family, row.kind)) return table;
  Ref<FilterTable> made = TRY(make_initial_table(entry, family, row));
  if (row.kind == FilterTableKind::Nat) TRY(ConnectionTracker::obtain(entry.stack()));
  return filter.add(family, row.kind, std::move(made));
}

}  // namespace lxnet::xtables
