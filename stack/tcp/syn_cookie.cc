// cookie = hash(flow) + peer's ISN + minute << 24 + ((hash(flow, minute) + index of the MSS) mod 2^24)
#include "stack/tcp/syn_cookie.hh"

namespace lxnet {
namespace {

constexpr uint32_t kCountShift = 24, kDataMask = (1u << kCountShift) - 1;
constexpr uint32_t kTableSize = 4;
constexpr uint16_t kTableV4[kTableSize] = {536, 1300, 1440, 1460};
constexpr uint16_t kTableV6[kTableSize] = {1280 - 60, 1480 - 60, 1500 - 60, 9000 - 60};

// In a timestamp: window scale in four bits, 15 meaning none, then SACK and ECN.
constexpr uint32_t kOptionBits = 6, kOptionMask = (1u << kOptionBits) - 1;
constexpr uint32_t kShiftMask = 15, kNoShift = 15, kSackBit = 16, kEcnBit = 32;

uint32_t minute_of(Instant now) { return static_cast<uint32_t>(now.in_nanos() / 60'000'000'000); }

}  // namespace

SynCookie::SynCookie(const SipKey& key, const Endpoint& local, const Endpoint& remote)
    : key_(key),
      flow_{local.address, remote.address, local.port, remote.port, 0, 0},
      table_(remote.address.is_v4() ? kTableV4 : kTableV6) {
  static_assert(sizeof(Flow) == 44);
}

uint32_t SynCookie::hash(uint32_t minute, uint32_t secret) const {
  Flow flow = flow_;
  flow.minute = minute;
  flow.secret = secret;
  return static_cast<uint32_t>(siphash_2_4(key_, bytes_of(flow)));
}

SeqNum SynCookie::create(SeqNum peer_isn, uint16_t& mss, Instant now) const {
  uint32_t index = kTableSize - 1;
  while (index != 0 && mss < table_[index]) --index;
  mss = table_[index];
  const uint32_t minute = minute_of(now);
  return SeqNum(hash(0, 1) + peer_isn.value() + (minute << kCountShift) + ((hash(minute, 2) + index) & kDataMask));
}

std::optional<uint16_t> SynCookie::check(SeqNum cookie, SeqNum peer_isn, Instant now) const {
  const uint32_t rest = cookie.value() - hash(0, 1) - peer_isn.value();
  const uint32_t minute = minute_of(now);
  const uint32_t age = (minute - (rest >> kCountShift)) & (~0u >> kCountShift);
  if (age >= kMaxAgeMinutes) return std::nullopt;
  const uint32_t index = (rest - hash(minute - age, 2)) & kDataMask;
  if (index >= kTableSize) return std::nullopt;
  return table_[index];
}

uint32_t SynCookieOptions::encode(uint32_t millis) const {
  const uint32_t shift = negotiated.window_scale ? uint32_t{peer_shift} : kNoShift;
  const uint32_t bits = shift | (negotiated.sack ? kSackBit : 0) | (negotiated.ecn ? kEcnBit : 0);
  const uint32_t stamp = (millis & ~kOptionMask) | bits;
  return static_cast<int32_t>(stamp - millis) > 0 ? stamp - (kOptionMask + 1) : stamp;
}

SynCookieOptions SynCookieOptions::decode(uint32_t echo) {
  const uint32_t shift = echo & kShiftMask;
  return {.negotiated = {.timestamps = true,
                         .sack = (echo & kSackBit) != 0,
                         .window_scale = shift != kNoShift,
                         .ecn = (echo & kEcnBit) != 0},
          .peer_shift = shift != kNoShift ? static_cast<uint8_t>(shift) : uint8_t{0}};
}

}  // namespace lxnet
