// Corking: pieces that MSG_MORE or UDP_CORK joins to one datagram. The first piece decides where it goes and how; later ones
// bring bytes alone. Whatever goes wrong on the way throws all of it away (udp_flush_pending_frames).
#include <bit>
#include <utility>

#include "stack/stack.hh"
#include "stack/udp/udp_socket.hh"

namespace lxnet {

Result<> UdpSocket::start_pending(const SendPlan& plan, uint16_t segment_size) {
  const ByteSpan options = plan.ip.options;
  auto kept = TRY(HeapArray<uint8_t>::create(stack().hal(), options.size()));
  copy_bytes(MutableByteSpan(kept.data(), kept.size()), options);
  pending_.packet = TRY(Packet::create_linear(stack().pool(), 0));
  pending_.options = std::move(kept);
  pending_.plan = plan;
  pending_.plan.ip.options = ByteSpan(pending_.options.data(), pending_.options.size());
  if (plan.ip.v4_options != nullptr) pending_.plan.ip.v4_options = &pending_.plan.v4_options;
  pending_.route = *plan.route;
  pending_.plan.route = &pending_.route;
  pending_.segment_size = segment_size;
  pending_.made = AppendCharge();
  charge(*pending_.packet, 0);
  set_pending(true);
  return ok();
}

Result<size_t> UdpSocket::append_pending(Entry& entry, SendRequest& request) {
  const size_t size = request.source.remaining();
  constexpr uint32_t kProbe = 0x10;  // MSG_PROBE: nothing is added, nor even read
  auto appended = (request.flags & kProbe) != 0 ? ok() : append_bytes(entry, request.source);
  if (!appended.is_ok()) {
    discard_pending(entry);
    wake_writers();
    return appended.error();
  }
  if (!udp_options.is_corked && (request.flags & kMessageMore) == 0) TRY(push_pending(entry));
  return Result<size_t>(size);
}

Result<> UdpSocket::append_bytes(Entry& entry, IoSource& source) {
  const size_t size = source.remaining();
  const size_t total = pending_.packet->size() + size;
  TRY(check_size(entry, pending_.plan, total + sizeof(UdpHeader)));
  TRY(grow_pending(total));
  const bool is_first = pending_.made.total() == 0;
  const size_t transport = is_first ? sizeof(UdpHeader) : 0;
  const AppendShape shape = shape_of(pending_.plan, pending_.segment_size);
  const size_t room = make_more_bytes(shape, pending_.made, *pending_.packet, size + transport, transport) - transport;
  if (source.copy(pending_.packet->append(size)) < room) return Errno::EFAULT;
  if (room < size) return Errno::ENOBUFS;
  number_record(pending_.plan);
  return ok();
}

Result<> UdpSocket::grow_pending(size_t size) {
  Packet& old = *pending_.packet;
  if (old.tailroom() >= size - old.size()) return ok();
  Ref<Packet> larger = TRY(Packet::create_linear(stack().pool(), std::bit_ceil(size)));
  old.read(0, larger->append(old.size()));
  larger->set_true_size(old.true_size());
  old.give_owner_to(*larger);
  pending_.packet = std::move(larger);
  return ok();
}

Result<> UdpSocket::push_pending(Entry& entry) {
  if (!is_pending()) return ok();
  set_pending(false);
  if (std::exchange(pending_.is_lost, false)) {
    discard_pending(entry);
    return ok();
  }
  auto sent = transmit(entry, std::move(pending_.packet), pending_.plan, pending_.segment_size);
  pending_.route = Route();
  return sent;
}

void UdpSocket::redirect_pending(const IpAddress& destination, uint16_t port, const IpAddress& source) {
  if (!is_pending() || !pending_.plan.destination.is_v4()) return;
  // Over loopback a group's way ends with those who are in it, whatever the header says.
  const Route& way = pending_.route;
  if (way.kind == RouteKind::Multicast && !destination.is_multicast() && way.output->is_loopback())
    pending_.is_lost = !stack().memberships().accepts(*way.output, pending_.plan.destination, way.source);
  pending_.plan.destination = pending_.route.destination = destination;
  pending_.plan.port = port;
  pending_.route.source = source;
}

void UdpSocket::discard_pending(Entry&) {
  set_pending(false);
  pending_.is_lost = false;
  pending_.packet = nullptr;
  pending_.route = Route();
}

Result<> UdpSocket::set_cork(Entry& entry, Cork cork) {
  TaskOwnership ownership(lock_, entry);
  udp_options.is_corked = cork == Cork::On;
  // What the datagram meets on its way is not the option's error.
  if (cork == Cork::Off) static_cast<void>(push_pending(entry));
  return ok();
}

}  // namespace lxnet
