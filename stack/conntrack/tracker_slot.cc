#include "stack/conntrack/tracker_slot.hh"

#include "base/assert.hh"

namespace lxnet {

TrackerSlot::~TrackerSlot() { ASSERT(tracker_ == nullptr); }

}  // namespace lxnet
