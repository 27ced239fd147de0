// RouteTrie: the routes of one table and family, found by longest prefix.
//
// A path-compressed binary trie: a node stands where routes are or where two subtrees part, so there are fewer than twice as many
// nodes as prefixes. A lookup goes down one bit test and one masked comparison per node, and then up through the prefixes that
// match, longest first, until one is acceptable: on the handful of prefixes a host has that is two to five nodes, on a full
// Internet table about 25, and a change never touches more than two nodes. Hash tables per prefix length would need as many
// probes as there are lengths, and for the next shorter match as many again.
#pragma once

#include "hal/memory.hh"
#include "stack/interface.hh"
#include "stack/route/route_entry.hh"

namespace lxnet {

// Bits from the left; an IPv4 address is the first 32.
struct RouteKey {
  uint64_t high = 0, low = 0;

  static RouteKey of(const IpAddress& address) {
    if (address.is_v4()) return {.high = uint64_t{address.v4().value()} << 32, .low = 0};
    return {.high = address.v6().high(), .low = address.v6().low()};
  }
  bool bit(unsigned index) const { return ((index < 64 ? high >> (63 - index) : low >> (127 - index)) & 1) != 0; }
  // How many leading bits agree, at most `limit`.
  unsigned common_bits(const RouteKey& other, unsigned limit) const {
    const uint64_t difference = high ^ other.high;
    const unsigned common =
        static_cast<unsigned>(difference != 0 ? std::countl_zero(difference) : 64 + std::countl_zero(low ^ other.low));
    return common < limit ? common : limit;
  }
};

// A route as a table keeps it.
struct RouteNode {
  RouteNode(const RouteEntry& entry, Ref<Interface> through) : value(entry), output(std::move(through)) {}

  RouteEntry value;
  AddressScope next_hop_scope = AddressScope::Nowhere;  // how far the next hop is, by the route that leads to it
  Ref<Interface> output;                                // null for IPv4's types that lead nowhere
  bool has_ended = false;                               // its time is over; it is listed until it is collected
  ListLink prefix_link;
};

class RouteTrie {
 public:
  using RouteList = List<RouteNode, &RouteNode::prefix_link>;

  class Node {
   public:
    const RouteList& routes() const { return routes_; }
    unsigned length() const { return length_; }
    // The next shorter prefix on the same path that has routes.
    const Node* shorter() const {
      const Node* node = parent_;
      while (node != nullptr && node->routes_.is_empty()) node = node->parent_;
      return node;
    }

   private:
    friend class RouteTrie;
    template <typename T, typename... Arguments>
    friend T* construct(const Hal& hal, Arguments&&... arguments);
    template <typename T>
    friend void dispose(const Hal& hal, T* object);
    Node(const RouteKey& key, unsigned length) : key_(key), length_(length) {}

    RouteKey key_;  // bits past length_ mean nothing
    unsigned length_;
    Node* parent_ = nullptr;
    Node* children_[2] = {};
    RouteList routes_;
  };

  explicit RouteTrie(const Hal& hal) : hal_(hal) {}
  RouteTrie(const RouteTrie&) = delete;
  RouteTrie& operator=(const RouteTrie&) = delete;
  ~RouteTrie() { clear(); }

  bool is_empty() const { return root_ == nullptr; }
  size_t route_count() const { return route_count_; }
  // The longest prefix with routes that covers the address; then Node::shorter().
  const Node* find_longest(const IpAddress& address) const;
  // The node of exactly this prefix, or nullptr.
  const Node* find(const Prefix& prefix) const;
  // Puts the route among those of its prefix, by tos (larger first) and metric. ENOMEM.
  enum class Among : uint8_t { BeforeEquals, BehindEquals };
  Result<> insert(RouteNode& route, Among equals = Among::BehindEquals);
  // Out of the trie; the caller disposes of it.
  void take(RouteNode& route);
  void clear();
  // Every route, shorter prefixes before the longer ones they cover; visit(RouteNode&) must not change the trie.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const Node* node = root_; node != nullptr; node = next_node(*node)) {
      for (RouteNode& route : node->routes_) visit(route);
    }
  }
  // Takes those condition(const RouteNode&) says true of, to the end of `taken`.
  template <typename Condition>
  void take_if(RouteList& taken, Condition&& condition) {
    const Node* next_in_trie = nullptr;
    for (const Node* node = root_; node != nullptr; node = next_in_trie) {
      // A removal takes away this node and ancestors at most, and the next in pre-order is none of them.
      next_in_trie = next_node(*node);
      RouteNode* next = nullptr;
      for (RouteNode* route = node->routes_.front(); route != nullptr; route = next) {
        next = node->routes_.next(*route);
        if (!condition(*route)) continue;
        take(*route);
        taken.push_back(*route);
      }
    }
  }

 private:
  static const Node* next_node(const Node& node);
  Node* insert_node(const RouteKey& key, unsigned length);
  Node*& place_of(Node& node);
  void collapse(Node* node);

  const Hal& hal_;
  Node* root_ = nullptr;
  size_t route_count_ = 0;
};

}  // namespace lxnet
