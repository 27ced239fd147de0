// Names, and finding who has one.
#include "compat/afunix/unix_address.hh"

#include "compat/afunix/unix_endpoint.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {

UnixAddress::UnixAddress(const Hal& hal, ByteSpan bytes) : hal_(hal) { size_ = static_cast<uint32_t>(copy_bytes(bytes_, bytes)); }

Result<Ref<UnixAddress>> UnixAddress::create(const Hal& hal, ByteSpan bytes) {
  UnixAddress* address = construct<UnixAddress>(hal, hal, bytes);
  if (address == nullptr) return Errno::ENOMEM;
  return Ref<UnixAddress>::adopt(address);
}

SockAddr UnixAddress::to_sockaddr() const {
  SockAddr result;
  copy_bytes(result.storage(), bytes());
  result.resize(size_);
  return result;
}

Result<> check_unix_address(const SockAddr& address) {
  if (address.size() <= kUnixPathAt || address.size() > kUnixPathAt + kUnixPathSize) return Errno::EINVAL;
  if (address.family() != kFamilyUnix) return Errno::EINVAL;
  return ok();
}

// SockAddr's storage is longer than sun_path and zero past the end, so that a path without a terminator finds one.
ByteSpan unix_path_name(const SockAddr& address) {
  const uint8_t* start = address.bytes().data();
  size_t size = kUnixPathAt;
  while (size < address.size() && start[size] != 0) ++size;
  return ByteSpan(start, size + 1);
}

UnixDomain::UnixDomain(Stack& stack)
    : mutex(stack.hal(), LockRank::Listener), collection(stack.hal(), LockRank::EpollSet), names_(stack.hal()) {
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

}  // namespace lxnet
