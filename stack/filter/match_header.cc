#include "stack/filter/match_header.hh"

#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr uint8_t kLastDscp = 0x3f;

// As numbers, the most significant byte first.
int compare(const uint8_t* left, const uint8_t* right, size_t size) { return memcmp(left, right, size); }

bool is_within(const uint32_t (&words)[4], const uint8_t (&range)[2][16], IpFamily family) {
  const size_t size = family == IpFamily::V4 ? 4 : 16;
  const auto* address = reinterpret_cast<const uint8_t*>(words);
  return compare(address, range[0], size) >= 0 && compare(address, range[1], size) <= 0;
}

}  // namespace

Result<> check_dscp(const RuleFacts&, ByteSpan data) {
  if (settings_of<DscpSettings>(data).dscp > kLastDscp) return Errno::EDOM;
  return ok();
}

bool matches_dscp(FilterPacket& packet, FilterMatch& match) {
  const auto wanted = settings_of<DscpSettings>(match.data);
  return (packet.type_of_service >> 2 == wanted.dscp) != (wanted.inverted != 0);
}

bool matches_tos(FilterPacket& packet, FilterMatch& match) {
  const auto wanted = settings_of<TosSettings>(match.data);
  return ((packet.type_of_service & wanted.mask) == wanted.value) != (wanted.inverted != 0);
}

bool matches_address_range(FilterPacket& packet, FilterMatch& match) {
  constexpr uint32_t kSource = 1 << 0, kDestination = 1 << 1, kInvertSource = 1 << 4, kInvertDestination = 1 << 5;
  const auto wanted = settings_of<AddressRangeSettings>(match.data);
  const auto flags = static_cast<uint8_t>(wanted.flags);
  if ((flags & kSource) != 0 && is_within(packet.source, wanted.source, packet.family) == ((flags & kInvertSource) != 0))
    return false;
  return (flags & kDestination) == 0 ||
         is_within(packet.destination, wanted.destination, packet.family) != ((flags & kInvertDestination) != 0);
}

// What the link said of the packet: PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST, PACKET_OTHERHOST.
bool matches_packet_type(FilterPacket& packet, FilterMatch& match) {
  const auto wanted = settings_of<PacketTypeSettings>(match.data);
  const Packet& seen = packet.packet;
  const int32_t type = seen.is_link_broadcast ? 1 : seen.is_link_multicast ? 2 : seen.is_for_other_host ? 3 : 0;
  return (type == wanted.type) != (wanted.inverted != 0);
}

namespace {

constexpr uint16_t kRandom = 0, kEveryNth = 1, kInvertStatistic = 1;

}  // namespace

Result<> check_statistic(const RuleFacts&, ByteSpan data) {
  const auto wanted = settings_of<StatisticSettings>(data);
  if (wanted.mode > kEveryNth || (wanted.flags & ~kInvertStatistic) != 0) return Errno::EINVAL;
  return ok();
}

// Which packet of the round is the one: the first of all counts as one more than the number that was given.
void prepare_statistic(Entry&, FilterMatch& match, MutableByteSpan settings) {
  match.remaining = settings_of<StatisticSettings>(settings).count;
}

bool matches_statistic(FilterPacket& packet, FilterMatch& match) {
  const auto wanted = settings_of<StatisticSettings>(match.data);
  const bool is_inverted = (wanted.flags & kInvertStatistic) != 0;
  if (wanted.mode == kRandom) {
    constexpr uint32_t kWhole = 0x7fff'ffff;
    return ((packet.entry.stack().hal().random<uint32_t>() & kWhole) < wanted.every) != is_inverted;
  }
  const auto count = static_cast<uint32_t>(match.remaining);
  const uint32_t next = count == wanted.every ? 0 : count + 1;
  match.remaining = next;
  return (next == 0) != is_inverted;
}

}  // namespace lxnet
