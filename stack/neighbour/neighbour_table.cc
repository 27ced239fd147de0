// Finding, making and changing neighbours, and the packets that wait for them.
#include "stack/neighbour/neighbour_table.hh"

#include "stack/arp/arp.hh"
#include "stack/ndp/ndp_output.hh"
#include "stack/stack.hh"
#include "stack/wire/ethernet.hh"
#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"

namespace lxnet {
namespace {

IpAddress source_of(const Packet& packet) {
  const ByteSpan bytes = packet.linear();
  constexpr size_t kV4Source = 12, kV6Source = 8;
  if (bytes.size() >= kV4Source + Ipv4Address::kSize && bytes[0] >> 4 == 4) {
    Be32 source;
    memcpy(&source, bytes.data() + kV4Source, sizeof source);
    return Ipv4Address(source);
  }
  if (bytes.size() >= kV6Source + Ipv6Address::kSize && bytes[0] >> 4 == 6) {
    return Ipv6Address::from_bytes(bytes.subspan<kV6Source, Ipv6Address::kSize>());
  }
  return {};
}

// Linux's dst_link_failure: the sender, who is ourselves or one we forward for, hears of it by ICMP.
void report_unreachable(Entry& entry, const Packet& packet) {
  const bool is_v4 = packet.link_protocol == static_cast<uint16_t>(EtherType::Ipv4);
  if (is_v4) {
    icmp4_send_error(entry, packet, static_cast<uint8_t>(Icmp4Type::DestinationUnreachable),
                     static_cast<uint8_t>(Icmp4Unreachable::Host), 0);
  } else {
    icmp6_send_error(entry, packet, static_cast<uint8_t>(Icmp6Type::DestinationUnreachable),
                     static_cast<uint8_t>(Icmp6Unreachable::Address), 0);
  }
}

}  // namespace

Neighbour::~Neighbour() { interface_->stack().timers().cancel(timer_); }

void Neighbour::destroy(Neighbour* neighbour) {
  const Ref<Interface> interface = neighbour->interface_;  // outlives what it holds
  dispose(interface->stack().hal(), neighbour);
}

NeighbourTable::NeighbourTable(Stack& stack)
    : stack_(stack),
      mutex_(stack.hal(), LockRank::Neighbours),
      hash_key_(stack.hal().random<uint64_t>() | 1),
      table_(stack.hal()),
      garbage_timer_(&collect_garbage) {}

NeighbourTable::~NeighbourTable() {
  stack_.timers().cancel(garbage_timer_);
  ASSERT(by_age_.is_empty());
}

uint64_t NeighbourTable::hash_of(const Interface& interface, const IpAddress& address) const {
  uint64_t mixed = (address.v6().high() ^ hash_key_ ^ interface.index()) * 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ address.v6().low() ^ mixed >> 32) * 0xd6e8feb86659fd93u;
  return mixed ^ mixed >> 29;
}

Neighbour* NeighbourTable::find_locked(const Interface& interface, const IpAddress& address) const {
  const uint64_t hash = hash_of(interface, address);
  for (Neighbour* neighbour = table_.first(hash); neighbour != nullptr; neighbour = table_.next(*neighbour)) {
    if (neighbour->address_ == address && neighbour->interface_.get() == &interface) return neighbour;
  }
  return nullptr;
}

Result<Neighbour*> NeighbourTable::create_locked(Entry& entry, Interface& interface, const IpAddress& address) {
  if (!make_room(entry, address.family())) return Errno::ENOBUFS;
  Neighbour* neighbour = construct<Neighbour>(stack_.hal(), interface, address, &NeighbourTable::expired);
  if (neighbour == nullptr) return Errno::ENOMEM;
  const Result<> inserted = table_.insert(*neighbour, hash_of(interface, address));
  if (!inserted.is_ok()) {
    static_cast<void>(Ref<Neighbour>::adopt(neighbour));
    return inserted.error();
  }
  by_age_.push_back(*neighbour);
  ++count_[!address.is_v4()];
  neighbour->updated_ = neighbour->used_ = entry.now();
  if (!garbage_timer_.is_armed()) {
    stack_.timers().arm(garbage_timer_, entry.now() + Duration::seconds(limits(address.family()).gc_interval_seconds));
  }
  return neighbour;
}

void NeighbourTable::remove_locked(Neighbour& neighbour, PacketQueue& dropped) {
  stack_.timers().cancel(neighbour.timer_);
  table_.remove(neighbour);
  by_age_.remove(neighbour);
  --count_[!neighbour.address_.is_v4()];
  dropped.append(neighbour.waiting_);
  neighbour.state_ = NeighbourState::Failed;
  static_cast<void>(Ref<Neighbour>::adopt(&neighbour));  // the table's count
}

// ---- sending

void NeighbourTable::output(Entry& entry, Interface& interface, Ref<Packet> packet, const IpAddress& next_hop) {
  Action action;
  Ref<Neighbour> neighbour;
  {
    MutexLock lock(mutex_);
    if (Neighbour* known = find_locked(interface, next_hop)) {
      send_or_wait(entry, *known, std::move(packet), action);
      if (!action.solicits && !action.notifies) return;
      neighbour = Ref<Neighbour>::share(*known);
    }
  }
  if (neighbour) return carry_out(entry, neighbour, action);
  // What the address is on this link must be asked without the lock.
  const bool is_broadcast = stack_.routes().address_type(next_hop, interface.index()) == RouteType::Broadcast;
  {
    MutexLock lock(mutex_);
    Neighbour* found = find_locked(interface, next_hop);
    if (found == nullptr) {
      Result<Neighbour*> created = create_locked(entry, interface, next_hop);
      if (!created.is_ok()) return drop(entry, std::move(packet), DropReason::NeighbourQueueFull);
      found = created.take();
      if (is_broadcast) {
        found->mac_ = MacAddress::broadcast();
        found->state_ = NeighbourState::NoArp;
      }
    }
    send_or_wait(entry, *found, std::move(packet), action);
    neighbour = Ref<Neighbour>::share(*found);
  }
  carry_out(entry, neighbour, action);
}

void NeighbourTable::send_or_wait(Entry& entry, Neighbour& neighbour, Ref<Packet> packet, Action& action) {
  neighbour.used_ = entry.now();
  if (has_link_address(neighbour.state_)) {
    if (neighbour.state_ == NeighbourState::Stale) enter(entry, neighbour, NeighbourState::Delay);
    neighbour.interface_->output_to(entry, std::move(packet), neighbour.mac_);
    return;
  }
  if (neighbour.waiting_.is_empty()) neighbour.wanted_source_ = source_of(*packet);
  enqueue(entry, neighbour, std::move(packet));
  if (neighbour.state_ == NeighbourState::Incomplete) return;
  // None or failed before: ask, by multicast from the first.
  neighbour.probes_ = static_cast<uint32_t>(neighbour.settings().unicast_solicit);
  enter(entry, neighbour, NeighbourState::Incomplete);
  ask(entry, neighbour, action);
}

// The oldest packets give way to the newest, by bytes.
void NeighbourTable::enqueue(Entry& entry, Neighbour& neighbour, Ref<Packet> packet) {
  const uint32_t limit = static_cast<uint32_t>(neighbour.settings().queue_bytes);
  const uint32_t size = packet->true_size();
  while (!neighbour.waiting_.is_empty() && neighbour.waiting_bytes_ + size > limit) {
    Ref<Packet> oldest = neighbour.waiting_.take_front();
    neighbour.waiting_bytes_ -= oldest->true_size();
    drop(entry, std::move(oldest), DropReason::NeighbourQueueFull);
  }
  packet->mark_network_header();
  neighbour.waiting_bytes_ += size;
  neighbour.waiting_.push_back(std::move(packet));
}

void NeighbourTable::send_waiting(Entry& entry, Neighbour& neighbour) {
  neighbour.waiting_bytes_ = 0;
  while (!neighbour.waiting_.is_empty()) neighbour.interface_->output_to(entry, neighbour.waiting_.take_front(), neighbour.mac_);
}

void NeighbourTable::confirm(Entry& entry, Interface& interface, const IpAddress& address) {
  MutexLock lock(mutex_);
  if (Neighbour* neighbour = find_locked(interface, address)) neighbour->confirmed_ = entry.now();
}

bool NeighbourTable::has_failed(const Interface& interface, const IpAddress& address) const {
  MutexLock lock(mutex_);
  const Neighbour* neighbour = find_locked(interface, address);
  return neighbour != nullptr && neighbour->state_ == NeighbourState::Failed;
}

// What the lock forbade: asking looks at addresses, and errors run through IP.
void NeighbourTable::carry_out(Entry& entry, const Ref<Neighbour>& neighbour, Action& action) {
  if (action.solicits) {
    const MacAddress* known = action.is_unicast ? &action.mac : nullptr;
    if (neighbour->address_.is_v4()) {
      arp_solicit(entry, *neighbour->interface_, neighbour->address_.v4(), known, action.source);
    } else {
      ndp_solicit(entry, *neighbour->interface_, neighbour->address_.v6(), known, action.source);
    }
  }
  while (!action.failed.is_empty()) {
    Ref<Packet> packet = action.failed.take_front();
    report_unreachable(entry, *packet);
    drop(entry, std::move(packet), DropReason::NeighbourUnresolved);
  }
  if (!action.notifies || on_change == nullptr) return;
  NeighbourInfo info;
  {
    MutexLock lock(mutex_);
    info = info_of(*neighbour);
  }
  on_change(on_change_owner, entry, info);
}

// ---- learning

Result<> NeighbourTable::learn(Entry& entry, Interface& interface, const IpAddress& address, const NeighbourUpdate& update) {
  Action action;
  Ref<Neighbour> neighbour;
  {
    MutexLock lock(mutex_);
    Neighbour* found = find_locked(interface, address);
    if (found == nullptr) found = TRY(create_locked(entry, interface, address));
    apply(entry, *found, update, action);
    neighbour = Ref<Neighbour>::share(*found);
  }
  carry_out(entry, neighbour, action);
  return ok();
}

bool NeighbourTable::update(Entry& entry, Interface& interface, const IpAddress& address, const NeighbourUpdate& update) {
  Action action;
  Ref<Neighbour> neighbour;
  {
    MutexLock lock(mutex_);
    Neighbour* found = find_locked(interface, address);
    if (found == nullptr) return false;
    apply(entry, *found, update, action);
    neighbour = Ref<Neighbour>::share(*found);
  }
  carry_out(entry, neighbour, action);
  return true;
}

// Linux's neigh_update: which news is believed over what is known.
void NeighbourTable::apply(Entry& entry, Neighbour& neighbour, const NeighbourUpdate& update, Action& action) {
  const NeighbourState old = neighbour.state_;
  const bool is_fixed = old == NeighbourState::NoArp || old == NeighbourState::Permanent;
  if (is_fixed && !update.by_administrator) return;
  const bool was_known = has_link_address(old);
  if (!update.has_mac && !was_known) return;
  NeighbourState state = update.state;
  const bool differs = update.has_mac && (!was_known || neighbour.mac_ != update.mac);
  bool takes_mac = differs;
  bool takes_router = update.says_router;
  // Proof of reachability counts whether or not it changes anything.
  if (is_connected(state)) neighbour.confirmed_ = entry.now();
  if (was_known && differs && !update.overrides) {
    takes_router = false;
    if (!update.weakly_overrides || !is_connected(old)) return;
    takes_mac = false;
    state = NeighbourState::Stale;
  } else if (was_known && !differs && state == NeighbourState::Stale && !update.by_administrator) {
    state = old;  // old news of the same address: no reason to doubt it
  }
  if (takes_router) neighbour.is_router_ = update.is_router;
  if (takes_mac) {
    neighbour.mac_ = update.mac;
    // Until confirmed it counts as long unconfirmed.
    if (!is_connected(state))
      neighbour.confirmed_ = entry.now() - Duration::millis(neighbour.settings().base_reachable_millis) * 2;
  }
  if (state == old && !takes_mac) return;
  neighbour.updated_ = entry.now();
  action.notifies = true;
  if (state != old) enter(entry, neighbour, state);
  if (!was_known) send_waiting(entry, neighbour);
}

// The one place a state changes, with the timer that belongs to it.
void NeighbourTable::enter(Entry& entry, Neighbour& neighbour, NeighbourState state) {
  neighbour.state_ = state;
  const NeighbourSettings& settings = neighbour.settings();
  Instant deadline = Instant::never();
  if (state == NeighbourState::Reachable) {
    const int64_t base = settings.base_reachable_millis;
    const uint64_t spread = stack_.hal().random<uint32_t>() % static_cast<uint64_t>(base + 1);
    neighbour.reachable_time_ = Duration::millis(base / 2 + static_cast<int64_t>(spread));  // RFC 4861, 6.3.4
    deadline = entry.now() + neighbour.reachable_time_;
  } else if (state == NeighbourState::Delay) {
    deadline = entry.now() + Duration::seconds(settings.delay_probe_seconds);
  } else if (state == NeighbourState::Incomplete || state == NeighbourState::Probe) {
    deadline = entry.now() + Duration::millis(settings.retrans_millis);
  }
  stack_.timers().arm(neighbour.timer_, deadline);
}

bool NeighbourTable::was_updated_within(Entry& entry, Interface& interface, const IpAddress& address, Duration age,
                                        bool& is_known) const {
  MutexLock lock(mutex_);
  const Neighbour* neighbour = find_locked(interface, address);
  is_known = neighbour != nullptr;
  return is_known && entry.now() <= neighbour->updated_ + age;
}

// ---- administration

Result<NeighbourInfo> NeighbourTable::find(const Interface& interface, const IpAddress& address) const {
  MutexLock lock(mutex_);
  const Neighbour* neighbour = find_locked(interface, address);
  if (neighbour == nullptr) return Errno::ENOENT;
  return info_of(*neighbour);
}

NeighbourInfo NeighbourTable::info_of(const Neighbour& neighbour) {
  return {.interface_index = neighbour.interface_->index(),
          .address = neighbour.address_,
          .mac = neighbour.mac_,
          .state = neighbour.state_,
          .is_router = neighbour.is_router_,
          .confirmed = neighbour.confirmed_,
          .used = neighbour.used_,
          .updated = neighbour.updated_,
          .probes = neighbour.probes_,
          .queued_packets = static_cast<uint32_t>(neighbour.waiting_.count())};
}

Result<> NeighbourTable::remove(Entry& entry, Interface& interface, const IpAddress& address) {
  PacketQueue dropped;
  {
    MutexLock lock(mutex_);
    Neighbour* neighbour = find_locked(interface, address);
    if (neighbour == nullptr) return Errno::ENOENT;
    remove_locked(*neighbour, dropped);
  }
  while (!dropped.is_empty()) drop(entry, dropped.take_front(), DropReason::NeighbourUnresolved);
  return ok();
}

void NeighbourTable::forget_interface(Entry& entry, Interface& interface) { forget(entry, interface, false); }
void NeighbourTable::forget_all(Entry& entry, Interface& interface) { forget(entry, interface, true); }

void NeighbourTable::forget(Entry& entry, Interface& interface, bool with_permanent) {
  PacketQueue dropped;
  {
    MutexLock lock(mutex_);
    Neighbour* next = nullptr;
    for (Neighbour* neighbour = by_age_.front(); neighbour != nullptr; neighbour = next) {
      next = by_age_.next(*neighbour);
      if (neighbour->interface_.get() != &interface) continue;
      if (neighbour->state_ == NeighbourState::Permanent && !with_permanent) continue;
      remove_locked(*neighbour, dropped);
    }
  }
  while (!dropped.is_empty()) drop(entry, dropped.take_front(), DropReason::NeighbourUnresolved);
}

}  // namespace lxnet
