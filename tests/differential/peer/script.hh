// A script: how a connection is opened, and what the peer and the application do then, a step after the other. A seed makes it.
//
// What a step does depends on its numbers and on what the kernel sent so far, and never on another step having been there: so
// steps can be taken out, and as long as two kernels do the same they are given the same.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace peer {

struct Step {
  enum class Kind : uint8_t {
    // The application.
    Listen,
    Connect,  // a: bytes that go with the SYN (MSG_FASTOPEN), -1: plain
    Accept,
    Write,       // a: bytes, b: flags
    Read,        // a: bytes, b: flags
    Option,      // a: level, b: name, c: value
    Linger,      // a: on, b: seconds
    Congestion,  // a: index of kCongestion
    Shutdown,    // a: how
    Close,
    CloseListener,
    Info,  // what TCP_INFO measures in time
    // The peer.
    Syn,         // a: bytes with it, b: 1: asks for a cookie, c: how far beyond the last sequence a later one begins
    SynAck,      // a: bytes with it, b: 1: of the SYN's data nothing is acknowledged
    Acks,        // of what has come: a: bits of lost segments, b: an ACK for so many, c: flags besides
    AckAt,       // a: from Base, b: bytes beyond, c: flags besides
    Duplicates,  // a: how many
    Sacks,       // a: first segment after the hole, b: how many, c: a second block so far on, d: 1: a DSACK first
    Renege,
    Window,  // a: the window that is announced from now on, b: 1: tell it
    Data,    // a: bytes from what the kernel expects, b: size, c: flags, d: tos, e: urgent pointer
    Raw,     // a: flags, b: sequence Base, c: bytes beyond, d: ack Base, e: bytes beyond, f: size
    Stamp,   // a: how the peer's clock goes on: 0 well, 1: old stamps, 2: echoes nothing, 3: echoes the future, 4: none
    Icmp,    // a: type, b: code, c: mtu
    Bulk,    // a: rounds, b: milliseconds each, c: bits of lost segments, d: in which round, e: an ACK for so many
    Wait,
  };
  enum Base : int { kNext, kSent, kAcked, kWindowEnd, kStart };

  Kind kind = Kind::Wait;
  int gap = 0;  // milliseconds before it
  int a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
};

inline constexpr const char* kCongestion[] = {"reno", "cubic", "bbr"};

// Of the application's socket: one of IPv6 speaks to a peer of IPv4 by its mapped address.
enum class Family : uint8_t { Inet, Inet6, Mapped };

struct Script {
  Family family = Family::Inet;
  bool is_summary = false;  // of long transfers: counts, and not every segment
  uint32_t isn = 0;
  uint16_t mss = 1460;
  int window_scale = 7;  // -1: none
  bool stamps = true, sack = true, ecn = false;
  int window = 1000;  // as the field has it
  std::vector<std::pair<std::string, std::string>> tunables;
  std::vector<Step> steps;
};

Script generate(uint64_t seed);
std::string show_opening(const Script& script);

}  // namespace peer
