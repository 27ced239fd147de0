// From a blob of rules to a table, in Linux's order of checks (translate_table()), and from a 32-bit program's blob to a blob.
#pragma once

#include "compat/xtables/layouts.hh"
#include "stack/filter/filter_table.hh"

namespace lxnet::xtables {

// What struct ipt_replace says beside the blob.
struct Request {
  IpFamily family = IpFamily::V4;
  char table[kTableNameSize] = {};
  uint32_t hooks = 0;
  uint32_t entries = 0;
  uint32_t entry_at[kFilterHookCount] = {}, underflow_at[kFilterHookCount] = {};
  HeapArray<uint8_t> blob = {};
};

// Takes the blob. EINVAL: a size, an offset, a flag or a hook is wrong; ELOOP: a chain leads back to itself, out of the table or
// past its end; ENOENT, EPROTOTYPE: an extension that is not there; what an extension says of its settings; ENOMEM.
Result<Ref<FilterTable>> make_table(Entry& entry, Request&& request);

// In stack of a 32-bit program's blob the one that a 64-bit program would have written, its hooks moved along. Errors as above.
Result<> widen(const Hal& hal, Request& request);

// ---- In chains.cc
struct ChainMark {
  uint32_t back = 0;      // the rule that led here
  uint8_t came_from = 0;  // the hooks from which it can be reached, and kOnPath
  bool ends = false;      // no packet goes on from here, neither to the next rule nor elsewhere in its chain
  bool jumps = false;     // `next` says where to; kNowhere if there is no rule
  uint32_t next = 0;
  static constexpr uint32_t kNowhere = UINT32_MAX;
};
// Marks what can be reached from a rule. False: loops, or runs out of the table.
bool mark_chains(std::span<ChainMark> marks, FilterHook hook, uint32_t entry);

}  // namespace lxnet::xtables
