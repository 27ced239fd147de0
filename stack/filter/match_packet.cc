#include "stack/filter/match_packet.hh"

#include "stack/stack.hh"

namespace lxnet {
namespace {

// XT_ADDRTYPE_*: bits by RTN_*.
constexpr uint32_t kInvertSourceType = 1, kInvertDestinationType = 2, kOnlyInput = 4, kOnlyOutput = 8;

constexpr uint16_t type_bit(RouteType type) { return static_cast<uint16_t>(1u << static_cast<unsigned>(type)); }

bool is_of_type4(FilterPacket& packet, const IpAddress& address, uint16_t types, uint32_t interface_index) {
  return (types & type_bit(packet.entry.stack().routes().address_type(address, interface_index))) != 0;
}

// match_lookup_rt6(): by the route that leads there.
uint16_t route_types6(FilterPacket& packet, const Ipv6Address& address, uint32_t interface_index) {
  Stack& stack = packet.entry.stack();
  uint16_t types = 0;
  if (interface_index != 0 && stack.interfaces().is_local_address(address, interface_index)) types = type_bit(RouteType::Local);
  auto looked_up = stack.routes().lookup(packet.entry, {.destination = address, .output_interface = interface_index});
  if (!looked_up.is_ok()) return type_bit(RouteType::Unreachable);
  if (interface_index == 0 && looked_up.take().kind == RouteKind::Local) types |= type_bit(RouteType::Local);
  if (stack.routes().address_type(address, interface_index) == RouteType::Anycast) types |= type_bit(RouteType::Anycast);
  return types;
}

// match_type6(): what an address says of itself has to hold of all that is asked for, what routes say of one.
bool is_of_type6(FilterPacket& packet, const IpAddress& address, uint16_t types, uint32_t interface_index) {
  const Ipv6Address& own = address.v6();
  const auto asks = [types](RouteType type) { return (types & type_bit(type)) != 0; };
  if (asks(RouteType::Multicast) && !own.is_multicast()) return false;
  if (asks(RouteType::Unicast) && (own.is_multicast() || own.is_unspecified())) return false;
  if (asks(RouteType::Unspecified) && !own.is_unspecified()) return false;
  constexpr uint16_t kRouted = type_bit(RouteType::Local) | type_bit(RouteType::Anycast) | type_bit(RouteType::Unreachable);
  return (types & kRouted) == 0 || (types & route_types6(packet, own, interface_index)) != 0;
}

bool is_of_type(FilterPacket& packet, const IpAddress& address, uint16_t types, uint32_t interface_index) {
  if (packet.family == IpFamily::V4) return is_of_type4(packet, address, types, interface_index);
  return is_of_type6(packet, address, types, interface_index);
}

}  // namespace

Result<> check_address_type(const RuleFacts& rule, ByteSpan data) {
  constexpr uint8_t kBefore = hook_bit(FilterHook::PreRouting) | hook_bit(FilterHook::LocalIn);
  constexpr uint8_t kAfter = hook_bit(FilterHook::PostRouting) | hook_bit(FilterHook::LocalOut);
  const auto wanted = settings_of<AddressTypeSettings>(data);
  const bool only_input = (wanted.flags & kOnlyInput) != 0, only_output = (wanted.flags & kOnlyOutput) != 0;
  if (only_input && only_output) return Errno::EINVAL;
  if ((rule.hooks & kBefore) != 0 && only_output) return Errno::EINVAL;
  if ((rule.hooks & kAfter) != 0 && only_input) return Errno::EINVAL;
  const auto asked = static_cast<uint16_t>(wanted.source | wanted.destination);
  constexpr uint16_t kNone6 = type_bit(RouteType::Broadcast) | type_bit(RouteType::Blackhole);
  const bool is_strange = (asked & kNone6) != 0 || asked >= type_bit(RouteType::Prohibit);
  return rule.family == IpFamily::V6 && is_strange ? Result<>(Errno::EINVAL) : ok();
}

bool matches_address_type(FilterPacket& packet, FilterMatch& match) {
  const auto wanted = settings_of<AddressTypeSettings>(match.data);
  const Interface* only = nullptr;
  if ((wanted.flags & kOnlyInput) != 0) only = packet.input;
  if ((wanted.flags & kOnlyOutput) != 0) only = packet.output;
  const uint32_t index = only == nullptr ? 0 : only->index();
  if (wanted.source != 0 &&
      is_of_type(packet, packet.source_address(), wanted.source, index) == ((wanted.flags & kInvertSourceType) != 0)) {
    return false;
  }
  return wanted.destination == 0 || is_of_type(packet, packet.destination_address(), wanted.destination, index) !=
                                        ((wanted.flags & kInvertDestinationType) != 0);
}

bool matches_address_type0(FilterPacket& packet, FilterMatch& match) {
  const auto wanted = settings_of<OldAddressTypeSettings>(match.data);
  const auto differs = [&](const IpAddress& address, uint16_t types, uint32_t inverted) {
    return types != 0 && uint32_t{is_of_type4(packet, address, types, 0)} == inverted;
  };
  return !differs(packet.source_address(), wanted.source, wanted.source_inverted) &&
         !differs(packet.destination_address(), wanted.destination, wanted.destination_inverted);
}

bool matches_comment(FilterPacket&, FilterMatch&) { return true; }

bool matches_length(FilterPacket& packet, FilterMatch& match) {
  const auto wanted = settings_of<LengthSettings>(match.data);
  const size_t size = packet.packet.size();
  return (size >= wanted.least && size <= wanted.most) != (wanted.inverted != 0);
}

// ---- limit: a bucket of tokens, in Linux's credits, of which there are 32,000 a second whatever its clock; kept in nanoseconds

namespace {

constexpr uint32_t kCreditsPerSecond = 32'000, kAveragesPerSecond = 10'000;
constexpr int64_t kNanosPerCredit = 1'000'000'000 / kCreditsPerSecond;

// user2credits(): in 32 bits, which may overflow.
uint32_t credits_of(uint32_t average) {
  if (average > UINT32_MAX / kCreditsPerSecond) return average / kAveragesPerSecond * kCreditsPerSecond;
  return average * kCreditsPerSecond / kAveragesPerSecond;
}

struct CompatLimitSettings {
  uint32_t average, burst, previous, credit, credit_cap, cost, master;
};
static_assert(sizeof(CompatLimitSettings) == kLimitCompatSize);

}  // namespace

Result<> check_limit(const RuleFacts&, ByteSpan data) {
  const auto wanted = settings_of<LimitSettings>(data);
  if (wanted.burst == 0 || credits_of(wanted.average * wanted.burst) < credits_of(wanted.average)) return Errno::ERANGE;
  return ok();
}

// A 32-bit program gives back what it has read, and that is kept.
void prepare_limit(Entry& entry, FilterMatch& match, MutableByteSpan settings) {
  auto wanted = settings_of<LimitSettings>(settings);
  const uint32_t full = credits_of(wanted.average * wanted.burst);
  match.last = entry.now();
  match.remaining = full * kNanosPerCredit;
  if (wanted.cost != 0) return;
  wanted.credit_cap = full;
  wanted.cost = credits_of(wanted.average);
  copy_bytes(settings, bytes_of(wanted));
}

bool matches_limit(FilterPacket& packet, FilterMatch& match) {
  const auto wanted = settings_of<LimitSettings>(match.data);
  const int64_t cap = wanted.credit_cap * kNanosPerCredit, cost = wanted.cost * kNanosPerCredit;
  const Instant now = packet.entry.now();
  const int64_t passed = (now - match.last).in_nanos();
  if (passed > 0) {
    match.last = now;
    match.remaining = passed > cap ? cap : match.remaining + passed;
  }
  if (match.remaining > cap) match.remaining = cap;
  if (match.remaining < cost) return false;
  match.remaining -= cost;
  return true;
}

void widen_limit(MutableByteSpan to, ByteSpan from) {
  const auto narrow = settings_of<CompatLimitSettings>(from);
  const LimitSettings wide{.average = narrow.average,
                           .burst = narrow.burst,
                           .previous = narrow.previous | uint64_t{narrow.master} << 32,
                           .credit = narrow.credit,
                           .credit_cap = narrow.credit_cap,
                           .cost = narrow.cost,
                           .master = 0};
  copy_bytes(to, bytes_of(wide));
}

// A 32-bit program is told all of it.
void narrow_limit(MutableByteSpan to, ByteSpan from) {
  const auto wide = settings_of<LimitSettings>(from);
  const CompatLimitSettings narrow{.average = wide.average,
                                   .burst = wide.burst,
                                   .previous = static_cast<uint32_t>(wide.previous),
                                   .credit = wide.credit,
                                   .credit_cap = wide.credit_cap,
                                   .cost = wide.cost,
                                   .master = static_cast<uint32_t>(wide.previous >> 32)};
  copy_bytes(to, bytes_of(narrow));
}

bool matches_mark(FilterPacket& packet, FilterMatch& match) {
  const auto wanted = settings_of<MarkSettings>(match.data);
  return ((packet.packet.mark & wanted.mask) == wanted.mark) != (wanted.inverted != 0);
}

bool matches_hops(FilterPacket& packet, FilterMatch& match) {
  enum Mode : uint8_t { kEqual = 0, kNotEqual = 1, kLess = 2, kMore = 3 };
  const auto wanted = settings_of<HopSettings>(match.data);
  switch (wanted.mode) {
    case kEqual:
      return packet.time_to_live == wanted.value;
    case kNotEqual:
      return packet.time_to_live != wanted.value;
    case kLess:
      return packet.time_to_live < wanted.value;
    case kMore:
      return packet.time_to_live > wanted.value;
    default:
      return false;
  }
}

}  // namespace lxnet
