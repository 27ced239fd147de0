// When and what is told to multicast routers (RFC 3376 section 5, RFC 3810 section 6, and their older versions).
//
// A change is told `robustness` times: at once, then at random within a second (ten seconds in the older versions). Answers to
// queries wait at random within what the query allows.
#include "stack/igmp/memberships.hh"
#include "stack/igmp/report_writer.hh"
#include "stack/stack.hh"
#include "stack/wire/igmp.hh"
#include "stack/wire/mld.hh"

namespace lxnet {

namespace {

// Long enough for the calls of one program to join and filter a group to end up in one report; Linux waits two ticks.
constexpr Duration kFirstDelay = Duration::millis(4);
constexpr Duration kChangeInterval = Duration::seconds(1);
constexpr Duration kOldChangeInterval = Duration::seconds(10);

}  // namespace

Duration Memberships::random_delay(Duration limit) const {
  if (limit <= Duration()) return {};
  const uint64_t random = stack_.hal().random<uint64_t>();
  return Duration::nanos(static_cast<int64_t>(random % static_cast<uint64_t>(limit.in_nanos())));
}

LinkMulticast* Memberships::find_link(uint32_t interface_index, IpFamily family) const {
  for (LinkMulticast& link : links_) {
    if (link.interface_index == interface_index && link.family == family) return &link;
  }
  return nullptr;
}

uint8_t Memberships::version_on(uint32_t interface_index, IpFamily family, Instant now) const {
  MutexLock lock(mutex_);
  const LinkMulticast* link = find_link(interface_index, family);
  return link != nullptr ? link->version(now) : LinkMulticast(interface_index, family).version(now);
}

LinkMulticast* Memberships::find_or_create_link(uint32_t interface_index, IpFamily family) {
  LinkMulticast* link = find_link(interface_index, family);
  if (link != nullptr) return link;
  link = construct<LinkMulticast>(stack_.hal(), interface_index, family);
  if (link == nullptr) return nullptr;
  if (family == IpFamily::V4) link->robustness = static_cast<uint8_t>(stack_.tunables().values().igmp_qrv);
  links_.push_back(*link);
  return link;
}

// All-hosts and all-nodes are never reported (RFC 3376, 6), nor what stays inside the host (RFC 3810, 6).
bool Memberships::is_reported(const InterfaceGroup& group) const {
  const IpAddress& address = group.address();
  if (address.is_v4()) {
    if (address.v4() == Ipv4Address::all_hosts()) return false;
    return !address.v4().is_local_multicast() || stack_.tunables().values().igmp_link_local_mcast_reports != 0;
  }
  return !(address.v6() == Ipv6Address::all_nodes()) && address.v6().scope() >= Ipv6Scope::LinkLocal;
}

// Also when its interface comes up again.
void Memberships::group_joined(Entry& entry, InterfaceGroup& group) {
  LinkMulticast* link = is_reported(group) ? find_or_create_link(group.interface_index(), group.address().family()) : nullptr;
  const bool is_newest = link != nullptr && link->is_newest(entry.now());
  group.report_all(is_newest ? link->robustness : 0);
  if (link == nullptr) return;
  if (!is_newest) {
    group.unsolicited_left = link->robustness;
    group.report_at = entry.now() + kFirstDelay;
    return;
  }
  link->changes_left = link->robustness;
  link->change_at = entry.now() + kFirstDelay;
}

void Memberships::group_changed(Entry& entry, InterfaceGroup& group) {
  LinkMulticast* link = is_reported(group) ? find_or_create_link(group.interface_index(), group.address().family()) : nullptr;
  const bool has_changed = group.end_change(link == nullptr || !link->is_newest(entry.now()) ? 0 : link->robustness);
  if (link == nullptr || !has_changed || !link->is_newest(entry.now())) return;
  link->changes_left = link->robustness;
  link->change_at = entry.now() + kFirstDelay;
}

void Memberships::group_left(Entry& entry, InterfaceGroup& group) {
  LinkMulticast* link = is_reported(group) ? find_link(group.interface_index(), group.address().family()) : nullptr;
  group.report_at = Instant::never();
  if (link == nullptr || !link->is_newest(entry.now())) {
    static_cast<void>(group.end_change(0));
    while (group.has_change_to_report()) group.change_reported();
    // RFC 2236, 3: who did not report last need not say that it leaves. Version 1 of IGMP has no word for it.
    const bool can_leave = link != nullptr && (link->family == IpFamily::V6 || link->version(entry.now()) == 2);
    if (can_leave && group.is_last_reporter) send_old_leave(entry, group);
    return;
  }
  static_cast<void>(group.end_change(link->robustness));
  link->changes_left = link->robustness;
  link->change_at = entry.now() + kFirstDelay;
}

void Memberships::send_changes(Entry& entry, LinkMulticast& link) {
  Ref<Interface> interface = stack_.interfaces().find(link.interface_index);
  if (!interface || !interface->is_up()) return;
  ReportWriter writer(entry, std::move(interface), link.family);
  for (InterfaceGroup* group = in_order_.front(); group != nullptr;) {
    InterfaceGroup* next = in_order_.next(*group);
    if (group->interface_index() == link.interface_index && group->address().family() == link.family &&
        group->has_change_to_report()) {
      if (group->mode_reports_left != 0) {
        const bool excludes = group->mode() == FilterMode::Exclude;
        writer.add(excludes ? GroupRecordType::ChangeToExcludeMode : GroupRecordType::ChangeToIncludeMode, *group,
                   [&](const GroupSource& source) { return group->is_listed(source); });
      } else {
        const auto changed = [&](bool wanted) {
          return [group, wanted](const GroupSource& source) {
            return source.reports_left != 0 && (group->is_listed(source) == (group->mode() == FilterMode::Include)) == wanted;
          };
        };
        bool has_allowed = false, has_blocked = false;
        for (const GroupSource& source : group->sources()) {
          has_allowed |= changed(true)(source);
          has_blocked |= changed(false)(source);
        }
        if (has_allowed) writer.add(GroupRecordType::AllowNewSources, *group, changed(true));
        if (has_blocked) writer.add(GroupRecordType::BlockOldSources, *group, changed(false));
      }
      group->change_reported();
      group->forget_unused();
      if (group->users() == 0 && !group->has_change_to_report()) forget_group(*group);
    }
    group = next;
  }
}

// Answers a query: all groups of the link, or one of them.
void Memberships::send_state(Entry& entry, LinkMulticast& link, InterfaceGroup* only) {
  Ref<Interface> interface = stack_.interfaces().find(link.interface_index);
  if (!interface || !interface->is_up()) return;
  ReportWriter writer(entry, std::move(interface), link.family);
  for (InterfaceGroup& group : in_order_) {
    if (only != nullptr ? &group != only
                        : group.interface_index() != link.interface_index || group.address().family() != link.family) {
      continue;
    }
    if (group.users() == 0 || !is_reported(group)) continue;
    const bool excludes = group.mode() == FilterMode::Exclude;
    if (only != nullptr && group.answers_sources) {
      // RFC 3376, 5.2, case 3: those of the queried sources that are wanted.
      const auto wanted = [&](const GroupSource& source) { return source.is_queried && group.is_listed(source) != excludes; };
      bool has_some = false;
      for (const GroupSource& source : group.sources()) has_some |= wanted(source);
      if (has_some) writer.add(GroupRecordType::ModeIsInclude, group, wanted);
    } else if (excludes || group.listed_count() != 0) {
      writer.add(excludes ? GroupRecordType::ModeIsExclude : GroupRecordType::ModeIsInclude, group,
                 [&](const GroupSource& source) { return group.is_listed(source); });
    }
    for (GroupSource& source : group.sources()) source.is_queried = false;
    group.answers_sources = false;
  }
}

void Memberships::send_old_report(Entry& entry, const InterfaceGroup& group, uint8_t version) {
  const Ref<Interface> interface = stack_.interfaces().find(group.interface_index());
  auto created = Packet::create(stack_.pool());
  if (!interface || !interface->is_up() || !created.is_ok()) return;
  Ref<Packet> message = created.take();
  if (group.address().is_v4()) {
    const IgmpType type = version == 1 ? IgmpType::MembershipReportV1 : IgmpType::MembershipReportV2;
    IgmpMessage{.type = type, .group = group.address().v4()}.emit(message->append(IgmpMessage::encoded_size()));
    return send_igmp(entry, *interface, std::move(message), group.address().v4());
  }
  MldMessage{.type = Icmp6Type::MulticastListenerReport, .group = group.address().v6()}.emit(
      message->append(MldMessage::encoded_size()));
  send_mld(entry, *interface, std::move(message), group.address().v6());
}

void Memberships::send_old_leave(Entry& entry, const InterfaceGroup& group) {
  const Ref<Interface> interface = stack_.interfaces().find(group.interface_index());
  auto created = Packet::create(stack_.pool());
  if (!interface || !interface->is_up() || !created.is_ok()) return;
  Ref<Packet> message = created.take();
  if (group.address().is_v4()) {
    IgmpMessage{.type = IgmpType::LeaveGroup, .group = group.address().v4()}.emit(message->append(IgmpMessage::encoded_size()));
    return send_igmp(entry, *interface, std::move(message), Ipv4Address::all_routers());
  }
  MldMessage{.type = Icmp6Type::MulticastListenerDone, .group = group.address().v6()}.emit(
      message->append(MldMessage::encoded_size()));
  send_mld(entry, *interface, std::move(message), Ipv6Address::all_routers());
}

void Memberships::run_link(Entry& entry, LinkMulticast& link) {
  if (link.general_at <= entry.now()) {
    link.general_at = Instant::never();
    send_state(entry, link, nullptr);
  }
  if (link.change_at > entry.now()) return;
  link.change_at = Instant::never();
  send_changes(entry, link);
  if (link.changes_left != 0) --link.changes_left;
  if (link.changes_left != 0) link.change_at = entry.now() + random_delay(kChangeInterval);
}

void Memberships::run_group(Entry& entry, InterfaceGroup& group) {
  group.report_at = Instant::never();
  LinkMulticast* link = find_link(group.interface_index(), group.address().family());
  if (link == nullptr || group.users() == 0) return;
  if (link->is_newest(entry.now())) return send_state(entry, *link, &group);
  if (group.unsolicited_left != 0) --group.unsolicited_left;
  if (group.unsolicited_left != 0) group.report_at = entry.now() + random_delay(kOldChangeInterval);
  group.is_last_reporter = true;
  send_old_report(entry, group, link->version(entry.now()));
}

void Memberships::run_due(Entry& entry) {
  for (LinkMulticast& link : links_) run_link(entry, link);
  for (InterfaceGroup& group : in_order_) {
    if (group.report_at <= entry.now()) run_group(entry, group);
  }
  arm_timer();
}

void Memberships::arm_timer() {
  Instant earliest = Instant::never();
  const auto consider = [&](Instant due) { earliest = due < earliest ? due : earliest; };
  for (const LinkMulticast& link : links_) {
    consider(link.general_at);
    consider(link.change_at);
  }
  for (const InterfaceGroup& group : in_order_) consider(group.report_at);
  stack_.timers().arm(timer_, earliest);
}

void Memberships::timer_expired(Entry& entry, Timer& timer) {
  Memberships& self = static_cast<ReportTimer&>(timer).memberships;
  MutexLock lock(self.mutex_);
  if (timer.claim()) self.run_due(entry);
}

}  // namespace lxnet
