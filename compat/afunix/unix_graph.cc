// The graph of sockets in flight and its components.
#include "compat/afunix/unix_graph.hh"

#include "compat/afunix/unix_endpoint.hh"

namespace lxnet {

// The vertex that holds what the edge carries: the receiver, or the listener that keeps it until it is accepted. Null when that
// one is not in flight, and so alive for all the graph knows.
UnixVertex* UnixGraph::target_of(const UnixEdge& edge) {
  if (edge.receiver == nullptr) return nullptr;
  UnixVertex& vertex = edge.receiver->holder().vertex();
  return vertex.is_in_flight() ? &vertex : nullptr;
}

void UnixGraph::add(UnixEdge& edge, UnixVertex& from, UnixEndpoint& receiver) {
  edge.from = &from;
  edge.receiver = &receiver;
  from.edges.push_back(edge);
  if (from.count++ == 0) {
    from.component = ++last_index_;
    vertices_.push_back(from);
  }
  if (target_of(edge) != nullptr) set_shape(Shape::Changed);
}

void UnixGraph::remove(UnixEdge& edge) {
  if (target_of(edge) != nullptr) set_shape(Shape::Changed);
  UnixVertex& from = *edge.from;
  from.edges.remove(edge);
  if (--from.count == 0) vertices_.remove(from);
}

void UnixGraph::cut_off(UnixEdge& edge) {
  if (target_of(edge) != nullptr) set_shape(Shape::Changed);
  edge.receiver = nullptr;
}

void UnixGraph::note_accepted(const UnixEndpoint& listener) {
  if (listener.vertex().is_in_flight()) set_shape(Shape::Changed);
}

void UnixGraph::walk() {
  ++walk_;
  while (UnixVertex* vertex = vertices_.front()) explore(*vertex);
  vertices_.append(grouped_);
}

void UnixGraph::enter(UnixVertex& vertex) {
  ++steps_;
  vertex.walk = walk_;
  vertex.index = vertex.component = ++last_index_;
  stack_.push_front(vertex);
}

// Tarjan's algorithm; the way back is kept in the edges.
void UnixGraph::explore(UnixVertex& root) {
  List<UnixEdge, &UnixEdge::path_link> path;
  UnixVertex* vertex = &root;
  enter(*vertex);
  for (UnixEdge* edge = vertex->edges.front();;) {
    if (edge != nullptr) {
      ++steps_;
      UnixVertex* next = target_of(*edge);
      if (next != nullptr && next->walk != walk_) {
        path.push_front(*edge);
        vertex = next;
        enter(*vertex);
        edge = vertex->edges.front();
        continue;
      }
      if (next != nullptr && next->stack_link.is_linked() && next->component < vertex->component)
        vertex->component = next->component;
      edge = vertex->edges.next(*edge);
      continue;
    }
    if (vertex->component == vertex->index) finish_component(*vertex);
    UnixEdge* back = path.take_front();
    if (back == nullptr) return;
    const uint64_t component = vertex->component;
    vertex = back->from;
    if (component < vertex->component) vertex->component = component;
    edge = vertex->edges.next(*back);
  }
}

// All that lies above `root` on the stack, and root.
void UnixGraph::finish_component(UnixVertex& root) {
  UnixVertex* member = nullptr;
  do {
    member = stack_.take_front();
    member->component = root.index;
    vertices_.remove(*member);
    grouped_.push_back(*member);
  } while (member != &root);
}

// Marks what is dead; whether circles are left. A walk lists a component after all that its edges lead to, and an edge to a
// socket in flight that is added later asks for another walk: whoever could keep it alive is known before it.
bool UnixGraph::find_dead() {
  ++collection_;
  bool has_circles = false;
  for (UnixVertex* first = vertices_.front(); first != nullptr;) {
    const Component component = look_at_component(*first);
    if (!component.is_dead && component.is_circle) has_circles = true;
    for (; first != component.end; first = vertices_.next(*first)) {
      if (!component.is_dead) continue;
      first->dead_since = collection_;
      first->is_doomed = component.is_circle;
    }
  }
  return has_circles;
}

// Whether nobody outside its component can receive it, and nothing but messages holds it.
bool UnixGraph::is_dead(const UnixVertex& vertex) {
  for (UnixEdge& edge : vertex.edges) {
    ++steps_;
    const UnixVertex* target = target_of(edge);
    if (target == nullptr || (target->component != vertex.component && target->dead_since != collection_)) return false;
  }
  return vertex.owner.file_references() == vertex.count;
}

UnixGraph::Component UnixGraph::look_at_component(UnixVertex& first) {
  Component component;
  UnixVertex* vertex = &first;
  for (; vertex != nullptr && vertex->component == first.component; vertex = vertices_.next(*vertex)) {
    ++steps_;
    if (vertex != &first) component.is_circle = true;
    if (component.is_dead && !is_dead(*vertex)) component.is_dead = false;
  }
  component.end = vertex;
  if (component.is_circle) return component;
  for (UnixEdge& edge : first.edges) {
    ++steps_;
    if (target_of(edge) == &first) component.is_circle = true;
  }
  return component;
}

}  // namespace lxnet
