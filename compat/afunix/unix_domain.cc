// Names and who has them, flights, and the burial of messages.
#include "compat/afunix/unix_domain.hh"

#include "compat/afunix/unix_file.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {

UnixDomain::UnixDomain(Stack& stack) : mutex(stack.hal(), LockRank::Listener), hal_(stack.hal()), names_(stack.hal()) {
  stack.hal().random_bytes(mutable_bytes_of(key_));
}

UnixDomain& UnixDomain::of(Stack& stack) { return *static_cast<UnixDomain*>(CompatState::of(stack).unix_domain); }

uint64_t UnixDomain::hash_abstract(ByteSpan name, int type) const {
  return siphash_1_3(key_, name) + static_cast<uint64_t>(type);
}

uint64_t UnixDomain::hash_node(const uint64_t (&node)[2]) const { return siphash_1_3(key_, bytes_of(node)); }

UnixEndpoint* UnixDomain::find_abstract(ByteSpan name, int type) {
  for (NameLink* link = names_.first(hash_abstract(name, type)); link != nullptr; link = names_.next(*link)) {
    if (link->is_path || link->socket->socket_type() != type) continue;
    const ByteSpan own = link->socket->address_->bytes();
    if (own.size() == name.size() && memcmp(own.data(), name.data(), name.size()) == 0) return link->socket;
  }
  return nullptr;
}

UnixEndpoint* UnixDomain::find_node(const uint64_t (&node)[2]) {
  for (NameLink* link = names_.first(hash_node(node)); link != nullptr; link = names_.next(*link)) {
    if (link->is_path && link->node[0] == node[0] && link->node[1] == node[1]) return link->socket;
  }
  return nullptr;
}

Result<> UnixDomain::add_abstract(UnixEndpoint& socket, ByteSpan name) {
  NameLink& link = socket.name_link_;
  link.is_path = false;
  return names_.insert(link, hash_abstract(name, socket.socket_type()));
}

Result<> UnixDomain::add_node(UnixEndpoint& socket, const uint64_t (&node)[2]) {
  NameLink& link = socket.name_link_;
  link.is_path = true;
  link.node[0] = node[0];
  link.node[1] = node[1];
  return names_.insert(link, hash_node(node));
}

void UnixDomain::remove(UnixEndpoint& socket) {
  if (socket.name_link_.link.is_linked()) names_.remove(socket.name_link_);
}

void UnixDomain::add_open(UnixEndpoint& socket) {
  open_.push_back(socket.open_link_);
  __atomic_store_n(&open_count_, open_count_ + 1, __ATOMIC_RELAXED);
}

void UnixDomain::remove_open(UnixEndpoint& socket) {
  if (!socket.open_link_.link.is_linked()) return;
  open_.remove(socket.open_link_);
  __atomic_store_n(&open_count_, open_count_ - 1, __ATOMIC_RELAXED);
}

void UnixDomain::took_off(UnixRights& rights, UnixUser& user, UnixEndpoint& receiver) {
  __atomic_store_n(&user.in_flight, user.in_flight + rights.items().size(), __ATOMIC_RELAXED);
  for (UnixRights::Item& item : rights.items()) {
    UnixSocket* socket = item.file ? UnixSocket::from(*item.file) : nullptr;
    if (socket == nullptr) continue;
    graph_.add(item.edge, socket->endpoint().vertex(), receiver);
    __atomic_store_n(&in_flight_, in_flight_ + 1, __ATOMIC_RELAXED);
  }
}

void UnixDomain::landed(UnixRights& rights, UnixUser& user) {
  MutexLock lock(mutex);
  __atomic_store_n(&user.in_flight, user.in_flight - rights.items().size(), __ATOMIC_RELAXED);
  for (UnixRights::Item& item : rights.items()) {
    if (!item.edge.vertex_link.is_linked()) continue;
    graph_.remove(item.edge);
    __atomic_store_n(&in_flight_, in_flight_ - 1, __ATOMIC_RELAXED);
  }
}

uint64_t UnixDomain::collection_steps() {
  MutexLock lock(mutex);
  return graph_.steps();
}

UnixUser* UnixDomain::find_user(uint32_t uid) {
  for (UnixUser& known : users_) {
    if (known.uid == uid) return &known;
  }
  return nullptr;
}

Result<UnixUser*> UnixDomain::hold_user(uint32_t uid) {
  {
    MutexLock lock(mutex);
    if (UnixUser* known = find_user(uid)) {
      known->holders++;
      return known;
    }
  }
  UnixUser* fresh = construct<UnixUser>(hal_);
  if (fresh == nullptr) return Errno::ENOMEM;
  UnixUser* user = nullptr;
  {
    MutexLock lock(mutex);
    user = find_user(uid);
    if (user == nullptr) {
      user = std::exchange(fresh, nullptr);
      user->uid = uid;
      users_.push_back(*user);
    }
    user->holders++;
  }
  if (fresh != nullptr) dispose(hal_, fresh);
  return user;
}

void UnixDomain::release_user(UnixUser* user) {
  {
    MutexLock lock(mutex);
    if (--user->holders != 0) return;
    users_.remove(*user);
  }
  dispose(hal_, user);
}

// A message may hold the last count of a socket whose inbox holds the last count of another, and so on: freed inside each other
// they would need a stack as deep as the chain. So the first caller frees, and calls from inside only add to its list.
void UnixDomain::bury(UnixMessage* message) {
  if (message->rights.is_empty() && !message->embryo) {
    UnixMessage::destroy(hal_, message);  // nothing hangs on it
    return;
  }
  {
    MutexLock lock(mutex);
    for (UnixRights::Item& item : message->rights.items()) graph_.cut_off(item.edge);
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
    UnixMessage::destroy(hal_, message);
  }
}

}  // namespace lxnet
