// Which of our IPv6 addresses speaks to a destination: RFC 6724, section 5, as Linux's ipv6_dev_get_saddr reads it.
//
// Not implemented: rule 5.5 (prefer the prefix of the next hop), which Linux lacks too; address labels that a user may change.
#include "stack/route/route_table.hh"
#include "stack/socket_options.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

struct Label {
  Ipv6Address prefix;
  uint8_t length;
  uint8_t label;
};
// RFC 6724, 2.1 as in Linux's addrlabel.c: the longest prefix is the first here.
constexpr Label kLabels[] = {
    {Ipv6Address::loopback(), 128, 0},
    {Ipv6Address(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 4},
    {Ipv6Address(), 96, 3},
    {Ipv6Address(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, 6},
    {Ipv6Address(0x2001, 0x10, 0, 0, 0, 0, 0, 0), 28, 7},
    {Ipv6Address(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 2},
    {Ipv6Address(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, 5},
};

uint8_t label_of(const Ipv6Address& address) {
  for (const Label& row : kLabels) {
    if (address.is_in(row.prefix, row.length)) return row.label;
  }
  return 1;
}

struct Goal {
  const Ipv6Address& destination;
  uint32_t output_interface;
  int scope;
  uint8_t label;
  uint8_t preferences;  // SourcePreference
};

// Larger is better. Smaller scopes are better as long as they reach the destination.
int scope_score(const Ipv6Address& candidate, const Goal& goal) {
  const int scope = static_cast<int>(candidate.scope());
  return scope >= goal.scope ? -scope : scope - 128;
}

struct Candidate {
  Ipv6Address address;
  static constexpr size_t kRules = 8;
  int score[kRules] = {};

  Candidate() = default;
  Candidate(const Interface& interface, const InterfaceAddress& from, const Goal& goal) : address(from.address.v6()) {
    const uint8_t common = address.common_prefix_length(goal.destination);
    score[0] = address == goal.destination;                                                      // rule 1
    score[1] = scope_score(address, goal);                                                       // rule 2
    score[2] = (from.flags & (kAddressDeprecated | kAddressOptimistic)) == 0;                    // rule 3
    score[3] = ((from.flags & kAddressHome) != 0) == ((goal.preferences & kPreferCareOf) == 0);  // rule 4
    score[4] = interface.index() == goal.output_interface;                                       // rule 5
    score[5] = label_of(address) == goal.label;                                                  // rule 6
    // Rule 7; without a wish public addresses come first, which is use_tempaddr below 2.
    score[6] = ((from.flags & kAddressSecondary) != 0) == ((goal.preferences & kPreferTemporary) != 0);
    score[7] = common < from.prefix_length ? common : from.prefix_length;  // rule 8
  }
  bool is_better_than(const Candidate& other) const {
    for (size_t i = 0; i < kRules; ++i) {
      if (score[i] != other.score[i]) return score[i] > other.score[i];
    }
    return false;
  }
};

}  // namespace

Result<Ipv6Address> RouteTable::select_source(const Interface* output, const Ipv6Address& destination,
                                              uint8_t preferences) const {
  const Goal goal{.destination = destination,
                  .output_interface = output == nullptr ? 0 : output->index(),
                  .scope = static_cast<int>(destination.scope()),
                  .label = label_of(destination),
                  .preferences = preferences};
  // Section 4: for multicast and link-local destinations only addresses of the outgoing link are candidates.
  const bool only_output = output != nullptr && (destination.is_multicast() || destination.is_link_local());
  Candidate best;
  bool has_best = false;
  stack_.interfaces().any_address([&](const Interface& interface, const InterfaceAddress& address) {
    if (address.address.is_v4() || !address.is_usable() || !interface.is_up()) return false;
    if (only_output && interface.index() != goal.output_interface) return false;
    const Candidate candidate(interface, address, goal);
    if (has_best && !candidate.is_better_than(best)) return false;
    best = candidate;
    has_best = true;
    return false;
  });
  if (!has_best) return Errno::EADDRNOTAVAIL;
  return best.address;
}

}  // namespace lxnet
