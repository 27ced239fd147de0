// Counting, and finding a counter by its name.
#include "stack/mib.hh"

#include "stack/stack.hh"

namespace lxnet {

namespace {

bool is_same_text(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

}  // namespace

void count(Entry& entry, Mib counter, uint64_t amount) { entry.stack().mib().add(counter, amount); }

Result<Mib> find_mib(const char* group, const char* name) {
  for (unsigned row = 0; row < kMibCount; ++row) {
    if (is_same_text(kMibRows[row].group, group) && is_same_text(kMibRows[row].name, name))
      return Mib{static_cast<uint16_t>(row)};
  }
  return Errno::ENOENT;
}

}  // namespace lxnet
