// UnixDomain: what all AF_UNIX sockets of a stack share. Who has which name, which sockets are in flight and whose they are, and
// how messages are freed.
#pragma once

#include "base/siphash.hh"
#include "compat/afunix/unix_graph.hh"
#include "hal/hash_table.hh"
#include "hal/mutex.hh"

namespace lxnet {

class Stack;
class UnixEndpoint;
class UnixRights;
class UnixMessage;

// A user with descriptors in unread messages.
struct UnixUser {
  ListLink link;
  uint32_t uid = 0;
  size_t holders = 0;
  size_t in_flight = 0;  // written under the domain's mutex, read relaxed
};

class UnixDomain {
 public:
  struct NameLink {
    HashLink link;
    UnixEndpoint* socket = nullptr;
    uint64_t node[2] = {};
    bool is_path = false;
  };

  // In the list of all.
  struct OpenLink {
    ListLink link;
    UnixEndpoint* socket = nullptr;
  };

  explicit UnixDomain(Stack& stack);
  static UnixDomain& of(Stack& stack);
  const Hal& hal() const { return hal_; }

  // Under mutex: abstract names by bytes and type, paths by node.
  UnixEndpoint* find_abstract(ByteSpan name, int type) REQUIRES(mutex);
  UnixEndpoint* find_node(const uint64_t (&node)[2]) REQUIRES(mutex);
  // ENOMEM.
  Result<> add_abstract(UnixEndpoint& socket, ByteSpan name) REQUIRES(mutex);
  Result<> add_node(UnixEndpoint& socket, const uint64_t (&node)[2]) REQUIRES(mutex);
  void remove(UnixEndpoint& socket) REQUIRES(mutex);

  // All sockets that are not closed, those that wait to be accepted among them.
  void add_open(UnixEndpoint& socket) REQUIRES(mutex);
  void remove_open(UnixEndpoint& socket) REQUIRES(mutex);
  size_t count_open() const { return __atomic_load_n(&open_count_, __ATOMIC_RELAXED); }
  // visit(UnixEndpoint&) for each, under the mutex.
  template <typename Visitor>
  void for_each_open(Visitor&& visit);

  // Frees a message and, one after the other and not one inside the other, all that its descriptors held the last count of.
  void bury(UnixMessage* message);

  // Descriptors that join the receiver's queue, and that left it.
  void took_off(UnixRights& rights, UnixUser& user, UnixEndpoint& receiver) REQUIRES(mutex);
  void landed(UnixRights& rights, UnixUser& user);
  void note_accepted(const UnixEndpoint& listener) REQUIRES(mutex) { graph_.note_accepted(listener); }
  bool may_have_circles() const NO_THREAD_SAFETY_ANALYSIS { return graph_.may_have_circles(); }
  // Descriptors of AF_UNIX sockets in unread messages, and how much collections have looked at.
  size_t in_flight() const { return __atomic_load_n(&in_flight_, __ATOMIC_RELAXED); }
  uint64_t collection_steps();

  // The user's record, with a hold. ENOMEM.
  Result<UnixUser*> hold_user(uint32_t uid);
  void release_user(UnixUser* user);
  size_t in_flight_of(const UnixUser& user) const { return __atomic_load_n(&user.in_flight, __ATOMIC_RELAXED); }

  // Who is connected to whom, who listens, who has which name: everything but the flow of data.
  Mutex mutex;

 private:
  friend class UnixCollection;
  uint64_t hash_abstract(ByteSpan name, int type) const;
  UnixUser* find_user(uint32_t uid) REQUIRES(mutex);
  uint64_t hash_node(const uint64_t (&node)[2]) const;

  const Hal& hal_;
  SipKey key_;
  HashTable<NameLink, &NameLink::link> names_ GUARDED_BY(mutex);
  List<OpenLink, &OpenLink::link> open_ GUARDED_BY(mutex);
  size_t open_count_ = 0;  // written under mutex
  UnixGraph graph_ GUARDED_BY(mutex);
  size_t in_flight_ = 0;  // written under mutex
  List<UnixUser, &UnixUser::link> users_ GUARDED_BY(mutex);
  UnixMessage* doomed_ GUARDED_BY(mutex) = nullptr;  // linked by next_doomed
  bool is_burying_ GUARDED_BY(mutex) = false;
};

template <typename Visitor>
void UnixDomain::for_each_open(Visitor&& visit) {
  MutexLock lock(mutex);
  for (OpenLink& entry : open_) visit(*entry.socket);
}

}  // namespace lxnet
