// The one function that drops.
#include "stack/drop_reason.hh"

#include "stack/stack.hh"

namespace lxnet {

void drop(Entry& entry, Ref<Packet> packet, DropReason reason) {
  entry.stack().drops().count(reason);
  entry.stack().drops().report(*packet, reason);
}

}  // namespace lxnet
