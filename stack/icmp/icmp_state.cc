// Whether ICMP may speak, and what both versions share.
#include "stack/icmp/icmp_state.hh"

#include <algorithm>

#include "stack/datagram/append_charge.hh"
#include "stack/icmp/icmp_input.hh"
#include "stack/icmp/icmp_internal.hh"
#include "stack/raw/raw_input.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"

namespace lxnet {

IcmpState::IcmpState(Stack& stack) : rate_limit_(stack.hal()) {}

Result<Ref<Packet>> cite_packet(const Packet& packet, size_t limit) {
  Ref<Packet> cited = TRY(packet.clone());
  cited->restore_front(cited->network_header());
  cited->trim(std::min(cited->size(), limit));
  return cited;
}

void charge_message(Packet& message, IpFamily family, size_t options_size) {
  const size_t fixed = family == IpFamily::V4 ? 20 : 40;
  const AppendShape shape{.family = family, .headers = fixed + options_size};
  message.set_true_size(AppendCharge::of_one(shape, message.size(), sizeof(Icmp4Header)));
}

namespace {

// The steps both families take once it is known that the type is limited at all.
bool pass_limits(Entry& entry, const Route& route, const IpAddress& destination, Duration interval, Mib host_limited) {
  // Nobody is harmed by what we tell ourselves.
  if (route.output->is_loopback()) return true;
  RateLimit& limit = entry.stack().icmp().rate_limit();
  const TunableValues& tunables = entry.stack().tunables().values();
  if (!limit.allows_globally(entry.now(), {tunables.icmp_msgs_per_sec, tunables.icmp_msgs_burst})) {
    count(entry, Mib::IcmpOutRateLimitGlobal);
    return false;
  }
  if (!limit.allows_host(entry.now(), destination, interval)) {
    count(entry, host_limited);
    return false;
  }
  limit.pay_globally();
  return true;
}

}  // namespace

bool icmp4_may_send(Entry& entry, const Route& route, const IpAddress& destination, uint8_t type, uint8_t code) {
  const TunableValues& tunables = entry.stack().tunables().values();
  const bool is_path_mtu = type == static_cast<uint8_t>(Icmp4Type::DestinationUnreachable) &&
                           code == static_cast<uint8_t>(Icmp4Unreachable::FragmentationNeeded);
  const bool is_limited = type < 32 && (static_cast<uint32_t>(tunables.icmp_ratemask) >> type & 1) != 0;
  if (is_path_mtu || !is_limited) return true;
  return pass_limits(entry, route, destination, Duration::millis(tunables.icmp_ratelimit), Mib::IcmpOutRateLimitHost);
}

bool icmp6_may_send(Entry& entry, const Route& route, const IpAddress& destination, uint8_t type) {
  const TunableValues& tunables = entry.stack().tunables().values();
  // icmp/ratemask's default: every error but Packet Too Big, and no informational message.
  const bool is_limited = type < 128 && type != static_cast<uint8_t>(Icmp6Type::PacketTooBig);
  if (!is_limited) return true;
  // Linux quarters the interval for every 32 bits that the route's prefix is short of a host: on-link routes are /64, default
  // routes /0.
  const int64_t divisor = route.next_hop == route.destination ? 4 : 16;
  return pass_limits(entry, route, destination, Duration::millis(tunables.icmp6_ratelimit) / divisor, Mib::Icmp6OutRateLimitHost);
}

void deliver_error(Entry& entry, const IpError& error) {
  raw_receive_error(entry, error);
  const IpFamily family = error.destination.family();
  const TransportProtocol* transport = find_transport(family, error.protocol);
  if (transport != nullptr) transport->receive_error(entry, error);
}

void icmp_send_port_unreachable(Entry& entry, const Packet& offending) {
  if (offending.link_protocol == 0x86dd) {
    return icmp6_send_error(entry, offending, static_cast<uint8_t>(Icmp6Type::DestinationUnreachable),
                            static_cast<uint8_t>(Icmp6Unreachable::Port), 0);
  }
  icmp4_send_error(entry, offending, static_cast<uint8_t>(Icmp4Type::DestinationUnreachable),
                   static_cast<uint8_t>(Icmp4Unreachable::Port), 0);
}

void icmp_send_host_unreachable(Entry& entry, const Packet& offending) {
  if (offending.link_protocol == 0x86dd) {
    return icmp6_send_error(entry, offending, static_cast<uint8_t>(Icmp6Type::DestinationUnreachable),
                            static_cast<uint8_t>(Icmp6Unreachable::Address), 0);
  }
  icmp4_send_error(entry, offending, static_cast<uint8_t>(Icmp4Type::DestinationUnreachable),
                   static_cast<uint8_t>(Icmp4Unreachable::Host), 0);
}

}  // namespace lxnet
