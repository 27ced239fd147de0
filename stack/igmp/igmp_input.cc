// IGMP and MLD messages: checked here, obeyed by Memberships.
//
// We are listeners and never routers: reports matter only as a reason to be silent in the older versions.
#include "stack/igmp/igmp_input.hh"

#include "stack/drop_reason.hh"
#include "stack/ip/ip_info.hh"
#include "stack/stack.hh"
#include "stack/wire/igmp.hh"
#include "stack/wire/mld.hh"

namespace lxnet {

namespace {

void obey_igmp_query(Entry& entry, const Interface& interface, const IgmpQuery& query) {
  // RFC 3376, 8.3: a querier of version 1 means ten seconds.
  const Duration limit = Duration::millis(query.response_tenths == 0 ? 10'000 : int64_t{query.response_tenths} * 100);
  entry.stack().memberships().heard_query(
      entry, interface,
      {.version = query.version,
       .group = query.group,
       .response_limit = query.version == 3 && query.response_tenths == 0 ? Duration::millis(1) : limit,
       .robustness = query.robustness,
       .query_interval = Duration::seconds(query.interval_seconds),
       .sources4 = query.sources});
}

void obey_mld_query(Entry& entry, const Interface& interface, const MldQuery& query) {
  entry.stack().memberships().heard_query(entry, interface,
                                          {.version = query.version,
                                           .group = query.group,
                                           .response_limit = Duration::millis(query.response_milliseconds),
                                           .robustness = query.robustness,
                                           .query_interval = Duration::seconds(query.interval_seconds),
                                           .sources6 = query.sources});
}

// RFC 3810, 5.1.14 and 5.2.13: from a link-local address with hop limit 1; anything else did not come from this link.
bool is_mld_of_this_link(const IpInfo& info) { return info.ttl == 1 && info.source.is_link_local(); }

}  // namespace

void igmp_receive(Entry& entry, Ref<Packet> packet) {
  const IpInfo info = ip_info(*packet);
  const Ref<Interface> interface = entry.stack().interfaces().find(info.interface_index);
  if (!interface || !packet->pull_up(packet->size()).is_ok() || internet_checksum(packet->linear()) != 0) {
    return drop(entry, std::move(packet), DropReason::IgmpHeader);
  }
  const auto parsed = IgmpHeader::parse(packet->linear());
  if (!parsed.is_ok()) return drop(entry, std::move(packet), DropReason::IgmpHeader);
  const auto& header = *reinterpret_cast<const IgmpHeader*>(packet->linear().data());
  switch (IgmpType{header.type}) {
    case IgmpType::MembershipQuery: {
      auto query = IgmpQuery::parse(packet->linear());
      if (!query.is_ok()) return drop(entry, std::move(packet), DropReason::IgmpHeader);
      return obey_igmp_query(entry, *interface, query.take());
    }
    case IgmpType::MembershipReportV1:
    case IgmpType::MembershipReportV2:
      if (packet->is_looped) return;  // our own
      return entry.stack().memberships().heard_report(entry, *interface, header.group);
    default:
      return;
  }
}

void mld_receive(Entry& entry, Ref<Packet> packet) {
  const IpInfo info = ip_info(*packet);
  const Ref<Interface> interface = entry.stack().interfaces().find(info.interface_index);
  if (!interface || !packet->pull_up(packet->size()).is_ok() || !is_mld_of_this_link(info)) {
    return drop(entry, std::move(packet), DropReason::IgmpHeader);
  }
  const Icmp6Type type{packet->linear()[0]};
  if (type == Icmp6Type::MulticastListenerQuery) {
    auto query = MldQuery::parse(packet->linear());
    if (!query.is_ok()) return drop(entry, std::move(packet), DropReason::IgmpHeader);
    return obey_mld_query(entry, *interface, query.take());
  }
  if (type != Icmp6Type::MulticastListenerReport || packet->is_looped) return;
  const auto parsed = MldHeader::parse(packet->linear());
  if (!parsed.is_ok()) return drop(entry, std::move(packet), DropReason::IgmpHeader);
  const auto& header = *reinterpret_cast<const MldHeader*>(packet->linear().data());
  entry.stack().memberships().heard_report(entry, *interface, header.group);
}

}  // namespace lxnet
