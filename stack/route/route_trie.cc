#include "stack/route/route_trie.hh"

#include "stack/interface.hh"

namespace lxnet {

const RouteTrie::Node* RouteTrie::find_longest(const IpAddress& address) const {
  const RouteKey key = RouteKey::of(address);
  const unsigned bits = address.is_v4() ? 32 : 128;
  const Node* longest = nullptr;
  for (const Node* node = root_; node != nullptr && node->key_.common_bits(key, node->length_) == node->length_;) {
    if (!node->routes_.is_empty()) longest = node;
    if (node->length_ == bits) break;
    node = node->children_[key.bit(node->length_)];
  }
  return longest;
}

const RouteTrie::Node* RouteTrie::find(const Prefix& prefix) const {
  const RouteKey key = RouteKey::of(prefix.address);
  for (const Node* node = root_; node != nullptr && node->length_ <= prefix.length;) {
    if (node->key_.common_bits(key, node->length_) != node->length_) return nullptr;
    if (node->length_ == prefix.length) return node->routes_.is_empty() ? nullptr : node;
    node = node->children_[key.bit(node->length_)];
  }
  return nullptr;
}

RouteTrie::Node*& RouteTrie::place_of(Node& node) {
  if (node.parent_ == nullptr) return root_;
  return node.parent_->children_[node.parent_->children_[1] == &node];
}

// The node of this prefix, made if there is none, with a node to part from its neighbour if that needs one. nullptr: no memory.
RouteTrie::Node* RouteTrie::insert_node(const RouteKey& key, unsigned length) {
  Node* parent = nullptr;
  Node** place = &root_;
  unsigned common = 0;
  while (*place != nullptr) {
    Node* node = *place;
    common = node->key_.common_bits(key, node->length_ < length ? node->length_ : length);
    if (common < node->length_) break;
    if (node->length_ == length) return node;
    parent = node;
    place = &node->children_[key.bit(node->length_)];
  }
  Node* added = construct<Node>(hal_, key, length);
  if (added == nullptr) return nullptr;
  Node* below = *place;
  if (below != nullptr && common < length) {
    Node* fork = construct<Node>(hal_, key, common);
    if (fork == nullptr) {
      dispose(hal_, added);
      return nullptr;
    }
    fork->parent_ = parent;
    fork->children_[key.bit(common)] = added;
    fork->children_[below->key_.bit(common)] = below;
    below->parent_ = fork;
    added->parent_ = fork;
    *place = fork;
    return added;
  }
  added->parent_ = parent;
  if (below != nullptr) {
    added->children_[below->key_.bit(length)] = below;
    below->parent_ = added;
  }
  *place = added;
  return added;
}

Result<> RouteTrie::insert(RouteNode& route, Among equals) {
  const RouteEntry& entry = route.value;
  Node* node = insert_node(RouteKey::of(entry.destination.address), entry.destination.length);
  if (node == nullptr) return Errno::ENOMEM;
  ++route_count_;
  for (RouteNode& other : node->routes_) {
    if (other.value.tos > entry.tos || (other.value.tos == entry.tos && other.value.metric < entry.metric)) continue;
    const bool is_equal = other.value.tos == entry.tos && other.value.metric == entry.metric;
    if (is_equal && equals == Among::BehindEquals) continue;
    node->routes_.insert_before(other, route);
    return ok();
  }
  node->routes_.push_back(route);
  return ok();
}

void RouteTrie::take(RouteNode& route) {
  Node* node = const_cast<Node*>(find(route.value.destination));
  ASSERT(node != nullptr);
  node->routes_.remove(route);
  --route_count_;
  if (node->routes_.is_empty()) collapse(node);
}

// Takes out a node that neither holds routes nor parts two subtrees, and its parent if that then parts nothing either.
void RouteTrie::collapse(Node* node) {
  while (node != nullptr && node->routes_.is_empty()) {
    if (node->children_[0] != nullptr && node->children_[1] != nullptr) return;
    Node* only = node->children_[node->children_[0] == nullptr];
    Node* parent = node->parent_;
    place_of(*node) = only;
    if (only != nullptr) only->parent_ = parent;
    dispose(hal_, node);
    node = parent;
  }
}

// The next in pre-order.
const RouteTrie::Node* RouteTrie::next_node(const Node& from) {
  const Node* node = &from;
  if (node->children_[0] != nullptr) return node->children_[0];
  if (node->children_[1] != nullptr) return node->children_[1];
  while (const Node* parent = node->parent_) {
    if (parent->children_[0] == node && parent->children_[1] != nullptr) return parent->children_[1];
    node = parent;
  }
  return nullptr;
}

void RouteTrie::clear() {
  while (root_ != nullptr) {
    Node* leaf = root_;
    while (leaf->children_[0] != nullptr || leaf->children_[1] != nullptr) leaf = leaf->children_[leaf->children_[0] == nullptr];
    while (RouteNode* route = leaf->routes_.take_front()) dispose(hal_, route);
    place_of(*leaf) = nullptr;
    dispose(hal_, leaf);
  }
  route_count_ = 0;
}

}  // namespace lxnet
