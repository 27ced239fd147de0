#include "stack/wire/address_text.hh"

namespace lxnet {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

std::span<const char> span_of(const char* text) {
  size_t size = 0;
  while (text[size] != 0) ++size;
  return {text, size};
}

// The value of a hexadecimal digit, or -1.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append(AddressText& out, char c) { out.text[out.size++] = c; }

void append_decimal(AddressText& out, uint8_t octet) {
  if (octet >= 100) append(out, static_cast<char>('0' + octet / 100));
  if (octet >= 10) append(out, static_cast<char>('0' + octet / 10 % 10));
  append(out, static_cast<char>('0' + octet % 10));
}

void append_dotted(AddressText& out, Ipv4Address address) {
  const uint32_t value = address.value();
  for (int shift = 24; shift >= 0; shift -= 8) {
    append_decimal(out, static_cast<uint8_t>(value >> shift));
    if (shift != 0) append(out, '.');
  }
}

void append_group(AddressText& out, uint16_t group) {
  int shift = 12;
  while (shift > 0 && group >> shift == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) append(out, kHexDigits[group >> shift & 0xf]);
}

struct ZeroRun {
  size_t first = 8, length = 0;
};

// The first of the longest runs of zero groups; a single zero group is no run (RFC 5952, 4.2.2).
ZeroRun longest_zero_run(const Ipv6Address& address) {
  ZeroRun best;
  for (size_t i = 0; i < 8;) {
    size_t end = i;
    while (end < 8 && address.group(end) == 0) ++end;
    if (end - i > best.length && end - i >= 2) best = {i, end - i};
    i = end + 1;
  }
  return best;
}

// Reads up to four hexadecimal digits; returns how many, 0 when there is none or a fifth follows.
size_t read_group(std::span<const char> text, uint16_t& group) {
  size_t digits = 0;
  uint32_t value = 0;
  while (digits < text.size() && hex_value(text[digits]) >= 0) {
    if (digits == 4) return 0;
    value = value << 4 | static_cast<uint32_t>(hex_value(text[digits++]));
  }
  group = static_cast<uint16_t>(value);
  return digits;
}

}  // namespace

Result<Ipv4Address> parse_ipv4(std::span<const char> text) {
  uint32_t value = 0;
  size_t at = 0;
  for (int octet = 0; octet < 4; ++octet) {
    if (octet != 0 && (at == text.size() || text[at++] != '.')) return Errno::EINVAL;
    const size_t first = at;
    uint32_t number = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      if (at > first && number == 0) return Errno::EINVAL;  // a leading zero would be read as octal elsewhere
      number = number * 10 + static_cast<uint32_t>(text[at++] - '0');
      if (number > 255) return Errno::EINVAL;
    }
    if (at == first) return Errno::EINVAL;
    value = value << 8 | number;
  }
  if (at != text.size()) return Errno::EINVAL;
  return Ipv4Address(value);
}

Result<Ipv6Address> parse_ipv6(std::span<const char> text) {
  uint16_t groups[8] = {};
  size_t count = 0;
  size_t gap = 9;  // how many groups stand before "::", once it has been seen
  size_t at = 0;
  if (text.size() >= 2 && text[0] == ':' && text[1] == ':') {
    gap = 0;
    at = 2;
  }
  while (at < text.size()) {
    if (count == 8) return Errno::EINVAL;
    const std::span<const char> rest = text.subspan(at);
    const size_t digits = read_group(rest, groups[count]);
    if (digits == 0) return Errno::EINVAL;
    if (digits < rest.size() && rest[digits] == '.') {
      if (count > 6) return Errno::EINVAL;
      const uint32_t v4 = TRY(parse_ipv4(rest)).value();
      groups[count++] = static_cast<uint16_t>(v4 >> 16);
      groups[count++] = static_cast<uint16_t>(v4);
      break;
    }
    ++count;
    at += digits;
    if (at == text.size()) break;
    if (text[at++] != ':') return Errno::EINVAL;
    if (at == text.size()) return Errno::EINVAL;  // a single colon at the end
    if (text[at] == ':') {
      if (gap != 9) return Errno::EINVAL;
      gap = count;
      ++at;
    }
  }
  // "::" stands for one group at least.
  if (gap == 9 ? count != 8 : count > 7) return Errno::EINVAL;
  if (gap != 9) {
    const size_t tail = count - gap;
    for (size_t i = 0; i < tail; ++i) groups[7 - i] = groups[count - 1 - i];
    for (size_t i = gap; i < 8 - tail; ++i) groups[i] = 0;
  }
  return Ipv6Address(groups[0], groups[1], groups[2], groups[3], groups[4], groups[5], groups[6], groups[7]);
}

Result<MacAddress> parse_mac(std::span<const char> text) {
  if (text.size() != 3 * MacAddress::kSize - 1) return Errno::EINVAL;
  uint8_t bytes[MacAddress::kSize];
  for (size_t i = 0; i < MacAddress::kSize; ++i) {
    const int high = hex_value(text[3 * i]), low = hex_value(text[3 * i + 1]);
    if (high < 0 || low < 0) return Errno::EINVAL;
    if (i + 1 < MacAddress::kSize && text[3 * i + 2] != ':') return Errno::EINVAL;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return MacAddress::from_bytes(bytes);
}

Result<Ipv4Address> parse_ipv4(const char* text) { return parse_ipv4(span_of(text)); }
Result<Ipv6Address> parse_ipv6(const char* text) { return parse_ipv6(span_of(text)); }
Result<MacAddress> parse_mac(const char* text) { return parse_mac(span_of(text)); }

AddressText format_ipv4(Ipv4Address address) {
  AddressText out;
  append_dotted(out, address);
  return out;
}

AddressText format_ipv6(const Ipv6Address& address) {
  AddressText out;
  if (address.is_v4_mapped()) {
    for (char c : {':', ':', 'f', 'f', 'f', 'f', ':'}) append(out, c);
    append_dotted(out, address.embedded_v4());
    return out;
  }
  const ZeroRun zeros = longest_zero_run(address);
  for (size_t i = 0; i < 8; ++i) {
    if (i == zeros.first) {
      append(out, ':');
      append(out, ':');
      i += zeros.length - 1;
      continue;
    }
    if (i != 0 && i != zeros.first + zeros.length) append(out, ':');
    append_group(out, address.group(i));
  }
  return out;
}

AddressText format_mac(MacAddress address) {
  AddressText out;
  for (uint8_t byte : address.bytes()) {
    if (out.size != 0) append(out, ':');
    append(out, kHexDigits[byte >> 4]);
    append(out, kHexDigits[byte & 0xf]);
  }
  return out;
}

}  // namespace lxnet
