// ICMPv6 (RFC 4443) and the numbers of what rides on it: NDP (ndp.hh) and MLD (mld.hh).
//
// Every message begins with the same eight bytes, if it has as many: an NDP or MLD message always does. The checksum covers a
// pseudo-header, so it is the caller's. Not implemented: node information queries, extended echo (RFC 8335).
#pragma once

#include "base/endian.hh"
#include "stack/wire/view.hh"

namespace lxnet {

// Any value may arrive.
enum class Icmp6Type : uint8_t {
  DestinationUnreachable = 1,
  PacketTooBig = 2,
  TimeExceeded = 3,
  ParameterProblem = 4,
  EchoRequest = 128,
  EchoReply = 129,
  MulticastListenerQuery = 130,
  MulticastListenerReport = 131,
  MulticastListenerDone = 132,
  RouterSolicitation = 133,
  RouterAdvertisement = 134,
  NeighborSolicitation = 135,
  NeighborAdvertisement = 136,
  Redirect = 137,
  MulticastListenerReportV2 = 143,
};

enum class Icmp6Unreachable : uint8_t {
  NoRoute = 0,
  AdministrativelyProhibited = 1,
  BeyondScope = 2,
  Address = 3,
  Port = 4,
  SourcePolicy = 5,
  RejectRoute = 6,
};
enum class Icmp6TimeExceeded : uint8_t { HopLimit = 0, Reassembly = 1 };
enum class Icmp6ParameterProblem : uint8_t { HeaderField = 0, NextHeader = 1, Option = 2, IncompleteHeaderChain = 3 };

struct Icmp6Header {
  uint8_t type;
  uint8_t code;
  Be16 checksum;  // of a pseudo-header and the whole message
  Be32 rest;

  // EINVAL: shorter than 8 bytes.
  static Result<const Icmp6Header*> parse(ByteSpan message) { return view_header<Icmp6Header>(message); }
};
static_assert(sizeof(Icmp6Header) == 8 && alignof(Icmp6Header) == 1);
static_assert(offsetof(Icmp6Header, checksum) == 2 && offsetof(Icmp6Header, rest) == 4);

struct Icmp6Message {
  Icmp6Type type = Icmp6Type::EchoRequest;
  uint8_t code = 0;
  uint32_t rest = 0;

  static Icmp6Message from(const Icmp6Header& header) {
    return {.type = Icmp6Type{header.type}, .code = header.code, .rest = header.rest.get()};
  }
  static Icmp6Message echo(Icmp6Type type, uint16_t identifier, uint16_t sequence) {
    return {.type = type, .rest = uint32_t{identifier} << 16 | sequence};
  }
  static Icmp6Message unreachable(Icmp6Unreachable code) {
    return {.type = Icmp6Type::DestinationUnreachable, .code = static_cast<uint8_t>(code)};
  }
  static Icmp6Message packet_too_big(uint32_t mtu) { return {.type = Icmp6Type::PacketTooBig, .rest = mtu}; }
  static Icmp6Message time_exceeded(Icmp6TimeExceeded code) {
    return {.type = Icmp6Type::TimeExceeded, .code = static_cast<uint8_t>(code)};
  }
  static Icmp6Message parameter_problem(Icmp6ParameterProblem code, uint32_t pointer) {
    return {.type = Icmp6Type::ParameterProblem, .code = static_cast<uint8_t>(code), .rest = pointer};
  }

  uint16_t identifier() const { return static_cast<uint16_t>(rest >> 16); }  // echo
  uint16_t sequence() const { return static_cast<uint16_t>(rest); }
  uint32_t mtu() const { return rest; }      // packet too big
  uint32_t pointer() const { return rest; }  // parameter problem: the offset in the quoted packet

  // RFC 4443, 2.1: the high bit of the type is clear in errors.
  bool is_error() const { return static_cast<uint8_t>(type) < 128; }
  // Types that only neighbours on a link may send: hop limit 255 and code 0 (RFC 4861).
  bool is_neighbor_discovery() const { return type >= Icmp6Type::RouterSolicitation && type <= Icmp6Type::Redirect; }

  static constexpr size_t encoded_size() { return sizeof(Icmp6Header); }
  // With a checksum of zero: the caller sums the pseudo-header and the whole message.
  void emit(MutableByteSpan to) const {
    Icmp6Header& header = place_header<Icmp6Header>(to);
    header.type = static_cast<uint8_t>(type);
    header.code = code;
    header.rest.set(rest);
  }

  bool operator==(const Icmp6Message&) const = default;
};

}  // namespace lxnet
