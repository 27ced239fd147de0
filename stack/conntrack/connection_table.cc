#include "stack/conntrack/connection_table.hh"

#include "stack/stack.hh"
#include "stack/wire/ip_protocol.hh"

namespace lxnet {
namespace {

// What a search for one to throw out looks at: a full table must not make every packet expensive.
constexpr int kMaxLooks = 64;

// tcp_can_early_drop(): it is coming to its end.
bool is_closing(const Connection& connection) {
  if (IpProtocol{connection.protocol()} != IpProtocol::Tcp) return false;
  switch (connection.tcp.state) {
    case TrackedTcpState::FinWait:
    case TrackedTcpState::CloseWait:
    case TrackedTcpState::LastAck:
    case TrackedTcpState::TimeWait:
    case TrackedTcpState::Close:
      return true;
    default:
      return false;
  }
}

struct SourceKey {
  IpAddress address;
  Be16 part;
  uint16_t zone;
  uint32_t protocol;
};

}  // namespace

Connection::Connection(ConnectionTable& table, const FlowTuple& original, const FlowTuple& reply)
    : PacketFlow(&ConnectionTable::destroy), timer(*this, &ConnectionTable::timer_fired), table(table) {
  sides[kOriginal].tuple = original;
  sides[kReply].tuple = reply;
  for (Side& side : sides) side.connection = this;
  __atomic_fetch_add(&table.count_, size_t{1}, __ATOMIC_RELAXED);
}

// Its timer is not armed any more: who is in the table has a count, and who leaves it cancels.
Connection::~Connection() { __atomic_fetch_sub(&table.count_, size_t{1}, __ATOMIC_RELAXED); }

ConnectionTable::ConnectionTable(Stack& stack)
    : stack_(stack), key_(stack.hal().random<SipKey>()), sides_(stack.hal()), by_source_(stack.hal()) {}

ConnectionTable::~ConnectionTable() {
  while (Connection* connection = by_age_.front()) remove(*connection);
  ASSERT(count() == 0);
}

const ConnectionSettings& ConnectionTable::settings() const { return stack_.tunables().values().connection; }

void ConnectionTable::destroy(PacketFlow* flow) {
  auto* connection = static_cast<Connection*>(flow);
  dispose(connection->table.stack_.hal(), connection);
}

uint64_t ConnectionTable::source_hash(const FlowTuple& tuple) const {
  return siphash_1_3(key_, SourceKey{tuple.source, tuple.source_part, tuple.zone, tuple.protocol});
}

Connection::Side* ConnectionTable::find(const FlowTuple& tuple, Instant now) {
  const uint64_t hash = hash_of(tuple);
  for (Connection::Side* side = sides_.first(hash); side != nullptr; side = sides_.next(*side)) {
    if (side->tuple != tuple) continue;
    if (side->connection->deadline > now) return side;
    remove(*side->connection);
    return nullptr;
  }
  return nullptr;
}

Ref<Connection> ConnectionTable::create(const FlowTuple& original, const FlowTuple& reply) {
  const auto limit = static_cast<size_t>(settings().max < 0 ? 0 : settings().max);
  if (limit != 0 && count() >= limit && !make_room()) return nullptr;
  return Ref<Connection>::adopt(construct<Connection>(stack_.hal(), *this, original, reply));
}

// early_drop(): the oldest that is not assured or is closing. Who has been looked at in vain is looked at last the next time.
bool ConnectionTable::make_room() {
  for (int i = 0; i < kMaxLooks; ++i) {
    Connection* oldest = by_age_.front();
    if (oldest == nullptr) return false;
    if (!oldest->is(kAssured) || is_closing(*oldest)) {
      ++statistics.early_drop;
      remove(*oldest);
      return true;
    }
    by_age_.remove(*oldest);
    by_age_.push_back(*oldest);
  }
  return false;
}

bool ConnectionTable::confirm(Connection& connection, Instant now) {
  if (connection.is(kConfirmed | kDying)) return connection.is(kConfirmed);
  if (find(connection.tuple(kOriginal), now) != nullptr || find(connection.tuple(kReply), now) != nullptr) return false;
  if (!sides_.insert(connection.sides[kOriginal], hash_of(connection.tuple(kOriginal))).is_ok()) return false;
  if (!sides_.insert(connection.sides[kReply], hash_of(connection.tuple(kReply))).is_ok()) {
    sides_.remove(connection.sides[kOriginal]);
    return false;
  }
  // Without it the next connection from there may get another source: that is allowed.
  if (connection.is(kSourceNatDone)) static_cast<void>(by_source_.insert(connection, source_hash(connection.tuple(kOriginal))));
  by_age_.push_back(connection);
  connection.ref();
  connection.status |= kConfirmed;
  ++statistics.insert;
  set_timeout(connection, connection.timeout, now);
  return true;
}

void ConnectionTable::remove(Connection& connection) {
  if (!connection.is(kConfirmed) || connection.is(kDying)) return;
  connection.status |= kDying;
  for (Connection::Side& side : connection.sides) sides_.remove(side);
  if (connection.source_link.is_linked()) by_source_.remove(connection);
  by_age_.remove(connection);
  stack_.timers().cancel(connection.timer);
  static_cast<void>(Ref<Connection>::adopt(&connection));
}

// The timer only ever moves nearer here; one that comes too early is set anew when it fires.
void ConnectionTable::set_timeout(Connection& connection, Duration timeout, Instant now) {
  connection.timeout = timeout;
  if (!connection.is(kConfirmed) || connection.is(kDying)) return;
  connection.deadline = now + timeout;
  if (!connection.timer.is_armed() || connection.deadline < connection.timer.deadline())
    stack_.timers().arm(connection.timer, connection.deadline);
}

void ConnectionTable::timer_fired(Entry& entry, Timer& timer) {
  Connection& connection = OwnedTimer<Connection>::owner_of(timer);
  MutexLock lock(entry.stack().hooks().mutex());
  if (!timer.claim() || connection.is(kDying)) return;
  if (connection.deadline > entry.now()) return entry.stack().timers().arm(timer, connection.deadline);
  connection.table.remove(connection);
}

bool ConnectionTable::is_taken(const FlowTuple& tuple, const Connection& by, Instant now) {
  const Connection::Side* side = find(tuple, now);
  if (side == nullptr || side->connection == &by) return false;
  // The same flow, whose packets were on their way at once: confirm() sees to that.
  if (side->connection->tuple(kOriginal) == by.tuple(kOriginal)) return false;
  ++statistics.found;
  return true;
}

}  // namespace lxnet
