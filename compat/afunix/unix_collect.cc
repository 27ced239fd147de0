// Emptying the inboxes of sockets that only refer to each other from unread messages, which takes their last counts.
#include "compat/afunix/unix_collect.hh"

#include "compat/afunix/unix_file.hh"

namespace lxnet {

class UnixCollection {
 public:
  explicit UnixCollection(UnixDomain& domain) : domain_(domain) {}

  // The messages of unreachable sockets, to be buried with no lock held; linked by next_doomed.
  // The domain's mutex is held; the analysis cannot see that it is the same one.
  UnixMessage* run() NO_THREAD_SAFETY_ANALYSIS {
    UnixMessage* doomed = nullptr;
    domain_.graph_.collect([&](UnixEndpoint& socket) { empty_inbox(socket, doomed); });
    return doomed;
  }

 private:
  // A listener's inbox holds no descriptors itself, but those of the connections it has not accepted do; it keeps the
  // connections: when it is closed their other ends are told. Nobody accepts from an unreachable listener, and connects come
  // under the domain's mutex, so that its own inbox stands still without its lock.
  void empty_inbox(UnixEndpoint& socket, UnixMessage*& doomed) NO_THREAD_SAFETY_ANALYSIS {
    if (!socket.is_listening()) return take_messages(socket, doomed);
    for (UnixMessage& announcement : socket.inbox_) take_messages(*announcement.embryo, doomed);
  }
  void take_messages(UnixEndpoint& socket, UnixMessage*& doomed) NO_THREAD_SAFETY_ANALYSIS {
    MutexLock lock(socket.inbox_mutex_);
    while (UnixMessage* message = socket.inbox_.take_front()) {
      for (UnixRights::Item& item : message->rights.items()) domain_.graph_.cut_off(item.edge);
      message->next_doomed = doomed;
      doomed = message;
    }
    socket.set_urgent(nullptr);
    socket.unread_bytes_ = 0;
    __atomic_store_n(&socket.inbox_count_, 0u, __ATOMIC_RELEASE);
  }

  UnixDomain& domain_;
};

void collect_unreachable_sockets(UnixDomain& domain) {
  if (!domain.may_have_circles()) return;
  UnixMessage* doomed = nullptr;
  {
    MutexLock lock(domain.mutex);
    doomed = UnixCollection(domain).run();
  }
  while (doomed != nullptr) domain.bury(std::exchange(doomed, doomed->next_doomed));
}

}  // namespace lxnet
