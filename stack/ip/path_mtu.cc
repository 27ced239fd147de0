// Learning and forgetting path MTUs.
#include "stack/ip/path_mtu.hh"

namespace lxnet {

PathMtuTable::Node* PathMtuTable::find_node(const IpAddress& destination) const {
  for (Node* node = buckets_[bucket_of(destination)]; node != nullptr; node = node->bucket_next) {
    if (node->destination == destination) return node;
  }
  return nullptr;
}

PathMtuTable::Entry PathMtuTable::find(const IpAddress& destination, Instant now) const {
  if (!__atomic_load_n(&has_entries_, __ATOMIC_RELAXED)) return {};
  MutexLock lock(mutex_);
  const Node* node = find_node(destination);
  return node == nullptr || node->entry.expires <= now ? Entry{} : node->entry;
}

bool PathMtuTable::learn(const IpAddress& destination, const Entry& entry, Instant now) {
  MutexLock lock(mutex_);
  Node* node = find_node(destination);
  if (node == nullptr) node = create_node(destination);
  if (node == nullptr) return false;
  const bool was_known = node->entry.mtu != 0 && node->entry.expires > now;
  const bool has_changed = !was_known || node->entry.mtu != entry.mtu || node->entry.is_locked != entry.is_locked;
  node->entry = entry;
  by_age_.remove(*node);
  by_age_.push_back(*node);
  return has_changed;
}

PathMtuTable::Node* PathMtuTable::create_node(const IpAddress& destination) {
  if (count_ == kMaxEntries) remove(*by_age_.front());
  Node* node = construct<Node>(mutex_.hal());
  if (node == nullptr) return nullptr;
  node->destination = destination;
  Node*& head = buckets_[bucket_of(destination)];
  node->bucket_next = head;
  head = node;
  by_age_.push_back(*node);
  ++count_;
  __atomic_store_n(&has_entries_, true, __ATOMIC_RELAXED);
  return node;
}

void PathMtuTable::remove(Node& node) {
  Node** at = &buckets_[bucket_of(node.destination)];
  while (*at != &node) at = &(*at)->bucket_next;
  *at = node.bucket_next;
  by_age_.remove(node);
  --count_;
  dispose(mutex_.hal(), &node);
}

Instant PathMtuTable::forget_expired(Instant now) {
  MutexLock lock(mutex_);
  Instant next = Instant::never();
  for (Node* node = by_age_.front(); node != nullptr;) {
    Node* after = by_age_.next(*node);
    if (node->entry.expires <= now) {
      remove(*node);
    } else if (node->entry.expires < next) {
      next = node->entry.expires;
    }
    node = after;
  }
  if (count_ == 0) __atomic_store_n(&has_entries_, false, __ATOMIC_RELAXED);
  return next;
}

void PathMtuTable::clear() {
  MutexLock lock(mutex_);
  while (!by_age_.is_empty()) remove(*by_age_.front());
  __atomic_store_n(&has_entries_, false, __ATOMIC_RELAXED);
}

size_t PathMtuTable::size() const {
  MutexLock lock(mutex_);
  return count_;
}

}  // namespace lxnet
