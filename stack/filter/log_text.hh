// PacketText: what a packet's headers say, in the words of Linux's nf_log_syslog.c.
//
// A line has room for all that can be said of one packet and of one that it cites; what would not fit is cut.
#pragma once

#include "netdev/packet.hh"
#include "stack/wire/addresses.hh"

namespace lxnet {

// XT_LOG_*: what is said beyond the usual.
enum LogFlag : uint8_t { kTcpSequence = 1, kTcpOptions = 2, kIpOptions = 4 };

class LogLine {
 public:
  const char* text() const { return text_; }
  LogLine& operator<<(const char* words) {
    while (*words != 0) put(*words++);
    return *this;
  }
  LogLine& operator<<(uint32_t number) {
    char digits[10];
    size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    while (count != 0) put(digits[--count]);
    return *this;
  }
  // With at least so many digits.
  LogLine& hex(uint32_t number, int digits, const char* alphabet = "0123456789abcdef") {
    for (int place = 7; place >= 0; --place) {
      if (place < digits || number >> (4 * place) != 0) put(alphabet[number >> (4 * place) & 15]);
    }
    return *this;
  }
  LogLine& upper_hex(uint32_t number, int digits) { return hex(number, digits, "0123456789ABCDEF"); }

 private:
  void put(char character) {
    if (size_ + 1 < sizeof text_) text_[size_++] = character;
  }
  char text_[900] = {};
  size_t size_ = 0;
};

// Begins with the header at the front, or where a cited packet begins.
class PacketText {
 public:
  PacketText(const Packet& packet, uint8_t flags, LogLine& line) : packet_(packet), flags_(flags), line_(line) {}

  void put4(uint32_t at, bool is_cited);
  void put6(uint32_t at, bool is_cited);

 private:
  template <typename T>
  bool read(uint32_t at, T& value) const {
    return packet_.read(at, mutable_bytes_of(value)) == sizeof value;
  }
  uint32_t left(uint32_t at) const { return at < packet_.size() ? static_cast<uint32_t>(packet_.size() - at) : 0; }
  void put_incomplete(uint32_t at) { line_ << "INCOMPLETE [" << left(at) << " bytes] "; }
  void put_address(Ipv4Address address) {
    const uint32_t value = address.value();
    line_ << (value >> 24) << "." << (value >> 16 & 255) << "." << (value >> 8 & 255) << "." << (value & 255);
  }
  void put_address(const Ipv6Address& address) {
    for (size_t i = 0; i < 8; ++i) (line_ << (i == 0 ? "" : ":")).hex(address.group(i), 4);
  }
  // What stands at `at`, as far as it is there.
  void put_options(uint32_t at, uint32_t size) {
    uint8_t bytes[40];
    line_ << "OPT (";
    const size_t got = packet_.read(at, MutableByteSpan(bytes, size < sizeof bytes ? size : sizeof bytes));
    for (size_t i = 0; i < got; ++i) line_.upper_hex(bytes[i], 2);
    line_ << ") ";
  }
  bool put_ports(uint8_t protocol, uint32_t at, bool is_later_piece);
  bool put_tcp(uint32_t at);
  void put_icmp4(uint32_t at, bool is_cited);
  void put_icmp6(uint32_t at, bool is_cited);
  bool put_extension(uint8_t number, uint32_t at, uint32_t& size, bool& is_later_piece);
  void put_security(const char* name, uint32_t at, uint32_t spi_at, bool is_later_piece);

  const Packet& packet_;
  const uint8_t flags_;
  LogLine& line_;
};

}  // namespace lxnet
