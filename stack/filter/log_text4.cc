// Of IPv4, and of ICMP.
#include "stack/filter/log_text.hh"

#include "stack/wire/icmp4.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv4.hh"

namespace lxnet {

namespace {

// How much of a message its type wants; 0: no more than its head.
uint32_t size_wanted4(uint8_t type) {
  switch (Icmp4Type{type}) {
    case Icmp4Type::DestinationUnreachable:
    case Icmp4Type::SourceQuench:
    case Icmp4Type::Redirect:
    case Icmp4Type::TimeExceeded:
    case Icmp4Type::ParameterProblem:
      return 8 + sizeof(Ipv4Header);
    case Icmp4Type::Timestamp:
    case Icmp4Type::TimestampReply:
      return 20;
    case Icmp4Type::AddressMaskRequest:
    case Icmp4Type::AddressMaskReply:
      return 12;
    default:
      return 0;
  }
}

}  // namespace

void PacketText::put_icmp4(uint32_t at, bool is_cited) {
  Icmp4Header header;
  if (!read(at, header)) return put_incomplete(at);
  line_ << "TYPE=" << header.type << " CODE=" << header.code << " ";
  if (left(at) < size_wanted4(header.type)) return put_incomplete(at);
  const uint32_t rest = header.rest.get();
  switch (Icmp4Type{header.type}) {
    case Icmp4Type::Echo:
    case Icmp4Type::EchoReply:
      line_ << "ID=" << (rest >> 16) << " SEQ=" << (rest & 0xffff) << " ";
      return;
    case Icmp4Type::ParameterProblem:
      line_ << "PARAMETER=" << (rest >> 24) << " ";
      return;
    case Icmp4Type::Redirect:
      line_ << "GATEWAY=";
      put_address(Ipv4Address(rest));
      line_ << " ";
      [[fallthrough]];
    case Icmp4Type::DestinationUnreachable:
    case Icmp4Type::SourceQuench:
    case Icmp4Type::TimeExceeded: {
      if (!is_cited) {
        line_ << "[";
        put4(at + static_cast<uint32_t>(sizeof header), true);
        line_ << "] ";
      }
      const bool says_mtu = Icmp4Type{header.type} == Icmp4Type::DestinationUnreachable &&
                            Icmp4Unreachable{header.code} == Icmp4Unreachable::FragmentationNeeded;
      if (says_mtu) line_ << "MTU=" << (rest & 0xffff) << " ";
      return;
    }
    default:
      return;
  }
}

void PacketText::put4(uint32_t at, bool is_cited) {
  Ipv4Header header;
  if (!read(at, header)) {
    line_ << "TRUNCATED";
    return;
  }
  line_ << "SRC=";
  put_address(header.source);
  line_ << " DST=";
  put_address(header.destination);
  constexpr uint8_t kTos = 0x1e, kPrecedence = 0xe0;
  (line_ << " LEN=" << header.total_length.get() << " TOS=0x").upper_hex(header.type_of_service & kTos, 2);
  (line_ << " PREC=0x").upper_hex(header.type_of_service & kPrecedence, 2);
  line_ << " TTL=" << header.time_to_live << " ID=" << header.identification.get() << " ";
  constexpr uint16_t kReserved = 0x8000;
  if ((header.flags_and_offset.get() & kReserved) != 0) line_ << "CE ";
  line_ << (header.dont_fragment() ? "DF " : "") << (header.more_fragments() ? "MF " : "");
  const bool is_later_piece = header.fragment_offset() != 0;
  if (is_later_piece) line_ << "FRAG:" << header.fragment_offset() / 8u << " ";
  const auto size = static_cast<uint32_t>(header.header_size());
  if ((flags_ & kIpOptions) != 0 && size > sizeof header)
    put_options(at + static_cast<uint32_t>(sizeof header), size - static_cast<uint32_t>(sizeof header));
  const uint32_t inside = at + size;
  switch (IpProtocol{header.protocol}) {
    case IpProtocol::Tcp:
    case IpProtocol::Udp:
    case IpProtocol::UdpLite:
      if (!put_ports(header.protocol, inside, is_later_piece)) return;
      break;
    case IpProtocol::Icmp:
      line_ << "PROTO=ICMP ";
      if (!is_later_piece) put_icmp4(inside, is_cited);
      break;
    case IpProtocol::Authentication:
      put_security("PROTO=AH ", inside, 4, is_later_piece);
      break;
    case IpProtocol::EncapsulatingSecurity:
      put_security("PROTO=ESP ", inside, 0, is_later_piece);
      break;
    default:
      line_ << "PROTO=" << header.protocol << " ";
  }
}

}  // namespace lxnet
