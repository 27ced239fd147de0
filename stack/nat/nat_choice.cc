#include "stack/nat/nat_choice.hh"

#include "stack/stack.hh"
#include "stack/wire/ip_protocol.hh"

namespace lxnet {
namespace {

// A search of a whole range would keep everybody waiting: so many tries, then half as many elsewhere, and so on.
constexpr uint32_t kMaxAttempts = 128, kLeastAttempts = 16;
// The last of them may push out what is in its TIME-WAIT.
constexpr uint32_t kForcefulAttempts = kMaxAttempts / 4;

enum class Part : uint8_t { None, Identifier, Port };

Part part_of(uint8_t protocol) {
  switch (IpProtocol{protocol}) {
    case IpProtocol::Icmp:
    case IpProtocol::Icmpv6:
      return Part::Identifier;
    case IpProtocol::Tcp:
    case IpProtocol::Udp:
    case IpProtocol::UdpLite:
      return Part::Port;
    default:
      return Part::None;  // SCTP among them, whose sum is not made anew
  }
}

int compare(const IpAddress& left, const IpAddress& right) {
  for (size_t i = 0; i < Ipv6Address::kSize; ++i) {
    const int difference = left.v6().bytes()[i] - right.v6().bytes()[i];
    if (difference != 0) return difference;
  }
  return 0;
}

class Choice {
 public:
  Choice(ConnectionTable& table, Connection& connection, const NatRange& range, NatSide side, Instant now)
      : table_(table), connection_(connection), range_(range), side_(side), now_(now) {}

  FlowTuple choose(const FlowTuple& present) {
    const bool is_random = (range_.flags & (kNatRandom | kNatRandomFully)) != 0;
    if (side_ == NatSide::Source && !is_random) {
      if (is_source_in_range(present)) {
        if (!is_taken_unchanged(present)) return present;
      } else if (auto same = find_mapped_source(present); same && !is_taken(*same)) {
        return *same;
      }
    }
    FlowTuple tuple = present;
    choose_address(tuple);
    if (!is_random) {
      if ((range_.flags & kNatMapParts) != 0) {
        const bool is_one = range_.first_part == range_.last_part;
        if ((range_.flags & kNatOffset) == 0 && is_part_in_range(tuple, side_) && (is_one || !is_taken(tuple))) return tuple;
      } else if (!is_taken(tuple)) {
        return tuple;
      }
    }
    choose_part(tuple);
    return tuple;
  }

 private:
  uint16_t random() const { return table_.stack().hal().random<uint16_t>(); }

  // What counts is what answers will look like.
  bool is_taken(const FlowTuple& tuple) {
    const auto answer = tuple.inverted();
    return answer && table_.is_taken(*answer, connection_, now_);
  }

  // nf_nat_used_tuple_new(): two packets that crossed each other look like two connections, and will be one.
  bool is_taken_unchanged(const FlowTuple& tuple) {
    if (!is_taken(tuple)) return false;
    const IpProtocol protocol{tuple.protocol};
    const bool may_clash =
        protocol == IpProtocol::Udp || protocol == IpProtocol::UdpLite || part_of(tuple.protocol) == Part::None;
    if (!may_clash || connection_.is(kEitherNat)) return true;
    const Connection::Side* side = table_.find(tuple, now_);
    if (side == nullptr) side = table_.find(*tuple.inverted(), now_);
    if (side == nullptr) return false;
    return side->connection->is(kEitherNat) || side->connection->tuple(kOriginal) != connection_.tuple(kReply);
  }

  // nf_nat_used_tuple_harder(): who is in TIME-WAIT leaves, if the new connection's numbers are beyond its own.
  bool is_taken_in_the_end(const FlowTuple& tuple, uint32_t attempts_left) {
    const bool is_syn = IpProtocol{tuple.protocol} == IpProtocol::Tcp && connection_.tcp.state == TrackedTcpState::SynSent;
    if (attempts_left > kForcefulAttempts || !is_syn) return is_taken(tuple);
    const Connection::Side* side = table_.find(*tuple.inverted(), now_);
    if (side == nullptr) return false;
    Connection& other = *side->connection;
    if (side == &other.sides[kOriginal] || !other.is(kSourceNat) || other.tcp.state < TrackedTcpState::TimeWait) return true;
    if (!connection_.tcp.sides[kOriginal].end.is_after(other.tcp.sides[kOriginal].end)) return true;
    table_.remove(other);
    return false;
  }

  bool is_part_in_range(const FlowTuple& tuple, NatSide side) const {
    const Part part = part_of(tuple.protocol);
    if (part == Part::None) return true;
    const bool is_source = part == Part::Identifier || side == NatSide::Source;
    const uint16_t value = is_source ? tuple.source_part.get() : tuple.destination_part.get();
    return value >= range_.first_part && value <= range_.last_part;
  }

  bool is_source_in_range(const FlowTuple& tuple) const {
    if ((range_.flags & kNatMapAddresses) != 0 &&
        (compare(tuple.source, range_.first) < 0 || compare(tuple.source, range_.last) > 0)) {
      return false;
    }
    return (range_.flags & kNatMapParts) == 0 || is_part_in_range(tuple, NatSide::Source);
  }

  // find_appropriate_src(): the source has got another already, which holds for where it goes now too.
  std::optional<FlowTuple> find_mapped_source(const FlowTuple& tuple) const {
    std::optional<FlowTuple> found;
    table_.any_of_source(tuple, [&](const Connection& other) {
      const FlowTuple& own = other.tuple(kOriginal);
      if (own.protocol != tuple.protocol || own.family != tuple.family || own.source != tuple.source ||
          own.source_part != tuple.source_part || own.zone != tuple.zone) {
        return false;
      }
      auto mapped = other.tuple(kReply).inverted();
      if (!mapped) return false;
      mapped->destination = tuple.destination;
      mapped->destination_part = tuple.destination_part;
      mapped->zone = tuple.zone;
      if (!is_source_in_range(*mapped)) return false;
      found = mapped;
      return true;
    });
    return found;
  }

  // find_best_ips_proto(): by a hash of both ends, so that one client keeps one address with one server.
  void choose_address(FlowTuple& tuple) const {
    if ((range_.flags & kNatMapAddresses) == 0) return;
    IpAddress& chosen = side_ == NatSide::Source ? tuple.source : tuple.destination;
    if (range_.first == range_.last) {
      chosen = range_.first;
      return;
    }
    Be32 first[4], last[4], words[4], towards[4];
    copy_bytes(mutable_bytes_of(first), range_.first.v6().bytes());
    copy_bytes(mutable_bytes_of(last), range_.last.v6().bytes());
    copy_bytes(mutable_bytes_of(words), chosen.v6().bytes());
    copy_bytes(mutable_bytes_of(towards), tuple.destination.v6().bytes());
    const bool is_persistent = (range_.flags & kNatPersistent) != 0;
    struct {
      IpAddress source;
      uint32_t destination, zone;
    } key{tuple.source, is_persistent ? 0 : towards[3].get() ^ tuple.zone, 0};
    auto hash = static_cast<uint32_t>(siphash_1_3(SipKey{}, key));
    bool is_free = false;  // of the range's ends, since a word before this one is below the last
    for (size_t i = tuple.family == IpFamily::V4 ? 3 : 0; i < 4; ++i) {
      const uint32_t least = is_free ? 0 : first[i].get();
      const uint32_t count = is_free ? ~0u : last[i].get() - least + 1;
      words[i].set(least + static_cast<uint32_t>(uint64_t{hash} * count >> 32));
      if (words[i].get() != last[i].get()) is_free = true;
      if (!is_persistent) hash ^= towards[i].get();
    }
    uint8_t bytes[Ipv6Address::kSize];
    copy_bytes(bytes, bytes_of(words));
    chosen = Ipv6Address::from_bytes(bytes);
  }

  struct Ports {
    uint32_t first, count;
  };
  // Without a range a privileged port stays one, and one of those that tell who somebody is stays one of those.
  Ports ports_for(Part part, uint16_t present) const {
    if ((range_.flags & kNatMapParts) != 0) {
      uint32_t first = range_.first_part, last = range_.last_part;
      if (last < first && part == Part::Port) std::swap(first, last);
      return {first, (last - first + 1) & 0x1ffff};
    }
    if (part == Part::Identifier) return {0, 65536};
    if (present < 512) return {1, 511};
    if (present < 1024) return {600, 1023 - 600 + 1};
    return {1024, 65535 - 1024 + 1};
  }

  // nf_nat_l4proto_unique_tuple().
  void choose_part(FlowTuple& tuple) {
    const Part part = part_of(tuple.protocol);
    if (part == Part::None) return;
    // A server's port is what its client meant.
    if (part == Part::Port && side_ == NatSide::Destination && (range_.flags & kNatMapParts) == 0) return;
    Be16& place = part == Part::Identifier || side_ == NatSide::Source ? tuple.source_part : tuple.destination_part;
    const Ports ports = ports_for(part, place.get());
    if (ports.count == 0) return;
    uint16_t offset = 0;
    if ((range_.flags & kNatOffset) != 0) {
      offset = static_cast<uint16_t>(place.get() - range_.base_part);
    } else if ((range_.flags & (kNatRandom | kNatRandomFully)) != 0 || side_ != NatSide::Destination) {
      offset = random();
    }
    uint32_t attempts = ports.count < kMaxAttempts ? ports.count : kMaxAttempts;
    for (;;) {
      for (uint32_t i = 0; i < attempts; ++i, ++offset) {
        place.set(static_cast<uint16_t>(ports.first + offset % ports.count));
        if (!is_taken_in_the_end(tuple, attempts - i)) return;
      }
      if (attempts >= ports.count || attempts < kLeastAttempts) return;
      attempts /= 2;
      offset = random();
    }
  }

  ConnectionTable& table_;
  Connection& connection_;
  const NatRange& range_;
  const NatSide side_;
  const Instant now_;
};

}  // namespace

FlowTuple choose_tuple(ConnectionTable& table, Connection& connection, const FlowTuple& present, const NatRange& range,
                       NatSide side, Instant now) {
  return Choice(table, connection, range, side, now).choose(present);
}

}  // namespace lxnet
