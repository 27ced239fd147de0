// Linux's igmp_mc_seq_show(), igmp6_mc_seq_show(), the two for sources, and dev_mc_seq_show().
//
// What all nodes listen to without joining is listed as if joined: 224.0.0.1 while the interface is up, ff02::1 and ff01::1
// always, and what routers listen to. Linux forgets the link-layer addresses of IPv6 groups while an interface is down
// that had a carrier; here they stay.
#include "hosts/linux/inspect/group_list.hh"

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
// The core's headers remove errno's macros.
#include "stack/igmp/memberships.hh"
#include "stack/stack.hh"

namespace lxnet::host {
namespace {

constexpr unsigned kTimerRuns = 1, kLastReporter = 2, kOnLink = 4, kNotReported = 8;  // MAF_*

struct Source {
  IpAddress address;
  uint32_t included = 0, excluded = 0;
};

struct Group {
  IpAddress address;
  uint32_t users = 1;
  int64_t ticks = 0;  // until it is reported, in hundredths of a second
  bool timer_runs = false, is_last_reporter = false;
  std::vector<Source> sources = {};
};

Group read(const InterfaceGroup& group, Instant now) {
  Group read{.address = group.address(), .users = group.users()};
  read.timer_runs = !group.report_at.is_never();
  if (read.timer_runs) read.ticks = std::max<int64_t>((group.report_at - now).in_millis() / 10, 0);
  read.is_last_reporter = group.is_last_reporter;
  for (const GroupSource& source : group.sources()) {
    if (source.is_used()) read.sources.push_back({source.address, source.include_users, source.exclude_users});
  }
  return read;
}

// In the order in which the interface came to listen to them.
std::vector<Group> groups_of(Stack& stack, const Interface& interface, Instant now) {
  std::vector<Group> groups = {{Ipv6Address::interface_local_all_nodes()}, {Ipv6Address::all_nodes()}};
  if (interface.is_up()) groups.push_back({Ipv4Address::all_hosts()});
  stack.memberships().for_each_group([&](const InterfaceGroup& group) {
    if (group.interface_index() == interface.index() && group.users() != 0) groups.push_back(read(group, now));
  });
  if (hears_routers(interface)) {
    for (const int scope : {0xff02, 0xff01, 0xff05})
      groups.push_back({Ipv6Address(static_cast<uint16_t>(scope), 0, 0, 0, 0, 0, 0, 2)});
  }
  return groups;
}

// visit(interface, its groups, the latest first) of each interface.
template <typename Visitor>
void for_each_interface(Stack& stack, IpFamily family, Visitor&& visit) {
  const Instant now = stack.hal().now();
  for (Ref<Interface> at = stack.interfaces().find_next(0); at; at = stack.interfaces().find_next(at->index())) {
    std::vector<Group> groups = groups_of(stack, *at, now);
    std::erase_if(groups, [family](const Group& group) { return group.address.is_v4() != (family == IpFamily::V4); });
    std::reverse(groups.begin(), groups.end());
    visit(*at, groups, now);
  }
}

uint32_t as_read(Ipv4Address address) {
  uint32_t word;
  std::memcpy(&word, &address, sizeof word);
  return word;
}

std::string hex(std::span<const uint8_t> bytes) {
  return absl::BytesToHexString({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string igmp(Stack& stack) {
  std::string out = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n";
  for_each_interface(stack, IpFamily::V4, [&](const Interface& interface, const std::vector<Group>& groups, Instant now) {
    if (groups.empty()) return;
    const unsigned version = stack.memberships().version_on(interface.index(), IpFamily::V4, now);
    absl::StrAppendFormat(&out, "%d\t%-10s: %5d %7s\n", interface.index(), interface.name(), groups.size(),
                          absl::StrCat("V", version));
    for (const Group& group : groups) {
      absl::StrAppendFormat(&out, "\t\t\t\t%08X %5d %d:%08X\t\t%d\n", as_read(group.address.v4()), group.users,
                            int{group.timer_runs}, group.ticks, int{group.is_last_reporter});
    }
  });
  return out;
}

std::string igmp6(Stack& stack) {
  std::string out;
  for_each_interface(stack, IpFamily::V6, [&](const Interface& interface, const std::vector<Group>& groups, Instant) {
    for (const Group& group : groups) {
      const Ipv6Address& address = group.address.v6();
      const bool is_on_link = address.scope() >= Ipv6Scope::LinkLocal;
      const bool is_reported = is_on_link && !(address == Ipv6Address::all_nodes());
      const unsigned flags = (group.timer_runs ? kTimerRuns : 0) | (group.is_last_reporter ? kLastReporter : 0) |
                             (is_on_link ? kOnLink : 0) | (is_reported ? 0 : kNotReported);
      absl::StrAppendFormat(&out, "%-4d %-15s %s %5d %08X %d\n", interface.index(), interface.name(), hex(address.bytes()),
                            group.users, flags, group.ticks);
    }
  });
  return out;
}

std::string sources(Stack& stack, IpFamily family) {
  std::string out = family == IpFamily::V4
                        ? "Idx Device        MCA        SRC    INC    EXC\n"
                        : "Idx Device                Multicast Address                   Source Address    INC    EXC\n";
  const auto text = [family](const IpAddress& address) {
    return family == IpFamily::V4 ? absl::StrFormat("0x%08x", address.v4().value()) : hex(address.v6().bytes());
  };
  for_each_interface(stack, family, [&](const Interface& interface, const std::vector<Group>& groups, Instant) {
    for (const Group& group : groups) {
      for (const Source& source : group.sources) {
        absl::StrAppendFormat(&out, "%3d %6.6s %s %s %6u %6u\n", interface.index(), interface.name(), text(group.address),
                              text(source.address), source.included, source.excluded);
      }
    }
  });
  return out;
}

// What the device of one interface is told to hear, and by how many.
struct LinkAddress {
  MacAddress address;
  uint32_t count;
};

std::vector<LinkAddress> link_addresses_of(Stack& stack, const Interface& interface) {
  std::vector<LinkAddress> heard;
  const auto add = [&heard](MacAddress address, uint32_t count) {
    const auto known = std::find_if(heard.begin(), heard.end(), [&](const LinkAddress& at) { return at.address == address; });
    if (known == heard.end()) return heard.push_back({address, count});
    known->count += count;
  };
  for (const Group& group : groups_of(stack, interface, stack.hal().now())) {
    if (group.address.is_v4()) {
      if (interface.is_up()) add(group.address.v4().multicast_mac(), 1);
    } else if (group.address.v6().scope() >= Ipv6Scope::LinkLocal) {
      add(group.address.v6().multicast_mac(), 1);
    }
  }
  stack.memberships().for_each_held_address([&](uint32_t index, MacAddress address, uint32_t count) {
    if (index == interface.index()) add(address, count);
  });
  return heard;
}

std::string dev_mcast(Stack& stack) {
  std::string out;
  for (Ref<Interface> at = stack.interfaces().find_next(0); at; at = stack.interfaces().find_next(at->index())) {
    if (at->link_kind() != LinkKind::Ethernet) continue;
    for (const LinkAddress& heard : link_addresses_of(stack, *at)) {
      absl::StrAppendFormat(&out, "%-4d %-15s %-5d %-5d %s\n", at->index(), at->name(), heard.count, 0,
                            hex(heard.address.bytes()));
    }
  }
  return out;
}

}  // namespace

std::optional<std::string> group_list_text(lxnet_stack* stack, std::string_view name) {
  Stack& core = *reinterpret_cast<Stack*>(stack);
  if (name == "igmp") return igmp(core);
  if (name == "igmp6") return igmp6(core);
  if (name == "mcfilter") return sources(core, IpFamily::V4);
  if (name == "mcfilter6") return sources(core, IpFamily::V6);
  if (name == "dev_mcast") return dev_mcast(core);
  return std::nullopt;
}

}  // namespace lxnet::host
