// Which rules can be reached from which hook: Linux's mark_source_chains(), which walks all chains without recursion, the way
// back in the rules themselves.
#include "compat/xtables/table_maker.hh"

namespace lxnet::xtables {
namespace {

constexpr uint8_t kOnPath = 1 << kFilterHookCount;

}  // namespace

bool mark_chains(std::span<ChainMark> marks, FilterHook hook, uint32_t entry) {
  const uint8_t bit = hook_bit(hook);
  uint32_t at = entry;
  marks[at].back = at;
  for (;;) {
    ChainMark& mark = marks[at];
    if ((mark.came_from & kOnPath) != 0) return false;
    const bool was_here = (mark.came_from & bit) != 0;
    mark.came_from = static_cast<uint8_t>(mark.came_from | bit | kOnPath);
    if (mark.ends || was_here) {
      // Back over the rules that were passed one after another, to the last jump.
      uint32_t before = 0;
      do {
        marks[at].came_from = static_cast<uint8_t>(marks[at].came_from ^ kOnPath);
        before = at;
        at = std::exchange(marks[at].back, 0);
        if (at == before) return true;
      } while (before == at + 1);
      if (at + 1 >= marks.size()) return false;
      marks[at + 1].back = at;
      ++at;
      continue;
    }
    const uint32_t next = mark.jumps ? mark.next : at + 1;
    if (next >= marks.size()) return false;
    marks[next].back = at;
    at = next;
  }
}

}  // namespace lxnet::xtables
