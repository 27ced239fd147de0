// connect() and disconnect() as Linux's __ip4_datagram_connect, __ip6_datagram_connect and __udp_disconnect decide them.
#include "stack/datagram/datagram_socket.hh"
#include "stack/stack.hh"

namespace lxnet {

Result<> DatagramSocket::connect(Entry& entry, const Endpoint& remote, uint32_t) {
  TaskOwnership ownership(lock_, entry);
  TRY(ensure_port(entry));
  if (remote.address.is_v4() || family() == IpFamily::V4) {
    if (ip_options->v6_only && family() == IpFamily::V6) return Errno::ENETUNREACH;
    return connect4(entry, remote);
  }
  return connect6(entry, remote);
}

Result<bool> DatagramSocket::connect_by_state(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  TRY(ensure_port(entry));
  return false;
}

Result<> DatagramSocket::connect4(Entry& entry, const Endpoint& remote) {
  has_path_ = false;
  FlowKey key;
  // What an address of IPv6 that bind() chose is to IPv4 (LOOPBACK4_IPV6).
  constexpr uint32_t kOfIpv6 = 0x7f000006;
  const bool is_of_ipv6 = !source_.is_v4() && !source_.is_unspecified() && is_source_bound_;
  key.source = source_.is_v4() ? source_ : is_of_ipv6 ? IpAddress(Ipv4Address(kOfIpv6)) : IpAddress::any(IpFamily::V4);
  key.destination = remote.address;
  // 0.0.0.0 is this host: its own address if it has one.
  if (remote.address.is_unspecified()) {
    key.destination = key.source.is_unspecified() ? IpAddress(Ipv4Address::loopback()) : key.source;
  }
  key.output_interface = options.bound_interface;
  choose_interface(key);
  key.mark = options.mark;
  key.uid = uid_;
  key.source_port = local_.port;
  key.destination_port = remote.port;
  key.protocol = protocol();
  key.tos = ip_options->tos;
  key.on_link_only = options->dont_route;
  key.may_use_foreign_source = ip_options->transparent;
  auto looked_up = stack().routes().lookup(entry, key);
  if (!looked_up.is_ok()) {
    redirect_pending(key.destination, remote.port, key.source);
    return looked_up.error();
  }
  const Route route = looked_up.take();
  redirect_pending(key.destination, remote.port, route.source);
  if (route.kind == RouteKind::Broadcast && !options->broadcast) return Errno::EACCES;
  TRY(settle_connection(Endpoint{.address = key.destination, .port = remote.port, .scope_id = 0}, route.source));
  identification_ = stack().hal().random<uint16_t>();
  return ok();
}

Result<> DatagramSocket::connect6(Entry& entry, const Endpoint& remote) {
  IpAddress destination = remote.address;
  if (destination.is_unspecified()) {
    // :: is this host.
    if (local_.address.is_v4()) {
      return connect4(entry, Endpoint{.address = Ipv4Address::loopback(), .port = remote.port, .scope_id = 0});
    }
    destination = Ipv6Address::loopback();
  }
  uint32_t interface = options.bound_interface;
  if (destination.v6().needs_scope_id()) {
    if (remote.scope_id != 0) {
      if (interface != 0 && interface != remote.scope_id) return Errno::EINVAL;
      interface = remote.scope_id;
    }
    if (interface == 0 && destination.is_multicast()) interface = ip_options->multicast_interface_v6;
    if (interface == 0) return Errno::EINVAL;
    // Linux keeps it even when no route is found after all.
    __atomic_store_n(&options.bound_interface, interface, __ATOMIC_RELAXED);
  }
  if (interface == 0) interface = ip_options->sticky_interface;
  FlowKey key;
  key.source = source_.is_v4() ? IpAddress::any(IpFamily::V6) : source_;
  key.destination = destination;
  key.output_interface = interface;
  choose_interface(key);
  key.mark = options.mark;
  key.uid = uid_;
  key.source_port = local_.port;
  key.destination_port = remote.port;
  key.protocol = protocol();
  key.tos = ip_options->traffic_class;
  key.source_preferences = ip_options->source_preferences;
  key.on_link_only = options->dont_route;
  key.may_use_foreign_source = ip_options->transparent;
  if (const Ref<StickyHeaders> sticky = attachments.extensions_v6()) key.destination = sticky->first_hop(key.destination);
  if (key.destination.is_unspecified()) return Errno::ENETUNREACH;
  const Route route = TRY(stack().routes().lookup(entry, key));
  if (source_.is_v4()) return Errno::EAFNOSUPPORT;
  return settle_connection(Endpoint{.address = destination, .port = remote.port, .scope_id = 0}, route.source);
}

// A socket without an address takes the one the route chose.
Result<> DatagramSocket::settle_connection(const Endpoint& remote, const IpAddress& chosen_source) {
  const Endpoint old_remote = remote_;
  const IpAddress old_local = local_.address, old_source = source_;
  const bool was_connected = is_connected_;
  remote_ = remote;
  if (source_.is_unspecified()) source_ = chosen_source;
  if (local_.address.is_unspecified()) local_.address = chosen_source;
  __atomic_store_n(&is_connected_, true, __ATOMIC_RELAXED);
  auto listed = relist();
  if (!listed.is_ok()) {
    remote_ = old_remote;
    local_.address = old_local;
    source_ = old_source;
    __atomic_store_n(&is_connected_, was_connected, __ATOMIC_RELAXED);
    return listed;
  }
  readdress();
  forget_cached_route();
  has_path_ = true;
  return ok();
}

void DatagramSocket::readdress() {
  PortHooks& hooks = stack().ports();
  if (claim_.is_claimed) hooks.readdress(hooks.table, claim_, local_.address);
}

Result<> DatagramSocket::disconnect(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  return disconnect_locked(entry);
}

// What bind() chose stays; what connect() chose goes. The device binding goes in either case (__udp_disconnect).
// Of IPv6 the peer's address stays too, where packets look for their receiver.
Result<> DatagramSocket::disconnect_locked(Entry& entry) {
  if (is_connected_ && family() == IpFamily::V6) former_peer_ = remote_.address;
  __atomic_store_n(&is_connected_, false, __ATOMIC_RELAXED);
  remote_ = Endpoint{.address = IpAddress::any(family()), .port = 0, .scope_id = 0};
  __atomic_store_n(&options.bound_interface, 0u, __ATOMIC_RELAXED);
  if (!address_locked_) {
    local_.address = IpAddress::any(family());
    source_ = local_.address;
    is_source_bound_ = false;
    readdress();
  }
  forget_cached_route();
  has_path_ = false;
  if (!port_locked_) {
    unlist();
    release_port(entry);
    return ok();
  }
  // Without memory to be listed anew it stays reachable where it was, which is more than it should.
  static_cast<void>(relist());
  return ok();
}

}  // namespace lxnet
