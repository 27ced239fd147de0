// What time does to neighbours: asking again, doubting, giving up, forgetting (Linux's neigh_timer_handler and neigh_forced_gc).
#include "stack/neighbour/neighbour_table.hh"
#include "stack/stack.hh"

namespace lxnet {

void NeighbourTable::expired(Entry& entry, Timer& timer) {
  NeighbourTable& self = entry.stack().neighbours();
  const Ref<Neighbour> neighbour = Ref<Neighbour>::share(OwnedTimer<Neighbour>::owner_of(timer));
  Action action;
  {
    MutexLock lock(self.mutex_);
    if (!timer.claim() || !neighbour->hash_link_.is_linked()) return;
    self.tick(entry, *neighbour, action);
  }
  self.carry_out(entry, neighbour, action);
}

void NeighbourTable::tick(Entry& entry, Neighbour& neighbour, Action& action) {
  const Instant now = entry.now();
  const NeighbourSettings& settings = neighbour.settings();
  const Duration delay = Duration::seconds(settings.delay_probe_seconds);
  switch (neighbour.state_) {
    case NeighbourState::Reachable: {
      const Instant until = neighbour.confirmed_ + neighbour.reachable_time_;
      if (now < until) {
        stack_.timers().arm(neighbour.timer_, until);
        return;
      }
      action.notifies = true;
      enter(entry, neighbour, now <= neighbour.used_ + delay ? NeighbourState::Delay : NeighbourState::Stale);
      return;
    }
    case NeighbourState::Delay:
      action.notifies = true;
      if (now <= neighbour.confirmed_ + delay) {
        enter(entry, neighbour, NeighbourState::Reachable);
        return;
      }
      neighbour.probes_ = 0;
      enter(entry, neighbour, NeighbourState::Probe);
      ask(entry, neighbour, action);
      return;
    case NeighbourState::Incomplete:
    case NeighbourState::Probe: {
      const bool is_probe = neighbour.state_ == NeighbourState::Probe;
      const int32_t limit = settings.unicast_solicit + settings.app_solicit +
                            (is_probe ? settings.multicast_resolicit : settings.multicast_solicit);
      if (neighbour.probes_ < static_cast<uint32_t>(limit)) {
        enter(entry, neighbour, neighbour.state_);
        ask(entry, neighbour, action);
        return;
      }
      enter(entry, neighbour, NeighbourState::Failed);
      neighbour.updated_ = now;
      neighbour.waiting_bytes_ = 0;
      action.failed.append(neighbour.waiting_);
      action.notifies = true;
      return;
    }
    default:
      return;
  }
}

// One solicitation: the first few to the address that is known, the others to everybody.
void NeighbourTable::ask(Entry&, Neighbour& neighbour, Action& action) {
  action.solicits = true;
  action.is_unicast = neighbour.state_ == NeighbourState::Probe &&
                      neighbour.probes_ < static_cast<uint32_t>(neighbour.settings().unicast_solicit);
  action.mac = neighbour.mac_;
  action.source = neighbour.wanted_source_;
  ++neighbour.probes_;
}

// False when the table is full of neighbours that are in use.
bool NeighbourTable::make_room(Entry& entry, IpFamily family) {
  constexpr Duration kFlushPause = Duration::seconds(5), kYouth = Duration::seconds(5);
  const size_t which = family == IpFamily::V6;
  const NeighbourLimits& limit = limits_[which];
  const size_t count = count_[which];
  const bool is_full = count >= static_cast<size_t>(limit.gc_thresh3);
  const bool is_crowded = count >= static_cast<size_t>(limit.gc_thresh2) && entry.now() > last_flush_[which] + kFlushPause;
  if (!is_full && !is_crowded) return true;
  last_flush_[which] = entry.now();
  size_t excess = count - static_cast<size_t>(limit.gc_thresh2) + 1;
  PacketQueue dropped;
  Neighbour* next = nullptr;
  for (Neighbour* neighbour = by_age_.front(); neighbour != nullptr && excess != 0; neighbour = next) {
    next = by_age_.next(*neighbour);
    if (neighbour->address_.family() != family || neighbour->state_ == NeighbourState::Permanent) continue;
    const bool is_young = entry.now() < neighbour->updated_ + kYouth;
    const bool is_expendable = neighbour->state_ == NeighbourState::Failed || neighbour->state_ == NeighbourState::NoArp ||
                               (!is_young && neighbour->state_ != NeighbourState::Incomplete);
    if (!is_expendable) continue;
    remove_locked(*neighbour, dropped);
    --excess;
  }
  while (!dropped.is_empty()) drop(entry, dropped.take_front(), DropReason::NeighbourUnresolved);
  return count_[which] < static_cast<size_t>(limit.gc_thresh3);
}

// Now and then: what nobody has used for long goes, if there are many.
void NeighbourTable::collect_garbage(Entry& entry, Timer& timer) {
  NeighbourTable& self = entry.stack().neighbours();
  PacketQueue dropped;
  {
    MutexLock lock(self.mutex_);
    if (!timer.claim()) return;
    Neighbour* next = nullptr;
    for (Neighbour* neighbour = self.by_age_.front(); neighbour != nullptr; neighbour = next) {
      next = self.by_age_.next(*neighbour);
      const size_t which = !neighbour->address_.is_v4();
      if (self.count_[which] < static_cast<size_t>(self.limits_[which].gc_thresh1)) continue;
      const bool is_idle = neighbour->state_ == NeighbourState::Stale || neighbour->state_ == NeighbourState::Failed ||
                           neighbour->state_ == NeighbourState::NoArp;
      if (!is_idle || entry.now() < neighbour->used_ + Duration::seconds(neighbour->settings().stale_seconds)) continue;
      self.remove_locked(*neighbour, dropped);
    }
    const Duration interval = Duration::seconds(self.limits_[0].gc_interval_seconds);
    if (!self.by_age_.is_empty()) self.stack_.timers().arm(self.garbage_timer_, entry.now() + interval);
  }
  while (!dropped.is_empty()) drop(entry, dropped.take_front(), DropReason::NeighbourUnresolved);
}

}  // namespace lxnet
