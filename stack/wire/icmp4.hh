// ICMP for IPv4 (RFC 792, 950, 1122, 1191, 1812, 4884).
//
// Every message begins with the same eight bytes; what the last four of them mean depends on the type. Not implemented: the
// objects behind an RFC 4884 length, router discovery (RFC 1256), extended echo (RFC 8335).
#pragma once

#include "base/checksum.hh"
#include "stack/wire/addresses.hh"
#include "stack/wire/view.hh"

namespace lxnet {

// Any value may arrive.
enum class Icmp4Type : uint8_t {
  EchoReply = 0,
  DestinationUnreachable = 3,
  SourceQuench = 4,
  Redirect = 5,
  Echo = 8,
  RouterAdvertisement = 9,
  RouterSolicitation = 10,
  TimeExceeded = 11,
  ParameterProblem = 12,
  Timestamp = 13,
  TimestampReply = 14,
  InformationRequest = 15,
  InformationReply = 16,
  AddressMaskRequest = 17,
  AddressMaskReply = 18,
};

// Codes, one enum for each type that has some.
enum class Icmp4Unreachable : uint8_t {
  Network = 0,
  Host = 1,
  Protocol = 2,
  Port = 3,
  FragmentationNeeded = 4,
  SourceRouteFailed = 5,
  NetworkUnknown = 6,
  HostUnknown = 7,
  HostIsolated = 8,
  NetworkProhibited = 9,
  HostProhibited = 10,
  NetworkForService = 11,
  HostForService = 12,
  CommunicationProhibited = 13,
  HostPrecedenceViolation = 14,
  PrecedenceCutoff = 15,
};
inline constexpr uint8_t kIcmp4LastUnreachableCode = 15;

enum class Icmp4Redirect : uint8_t { Network = 0, Host = 1, NetworkForService = 2, HostForService = 3 };
enum class Icmp4TimeExceeded : uint8_t { InTransit = 0, Reassembly = 1 };
enum class Icmp4ParameterProblem : uint8_t { Pointer = 0, MissingOption = 1, BadLength = 2 };

struct Icmp4Header {
  uint8_t type;
  uint8_t code;
  Be16 checksum;  // of the whole message
  Be32 rest;

  // EINVAL: shorter than 8 bytes.
  static Result<const Icmp4Header*> parse(ByteSpan message) { return view_header<Icmp4Header>(message); }
};
static_assert(sizeof(Icmp4Header) == 8 && alignof(Icmp4Header) == 1);
static_assert(offsetof(Icmp4Header, checksum) == 2 && offsetof(Icmp4Header, rest) == 4);

struct Icmp4Message {
  Icmp4Type type = Icmp4Type::EchoReply;
  uint8_t code = 0;
  uint32_t rest = 0;

  static Icmp4Message from(const Icmp4Header& header) {
    return {.type = Icmp4Type{header.type}, .code = header.code, .rest = header.rest.get()};
  }
  static Icmp4Message echo(Icmp4Type type, uint16_t identifier, uint16_t sequence) {
    return {.type = type, .rest = uint32_t{identifier} << 16 | sequence};
  }
  static Icmp4Message unreachable(Icmp4Unreachable code, uint16_t next_hop_mtu = 0) {
    return {.type = Icmp4Type::DestinationUnreachable, .code = static_cast<uint8_t>(code), .rest = next_hop_mtu};
  }
  static Icmp4Message redirect(Icmp4Redirect code, Ipv4Address gateway) {
    return {.type = Icmp4Type::Redirect, .code = static_cast<uint8_t>(code), .rest = gateway.value()};
  }
  static Icmp4Message time_exceeded(Icmp4TimeExceeded code) {
    return {.type = Icmp4Type::TimeExceeded, .code = static_cast<uint8_t>(code)};
  }
  static Icmp4Message parameter_problem(uint8_t pointer) {
    return {.type = Icmp4Type::ParameterProblem, .rest = uint32_t{pointer} << 24};
  }

  // Echo, timestamp, information and mask messages.
  uint16_t identifier() const { return static_cast<uint16_t>(rest >> 16); }
  uint16_t sequence() const { return static_cast<uint16_t>(rest); }
  // Unreachable, FragmentationNeeded (RFC 1191); 0 from a router that does not know it.
  uint16_t next_hop_mtu() const { return static_cast<uint16_t>(rest); }
  // Redirect.
  Ipv4Address gateway() const { return Ipv4Address(rest); }
  // Parameter problem: the offset in the quoted header.
  uint8_t pointer() const { return static_cast<uint8_t>(rest >> 24); }
  // RFC 4884: the size of the quoted packet where objects follow it, else 0.
  size_t quoted_size() const { return (rest >> 16 & 0xff) * 4; }

  // Speaks of a packet it quotes, and so is never answered by an error itself (RFC 1122, 3.2.2).
  bool is_error() const {
    return type == Icmp4Type::DestinationUnreachable || type == Icmp4Type::SourceQuench || type == Icmp4Type::Redirect ||
           type == Icmp4Type::TimeExceeded || type == Icmp4Type::ParameterProblem;
  }

  static constexpr size_t encoded_size() { return sizeof(Icmp4Header); }
  // With a checksum of zero: the caller sums the whole message, whose payload may lie elsewhere.
  void emit(MutableByteSpan to) const {
    Icmp4Header& header = place_header<Icmp4Header>(to);
    header.type = static_cast<uint8_t>(type);
    header.code = code;
    header.rest.set(rest);
  }

  bool operator==(const Icmp4Message&) const = default;
};

}  // namespace lxnet
