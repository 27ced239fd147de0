// The IP layer's memory.
#include "stack/ip/ip_state.hh"

#include <algorithm>

#include "stack/ip/output.hh"
#include "stack/ip/transport.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ipv6.hh"

namespace lxnet {

namespace {

struct FlowLabelKey {
  Ipv6Address source, destination;
  uint32_t hash;  // of the flow if the transport has one, else its ports
  uint32_t protocol;
};

}  // namespace

IpState::IpState(Stack& stack)
    : stack_(stack),
      identification_(stack.hal()),
      path_mtus_(stack.hal()),
      reassembly4_(stack, IpFamily::V4),
      reassembly6_(stack, IpFamily::V6),
      path_mtu_timer_(&IpState::path_mtu_expired),
      flow_key_(stack.hal().random<SipKey>()) {}

IpState::~IpState() { stack_.timers().cancel(path_mtu_timer_); }

// Sockets keep routes; a new generation makes them ask again, also when what was learnt is to be forgotten.
void IpState::path_mtu_learnt(Instant expires) {
  stack_.routes().bump_generation();
  if (!path_mtu_timer_.is_armed()) stack_.timers().arm(path_mtu_timer_, expires);
}

void IpState::path_mtu_expired(Entry& entry, Timer& timer) {
  if (!timer.claim()) return;
  IpState& self = entry.stack().ip();
  self.stack_.routes().bump_generation();
  const Instant next = self.path_mtus_.forget_expired(entry.now());
  if (!next.is_never()) self.stack_.timers().arm(timer, next);
}

uint32_t IpState::flow_label(const Packet& packet, const Route& route, uint8_t protocol) const {
  FlowLabelKey key{route.source.v6(), route.destination.v6(), packet.flow_hash, protocol};
  if (key.hash == 0) packet.read(0, mutable_bytes_of(key.hash));
  const uint32_t label = static_cast<uint32_t>(siphash_1_3(flow_key_, key)) & 0xf'ffff;
  return label == 0 ? 1 : label;
}

namespace {

bool is_about_mtu(const IpError& error) {
  if (error.origin == IpError::Origin::Icmp6) return Icmp6Type{error.type} == Icmp6Type::PacketTooBig;
  return error.origin == IpError::Origin::Icmp4 && Icmp4Type{error.type} == Icmp4Type::DestinationUnreachable &&
         Icmp4Unreachable{error.code} == Icmp4Unreachable::FragmentationNeeded;
}

}  // namespace

// RFC 1191 and RFC 8201 with Linux's bounds: IPv4 paths below min_pmtu are believed to be that wide and get packets without DF;
// IPv6 paths are never narrower than 1280.
bool learn_path_mtu(Entry& entry, const IpError& error) {
  if (!is_about_mtu(error)) return false;
  const TunableValues& tunables = entry.stack().tunables().values();
  const bool is_v4 = error.destination.is_v4();
  auto looked_up = entry.stack().routes().lookup(entry, {.source = error.source, .destination = error.destination});
  if (!looked_up.is_ok()) return false;
  Route route = looked_up.take();
  apply_path_mtu(entry, route);
  const uint32_t known = ip_send_mtu(route, PathMtuMode::Want);
  if (route.is_mtu_locked || error.info > known || (!is_v4 && error.info == known)) return false;
  const auto least = is_v4 ? static_cast<uint32_t>(tunables.route_min_pmtu) : uint32_t{Ipv6Header::kMinMtu};
  PathMtuTable::Entry learnt{.mtu = error.info, .expires = entry.now() + Duration::seconds(tunables.route_mtu_expires_seconds)};
  if (error.info < least) {
    learnt.mtu = std::min(known, least);
    learnt.is_locked = is_v4;
  }
  if (!entry.stack().ip().path_mtus().learn(error.destination, learnt, entry.now())) return false;
  entry.stack().ip().path_mtu_learnt(learnt.expires);
  return true;
}

void apply_path_mtu(Entry& entry, Route& route) {
  if (route.kind != RouteKind::Unicast || route.is_mtu_locked) return;
  const PathMtuTable::Entry known = entry.stack().ip().path_mtus().find(route.destination, entry.now());
  if (known.mtu == 0 || (route.mtu != 0 && known.mtu >= route.mtu)) return;
  route.mtu = known.mtu;
  route.is_mtu_locked = known.is_locked;
}

void ip_receive(Entry& entry, Ref<Packet> packet, Interface* input) {
  if (packet->link_protocol == 0x86dd) return ip6_receive(entry, std::move(packet), input);
  ip4_receive(entry, std::move(packet), input);
}

}  // namespace lxnet
