#include "compat/trace/trace_text.hh"

namespace lxnet {
namespace {

constexpr size_t kFirstRoom = 512;
constexpr size_t kMostRoom = 256 * 1024;
constexpr char kDigits[] = "0123456789abcdef";

// The escape that has a letter.
char letter_of(uint8_t byte) {
  switch (byte) {
    case '"':
    case '\\':
      return static_cast<char>(byte);
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\v':
      return 'v';
    default:
      return '\0';
  }
}

}  // namespace

TraceText::~TraceText() {
  if (data_ != nullptr) hal_.free(data_, room_);
}

bool TraceText::grow(size_t size) {
  if (size <= room_) return true;
  size_t room = room_ == 0 ? kFirstRoom : room_;
  while (room < size) room *= 2;
  if (room > kMostRoom) return false;
  auto* data = static_cast<char*>(hal_.alloc(room, 1));
  if (data == nullptr) return false;
  if (data_ != nullptr) {
    memcpy(data, data_, size_);
    hal_.free(data_, room_);
  }
  data_ = data;
  room_ = room;
  return true;
}

TraceText& TraceText::operator<<(TextView text) {
  if (!grow(size_ + text.size)) return *this;
  if (text.size != 0) memcpy(data_ + size_, text.data, text.size);
  size_ += text.size;
  return *this;
}

TraceText& TraceText::operator<<(char c) { return *this << TextView(&c, 1); }

TraceText& TraceText::put_signed(int64_t number) {
  if (number >= 0) return put_unsigned(static_cast<uint64_t>(number), 10);
  *this << '-';
  return put_unsigned(~static_cast<uint64_t>(number) + 1, 10);
}

TraceText& TraceText::put_unsigned(uint64_t number, uint32_t base) {
  char digits[20];
  size_t count = 0;
  do {
    digits[sizeof digits - ++count] = kDigits[number % base];
    number /= base;
  } while (number != 0);
  return *this << TextView(digits + sizeof digits - count, count);
}

TraceText& TraceText::hex(uint64_t number) { return number == 0 ? *this << '0' : (*this << "0x").put_unsigned(number, 16); }

TraceText& TraceText::plain_hex(uint64_t number, uint32_t digits) {
  for (uint32_t i = digits; i-- > 0;) *this << kDigits[(number >> (4 * i)) & 15];
  return *this;
}

TraceText& TraceText::address(uint64_t value) { return value == 0 ? *this << "NULL" : hex(value); }

TraceText& TraceText::quoted(ByteSpan bytes, bool is_cut) {
  *this << '"';
  for (size_t i = 0; i < bytes.size(); ++i) {
    const uint8_t c = bytes[i];
    if (const char letter = letter_of(c); letter != '\0') {
      *this << '\\' << letter;
    } else if (c >= ' ' && c < 0x7f) {
      *this << static_cast<char>(c);
    } else {
      // As few octal digits as the next byte lets be understood.
      const bool before_digit = i + 1 < bytes.size() && bytes[i + 1] >= '0' && bytes[i + 1] <= '9';
      *this << '\\';
      if (before_digit || c > 077) *this << static_cast<char>('0' + (c >> 6));
      if (before_digit || c > 07) *this << static_cast<char>('0' + ((c >> 3) & 7));
      *this << static_cast<char>('0' + (c & 7));
    }
  }
  *this << '"';
  return is_cut ? *this << "..." : *this;
}

TraceText& TraceText::pad(uint32_t column) {
  while (size_ < column) {
    const size_t before = size_;
    *this << ' ';
    if (size_ == before) break;
  }
  return *this;
}

}  // namespace lxnet
