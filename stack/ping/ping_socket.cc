// Linux's net/ipv4/ping.c and net/ipv6/ping.c, in their order of errors.
#include "stack/ping/ping_socket.hh"

#include "stack/socket_factories.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/pseudo_header.hh"

namespace lxnet {
namespace {

constexpr uint8_t kIcmp4 = 1, kIcmp6 = 58;
constexpr size_t kHeaderSize = sizeof(Icmp4Header);

bool is_group_allowed(const Stack& stack) {
  const TunableValues& tunables = const_cast<Stack&>(stack).tunables().values();
  lxnet_credentials credentials{};
  stack.hal().credentials(credentials);
  const auto is_in_range = [&](uint32_t group) {
    return int64_t{group} >= tunables.ping_group_low && int64_t{group} <= tunables.ping_group_high;
  };
  if (is_in_range(credentials.egid)) return true;
  const uint32_t known = std::size(credentials.groups);
  const uint32_t count = credentials.group_count < known ? credentials.group_count : known;
  for (uint32_t i = 0; i < count; ++i) {
    if (is_in_range(credentials.groups[i])) return true;
  }
  return false;
}

bool is_echo_request(IpFamily family, const Icmp4Header& header) {
  const uint8_t request =
      family == IpFamily::V4 ? static_cast<uint8_t>(Icmp4Type::Echo) : static_cast<uint8_t>(Icmp6Type::EchoRequest);
  return header.type == request && header.code == 0;
}

}  // namespace

PingSocket::PingSocket(Stack& stack, IpFamily family)
    : DatagramSocket(stack, family, SocketType::Datagram, family == IpFamily::V4 ? kIcmp4 : kIcmp6,
                     family == IpFamily::V4 ? DemuxSpace::Icmp4 : DemuxSpace::Icmp6, Admission::IfNotFull) {
  options.begin_with(kReusingSocketOptions);
  if (family == IpFamily::V6) ip_options.begin_with(kIpOptionsV6Only);
}

Result<Ref<Socket>> PingSocket::create(Entry& entry, IpFamily family) {
  Stack& stack = entry.stack();
  if (!is_group_allowed(stack)) return Errno::EACCES;
  PingSocket* socket = construct<PingSocket>(stack.hal(), stack, family);
  if (socket == nullptr) return Errno::ENOBUFS;
  return Ref<Socket>::adopt(socket);
}

void PingSocket::dispose_self() { dispose(stack().hal(), this); }

Result<> PingSocket::bind(Entry& entry, const Endpoint& local) {
  TaskOwnership ownership(lock_, entry);
  // Unlike the others', a scope that came with a refused address is forgotten.
  const uint32_t bound = options.bound_interface;
  if (auto checked = check_address(entry, local); !checked.is_ok()) {
    options.bound_interface = bound;
    return checked;
  }
  if (local_.port != 0) return Errno::EINVAL;
  return bind_to(entry, local);
}

// Stricter than UDP: no group, no broadcast.
Result<> PingSocket::check_address(Entry& entry, const Endpoint& local) {
  const bool is_ours = stack().interfaces().is_local_address(local.address);
  if (family() == IpFamily::V4) {
    const bool may_be_foreign =
        ip_options->free_bind || ip_options->transparent || stack().tunables().values().ip_nonlocal_bind != 0;
    if (local.address.is_unspecified()) return ok();
    if (local.address.is_multicast() || is_broadcast_here(entry, local.address)) return Errno::EADDRNOTAVAIL;
    return is_ours || may_be_foreign ? ok() : Result<>(Errno::EADDRNOTAVAIL);
  }
  if (local.address.is_v4() || local.address.is_multicast()) return Errno::EINVAL;
  if (local.address.v6().needs_scope_id() && local.scope_id == 0) return Errno::EINVAL;
  const uint32_t on = local.scope_id != 0 ? local.scope_id : options.bound_interface;
  if (on != 0 && !stack().interfaces().find(on)) return Errno::ENODEV;
  return check_bind6(entry, local);
}

// Replies are found by the identifier and our own address alone, connected or not (ping_lookup). Who only changes its address
// stays where it was among those who share the identifier.
Result<> PingSocket::relist() {
  const bool takes_identifier = !is_listed();
  next_entry();
  TRY(replace_entry(false));
  if (takes_identifier) __atomic_store_n(&listed_as_, stack().icmp().next_listing(), __ATOMIC_RELAXED);
  return ok();
}

Result<> PingSocket::check_destination(const SendRequest& request) const {
  if (request.destination == nullptr) return is_connected() ? ok() : Result<>(Errno::EDESTADDRREQ);
  if (family() == IpFamily::V4) return ok();
  const IpAddress& to = request.destination->address;
  if (to.is_v4()) return Errno::EINVAL;
  uint32_t output = to.v6().needs_scope_id() ? request.destination->scope_id : 0;
  const uint32_t bound = options.bound_interface;
  if (output == 0) output = bound;
  if (output == 0) output = ip_options->sticky_interface;
  if (output == 0) output = to.is_multicast() ? ip_options->multicast_interface_v6 : ip_options->unicast_interface_v6;
  if (to.v6().needs_scope_id() && output == 0) return Errno::EINVAL;
  if (output != 0 && bound != 0 && output != bound) return Errno::EINVAL;
  return ok();
}

// ping_common_sendmsg(): the program's header is looked at before anything else is.
Result<> PingSocket::check_size_and_header(const SendRequest& request) const {
  const size_t size = request.source.remaining();
  if (size > UINT16_MAX) return Errno::EMSGSIZE;
  if (size < kHeaderSize) return Errno::EINVAL;
  if ((request.flags & kMessageOutOfBand) != 0) return Errno::EOPNOTSUPP;
  Icmp4Header header;
  if (request.source.peek(mutable_bytes_of(header)) != sizeof header) return Errno::EFAULT;
  return is_echo_request(family(), header) ? ok() : Result<>(Errno::EINVAL);
}

Result<> PingSocket::check_before_destination(Entry& entry, const SendRequest& request) {
  TaskOwnership ownership(lock_, entry);
  TRY(ensure_port(entry));
  return check_size_and_header(request);
}

Result<> PingSocket::check_before_control(Entry& entry, const SendRequest& request) {
  TRY(check_before_destination(entry, request));
  TaskOwnership ownership(lock_, entry);
  return check_destination(request);
}

Result<size_t> PingSocket::send(Entry& entry, SendRequest& request) {
  TaskOwnership ownership(lock_, entry);
  // ping_v6_sendmsg() looks at these and forgets them.
  if (family() == IpFamily::V6) {
    request.control.has_source = request.control.has_options = false;
    request.control.options = {};
  }
  TRY(ensure_port(entry));
  const size_t size = request.source.remaining();
  TRY(check_size_and_header(request));
  TRY(check_destination(request));
  // "This host" is no destination of an IPv6 echo.
  const IpAddress& to = request.destination != nullptr ? request.destination->address : remote_.address;
  if (family() == IpFamily::V6 && to.is_unspecified()) return Errno::ENETUNREACH;
  SendPlan plan;
  TRY(plan_send(entry, request, plan));
  if (plan.is_probe_only) return Result<size_t>(size);  // IPv4 alone
  TRY(check_size(entry, plan, size));
  TRY(check_may_send());
  Ref<Packet> packet = TRY(Packet::create_linear(stack().pool(), size));
  const Made made = make_bytes(plan, size, kHeaderSize);
  if (request.source.copy(packet->append(size)) < made.bytes) {
    wake_writers();
    return Errno::EFAULT;
  }
  if (made.bytes < size) {
    wake_writers();
    return Errno::ENOBUFS;
  }
  number_record(plan);
  // The program may have written another one meanwhile.
  if (!is_echo_request(family(), *reinterpret_cast<const Icmp4Header*>(packet->linear().data()))) return Errno::EINVAL;
  finish_message(*packet, plan);
  charge(*packet, made.charge);
  tag(*packet, plan);
  number_packet(plan);
  auto sent = ip_send(entry, std::move(packet), *plan.route, plan.ip);
  if (!sent.is_ok() && !sent.is_error(Errno::ENOBUFS)) return sent.error();
  return Result<size_t>(size);
}

// Our identifier, and the checksum over everything.
void PingSocket::finish_message(Packet& packet, const SendPlan& plan) {
  auto& header = *reinterpret_cast<Icmp4Header*>(packet.mutable_linear().data());
  const uint32_t sequence = header.rest.get() & 0xffff;
  header.rest.set(uint32_t{local_.port} << 16 | sequence);
  header.checksum.set(0);
  const auto size = static_cast<uint32_t>(packet.size());
  InternetChecksum sum;
  if (family() == IpFamily::V6) {
    sum = pseudo_header_checksum(plan.route->source.v6(), plan.destination.v6(), IpProtocol::Icmpv6, size);
  }
  sum.add(packet.linear());
  header.checksum.set(sum.finish());
}

Result<size_t> PingSocket::receive(Entry& entry, ReceiveRequest& request) {
  if ((request.flags & kMessageOutOfBand) != 0) return Errno::EOPNOTSUPP;
  auto result = DatagramSocket::receive(entry, request);
  // ping_recvmsg() knows no MSG_TRUNC: it says what it copied.
  if ((request.flags & kMessageErrorQueue) != 0) return result;
  if (!result.is_ok() || (request.result_flags & kMessageTruncated) == 0) return result;
  return Result<size_t>(request.copied_size);
}

Result<Ref<Socket>> create_ping_socket(Entry& entry, IpFamily family) { return PingSocket::create(entry, family); }

}  // namespace lxnet
