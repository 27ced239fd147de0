// LinkMulticast: what one interface and family knows of its multicast routers: the version they speak and how they ask.
#pragma once

#include "base/list.hh"
#include "base/time.hh"
#include "stack/ip_address.hh"

namespace lxnet {

// A query as IGMP and MLD mean it alike.
struct GroupQuery {
  uint8_t version = 3;   // IGMP 1 to 3; MLD 1 and 2
  IpAddress group = {};  // unspecified: a general query
  Duration response_limit;
  uint8_t robustness = 0;   // 0: the querier does not say
  Duration query_interval;  // zero: it does not say
  std::span<const Ipv4Address> sources4 = {};
  std::span<const Ipv6Address> sources6 = {};

  bool has_sources() const { return !sources4.empty() || !sources6.empty(); }
};

struct LinkMulticast {
  LinkMulticast(uint32_t index, IpFamily of) : interface_index(index), family(of) {}

  uint32_t interface_index;
  IpFamily family;
  uint8_t robustness = 2;
  Duration query_interval = Duration::seconds(125);
  Duration response_interval = Duration::seconds(10);
  Instant version1_until = Instant::from_nanos(INT64_MIN / 2);
  Instant version2_until = Instant::from_nanos(INT64_MIN / 2);  // IGMP only: MLD's newest is 2
  Instant general_at = Instant::never();                        // when a general query is answered
  Instant change_at = Instant::never();                         // when the next state-change report goes out
  uint8_t changes_left = 0;
  ListLink link;

  // The version spoken now: 1, 2 or 3 of IGMP; 1 or 2 of MLD.
  uint8_t version(Instant now) const {
    if (now < version1_until) return 1;
    if (family == IpFamily::V6) return 2;
    return now < version2_until ? 2 : 3;
  }
  bool is_newest(Instant now) const { return version(now) == (family == IpFamily::V4 ? 3 : 2); }
};

}  // namespace lxnet
