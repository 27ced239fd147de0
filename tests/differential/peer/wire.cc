#include "tests/differential/peer/wire.hh"

namespace peer {
namespace {

void put16(std::string& to, uint32_t value) {
  to += static_cast<char>(value >> 8);
  to += static_cast<char>(value);
}
void put32(std::string& to, uint32_t value) {
  put16(to, value >> 16);
  put16(to, value);
}
uint8_t get8(const std::string& from, size_t at) { return static_cast<uint8_t>(from[at]); }
uint16_t get16(const std::string& from, size_t at) { return static_cast<uint16_t>(get8(from, at) << 8 | get8(from, at + 1)); }
uint32_t get32(const std::string& from, size_t at) { return uint32_t{get16(from, at)} << 16 | get16(from, at + 2); }

uint16_t checksum(const std::string& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? uint32_t{get8(bytes, i)} << 8 : get8(bytes, i);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

void set16(std::string& in, size_t at, uint16_t value) {
  in[at] = static_cast<char>(value >> 8);
  in[at + 1] = static_cast<char>(value);
}

std::string with_ip_header(uint8_t protocol, uint8_t tos, const std::string& body) {
  std::string packet;
  packet += '\x45';
  packet += static_cast<char>(tos);
  put16(packet, static_cast<uint32_t>(20 + body.size()));
  put32(packet, 0);
  packet += '\x40';
  packet += static_cast<char>(protocol);
  put16(packet, 0);
  put32(packet, kRemoteAddress);
  put32(packet, kLocalAddress);
  set16(packet, 10, checksum(packet));
  return packet + body;
}

std::string bytes_of(const uint8_t (&address)[16]) { return std::string(reinterpret_cast<const char*>(address), sizeof address); }

std::string with_ip6_header(uint8_t protocol, uint8_t tos, const std::string& body) {
  std::string packet;
  put32(packet, 6u << 28 | uint32_t{tos} << 20);
  put16(packet, static_cast<uint32_t>(body.size()));
  packet += static_cast<char>(protocol);
  packet += '\x40';
  return packet + bytes_of(kRemoteAddress6) + bytes_of(kLocalAddress6) + body;
}

std::string encode_options(const Segment& segment) {
  std::string options;
  if (segment.mss) {
    options += std::string("\x02\x04", 2);
    put16(options, *segment.mss);
  }
  if (segment.may_sack) options += std::string("\x04\x02", 2);
  if (segment.stamps) {
    if (!segment.may_sack) options += std::string("\x01\x01", 2);
    options += std::string("\x08\x0a", 2);
    put32(options, segment.stamps->value);
    put32(options, segment.stamps->echo);
  } else if (segment.may_sack) {
    options += std::string("\x01\x01", 2);
  }
  if (segment.window_scale) {
    options += std::string("\x01\x03\x03", 3);
    options += static_cast<char>(*segment.window_scale);
  }
  if (!segment.sacks.empty()) {
    options += std::string("\x01\x01\x05", 3);
    options += static_cast<char>(2 + 8 * segment.sacks.size());
    for (const auto& [begin, end] : segment.sacks) {
      put32(options, begin);
      put32(options, end);
    }
  }
  if (segment.cookie) {
    options += '\x22';
    options += static_cast<char>(2 + segment.cookie->size());
    options += *segment.cookie;
  }
  while (options.size() % 4 != 0) options += '\x01';
  return options;
}

bool decode_options(const std::string& options, Segment& segment) {
  for (size_t at = 0; at < options.size();) {
    const uint8_t kind = get8(options, at);
    if (kind == 0) return true;
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size()) return false;
    const size_t size = get8(options, at + 1);
    if (size < 2 || at + size > options.size()) return false;
    if (kind == 2 && size == 4) segment.mss = get16(options, at + 2);
    if (kind == 3 && size == 3) segment.window_scale = get8(options, at + 2);
    if (kind == 4) segment.may_sack = true;
    if (kind == 5) {
      for (size_t i = at + 2; i + 8 <= at + size; i += 8) segment.sacks.emplace_back(get32(options, i), get32(options, i + 4));
    }
    if (kind == 8 && size == 10) segment.stamps = Stamps{get32(options, at + 2), get32(options, at + 6)};
    if (kind == 34) segment.cookie = options.substr(at + 2, size - 2);
    at += size;
  }
  return true;
}

// Over addresses, protocol and size as well: the same sum for either version.
uint16_t checksum_of(uint8_t protocol, const std::string& addresses, const std::string& body) {
  std::string pseudo = addresses;
  put16(pseudo, protocol);
  put16(pseudo, static_cast<uint32_t>(body.size()));
  return checksum(pseudo + body);
}

// What is known of a packet's header.
struct IpHeader {
  size_t size = 0, packet_size = 0;
  uint8_t protocol = 0, tos = 0;
  std::string addresses;
};

IpHeader header_of(const std::string& packet) {
  if (packet.size() >= 20 && get8(packet, 0) >> 4 == 4)
    return IpHeader{size_t{4} * (get8(packet, 0) & 15), get16(packet, 2), get8(packet, 9), get8(packet, 1), packet.substr(12, 8)};
  if (packet.size() >= 40 && get8(packet, 0) >> 4 == 6)
    return IpHeader{40, size_t{40} + get16(packet, 4), get8(packet, 6), static_cast<uint8_t>(get16(packet, 0) >> 4),
                    packet.substr(8, 32)};
  return IpHeader{};
}

}  // namespace

std::string encode(Version version, const Segment& segment) {
  const std::string options = encode_options(segment);
  std::string body;
  put16(body, segment.from_port);
  put16(body, segment.to_port);
  put32(body, segment.seq);
  put32(body, segment.ack);
  body += static_cast<char>((20 + options.size()) / 4 << 4);
  body += static_cast<char>(segment.flags);
  put16(body, segment.window);
  put16(body, 0);
  put16(body, segment.urgent);
  body += options + segment.payload;
  std::string packet = version == Version::Six ? with_ip6_header(6, segment.tos, body) : with_ip_header(6, segment.tos, body);
  const IpHeader header = header_of(packet);
  set16(packet, header.size + 16, checksum_of(6, header.addresses, body));
  return packet;
}

// Its checksum is still to be filled in.
static std::string error_body(uint8_t type, uint8_t code, uint16_t mtu, const std::string& quoted) {
  std::string body{static_cast<char>(type), static_cast<char>(code)};
  put16(body, 0);
  put16(body, 0);
  put16(body, mtu);
  return body + quoted;
}

std::string encode_error(uint8_t type, uint8_t code, uint16_t mtu, const std::string& about) {
  std::string body = error_body(type, code, mtu, about.substr(0, 28 + 20));
  set16(body, 2, checksum(body));
  return with_ip_header(1, 0, body);
}

std::string encode_error6(uint8_t type, uint8_t code, uint16_t mtu, const std::string& about) {
  const std::string body = error_body(type, code, mtu, about.substr(0, 1280 - 40 - 8));
  std::string packet = with_ip6_header(58, 0, body);
  set16(packet, 40 + 2, checksum_of(58, header_of(packet).addresses, body));
  return packet;
}

Arrival decode(const std::string& packet) {
  Arrival arrival;
  const IpHeader header = header_of(packet);
  if (header.size == 0) return arrival;
  if (packet.size() != header.packet_size || packet.size() < header.size) return Arrival{Arrival::Kind::Malformed, {}};
  if (header.protocol != 6) return arrival;
  const std::string body = packet.substr(header.size);
  arrival.kind = Arrival::Kind::Malformed;
  if (body.size() < 20 || checksum_of(6, header.addresses, body) != 0) return arrival;
  Segment& segment = arrival.segment;
  segment.tos = header.tos;
  segment.from_port = get16(body, 0);
  segment.to_port = get16(body, 2);
  segment.seq = get32(body, 4);
  segment.ack = get32(body, 8);
  const size_t offset = size_t{4} * (get8(body, 12) >> 4);
  segment.flags = get8(body, 13);
  segment.window = get16(body, 14);
  segment.urgent = get16(body, 18);
  if (offset < 20 || offset > body.size() || !decode_options(body.substr(20, offset - 20), segment)) return arrival;
  segment.payload = body.substr(offset);
  arrival.kind = Arrival::Kind::Tcp;
  return arrival;
}

std::string show_address(uint32_t address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += std::to_string(address >> shift & 255) + (shift == 0 ? "" : ".");
  return text;
}

std::string show_flags(uint8_t flags) {
  std::string text;
  constexpr std::pair<uint8_t, char> kNames[] = {{kFin, 'F'}, {kSyn, 'S'}, {kRst, 'R'}, {kPsh, 'P'},
                                                 {kUrg, 'U'}, {kEce, 'E'}, {kCwr, 'W'}, {kAck, '.'}};
  for (const auto& [flag, letter] : kNames) {
    if ((flags & flag) != 0) text += letter;
  }
  return text.empty() ? "-" : text;
}

}  // namespace peer
