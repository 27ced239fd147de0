// Segments as bytes and as text: IP and TCP, with the options that a script speaks of. Numbers are the wire's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peer {

constexpr uint32_t kLocalAddress = 0xc0a80002;   // 192.168.0.2: the kernel under test
constexpr uint32_t kRemoteAddress = 0xc0000201;  // 192.0.2.1: the peer
constexpr uint8_t kLocalAddress6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
constexpr uint8_t kRemoteAddress6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr uint16_t kLocalPort = 8080, kRemotePort = 45678;

enum Flags : uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32, kEce = 64, kCwr = 128 };

struct Stamps {
  uint32_t value = 0, echo = 0;
};

struct Segment {
  uint16_t from_port = kRemotePort, to_port = kLocalPort;
  uint32_t seq = 0, ack = 0;
  uint8_t flags = 0;
  uint16_t window = 0, urgent = 0;
  uint8_t tos = 0;
  std::optional<uint16_t> mss;
  std::optional<uint8_t> window_scale;
  bool may_sack = false;
  std::optional<Stamps> stamps;
  std::vector<std::pair<uint32_t, uint32_t>> sacks;
  std::optional<std::string> cookie;  // empty: asked for
  std::string payload;

  uint32_t length() const {
    return static_cast<uint32_t>(payload.size()) + ((flags & kSyn) != 0 ? 1 : 0) + ((flags & kFin) != 0 ? 1 : 0);
  }
  uint32_t end() const { return seq + length(); }
};

enum class Version : uint8_t { Four = 4, Six = 6 };

// From the peer to the kernel.
std::string encode(Version version, const Segment& segment);
// An ICMP error about a packet that the kernel sent.
std::string encode_error(uint8_t type, uint8_t code, uint16_t mtu, const std::string& about);
std::string encode_error6(uint8_t type, uint8_t code, uint16_t mtu, const std::string& about);

struct Arrival {
  enum class Kind : uint8_t { Tcp, Other, Malformed } kind = Kind::Other;
  Segment segment;
};
Arrival decode(const std::string& packet);

std::string show_address(uint32_t address);
std::string show_flags(uint8_t flags);

inline bool is_before(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }

}  // namespace peer
