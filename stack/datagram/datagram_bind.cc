// bind(): which addresses a socket may take (Linux's __inet_bind and __inet6_bind, in their order of errors), and its port.
#include "stack/datagram/datagram_socket.hh"
#include "stack/stack.hh"

namespace lxnet {

Result<> DatagramSocket::bind(Entry& entry, const Endpoint& local) {
  TaskOwnership ownership(lock_, entry);
  return bind_locked(entry, local);
}

Result<> DatagramSocket::check_privilege(uint16_t port) const {
  if (port == 0 || port >= stack().tunables().values().ip_unprivileged_port_start) return ok();
  if (!stack().hal().capable(LXNET_CAP_NET_BIND_SERVICE)) return Errno::EACCES;
  return ok();
}

Result<> DatagramSocket::check_bind4(Entry& entry, const IpAddress& address) const {
  if (address.is_unspecified() || address.is_multicast()) return ok();
  if (ip_options->free_bind || ip_options->transparent || stack().tunables().values().ip_nonlocal_bind != 0) return ok();
  if (stack().interfaces().is_local_address(address) || is_broadcast_here(entry, address)) return ok();
  if (stack().routes().address_type(address) == RouteType::Broadcast) return ok();
  return Errno::EADDRNOTAVAIL;
}

// A scope id binds the socket to its interface, and on Linux does so even when bind() then fails.
Result<> DatagramSocket::check_bind6(Entry& entry, const Endpoint& local) {
  if (local.address.is_v4()) {
    if (ip_options->v6_only) return Errno::EINVAL;
    if (options.bound_interface != 0 && !stack().interfaces().find(options.bound_interface)) return Errno::ENODEV;
    return check_bind4(entry, local.address);
  }
  if (local.address.is_unspecified()) return ok();
  if (local.address.v6().needs_scope_id()) {
    if (local.scope_id != 0) __atomic_store_n(&options.bound_interface, local.scope_id, __ATOMIC_RELAXED);
    if (options.bound_interface == 0) return Errno::EINVAL;
  }
  const uint32_t interface = options.bound_interface;
  if (interface != 0 && !stack().interfaces().find(interface)) return Errno::ENODEV;
  if (local.address.is_multicast() || ip_options->free_bind || ip_options->transparent) return ok();
  if (!stack().interfaces().is_local_address(local.address, interface)) return Errno::EADDRNOTAVAIL;
  return ok();
}

Result<> DatagramSocket::bind_locked(Entry& entry, const Endpoint& local) {
  if (family() == IpFamily::V4) {
    TRY(check_bind4(entry, local.address));
    TRY(check_privilege(local.port));
    if (is_connected_ || local_.port != 0) return Errno::EINVAL;
  } else {
    TRY(check_privilege(local.port));
    if (is_connected_ || local_.port != 0) return Errno::EINVAL;
    TRY(check_bind6(entry, local));
  }
  return bind_to(entry, local);
}

Result<> DatagramSocket::bind_to(Entry& entry, const Endpoint& local) {
  const bool old_v6_only = ip_options->v6_only;
  const IpAddress old_local = local_.address, old_source = source_;
  // ::ffff:0.0.0.0 is an address of its own to Linux.
  const bool is_any = local.address == IpAddress::any(family());
  // A specific IPv6 address cannot receive IPv4, and conflicts with nothing of it.
  if (family() == IpFamily::V6 && !is_any && !local.address.is_v4())
    TRY(ip_options.set(stack().hal(), &IpSocketOptions::v6_only, true));
  set_address(entry, local.address);
  // ping_bind() does not know the option.
  if (local.port != 0 || !ip_options->bind_address_no_port || !is_udp()) {
    auto claimed = claim_port(entry, local.port);
    if (!claimed.is_ok()) {
      local_.address = old_local;
      source_ = old_source;
      if (IpSocketOptions* own = ip_options.own()) own->v6_only = old_v6_only;
      return claimed.error();
    }
  }
  address_locked_ = !is_any;
  port_locked_ = local.port != 0;
  forget_cached_route();
  has_path_ = false;
  return ok();
}

// Nobody sends from a group or a broadcast address: the route chooses then.
void DatagramSocket::set_address(Entry& entry, const IpAddress& address) {
  local_.address = address;
  const bool is_sendable = !address.is_multicast() && (!address.is_v4() || !is_broadcast_here(entry, address));
  source_ = is_sendable ? address : IpAddress::any(address.family());
  is_source_bound_ = !source_.is_unspecified();
}

// ---------------------------------------------------------------------------------------------------------------------- port

Result<> DatagramSocket::claim_port(Entry& entry, uint16_t port) {
  PortHooks& hooks = stack().ports();
  if (hooks.claim == nullptr) return Errno::EOPNOTSUPP;
  claim_.owner = this;
  claimed_address_ = local_.address;
  claim_.address = &claimed_address_;
  claim_.port = port;
  claim_.bound_interface = options.bound_interface;
  claim_.uid = uid_;
  claim_.protocol = protocol();
  claim_.family = family();
  claim_.v6_only = ip_options->v6_only;
  claim_.reuse_address = options->reuse_address;
  claim_.reuse_port = options->reuse_port;
  TRY(hooks.claim(hooks.table, entry, claim_));
  local_.port = claim_.port;
  auto listed = relist();
  if (!listed.is_ok()) release_port(entry);
  return listed;
}

void DatagramSocket::release_port(Entry&) {
  PortHooks& hooks = stack().ports();
  if (claim_.is_claimed) hooks.release(hooks.table, claim_);
  local_.port = 0;
}

// What inet_autobind() does before a connect or send. Linux says EAGAIN when no port is left.
Result<> DatagramSocket::ensure_port(Entry& entry) {
  if (local_.port != 0) return ok();
  return claim_port(entry, 0).is_ok() ? ok() : Result<>(Errno::EAGAIN);
}

}  // namespace lxnet
