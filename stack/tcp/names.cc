// bind() and the names of both ends, in the order of errors of Linux's __inet_bind and __inet6_bind.
#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

// Packets look for them there: they may not change while they do.
void TcpSocket::set_local(const IpAddress& local) {
  ASSERT(!demux_.is_added());
  if (demux_.local == local) return;
  // Who claims the same port looks at it too.
  if (claim_.is_claimed) return stack().ports().readdress(stack().ports().table, claim_, local);
  demux_.local = local;
}

void TcpSocket::set_remote(const Endpoint& remote) {
  ASSERT(!demux_.is_added());
  demux_.remote = remote.address;
  demux_.remote_port = remote.port;
  remote_scope_ = remote.scope_id;
}

// A scope id binds the socket to its interface, and does so even when bind() then fails.
Result<> TcpSocket::check_bind_address(const Endpoint& local) {
  const bool may_be_foreign =
      ip_options->free_bind || ip_options->transparent || stack().tunables().values().ip_nonlocal_bind != 0;
  if (local.address.is_v4()) {
    if (family() == IpFamily::V6) {
      if (ip_options->v6_only) return Errno::EINVAL;
      if (options.bound_interface != 0 && !stack().interfaces().find(options.bound_interface)) return Errno::ENODEV;
    }
    if (local.address.is_unspecified() || may_be_foreign || local.address.is_multicast()) return ok();
    // A broadcast address passes Linux's check too: it is of no use, but not refused.
    if (stack().routes().address_type(local.address) == RouteType::Broadcast) return ok();
    return stack().interfaces().is_local_address(local.address) ? ok() : Result<>(Errno::EADDRNOTAVAIL);
  }
  if (local.address.is_unspecified()) return ok();
  if (local.address.is_multicast()) return Errno::EINVAL;
  if (local.address.v6().needs_scope_id()) {
    if (local.scope_id != 0) __atomic_store_n(&options.bound_interface, local.scope_id, __ATOMIC_RELAXED);
    if (options.bound_interface == 0) return Errno::EINVAL;
  }
  const uint32_t interface = options.bound_interface;
  if (interface != 0 && !stack().interfaces().find(interface)) return Errno::ENODEV;
  if (may_be_foreign) return ok();
  return stack().interfaces().is_local_address(local.address, interface) ? ok() : Result<>(Errno::EADDRNOTAVAIL);
}

Result<> TcpSocket::bind(Entry& entry, const Endpoint& local) {
  TaskOwnership ownership(lock_, entry);
  const auto check_port = [&]() -> Result<> {
    const int32_t first_free = stack().tunables().values().ip_unprivileged_port_start;
    if (local.port == 0 || local.port >= first_free || stack().hal().capable(LXNET_CAP_NET_BIND_SERVICE)) return ok();
    return Errno::EACCES;
  };
  // IPv4 looks at the address first, IPv6 at the port and the state.
  if (family() == IpFamily::V4) TRY(check_bind_address(local));
  TRY(check_port());
  // A connection that ended has given back a port that it did not ask for by name, though its name still shows it.
  if (state() != TcpState::Closed || holds_port()) return Errno::EINVAL;
  if (family() == IpFamily::V6) TRY(check_bind_address(local));
  const bool was_v6_only = ip_options->v6_only;
  // ::ffff:0.0.0.0 is an address of its own to Linux.
  const bool is_any = local.address == IpAddress::any(family());
  if (family() == IpFamily::V6 && !is_any && !local.address.is_v4())
    TRY(ip_options.set(stack().hal(), &IpSocketOptions::v6_only, true));
  set_local(local.address);
  if (local.port != 0 || !ip_options->bind_address_no_port) {
    const auto claimed = claim_port(entry, local.port);
    if (!claimed.is_ok()) {
      set_local(IpAddress::any(family()));
      if (IpSocketOptions* own = ip_options.own()) own->v6_only = was_v6_only;
      return claimed.error();
    }
  } else {
    demux_.local_port = 0;
  }
  // An earlier attempt's peer is none any more, nor is the way to it, which IPv6 keeps.
  if (family() == IpFamily::V4) route_ = Route();
  set_remote(nobody());
  is_bound_address_ = !is_any;
  is_bound_port_ = local.port != 0;
  return ok();
}

void TcpSocket::fill_claim() {
  claim_.owner = this;
  claim_.address = &demux_.local;
  claim_.port = demux_.local_port;
  claim_.bound_interface = options.bound_interface;
  claim_.uid = demux_.uid;
  claim_.protocol = protocol();
  claim_.family = family();
  claim_.v6_only = ip_options->v6_only;
  claim_.reuse_address = options->reuse_address;
  claim_.reuse_port = options->reuse_port;
  claim_.is_listening = false;
  claim_.is_connected = false;
}

Result<> TcpSocket::claim_port(Entry& entry, uint16_t port) {
  const PortHooks& hooks = stack().ports();
  if (hooks.claim == nullptr) return Errno::EOPNOTSUPP;
  fill_claim();
  claim_.port = port;
  TRY(hooks.claim(hooks.table, entry, claim_));
  demux_.local_port = claim_.port;
  return ok();
}

Result<Endpoint> TcpSocket::local_name(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  Endpoint name = local_end();
  if (name.address.is_link_local() && !name.address.is_v4()) name.scope_id = options.bound_interface;
  return name;
}

Result<Endpoint> TcpSocket::last_remote_name(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  return demux_.remote_port == 0 ? Result<Endpoint>(Errno::ENOTCONN) : remote_end();
}

bool TcpSocket::has_port(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  return holds_port();
}

Result<Endpoint> TcpSocket::remote_name(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (demux_.remote_port == 0 || in(TcpState::Closed | TcpState::SynSent | TcpState::Listen)) return Errno::ENOTCONN;
  return remote_end();
}

}  // namespace lxnet
