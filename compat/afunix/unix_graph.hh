// UnixGraph: which sockets are in flight, in unread messages, and to whom. It finds those that nobody can receive any more.
//
// A socket in flight is a vertex, each unread message that carries it an edge to the message's receiver. Sockets that refer to
// each other in circles make up a strongly connected component. A component is dead when its edges lead nowhere but to itself and
// to other dead ones, and every count of its files is an edge: no descriptor, no call and no message that can be read holds any
// of them. (Linux frees what a dead circle held in a later round; here it is found in the same.)
//
// As in Linux since 6.10, a circle can come about, or be let go, only by an edge to a socket that is itself in flight. Until one
// is added or taken away there is nothing to look for, however many sockets come and go; after that all components are found anew
// (Tarjan, without recursion) in time proportional to vertices and edges; and while the edges stand still it is enough to look
// whether the known circles died. Everything is under the domain's mutex.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/list.hh"

namespace lxnet {

class UnixEndpoint;
struct UnixVertex;

// A descriptor in an unread message.
struct UnixEdge {
  ListLink vertex_link;  // among its vertex's
  ListLink path_link;    // on the way a walk came
  UnixVertex* from = nullptr;
  UnixEndpoint* receiver = nullptr;  // null: the message left its queue to be freed
};

// In every socket, but of the graph only while it is in flight.
struct UnixVertex {
  explicit UnixVertex(UnixEndpoint& socket) : owner(socket) {}
  bool is_in_flight() const { return count != 0; }

  UnixEndpoint& owner;
  ListLink link;        // among all, those of one component together
  ListLink stack_link;  // of a walk: not yet in a component
  List<UnixEdge, &UnixEdge::vertex_link> edges;
  size_t count = 0;         // of edges
  uint64_t walk = 0;        // the last that came here
  uint64_t index = 0;       // in which order
  uint64_t component = 0;   // its number; during a walk the lowest index known to be in it
  uint64_t dead_since = 0;  // the collection that found its component dead
  bool is_doomed = false;   // and it is part of a circle, which nothing else would break
};

class UnixGraph {
 public:
  void add(UnixEdge& edge, UnixVertex& from, UnixEndpoint& receiver);
  void remove(UnixEdge& edge);
  // The edge's message is off its queue for good: it leads nowhere, and the receiver may die first.
  void cut_off(UnixEdge& edge);
  // A connection is accepted: edges to it no longer lead to the listener.
  void note_accepted(const UnixEndpoint& listener);

  // Without the lock: whether collect() would look at anything.
  bool may_have_circles() const {
    Shape shape;
    __atomic_load(&shape_, &shape, __ATOMIC_RELAXED);
    return shape != Shape::NoCircle;
  }
  // visit(UnixEndpoint&) for each socket of a dead circle; it must cut off the edges to it. What these held dies with its last
  // count.
  template <typename Visitor>
  void collect(Visitor&& visit);
  // How many vertices and edges collections have looked at so far.
  uint64_t steps() const { return steps_; }

 private:
  enum class Shape : uint8_t { NoCircle, Changed, KnownCircles };
  using Vertices = List<UnixVertex, &UnixVertex::link>;

  static UnixVertex* target_of(const UnixEdge& edge);
  void set_shape(Shape shape) { __atomic_store(&shape_, &shape, __ATOMIC_RELAXED); }
  bool find_dead();
  void walk();
  void explore(UnixVertex& root);
  void enter(UnixVertex& vertex);
  void finish_component(UnixVertex& root);
  bool is_dead(const UnixVertex& vertex);
  struct Component {
    UnixVertex* end = nullptr;  // the first vertex after it
    bool is_dead = true, is_circle = false;
  };
  Component look_at_component(UnixVertex& first);

  Vertices vertices_;
  Vertices grouped_;  // of a walk: those whose component is known
  List<UnixVertex, &UnixVertex::stack_link> stack_;
  uint64_t walk_ = 0, collection_ = 0;
  uint64_t last_index_ = 0;  // also the last component's number
  uint64_t steps_ = 0;
  Shape shape_ = Shape::NoCircle;  // atomic
};

template <typename Visitor>
void UnixGraph::collect(Visitor&& visit) {
  if (shape_ == Shape::NoCircle) return;
  if (shape_ == Shape::Changed) walk();
  const bool has_circles = find_dead();
  for (UnixVertex& vertex : vertices_) {
    ++steps_;
    if (vertex.dead_since == collection_ && vertex.is_doomed) visit(vertex.owner);
  }
  set_shape(has_circles ? Shape::KnownCircles : Shape::NoCircle);
}

}  // namespace lxnet
