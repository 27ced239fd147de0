// Names of the drop reasons, and the one function that drops.
#include "stack/drop_reason.hh"

#include "stack/stack.hh"

namespace lxnet {

const char* drop_reason_name(DropReason reason) {
  switch (reason) {
#define LXNET_ROW(enumerator, name) \
  case DropReason::enumerator:      \
    return name;
    LXNET_DROP_REASONS(LXNET_ROW)
#undef LXNET_ROW
  }
  return "unknown";
}

void drop(Entry& entry, Ref<Packet> packet, DropReason reason) {
  entry.stack().drops().count(reason);
  entry.stack().drops().report(*packet, reason);
}

}  // namespace lxnet
