// What is heard of queriers and of other listeners (RFC 3376 5.2 and 7, RFC 3810 6.2 and 8, RFC 2236 3).
#include "stack/igmp/memberships.hh"
#include "stack/stack.hh"

namespace lxnet {

// An older querier is on the link: its version is spoken until it has been silent for long enough (RFC 3376, 8.12).
void Memberships::hear_old_query(LinkMulticast& link, const GroupQuery& query, Instant now) {
  const Duration timeout = link.query_interval * link.robustness + query.response_limit;
  if (query.version == 1) {
    link.version1_until = now + timeout;
  } else {
    link.version2_until = now + timeout;
  }
  // What was to be said in the newest version is void.
  link.general_at = link.change_at = Instant::never();
  link.changes_left = 0;
  for (InterfaceGroup* group = in_order_.front(); group != nullptr;) {
    InterfaceGroup* next = in_order_.next(*group);
    if (group->interface_index() == link.interface_index && group->address().family() == link.family) {
      while (group->has_change_to_report()) group->change_reported();
      group->forget_unused();
      if (group->users() == 0) forget_group(*group);
    }
    group = next;
  }
}

// RFC 3376, 5.2, rules 3 to 5: a query for all of the group swallows one for some sources; two of the latter add up.
void Memberships::mark_queried_sources(InterfaceGroup& group, const GroupQuery& query, bool was_pending) {
  const bool was_for_all = was_pending && !group.answers_sources;
  group.answers_sources = query.has_sources() && !was_for_all;
  if (!group.answers_sources) {
    for (GroupSource& source : group.sources()) source.is_queried = false;
    return;
  }
  for (GroupSource& source : group.sources()) {
    for (const Ipv4Address& queried : query.sources4) source.is_queried |= source.address == IpAddress(queried);
    for (const Ipv6Address& queried : query.sources6) source.is_queried |= source.address == IpAddress(queried);
  }
}

void Memberships::heard_query(Entry& entry, const Interface& interface, const GroupQuery& query) {
  const Instant now = entry.now();
  const IpFamily family = query.group.family();
  MutexLock lock(mutex_);
  LinkMulticast* link = find_or_create_link(interface.index(), family);
  if (link == nullptr) return;
  const uint8_t newest = family == IpFamily::V4 ? 3 : 2;
  const bool is_general = query.group.is_unspecified();
  if (query.version < newest) {
    hear_old_query(*link, query, now);
  } else if (link->is_newest(now)) {
    if (query.robustness != 0) link->robustness = query.robustness;
    if (query.query_interval > Duration()) link->query_interval = query.query_interval;
    link->response_interval = query.response_limit;
    if (is_general) {
      const Instant due = now + random_delay(query.response_limit);
      if (due < link->general_at) link->general_at = due;
      return arm_timer();
    }
  }
  for (InterfaceGroup& group : in_order_) {
    if (group.interface_index() != interface.index() || group.address().family() != family || group.users() == 0) continue;
    if (!is_general && !(group.address() == query.group)) continue;
    if (!is_reported(group)) continue;
    const bool was_pending = !group.report_at.is_never();
    mark_queried_sources(group, query, was_pending);
    const Instant due = now + random_delay(query.response_limit);
    if (!was_pending || due < group.report_at) group.report_at = due;
  }
  arm_timer();
}

// The older versions: one report per group and link is enough.
void Memberships::heard_report(Entry& entry, const Interface& interface, const IpAddress& address) {
  MutexLock lock(mutex_);
  InterfaceGroup* group = find_group(interface.index(), address);
  const LinkMulticast* link = find_link(interface.index(), address.family());
  if (group == nullptr || link == nullptr || link->is_newest(entry.now())) return;
  group->report_at = Instant::never();
  group->unsolicited_left = 0;
  group->is_last_reporter = false;
}

}  // namespace lxnet
