#include "stack/filter/match_connection.hh"

#include "stack/conntrack/connection.hh"

namespace lxnet {
namespace {

// XT_STATE_*, XT_CONNTRACK_STATE_*: bits by what a packet is to its connection.
constexpr uint32_t kInvalid = 1u << 0, kUntracked = 1u << 6, kUntrackedOld = 1u << 8;
constexpr uint32_t kSourceChanges = 1u << 6, kDestinationChanges = 1u << 7;

uint32_t state_bit(FlowState state) {
  const auto number = static_cast<uint32_t>(state);
  return 1u << (number % static_cast<uint32_t>(FlowState::EstablishedReply) + 1);
}

// XT_CONNTRACK_*.
enum Question : uint16_t {
  kState = 1 << 0,
  kProtocol = 1 << 1,
  kFirstAddress = 1 << 2,  // and three more
  kStatus = 1 << 6,
  kExpires = 1 << 7,
  kFirstPort = 1 << 8,  // and three more
  kDirection = 1 << 12,
};

bool agrees_in_address(const IpAddress& address, IpFamily family, const uint32_t (&wanted)[2][4]) {
  uint32_t words[4] = {};
  if (family == IpFamily::V4) {
    copy_bytes(mutable_bytes_of(words), bytes_of(address.v4().wire()));
  } else {
    copy_bytes(mutable_bytes_of(words), address.v6().bytes());
  }
  uint32_t difference = 0;
  for (size_t i = 0; i < (family == IpFamily::V4 ? 1 : 4); ++i) difference |= (words[i] ^ wanted[0][i]) & wanted[1][i];
  return difference == 0;
}

// conntrack_mt(), of settings that have been brought into the form of the last revision.
class Question3 {
 public:
  Question3(FilterPacket& packet, const ConnectionMatchSettings& wanted) : packet_(packet), wanted_(wanted) {}

  bool agrees() const {
    const Connection* connection = connection_of(packet_.packet);
    if (asks(kState) && !holds(kState, (wanted_.states & states(connection)) != 0)) return false;
    if (connection == nullptr) return asks(kState);
    const FlowDirection direction = direction_of(flow_state_of(packet_.packet));
    if (asks(kDirection) && !holds(kDirection, direction == kOriginal)) return false;
    return agrees_in_addresses(*connection) && agrees_in_ports(*connection) && agrees_in_rest(*connection);
  }

 private:
  bool asks(uint16_t question) const { return (wanted_.asked & question) != 0; }
  bool holds(uint16_t question, bool is_true) const { return is_true != ((wanted_.inverted & question) != 0); }

  uint32_t states(const Connection* connection) const {
    if (connection == nullptr) return flow_state_of(packet_.packet) == FlowState::Untracked ? kUntrackedOld : kInvalid;
    uint32_t bits = state_bit(flow_state_of(packet_.packet));
    if (connection->is(kSourceNat)) bits |= kSourceChanges;
    if (connection->is(kDestinationNat)) bits |= kDestinationChanges;
    return bits;
  }

  bool agrees_in_addresses(const Connection& connection) const {
    for (size_t i = 0; i < 4; ++i) {
      const auto question = static_cast<uint16_t>(kFirstAddress << i);
      if (!asks(question)) continue;
      const FlowTuple& tuple = connection.sides[i / 2].tuple;
      const IpAddress& address = i % 2 == 0 ? tuple.source : tuple.destination;
      if (!holds(question, agrees_in_address(address, packet_.family, wanted_.addresses[i]))) return false;
    }
    return true;
  }

  bool agrees_in_ports(const Connection& connection) const {
    if (asks(kProtocol) && !holds(kProtocol, connection.protocol() == wanted_.protocol)) return false;
    for (size_t i = 0; i < 4; ++i) {
      const auto question = static_cast<uint16_t>(kFirstPort << i);
      if (!asks(question)) continue;
      const FlowTuple& tuple = connection.sides[i / 2].tuple;
      const uint16_t port = (i % 2 == 0 ? tuple.source_part : tuple.destination_part).get();
      if (!holds(question, port >= wanted_.ports[i] && port <= wanted_.last_ports[i])) return false;
    }
    return true;
  }

  bool agrees_in_rest(const Connection& connection) const {
    if (asks(kStatus) && !holds(kStatus, (wanted_.statuses & connection.status) != 0)) return false;
    if (!asks(kExpires)) return true;
    const Duration left = connection.is(kConfirmed) ? connection.deadline - packet_.entry.now() : connection.timeout;
    const auto seconds = static_cast<uint64_t>(left.in_nanos() < 0 ? 0 : left.in_seconds());
    return holds(kExpires, seconds >= wanted_.least_seconds && seconds <= wanted_.most_seconds);
  }

  FilterPacket& packet_;
  const ConnectionMatchSettings& wanted_;
};

// One port, as on the wire, is a range of one.
void widen_ports(ConnectionMatchSettings& wanted) {
  for (size_t i = 0; i < 4; ++i) {
    Be16 port;
    copy_bytes(mutable_bytes_of(port), bytes_of(wanted.ports[i]));
    wanted.ports[i] = wanted.last_ports[i] = port.get();
  }
}

}  // namespace

bool matches_state(FilterPacket& packet, FilterMatch& match) {
  const uint32_t wanted = settings_of<StateSettings>(match.data).states;
  if (connection_of(packet.packet) != nullptr) return (wanted & state_bit(flow_state_of(packet.packet))) != 0;
  return (wanted & (flow_state_of(packet.packet) == FlowState::Untracked ? kUntracked : kInvalid)) != 0;
}

bool matches_connection3(FilterPacket& packet, FilterMatch& match) {
  const auto wanted = settings_of<ConnectionMatchSettings>(match.data);
  return Question3(packet, wanted).agrees();
}

bool matches_connection2(FilterPacket& packet, FilterMatch& match) {
  auto wanted = settings_of<ConnectionMatchSettings>(match.data);
  widen_ports(wanted);
  return Question3(packet, wanted).agrees();
}

// Its masks are a byte each.
bool matches_connection1(FilterPacket& packet, FilterMatch& match) {
  auto wanted = settings_of<ConnectionMatchSettings>(match.data);
  constexpr size_t kMasksAt = offsetof(ConnectionMatchSettings, states);
  wanted.states = match.data[kMasksAt];
  wanted.statuses = match.data[kMasksAt + 1];
  widen_ports(wanted);
  return Question3(packet, wanted).agrees();
}

bool matches_connection_mark(FilterPacket& packet, FilterMatch& match) {
  const Connection* connection = connection_of(packet.packet);
  if (connection == nullptr) return false;
  const auto wanted = settings_of<ConnectionMarkSettings>(match.data);
  return ((connection->mark & wanted.mask) == wanted.mark) != (wanted.inverted != 0);
}

}  // namespace lxnet
