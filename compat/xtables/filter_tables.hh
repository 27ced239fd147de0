// The tables by name, and how they begin: with a policy of ACCEPT for each hook, and nothing else.
#pragma once

#include "stack/filter/filter_table.hh"
#include "stack/stack.hh"

namespace lxnet::xtables {

struct TableRow {
  const char* name;
  FilterTableKind kind;
  uint8_t hooks;
};

// Null: there is no such table.
const TableRow* find_table_row(const char* name);
const char* table_name(FilterTableKind kind);

// The table, made if nobody has asked for it before. ENOMEM.
Result<Ref<FilterTable>> find_or_create_table(Entry& entry, IpFamily family, const TableRow& row);

}  // namespace lxnet::xtables
