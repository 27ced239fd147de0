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
  // visit(flight) for each candidate that the inbox of `flight` holds; a listener's holds none itself, but those of the
  // connections it has not accepted do. Nobody accepts from a candidate, and connects come under the domain's mutex, so that the
  // listener's own inbox stands still without its lock.
  template <typename Visitor>
  void for_each_held(UnixDomain::Flight& flight, Visitor&& visit) {
    for_each_inbox(flight.socket->endpoint(), [&](UnixEndpoint& endpoint) NO_THREAD_SAFETY_ANALYSIS {
      for (UnixMessage& message : endpoint.inbox_) {
        for (UnixRights::Item& item : message.rights.items()) {
          UnixSocket* socket = item.file ? UnixSocket::from(*item.file) : nullptr;
          if (socket != nullptr && socket->flight().is_candidate) visit(socket->flight());
        }
      }
    });
  }
  template <typename Visitor>
  void for_each_inbox(UnixEndpoint& endpoint, Visitor&& visit) NO_THREAD_SAFETY_ANALYSIS {
    if (endpoint.is_listening()) {
      for (UnixMessage& announcement : endpoint.inbox_) {
        MutexLock lock(announcement.embryo->inbox_mutex_);
        visit(*announcement.embryo);
      }
    } else {
      MutexLock lock(endpoint.inbox_mutex_);
      visit(endpoint);
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

  // A listener keeps its connections: when it is closed their other ends are told.
  void empty_inbox(UnixEndpoint& socket, UnixMessage*& doomed) {
    for_each_inbox(socket, [&](UnixEndpoint& endpoint) NO_THREAD_SAFETY_ANALYSIS {
      while (UnixMessage* message = endpoint.inbox_.take_front()) {
        message->next_doomed = doomed;
        doomed = message;
      }
      endpoint.urgent_ = nullptr;
      endpoint.unread_bytes_ = 0;
      __atomic_store_n(&endpoint.inbox_count_, 0u, __ATOMIC_RELEASE);
    });
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

}  // namespace lxnet
