// Pieces that MSG_MORE joins to one packet. The first decides how it goes; over IPv4 the last says from where and to whom, as
// ip_push_pending_frames() is given that flow, and the socket for how long. Whatever goes wrong with a piece throws all of them
// away.
#include <bit>

#include "stack/raw/raw_socket.hh"
#include "stack/stack.hh"

namespace lxnet {

Result<RawSocket::Pending*> RawSocket::start_pending(const SendPlan& plan) {
  TRY(waits_for_room(plan) ? check_may_send() : check_room());
  Pending* pending = construct<Pending>(stack().hal());
  if (pending == nullptr) return Errno::ENOBUFS;
  const auto fill = [&]() -> Result<> {
    const ByteSpan options = plan.ip.options;
    pending->options = TRY(HeapArray<uint8_t>::create(stack().hal(), options.size()));
    copy_bytes(MutableByteSpan(pending->options.data(), options.size()), options);
    pending->packet = TRY(Packet::create_linear(stack().pool(), 0));
    return ok();
  };
  if (auto filled = fill(); !filled.is_ok()) {
    dispose(stack().hal(), pending);
    return filled.error();
  }
  pending->plan = plan;
  pending->plan.ip.options = ByteSpan(pending->options.data(), pending->options.size());
  if (plan.ip.v4_options != nullptr) pending->plan.ip.v4_options = &pending->plan.v4_options;
  pending->route = *plan.route;
  pending->plan.route = &pending->route;
  charge(*pending->packet, 0);
  return pending;
}

Result<> RawSocket::append_bytes(Entry& entry, const SendPlan& plan, SendRequest& request) {
  if (pending_ == nullptr) {
    pending_ = TRY(start_pending(plan));
    pending_->names_ttl = request.control.ttl >= 0;
  }
  IoSource& source = request.source;
  Pending& pending = *pending_;
  const size_t size = source.remaining(), total = pending.packet->size() + size;
  TRY(check_size(entry, pending.plan, total));
  if (pending.packet->tailroom() < size) {
    Ref<Packet> larger = TRY(Packet::create_linear(stack().pool(), std::bit_ceil(total)));
    pending.packet->read(0, larger->append(pending.packet->size()));
    larger->set_true_size(pending.packet->true_size());
    pending.packet->give_owner_to(*larger);
    pending.packet = std::move(larger);
  }
  const size_t room = make_more_bytes(shape_of(pending.plan), pending.made, *pending.packet, size, 0);
  if (source.copy(pending.packet->append(size)) < room) return Errno::EFAULT;
  if (room < size) return Errno::ENOBUFS;
  number_record(pending.plan);
  return ok();
}

Result<size_t> RawSocket::append_pending(Entry& entry, SendRequest& request, const SendPlan& plan) {
  const size_t size = request.source.remaining();
  // MSG_PROBE adds nothing.
  auto appended = plan.is_probe_only ? ok() : append_bytes(entry, plan, request);
  if (!appended.is_ok()) {
    discard_pending(entry);
    return appended.error();
  }
  if ((request.flags & kMessageMore) == 0) TRY(push_pending(entry, plan));
  return Result<size_t>(size);
}

Result<> RawSocket::push_pending(Entry& entry, const SendPlan& last) {
  if (pending_ == nullptr) return ok();
  Pending* const pending = std::exchange(pending_, nullptr);
  SendPlan& plan = pending->plan;
  if (family() == IpFamily::V4) {
    // Over loopback a group's way ends with those who are in it, whatever the header says.
    const bool is_lost = plan.route->kind == RouteKind::Multicast && !last.destination.is_multicast() &&
                         plan.route->output->is_loopback() &&
                         !stack().memberships().accepts(*plan.route->output, plan.destination, plan.route->source);
    if (is_lost) {
      dispose(stack().hal(), pending);
      return ok();
    }
    plan.destination = last.destination;
    pending->route.source = last.route->source;
    pending->route.destination = last.route->destination;
    if (!pending->names_ttl) {
      const int ttl = plan.route->kind == RouteKind::Multicast ? int{ip_options->multicast_ttl} : int{ip_options->ttl};
      plan.ip.ttl = ttl < 0 ? uint8_t{0} : static_cast<uint8_t>(ttl);
      plan.ip.stays_on_host = ttl == 0;
    }
  }
  Ref<Packet> packet = std::move(pending->packet);
  tag(*packet, plan);
  number_packet(plan);
  auto sent = send_packet(entry, std::move(packet), plan);
  dispose(stack().hal(), pending);
  return sent;
}

void RawSocket::discard_pending(Entry&) {
  if (pending_ == nullptr) return;
  dispose(stack().hal(), std::exchange(pending_, nullptr));
  wake_writers();
}

}  // namespace lxnet
