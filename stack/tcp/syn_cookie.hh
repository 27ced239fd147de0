// SYN cookies: a SYN whose memory is its own answer (Bernstein 1996, as Linux does it).
//
// The initial sequence number hides the minute and which of four MSS values the peer offered; the six low bits of the answer's
// timestamp hide its other options. Only who received the answer can send both back, and only for the next two minutes.
#pragma once

#include <optional>

#include "base/seqnum.hh"
#include "base/siphash.hh"
#include "base/time.hh"
#include "stack/ip_address.hh"
#include "stack/tcp/connection_state.hh"

namespace lxnet {

class SynCookie {
 public:
  // An answer is believed while its minute or the next one lasts.
  static constexpr uint32_t kMaxAgeMinutes = 2;
  static constexpr Duration kLife = Duration::seconds(60 * kMaxAgeMinutes);

  SynCookie(const SipKey& key, const Endpoint& local, const Endpoint& remote);

  // `mss` becomes what the cookie can say of it: the next smaller of the table.
  SeqNum create(SeqNum peer_isn, uint16_t& mss, Instant now) const;
  // The MSS, or nothing: not one of ours, or too old.
  std::optional<uint16_t> check(SeqNum cookie, SeqNum peer_isn, Instant now) const;

 private:
  uint32_t hash(uint32_t minute, uint32_t secret) const;

  SipKey key_;
  struct Flow {
    IpAddress local, remote;
    uint16_t local_port, remote_port;
    uint32_t minute, secret;
  } flow_;
  const uint16_t* table_;
};

// What the low bits of the answer's timestamp say of the peer's SYN.
struct SynCookieOptions {
  NegotiatedOptions negotiated;
  uint8_t peer_shift = 0;

  // The largest clock value not after `millis` whose low bits say it.
  uint32_t encode(uint32_t millis) const;
  // From the peer's echo, our offset taken off.
  static SynCookieOptions decode(uint32_t echo);
};

}  // namespace lxnet
