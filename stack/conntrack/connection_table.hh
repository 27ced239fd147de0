// ConnectionTable: the connections of a stack, by the tuples of both directions and by age.
//
// Bounded by net.netfilter.nf_conntrack_max; who fills it cannot choose where its entries fall (SipHash), and pushes out the
// oldest that is not assured. Everything but the count is under the lock of the hooks.
#pragma once

#include "stack/conntrack/connection.hh"
#include "stack/conntrack/connection_settings.hh"

namespace lxnet {

class Entry;
class Stack;

class ConnectionTable {
 public:
  explicit ConnectionTable(Stack& stack);
  ~ConnectionTable();

  Stack& stack() const { return stack_; }
  const ConnectionSettings& settings() const;
  ConnectionStatistics statistics;

  // ---- under the lock of the hooks
  // The side that has the tuple, of a confirmed connection whose time is not over.
  Connection::Side* find(const FlowTuple& tuple, Instant now);
  // A connection that nobody else knows of yet. Null: there are too many, or no memory.
  Ref<Connection> create(const FlowTuple& original, const FlowTuple& reply);
  // Into the table. False: another packet has been faster, or no memory.
  bool confirm(Connection& connection, Instant now);
  void remove(Connection& connection);
  // Until it is over, from now on; before it is confirmed, from then on.
  void set_timeout(Connection& connection, Duration timeout, Instant now);
  // Whether the tuple belongs to another connection than this.
  bool is_taken(const FlowTuple& tuple, const Connection& by, Instant now);
  // The source that confirmed connections from `tuple`'s source have got: visit(connection) until it says true.
  template <typename Visitor>
  bool any_of_source(const FlowTuple& tuple, Visitor&& visit) const {
    const uint64_t hash = source_hash(tuple);
    for (Connection* at = by_source_.first(hash); at != nullptr; at = by_source_.next(*at)) {
      if (visit(*at)) return true;
    }
    return false;
  }
  // In order of age; only the visited one may be removed.
  template <typename Visitor>
  void for_each(Visitor&& visit) {
    for (Connection* at = by_age_.front(); at != nullptr;) {
      Connection* next = by_age_.next(*at);
      visit(*at);
      at = next;
    }
  }

  size_t count() const { return __atomic_load_n(&count_, __ATOMIC_RELAXED); }

 private:
  friend struct Connection;
  using Sides = HashTable<Connection::Side, &Connection::Side::link>;
  using Sources = HashTable<Connection, &Connection::source_link>;

  static void timer_fired(Entry& entry, Timer& timer);
  static void destroy(PacketFlow* flow);
  uint64_t hash_of(const FlowTuple& tuple) const { return siphash_1_3(key_, tuple); }
  uint64_t source_hash(const FlowTuple& tuple) const;
  bool make_room();

  Stack& stack_;
  const SipKey key_;
  Sides sides_;
  Sources by_source_;
  List<Connection, &Connection::age_link> by_age_;
  size_t count_ = 0;  // of all that have memory; atomic
};

}  // namespace lxnet
