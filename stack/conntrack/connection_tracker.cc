#include "stack/conntrack/connection_tracker.hh"

#include "stack/conntrack/follow.hh"
#include "stack/filter/transport_sum.hh"
#include "stack/stack.hh"
#include "stack/wire/ip_protocol.hh"

namespace lxnet {

// ---- coming and going

TrackerSlot::~TrackerSlot() {
  if (tracker_ == nullptr) return;
  Stack& stack = tracker_->stack_;
  stack.interfaces().remove_observer(tracker_->observer_);
  dispose(stack.hal(), tracker_);
}

ConnectionTracker::ConnectionTracker(Stack& stack) : stack_(stack), table_(stack), nat_(table_) {
  struct Place {
    FilterHook hook;
    int32_t priority;
    PacketHook::Run run;
  };
  constexpr Place kPlaces[kHooks] = {{FilterHook::PreRouting, hook_priority::kConnections, &ConnectionTracker::follow},
                                     {FilterHook::LocalOut, hook_priority::kConnections, &ConnectionTracker::follow},
                                     {FilterHook::PostRouting, hook_priority::kConfirm, &ConnectionTracker::confirm},
                                     {FilterHook::LocalIn, hook_priority::kConfirm, &ConnectionTracker::confirm}};
  for (const IpFamily family : {IpFamily::V4, IpFamily::V6}) {
    for (size_t i = 0; i < kHooks; ++i) {
      Hook& hook = hooks_[index_of(family)][i];
      hook.family = family;
      hook.hook = kPlaces[i].hook;
      hook.priority = kPlaces[i].priority;
      hook.run = kPlaces[i].run;
      hook.tracker = this;
    }
  }
}

// Who uses it is part of the stack and has gone before.
ConnectionTracker::~ConnectionTracker() { ASSERT(users_[0] == 0 && users_[1] == 0); }

Result<ConnectionTracker*> ConnectionTracker::obtain(Stack& stack) {
  TrackerSlot& slot = stack.connections();
  if (ConnectionTracker* present = slot.tracker()) return present;
  auto* made = construct<ConnectionTracker>(stack.hal(), stack);
  if (made == nullptr) return Errno::ENOMEM;
  bool is_first = false;
  {
    MutexLock lock(stack.hooks().mutex());
    is_first = slot.tracker_ == nullptr;
    if (is_first) __atomic_store_n(&slot.tracker_, made, __ATOMIC_RELEASE);
  }
  if (is_first) {
    stack.interfaces().add_observer(made->observer_);
  } else {
    dispose(stack.hal(), made);
  }
  return slot.tracker();
}

void ConnectionTracker::begin(IpFamily family) {
  const size_t index = index_of(family);
  MutexLock lock(stack_.hooks().mutex());
  __atomic_store_n(&users_[index], users_[index] + 1, __ATOMIC_RELAXED);
  if (users_[index] != 1) return;
  for (Hook& hook : hooks_[index]) stack_.hooks().add_locked(hook);
  forget_windows(family);
}

void ConnectionTracker::end(IpFamily family) {
  const size_t index = index_of(family);
  MutexLock lock(stack_.hooks().mutex());
  __atomic_store_n(&users_[index], users_[index] - 1, __ATOMIC_RELAXED);
  if (users_[index] != 0) return;
  for (Hook& hook : hooks_[index]) stack_.hooks().remove_locked(hook);
}

// An address that went is no longer behind what was masqueraded with it.
void ConnectionTracker::network_changed(NetworkObserver&, Entry& entry, const NetworkEvent& event) {
  const bool is_down = event.kind == NetworkEvent::Kind::InterfaceDown;
  if (!is_down && event.kind != NetworkEvent::Kind::AddressRemoved) return;
  Stack& stack = entry.stack();
  MutexLock lock(stack.hooks().mutex());
  stack.connections().tracker()->nat_.forget_masqueraded(event.interface->index(), is_down ? nullptr : &event.address->address);
}

// nf_ct_tcp_fixup(): what passed while nobody looked has moved the windows.
void ConnectionTracker::forget_windows(IpFamily family) {
  table_.for_each([&](Connection& connection) {
    const bool is_tcp = IpProtocol{connection.protocol()} == IpProtocol::Tcp;
    if (!is_tcp || connection.family() != family || connection.tcp.state != TrackedTcpState::Established) return;
    for (TcpSide& side : connection.tcp.sides) side.max_window = 0;
  });
}

Result<ConnectionUse> ConnectionUse::create(Stack& stack, IpFamily family) {
  ConnectionTracker* tracker = TRY(ConnectionTracker::obtain(stack));
  tracker->begin(family);
  return ConnectionUse(tracker, family);
}

// ---- following

bool FollowedPacket::has_wrong_checksum() const {
  if (seen.hook != FilterHook::PreRouting || settings().checksum == 0) return false;
  return !is_transport_sum_sound(seen, headers.protocol, headers.transport_offset);
}

void FollowedPacket::refresh(Connection& connection, FlowState state, Duration timeout) const {
  table.set_timeout(connection, timeout, now);
  if (settings().acct == 0) return;
  Connection::Counters& counters = connection.counters[direction_of(state)];
  ++counters.packets;
  counters.bytes += seen.packet.size();
}

namespace {

Followed follow_by_protocol(const FollowedPacket& followed, Connection& connection, FlowState state) {
  switch (IpProtocol{followed.headers.protocol}) {
    case IpProtocol::Tcp:
      return follow_tcp(followed, connection, state);
    case IpProtocol::Udp:
      return follow_udp(followed, connection, state);
    case IpProtocol::UdpLite:
      return follow_udp_lite(followed, connection, state);
    case IpProtocol::Icmp:
    case IpProtocol::Icmpv6:
      return follow_icmp(followed, connection, state);
    default:
      return follow_other(followed, connection, state);
  }
}

FlowState state_of(const Connection& connection, FlowDirection direction) {
  if (direction == kReply) return FlowState::EstablishedReply;
  return connection.is(kSeenReply) ? FlowState::Established : FlowState::New;
}

// resolve_normal_ct(): the connection that the packet is of, or a new one.
Followed bind(const FollowedPacket& followed) {
  auto tuple = read_flow_tuple(followed.packet(), followed.headers, 0);
  if (!tuple) return Followed::Invalid;
  const FilterPacket& seen = followed.seen;
  tuple->zone = (seen.zone_directions & FilterPacket::kZoneOriginal) != 0 ? seen.zone : uint16_t{0};
  const uint16_t reply_zone = (seen.zone_directions & FilterPacket::kZoneReply) != 0 ? seen.zone : uint16_t{0};
  Connection::Side* side = followed.table.find(*tuple, followed.now);
  if (side == nullptr && reply_zone != tuple->zone) {
    FlowTuple other = *tuple;
    other.zone = reply_zone;
    side = followed.table.find(other, followed.now);
  }
  if (side != nullptr) {
    const FlowDirection direction = side == &side->connection->sides[kReply] ? kReply : kOriginal;
    bind_flow(followed.packet(), *side->connection, state_of(*side->connection, direction));
    return Followed::Yes;
  }
  auto answer = tuple->inverted();
  if (!answer) return Followed::Invalid;
  answer->zone = reply_zone;
  const Ref<Connection> connection = followed.table.create(*tuple, *answer);
  if (!connection) return Followed::Drop;
  bind_flow(followed.packet(), *connection, FlowState::New);
  return Followed::Yes;
}

Followed follow_whole(const FollowedPacket& followed) {
  Followed outcome = bind(followed);
  if (outcome != Followed::Yes) return outcome;
  // The packet may lose it on the way.
  const Ref<PacketFlow> flow = followed.packet().flow;
  Connection& connection = *connection_of(followed.packet());
  const FlowState state = flow_state_of(followed.packet());
  outcome = follow_by_protocol(followed, connection, state);
  if (outcome != Followed::Yes) {
    forget_flow(followed.packet());
    return outcome;
  }
  if (state == FlowState::EstablishedReply) connection.status |= kSeenReply;
  return Followed::Yes;
}

bool is_icmp(uint8_t protocol) { return IpProtocol{protocol} == IpProtocol::Icmp || IpProtocol{protocol} == IpProtocol::Icmpv6; }

}  // namespace

FilterVerdict ConnectionTracker::follow(PacketHook& hook, FilterPacket& seen) {
  ConnectionTracker& tracker = *static_cast<Hook&>(hook).tracker;
  ConnectionTable& table = tracker.table_;
  // It has been here before, on its way out (loopback), or nobody wants it followed.
  if (seen.packet.flow || flow_state_of(seen.packet) == FlowState::Untracked) return FilterVerdict::Accept;
  seen.packet.flow_state = 0;
  const auto headers = find_flow_headers(seen.packet, seen.family, 0);
  if (!headers) {
    ++table.statistics.invalid;
    return FilterVerdict::Accept;
  }
  const FollowedPacket followed{.seen = seen, .table = table, .headers = *headers, .now = seen.entry.now()};
  if (is_icmp(headers->protocol)) {
    if (follow_icmp_error(followed) == Followed::Invalid) {
      ++table.statistics.error;
      return FilterVerdict::Accept;
    }
    if (seen.packet.flow || flow_state_of(seen.packet) == FlowState::Untracked) return FilterVerdict::Accept;
  }
  Followed outcome = follow_whole(followed);
  if (outcome == Followed::Again) outcome = follow_whole(followed);
  switch (outcome) {
    case Followed::Yes:
      return FilterVerdict::Accept;
    case Followed::Drop:
      ++table.statistics.drop;
      return FilterVerdict::Drop;
    default:
      ++table.statistics.invalid;
      return FilterVerdict::Accept;
  }
}

namespace {

// Protocols whose first packets may be many at once.
bool may_clash(uint8_t protocol) {
  return IpProtocol{protocol} != IpProtocol::Tcp && IpProtocol{protocol} != IpProtocol::Sctp && !is_icmp(protocol);
}

// nf_ct_resolve_clash(): another packet of the same flow, in whichever direction, has made the entry meanwhile.
bool join_other(Packet& packet, ConnectionTable& table, const Connection& connection, Instant now) {
  if (!may_clash(connection.protocol())) return false;
  const Connection::Side* side = table.find(connection.tuple(kOriginal), now);
  if (side == nullptr) side = table.find(connection.tuple(kReply), now);
  if (side == nullptr) return false;
  Connection& other = *side->connection;
  const bool is_same = other.tuple(kOriginal) == connection.tuple(kOriginal) && other.tuple(kReply) == connection.tuple(kReply);
  const bool is_reverse =
      other.tuple(kOriginal) == connection.tuple(kReply) && other.tuple(kReply) == connection.tuple(kOriginal);
  if (!is_same && !is_reverse) return false;
  ++table.statistics.clash_resolve;
  bind_flow(packet, other, flow_state_of(packet));
  return true;
}

}  // namespace

FilterVerdict ConnectionTracker::confirm(PacketHook& hook, FilterPacket& seen) {
  Connection* connection = connection_of(seen.packet);
  if (connection == nullptr || connection->is(kConfirmed)) return FilterVerdict::Accept;
  // What REJECT and ICMP send about a connection that never became one.
  if (direction_of(flow_state_of(seen.packet)) != kOriginal) return FilterVerdict::Accept;
  ConnectionTable& table = static_cast<Hook&>(hook).tracker->table_;
  const Instant now = seen.entry.now();
  if (table.confirm(*connection, now) || join_other(seen.packet, table, *connection, now)) return FilterVerdict::Accept;
  ++table.statistics.insert_failed;
  ++table.statistics.drop;
  return FilterVerdict::Drop;
}

}  // namespace lxnet
