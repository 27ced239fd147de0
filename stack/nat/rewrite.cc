#include "stack/nat/rewrite.hh"

#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"
#include "stack/wire/pseudo_header.hh"
#include "stack/wire/tcp.hh"
#include "stack/wire/udp.hh"

namespace lxnet {
namespace {

// A checksum field whose data changes. A partial one holds the sum of the pseudo-header alone, not complemented.
class SumField {
 public:
  SumField(Be16& field, bool is_partial) : field_(field), is_partial_(is_partial) {}

  // Of the pseudo-header.
  void change_address(ByteSpan from, ByteSpan to) {
    for (size_t i = 0; i + 1 < from.size(); i += 2) change(word(from, i), word(to, i));
  }
  // Of what is summed behind it, which a partial field does not hold yet.
  void change_part(Be16 from, Be16 to) {
    if (!is_partial_) change(from.get(), to.get());
  }

 private:
  static uint16_t word(ByteSpan bytes, size_t at) { return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]); }
  void change(uint16_t from, uint16_t to) {
    const uint16_t held = field_.get();
    if (is_partial_) {
      field_.set(static_cast<uint16_t>(~update_checksum(static_cast<uint16_t>(~held), from, to)));
    } else {
      field_.set(update_checksum(held, from, to));
    }
  }

  Be16& field_;
  const bool is_partial_;
};

// One IP packet, be it the outer one or one that is cited.
class Rewriter {
 public:
  Rewriter(Packet& packet, uint32_t at, IpFamily family, const FlowTuple& target, NatSide side)
      : packet_(packet), at_(at), family_(family), target_(target), side_(side) {}

  bool run() {
    const auto headers = find_flow_headers(packet_, family_, at_);
    // Of an extension header that is cut only the addresses can be changed.
    const uint32_t fixed = family_ == IpFamily::V4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
    if (!own(at_ + fixed)) return false;
    if (headers && !rewrite_transport(*headers)) return false;
    rewrite_address();
    return true;
  }

 private:
  bool own(size_t size) {
    if (!packet_.make_writable(size).is_ok()) return false;
    packet_.mark_network_header();
    return true;
  }
  template <typename T>
  T& at(size_t offset) {
    return *reinterpret_cast<T*>(packet_.mutable_linear().data() + offset);
  }
  bool is_partial() const { return at_ == 0 && packet_.checksum == ChecksumState::Partial; }
  ByteSpan new_address() const {
    const IpAddress& address = side_ == NatSide::Source ? target_.source : target_.destination;
    return family_ == IpFamily::V4 ? address.v6().bytes().subspan(12) : ByteSpan(address.v6().bytes());
  }
  MutableByteSpan address_field() {
    const size_t size = family_ == IpFamily::V4 ? 4 : 16;
    const size_t source = family_ == IpFamily::V4 ? offsetof(Ipv4Header, source) : offsetof(Ipv6Header, source);
    return packet_.mutable_linear().subspan(at_ + source + (side_ == NatSide::Source ? 0 : size), size);
  }

  void rewrite_address() {
    const MutableByteSpan field = address_field();
    if (family_ == IpFamily::V4) SumField(at<Ipv4Header>(at_).checksum, false).change_address(field, new_address());
    copy_bytes(field, new_address());
  }

  bool rewrite_transport(const FlowHeaders& headers) {
    const uint32_t offset = headers.transport_offset;
    switch (IpProtocol{headers.protocol}) {
      case IpProtocol::Tcp: {
        // Where no more is cited than eight bytes there is no sum.
        const bool has_sum = packet_.size() >= offset + sizeof(TcpHeader);
        if (!own(offset + (has_sum ? sizeof(TcpHeader) : 8))) return false;
        rewrite_ports(offset, has_sum ? &at<TcpHeader>(offset).checksum : nullptr);
        return true;
      }
      case IpProtocol::Udp: {
        if (!own(offset + sizeof(UdpHeader))) return false;
        Be16& sum = at<UdpHeader>(offset).checksum;
        if (sum.get() == 0 && !is_partial()) {
          rewrite_ports(offset, nullptr);
          return true;
        }
        rewrite_ports(offset, &sum);
        if (sum.get() == 0 && !is_partial()) sum.set(0xffff);  // zero would say that there is none
        return true;
      }
      case IpProtocol::UdpLite:
        if (!own(offset + sizeof(UdpHeader))) return false;
        rewrite_ports(offset, &at<UdpHeader>(offset).checksum);
        return true;
      case IpProtocol::Icmp:
        return rewrite_icmp4(offset);
      case IpProtocol::Icmpv6:
        return rewrite_icmp6(offset);
      default:
        return true;
    }
  }

  // The source port stands at the beginning of all of them, the destination port behind it.
  void rewrite_ports(uint32_t offset, Be16* sum) {
    Be16& port = at<Be16>(offset + (side_ == NatSide::Source ? 0 : 2));
    const Be16 wanted = side_ == NatSide::Source ? target_.source_part : target_.destination_part;
    if (sum != nullptr) {
      SumField field(*sum, is_partial());
      field.change_address(address_field(), new_address());
      field.change_part(port, wanted);
    }
    port = wanted;
  }

  bool rewrite_icmp4(uint32_t offset) {
    if (!own(offset + sizeof(Icmp4Header))) return false;
    switch (Icmp4Type{at<uint8_t>(offset)}) {
      case Icmp4Type::Echo:
      case Icmp4Type::EchoReply:
      case Icmp4Type::Timestamp:
      case Icmp4Type::TimestampReply:
      case Icmp4Type::InformationRequest:
      case Icmp4Type::InformationReply:
      case Icmp4Type::AddressMaskRequest:
      case Icmp4Type::AddressMaskReply:
        rewrite_identifier(offset);
        return true;
      default:
        return true;
    }
  }

  bool rewrite_icmp6(uint32_t offset) {
    if (!own(offset + sizeof(Icmp6Header))) return false;
    SumField(at<Be16>(offset + 2), is_partial()).change_address(address_field(), new_address());
    const Icmp6Type type{at<uint8_t>(offset)};
    if (type == Icmp6Type::EchoRequest || type == Icmp6Type::EchoReply) rewrite_identifier(offset);
    return true;
  }

  void rewrite_identifier(uint32_t offset) {
    Be16& identifier = at<Be16>(offset + 4);
    SumField(at<Be16>(offset + 2), is_partial()).change_part(identifier, target_.source_part);
    identifier = target_.source_part;
  }

  Packet& packet_;
  const uint32_t at_;
  const IpFamily family_;
  const FlowTuple& target_;
  const NatSide side_;
};

// Of the whole message: what is cited in it has changed in many places.
void sum_icmp(Packet& packet, const FlowHeaders& headers) {
  if (packet.checksum == ChecksumState::Partial) return;
  const size_t size = packet.size() - headers.transport_offset;
  Be16& field = *reinterpret_cast<Be16*>(packet.mutable_linear().data() + headers.transport_offset + 2);
  field.set(0);
  InternetChecksum sum;
  if (headers.family == IpFamily::V6) {
    const auto& header = *reinterpret_cast<const Ipv6Header*>(packet.linear().data());
    sum = pseudo_header_checksum(header.source, header.destination, IpProtocol::Icmpv6, static_cast<uint32_t>(size));
  }
  packet.for_each_run(headers.transport_offset, size, [&](ByteSpan run) { sum.add(run); });
  field.set(sum.finish());
}

}  // namespace

bool rewrite_packet(FilterPacket& seen, const FlowTuple& target, NatSide side) {
  if (!Rewriter(seen.packet, 0, seen.family, target, side).run()) return false;
  // Its sender knew another receiver.
  seen.packet.receiver_hashes = {};
  seen.read_header();
  return true;
}

bool rewrite_icmp_error(FilterPacket& seen, const FlowTuple& cited, const FlowTuple& target, NatSide side) {
  const auto headers = find_flow_headers(seen.packet, seen.family, 0);
  if (!headers) return false;
  const uint32_t inner = headers->transport_offset + static_cast<uint32_t>(sizeof(Icmp4Header));
  if (!Rewriter(seen.packet, inner, seen.family, cited, other_side(side)).run()) return false;
  sum_icmp(seen.packet, *headers);
  FlowTuple outer = target;
  outer.protocol = headers->protocol;
  return rewrite_packet(seen, outer, side);
}

}  // namespace lxnet
