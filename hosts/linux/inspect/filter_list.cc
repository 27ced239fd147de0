#include "hosts/linux/inspect/filter_list.hh"

#include "absl/strings/str_cat.h"
// The core's headers remove errno's macros.
#include "compat/xtables/filter_tables.hh"
#include "stack/filter/extension.hh"
#include "stack/stack.hh"

namespace lxnet::host {
namespace {

std::string table_lines(Stack& stack, IpFamily family) {
  std::string out;
  FilterTableKind kinds[kFilterTableCount];
  const size_t count = stack.filter().list(family, kinds);
  for (size_t i = 0; i < count; ++i) absl::StrAppend(&out, xtables::table_name(kinds[i]), "\n");
  return out;
}

// The standard target has no name to show.
template <typename Kind>
std::string extension_lines(std::span<const Kind> kinds, IpFamily family) {
  std::string out;
  for (const Kind& kind : kinds) {
    if ((kind.shape.families & family_bit(family)) != 0 && *kind.shape.name != 0) absl::StrAppend(&out, kind.shape.name, "\n");
  }
  return out;
}

}  // namespace

std::optional<std::string> filter_list_text(lxnet_stack* stack, std::string_view name) {
  const bool is_v6 = name.starts_with("ip6_");
  const std::string_view prefix = is_v6 ? "ip6_tables_" : "ip_tables_";
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  const IpFamily family = is_v6 ? IpFamily::V6 : IpFamily::V4;
  if (name == "names") return table_lines(*reinterpret_cast<Stack*>(stack), family);
  if (name == "matches") return extension_lines(match_kinds(), family);
  if (name == "targets") return extension_lines(target_kinds(), family);
  return std::nullopt;
}

}  // namespace lxnet::host
