// Collecting sockets that only refer to each other from unread messages.
//
// A file whose every count is a message's is a candidate: no descriptor and no call holds it. Candidates that some message
// outside the candidates' inboxes holds are reachable, and so is all that their inboxes hold, and so on. The inboxes of the
// others are emptied, which takes their last counts. Time is that of the sockets in flight and the messages they hold.
#include "compat/afunix/unix_collect.hh"

#include "compat/afunix/unix_file.hh"

namespace lxnet {

class UnixCollection {
 public:
  explicit UnixCollection(UnixDomain& domain) : domain_(domain) {}

  // The messages of unreachable sockets, to be buried with no lock held; linked by next_doomed.
  // The domain's mutex is held; the analysis cannot see that it is the same one.
  UnixMessage* run() NO_THREAD_SAFETY_ANALYSIS {
    for (UnixDomain::Flight& flight : domain_.flights_) {
      flight.is_candidate = flight.socket->reference_count() == flight.count;
      flight.is_reachable = !flight.is_candidate;
      flight.found = 0;
    }
    for (UnixDomain::Flight& flight : domain_.flights_) {
      if (flight.is_candidate) for_each_held(flight, [](UnixDomain::Flight& held) { ++held.found; });
    }
    mark_reachable();
    UnixMessage* doomed = nullptr;
    for (UnixDomain::Flight& flight : domain_.flights_) {
      if (!flight.is_reachable) empty_inbox(flight.socket->endpoint(), doomed);
    }
    return doomed;
  }

 private:
  // visit(flight) for each socket that the inbox of `flight` holds; a listener's also those of connections it has not accepted.
  template <typename Visitor>
  void for_each_held(UnixDomain::Flight& flight, Visitor&& visit) {
    for_each_in(flight.socket->endpoint(), visit);
  }
  template <typename Visitor>
  void for_each_in(UnixEndpoint& endpoint, Visitor& visit) {
    MutexLock lock(endpoint.inbox_mutex_);
    for (UnixMessage& message : endpoint.inbox_) {
      for (UnixRights::Item& item : message.rights.items()) {
        UnixSocket* socket = item.file ? UnixSocket::from(*item.file) : nullptr;
        if (socket != nullptr && socket->flight().is_candidate) visit(socket->flight());
      }
      if (message.embryo) for_each_in_embryo(*message.embryo, visit);
    }
  }
  // A connection in a listener's queue has a mutex of the same rank: it is nobody else's yet but its client's, who only appends.
  template <typename Visitor>
  void for_each_in_embryo(UnixEndpoint& embryo, Visitor& visit) NO_THREAD_SAFETY_ANALYSIS {
    for (UnixMessage& message : embryo.inbox_) {
      for (UnixRights::Item& item : message.rights.items()) {
        UnixSocket* socket = item.file ? UnixSocket::from(*item.file) : nullptr;
        if (socket != nullptr && socket->flight().is_candidate) visit(socket->flight());
      }
    }
  }

  void mark_reachable() NO_THREAD_SAFETY_ANALYSIS {
    // A worklist within the list: whoever is found moves to its end and is looked at when its turn comes.
    List<UnixDomain::Flight, &UnixDomain::Flight::link> pending;
    List<UnixDomain::Flight, &UnixDomain::Flight::link> rest;
    while (UnixDomain::Flight* flight = domain_.flights_.take_front()) {
      if (flight->is_candidate && flight->found < flight->count) flight->is_reachable = true;
      (flight->is_candidate && flight->is_reachable ? pending : rest).push_back(*flight);
    }
    domain_.flights_.append(rest);
    while (UnixDomain::Flight* flight = pending.take_front()) {
      domain_.flights_.push_back(*flight);
      for_each_held(*flight, [&](UnixDomain::Flight& held) {
        if (held.is_reachable) return;
        held.is_reachable = true;
        held.link.unlink();
        pending.push_back(held);
      });
    }
  }

  void empty_inbox(UnixEndpoint& endpoint, UnixMessage*& doomed) {
    MutexLock lock(endpoint.inbox_mutex_);
    while (UnixMessage* message = endpoint.inbox_.take_front()) {
      message->next_doomed = doomed;
      doomed = message;
    }
    endpoint.urgent_ = nullptr;
    __atomic_store_n(&endpoint.inbox_count_, 0u, __ATOMIC_RELEASE);
  }

  UnixDomain& domain_;
};

void collect_unreachable_sockets(UnixDomain& domain, Entry& entry) {
  if (__atomic_load_n(&domain.in_flight, __ATOMIC_RELAXED) == 0) return;
  UnixMessage* doomed = nullptr;
  {
    TaskMutexLock collection(domain.collection, entry);
    MutexLock lock(domain.mutex);
    doomed = UnixCollection(domain).run();
  }
  while (doomed != nullptr) domain.bury(std::exchange(doomed, doomed->next_doomed));
}

void UnixDomain::took_off(Flight& flight) {
  MutexLock lock(mutex);
  if (flight.count++ == 0) flights_.push_back(flight);
  __atomic_store_n(&in_flight, in_flight + 1, __ATOMIC_RELAXED);
}

void UnixDomain::landed(Flight& flight) {
  MutexLock lock(mutex);
  if (--flight.count == 0) flight.link.unlink();
  __atomic_store_n(&in_flight, in_flight - 1, __ATOMIC_RELAXED);
}

// A message may hold the last count of a socket whose inbox holds the last count of another, and so on: freed inside each other
// they would need a stack as deep as the chain. So the first caller frees, and calls from inside only add to its list.
void UnixDomain::bury(UnixMessage* message) {
  const Hal& hal = mutex.hal();
  {
    MutexLock lock(mutex);
    message->next_doomed = doomed_;
    doomed_ = message;
    if (std::exchange(is_burying_, true)) return;
  }
  for (;;) {
    {
      MutexLock lock(mutex);
      message = doomed_;
      if (message == nullptr) {
        is_burying_ = false;
        return;
      }
      doomed_ = message->next_doomed;
    }
    dispose(hal, message);
  }
}

}  // namespace lxnet
