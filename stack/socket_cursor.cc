// The list of all sockets, in shards, and cursors that rest in it.
#include "stack/socket_set.hh"
#include "stack/stack.hh"

namespace lxnet {

SocketSet::InventoryShard& SocketSet::inventory_shard(const DemuxEntry& entry) {
  // Objects of one size lie at multiples of it: the multiplication spreads them.
  const uint64_t address = reinterpret_cast<uintptr_t>(&entry);
  return inventory_[(address >> 6) * 0x9e37'79b9'7f4a'7c15 >> 60];
}

void SocketSet::list(DemuxEntry& entry) {
  InventoryShard& shard = inventory_shard(entry);
  MutexLock lock(shard.mutex);
  shard.nodes.push_back(entry);
}

void SocketSet::unlist(DemuxEntry& entry) {
  InventoryShard& shard = inventory_shard(entry);
  MutexLock lock(shard.mutex);
  shard.nodes.remove(entry);
}

SocketCursor::SocketCursor(SocketSet& set) : set_(set) {
  place_.is_cursor = true;
  rewind();
}

SocketCursor::~SocketCursor() {
  if (shard_ >= SocketSet::kInventoryShards) return;
  SocketSet::InventoryShard& shard = set_.inventory_[shard_];
  MutexLock lock(shard.mutex);
  shard.nodes.remove(place_);
}

void SocketCursor::rewind() {
  if (place_.inventory_link.is_linked()) {
    SocketSet::InventoryShard& shard = set_.inventory_[shard_];
    MutexLock lock(shard.mutex);
    shard.nodes.remove(place_);
  }
  shard_ = 0;
  SocketSet::InventoryShard& first = set_.inventory_[0];
  MutexLock lock(first.mutex);
  first.nodes.push_front(place_);
}

namespace {

DemuxDescription describe(const DemuxEntry& entry) {
  return {.space = entry.space,
          .family = entry.family,
          .v6_only = entry.v6_only,
          .local = entry.local,
          .remote = entry.remote,
          .local_port = entry.local_port,
          .remote_port = entry.remote_port,
          .uid = entry.uid};
}

}  // namespace

Flow SocketCursor::next(DemuxDescription* description) {
  while (shard_ < SocketSet::kInventoryShards) {
    SocketSet::InventoryShard& shard = set_.inventory_[shard_];
    {
      MutexLock lock(shard.mutex);
      while (InventoryNode* node = shard.nodes.next(place_)) {
        shard.nodes.remove(place_);
        shard.nodes.insert_after(*node, place_);
        if (node->is_cursor) continue;
        const DemuxEntry& entry = static_cast<const DemuxEntry&>(*node);
        Flow flow;
        if (entry.socket != nullptr && entry.socket->ref_unless_zero()) flow.socket = Ref<Socket>::adopt(entry.socket);
        if (entry.mini != nullptr && entry.mini->ref_unless_zero()) flow.mini = Ref<MiniSocket>::adopt(entry.mini);
        if (!flow) continue;
        if (description != nullptr) *description = describe(entry);
        return flow;
      }
      shard.nodes.remove(place_);
    }
    if (++shard_ == SocketSet::kInventoryShards) break;
    SocketSet::InventoryShard& following = set_.inventory_[shard_];
    MutexLock lock(following.mutex);
    following.nodes.push_front(place_);
  }
  return {};
}

}  // namespace lxnet
