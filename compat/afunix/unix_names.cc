// bind, autobind, and finding the socket an address means.
#include "compat/afunix/unix_endpoint.hh"

namespace lxnet {
namespace {

constexpr uint32_t kAutobindLimit = 1u << 20;  // five hexadecimal digits

// The name autobind draws: a zero and five digits.
ByteSpan autobind_name(uint32_t number, uint8_t (&bytes)[kUnixPathAt + 6]) {
  constexpr char kDigits[] = "0123456789abcdef";
  const uint16_t family = kFamilyUnix;
  copy_bytes(bytes, bytes_of(family));
  bytes[kUnixPathAt] = 0;
  for (size_t i = 0; i < 5; ++i) bytes[kUnixPathAt + 1 + i] = static_cast<uint8_t>(kDigits[number >> (4 * (4 - i)) & 0xf]);
  return bytes;
}

Errno from_host(int answer) { return static_cast<Errno>(-answer); }

}  // namespace

// Under the domain's mutex, or before anybody else knows the socket.
void UnixEndpoint::set_address(Ref<UnixAddress> address) {
  address_ = std::move(address);
  __atomic_store_n(&name_, address_.get(), __ATOMIC_RELEASE);
}

Result<> UnixEndpoint::bind(SyscallContext& context, const SockAddr& address) {
  if (address.size() == kUnixPathAt && address.family() == kFamilyUnix) return bind_automatically(context);
  TRY(check_unix_address(address));
  return address.bytes()[kUnixPathAt] == 0 ? bind_abstract(context, address) : bind_path(context, address);
}

// A socket that has a name keeps it: that is no error.
Result<> UnixEndpoint::bind_automatically(SyscallContext& context) {
  uint32_t number = context.hal().random<uint32_t>() % kAutobindLimit;
  for (uint32_t tries = 0; tries < kAutobindLimit; ++tries, number = (number + 1) % kAutobindLimit) {
    uint8_t bytes[kUnixPathAt + 6];
    const ByteSpan name = autobind_name(number, bytes);
    Ref<UnixAddress> address = TRY(UnixAddress::create(context.hal(), name));
    MutexLock lock(domain().mutex);
    if (address_) return ok();
    if (domain().find_abstract(name, socket_type()) != nullptr) continue;
    TRY(domain().add_abstract(*this, name));
    set_address(std::move(address));
    return ok();
  }
  return Errno::ENOSPC;
}

Result<> UnixEndpoint::bind_abstract(SyscallContext& context, const SockAddr& user) {
  Ref<UnixAddress> address = TRY(UnixAddress::create(context.hal(), user.bytes()));
  MutexLock lock(domain().mutex);
  if (address_) return Errno::EINVAL;
  if (domain().find_abstract(user.bytes(), socket_type()) != nullptr) return Errno::EADDRINUSE;
  TRY(domain().add_abstract(*this, user.bytes()));
  set_address(std::move(address));
  return ok();
}

// Linux makes the node before it looks whether the socket has a name: what is wrong with the path is told even then.
Result<> UnixEndpoint::bind_path(SyscallContext& context, const SockAddr& user) {
  const lxnet_hal& table = context.hal().table();
  if (table.path_create_socket == nullptr) return Errno::EOPNOTSUPP;
  const ByteSpan name = unix_path_name(user);
  const char* path = reinterpret_cast<const char*>(name.data()) + kUnixPathAt;
  Ref<UnixAddress> address = TRY(UnixAddress::create(context.hal(), name));
  uint64_t node[2] = {};
  const int answer = table.path_create_socket(context.hal().context(), path, node);
  if (answer < 0) return from_host(answer);
  if (table.path_file != nullptr) address->set_node(table.path_file(context.hal().context(), path));
  auto named = take_node_name(std::move(address), node);
  if (!named.is_ok() && table.path_remove_socket != nullptr) table.path_remove_socket(context.hal().context(), path);
  return named;
}

Result<> UnixEndpoint::take_node_name(Ref<UnixAddress> address, const uint64_t (&node)[2]) {
  MutexLock lock(domain().mutex);
  if (address_) return Errno::EINVAL;
  TRY(domain().add_node(*this, node));
  set_address(std::move(address));
  return ok();
}

Result<Ref<UnixEndpoint>> UnixEndpoint::find_peer(SyscallContext& context, const SockAddr& user) {
  const lxnet_hal& table = context.hal().table();
  uint64_t node[2] = {};
  const bool is_path = user.bytes()[kUnixPathAt] != 0;
  if (is_path) {
    if (table.path_find_socket == nullptr) return Errno::EOPNOTSUPP;
    const ByteSpan name = unix_path_name(user);
    const int answer =
        table.path_find_socket(context.hal().context(), reinterpret_cast<const char*>(name.data()) + kUnixPathAt, node);
    if (answer < 0) return from_host(answer);
  }
  MutexLock lock(domain().mutex);
  UnixEndpoint* found = is_path ? domain().find_node(node) : domain().find_abstract(user.bytes(), socket_type());
  // It may be on its way out: then nobody is there.
  if (found == nullptr || !found->ref_unless_zero()) return Errno::ECONNREFUSED;
  Ref<UnixEndpoint> peer = Ref<UnixEndpoint>::adopt(found);
  if (found->socket_type() != socket_type()) return Errno::EPROTOTYPE;
  return peer;
}

// Who wants credentials must be answerable: Linux gives it a name before it connects or sends.
Result<> UnixEndpoint::ensure_name_for_credentials(SyscallContext& context) {
  if (!wants_credentials() || address() != nullptr) return ok();
  return bind_automatically(context);
}

Result<> UnixEndpoint::name(SocketFile::NameOf which, SockAddr& name) {
  MutexLock lock(domain().mutex);
  if (which != SocketFile::NameOf::Self && !peer_) return Errno::ENOTCONN;
  const Ref<UnixAddress>& address = which != SocketFile::NameOf::Self ? peer_->address_ : address_;
  if (address) {
    name = address->to_sockaddr();
  } else {
    name.set(uint16_t{kFamilyUnix});
  }
  return ok();
}

}  // namespace lxnet
