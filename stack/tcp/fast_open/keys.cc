#include "stack/tcp/fast_open/keys.hh"

#include "base/siphash.hh"

namespace lxnet {
namespace {

uint64_t read_little_endian(const uint8_t* bytes) {
  uint64_t value = 0;
  for (size_t i = 8; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

int hex_digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  const char lower = static_cast<char>(character | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Four words in hexadecimal with dashes between them; what stands behind is left in `text`.
bool parse_key(const char*& text, uint8_t* key) {
  for (size_t word = 0; word < 4; ++word) {
    if (word != 0 && *text++ != '-') return false;
    if (hex_digit(*text) < 0) return false;
    uint32_t value = 0;
    for (; hex_digit(*text) >= 0; ++text) value = value << 4 | static_cast<uint32_t>(hex_digit(*text));
    for (size_t byte = 0; byte < 4; ++byte) key[word * 4 + byte] = static_cast<uint8_t>(value >> (8 * byte));
  }
  return true;
}

}  // namespace

TcpFastOpenCookie FastOpenKeys::cookie(size_t key, const IpAddress& client, const IpAddress& server) const {
  uint8_t path[32];
  size_t size = 0;
  if (client.is_v4()) {
    size += copy_bytes(MutableByteSpan(path), bytes_of(client.v4()));
    size += copy_bytes(MutableByteSpan(path).subspan(size), bytes_of(server.v4()));
  } else {
    size += copy_bytes(MutableByteSpan(path), bytes_of(client.v6()));
    size += copy_bytes(MutableByteSpan(path).subspan(size), bytes_of(server.v6()));
  }
  const SipKey secret{.k0 = read_little_endian(bytes[key]), .k1 = read_little_endian(bytes[key] + 8)};
  const uint64_t hash = siphash_2_4(secret, ByteSpan(path, size));
  TcpFastOpenCookie made;
  made.size = kCookieSize;
  for (size_t i = 0; i < kCookieSize; ++i) made.bytes[i] = static_cast<uint8_t>(hash >> (8 * i));
  return made;
}

size_t FastOpenKeys::find(const TcpFastOpenCookie& cookie, const IpAddress& client, const IpAddress& server) const {
  if (cookie.size != kCookieSize) return 0;
  for (size_t key = 0; key < count; ++key) {
    const TcpFastOpenCookie made = this->cookie(key, client, server);
    uint8_t difference = 0;
    for (size_t i = 0; i < kCookieSize; ++i) difference |= static_cast<uint8_t>(made.bytes[i] ^ cookie.bytes[i]);
    if (difference == 0) return key + 1;
  }
  return 0;
}

Result<FastOpenKeys> FastOpenKeys::parse(const char* text) {
  FastOpenKeys keys;
  if (!parse_key(text, keys.bytes[0])) return Errno::EINVAL;
  keys.count = 1;
  while (*text != 0 && *text != ',') ++text;
  if (*text == 0) return keys;
  ++text;
  if (!parse_key(text, keys.bytes[1])) return Errno::EINVAL;
  keys.count = 2;
  return keys;
}

}  // namespace lxnet
