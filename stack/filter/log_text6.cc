// Of IPv6, its extension headers, and ICMPv6.
#include "stack/filter/log_text.hh"

#include "stack/wire/icmp6.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv6.hh"
#include "stack/wire/ipv6_extensions.hh"

namespace lxnet {

namespace {

// What is hidden behind an ESP header is not followed, but the header is shown with the others.
constexpr bool is_shown_extension(IpProtocol protocol) {
  return is_ipv6_extension(protocol) || protocol == IpProtocol::EncapsulatingSecurity;
}

}  // namespace

void PacketText::put_icmp6(uint32_t at, bool is_cited) {
  Icmp6Header header;
  if (!read(at, header)) return put_incomplete(at);
  line_ << "TYPE=" << header.type << " CODE=" << header.code << " ";
  const uint32_t rest = header.rest.get();
  switch (Icmp6Type{header.type}) {
    case Icmp6Type::EchoRequest:
    case Icmp6Type::EchoReply:
      line_ << "ID=" << (rest >> 16) << " SEQ=" << (rest & 0xffff) << " ";
      return;
    case Icmp6Type::ParameterProblem:
      (line_ << "POINTER=").hex(rest, 8) << " ";
      [[fallthrough]];
    case Icmp6Type::DestinationUnreachable:
    case Icmp6Type::PacketTooBig:
    case Icmp6Type::TimeExceeded:
      if (!is_cited) {
        line_ << "[";
        put6(at + static_cast<uint32_t>(sizeof header), true);
        line_ << "] ";
      }
      if (Icmp6Type{header.type} == Icmp6Type::PacketTooBig) line_ << "MTU=" << rest << " ";
      return;
    default:
      return;
  }
}

// One extension header, whose size comes out. False: no more can be said of the packet.
bool PacketText::put_extension(uint8_t number, uint32_t at, uint32_t& size, bool& is_later_piece) {
  uint8_t head[2];
  if (!read(at, head)) {
    line_ << "TRUNCATED";
    return false;
  }
  const bool shows_options = (flags_ & kIpOptions) != 0;
  if (shows_options) line_ << "OPT ( ";
  size = (uint32_t{head[1]} + 1) * 8;
  bool goes_on = true;
  switch (IpProtocol{number}) {
    case IpProtocol::Fragment: {
      line_ << "FRAG:";
      Ipv6FragmentHeader fragment;
      if (!read(at, fragment)) {
        line_ << "TRUNCATED ";
        return false;
      }
      const Ipv6Fragment said = Ipv6Fragment::from(fragment);
      line_ << said.offset << " " << (said.more_fragments ? "INCOMPLETE " : "") << "ID:";
      line_.hex(said.identification, 8) << " ";
      is_later_piece |= said.offset != 0;
      size = sizeof fragment;
      break;
    }
    case IpProtocol::EncapsulatingSecurity:
      if (shows_options) put_security("ESP ", at, 0, is_later_piece);
      goes_on = false;
      break;
    case IpProtocol::Authentication:
      if (shows_options) put_security("AH ", at, 4, is_later_piece);
      size = (uint32_t{head[1]} + 2) * 4;
      break;
    default:
      goes_on = !is_later_piece;
  }
  if (shows_options) line_ << (goes_on ? ") " : ")");
  return goes_on;
}

void PacketText::put6(uint32_t at, bool is_cited) {
  Ipv6Header header;
  if (!read(at, header)) {
    line_ << "TRUNCATED";
    return;
  }
  line_ << "SRC=";
  put_address(header.source);
  line_ << " DST=";
  put_address(header.destination);
  line_ << " LEN=" << static_cast<uint32_t>(header.total_length()) << " TC=" << header.traffic_class()
        << " HOPLIMIT=" << header.hop_limit << " FLOWLBL=" << header.flow_label() << " ";
  uint8_t next = header.next_header;
  bool is_later_piece = false;
  at += static_cast<uint32_t>(sizeof header);
  while (is_shown_extension(IpProtocol{next})) {
    uint32_t size = 0;
    if (!put_extension(next, at, size, is_later_piece)) return;
    static_cast<void>(read(at, next));
    at += size;
  }
  switch (IpProtocol{next}) {
    case IpProtocol::Tcp:
    case IpProtocol::Udp:
    case IpProtocol::UdpLite:
      static_cast<void>(put_ports(next, at, is_later_piece));
      return;
    case IpProtocol::Icmpv6:
      line_ << "PROTO=ICMPv6 ";
      if (!is_later_piece) put_icmp6(at, is_cited);
      return;
    default:
      line_ << "PROTO=" << next << " ";
  }
}

}  // namespace lxnet
