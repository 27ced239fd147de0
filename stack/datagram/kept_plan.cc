// A plan that serves again: who keeps sending to one place in one way asks once (docs/decisions/0009-sockets-keep-their-plan.md).
//
// Everything a plan is made from is a number's business: the options' generation, which every setsockopt() moves; the routes',
// which says that the route may have become wrong; the socket's own addresses, whose changes forget the route and the plan with
// it.
#include "stack/datagram/datagram_socket.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

// Nothing in the request concerns it alone.
bool is_plain(const SendRequest& request) {
  constexpr uint32_t kWithoutEffect = kMessageDontWait | kMessageNoSignal;
  return (request.flags & ~kWithoutEffect) == 0 && !request.control.is_given && request.control.flow_label < 0 &&
         !request.names_peer;
}

}  // namespace

DatagramSocket::SendPlan* DatagramSocket::find_kept_plan(const SendRequest& request) {
  if (!kept_.is_valid || !is_plain(request)) return nullptr;
  if (kept_.options_generation != options_generation() || cached_route_.generation != stack().routes().generation())
    return nullptr;
  if (kept_.is_for_peer) return request.destination == nullptr ? &kept_.plan : nullptr;
  return request.destination != nullptr && *request.destination == kept_.destination ? &kept_.plan : nullptr;
}

void DatagramSocket::keep_plan(const SendRequest& request, const SendPlan& plan, uint32_t generation) {
  const Route& route = *plan.route;
  const bool is_for_one = route.kind == RouteKind::Unicast || route.kind == RouteKind::Local;
  // Options of IP's are copied into each packet by itself, and a record's number is each packet's own.
  const bool has_headers =
      plan.sticky || plan.ip.v4_options != nullptr || !plan.ip.options.empty() || plan.ip.largest_packet != 0;
  if (!is_plain(request) || !is_for_one || has_headers || options->timestamping_flags != 0) return;
  kept_.is_for_peer = request.destination == nullptr;
  if (request.destination != nullptr) kept_.destination = *request.destination;
  kept_.options_generation = generation;
  kept_.plan = plan;
  kept_.is_valid = true;
  if (route.kind != RouteKind::Local) return;
  kept_.plan.receiver_hashes = stack().sockets().receiver_hashes(
      {.space = space_, .local = plan.destination, .remote = route.source, .local_port = plan.port, .remote_port = local_.port});
}

void DatagramSocket::number_packet(SendPlan& plan) {
  if (!is_connected() || !remote_.address.is_v4() || !plan.destination.is_v4()) return;
  plan.ip.has_identification = true;
  plan.ip.identification = ++identification_;
}

}  // namespace lxnet
