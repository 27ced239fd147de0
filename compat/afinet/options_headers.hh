// Options that put something into the headers of every packet of a socket: IP_OPTIONS, IPV6_HOPOPTS and its kin, IPV6_PKTINFO.
#pragma once

#include "compat/afinet/inet_options.hh"
#include "stack/sticky_headers.hh"

namespace lxnet {

// As getsockopt() gives them back: a source route whole again, padded.
Result<> set_ip_options(const OptionInput& input);
Result<> get_ip_options(const OptionOutput& output);

// One extension header, replaced or, with a length of zero, taken away (RFC 3542, 4 to 9).
Result<> set_sticky_header(const OptionInput& input, StickyHeaders::Kind kind);
Result<> get_sticky_header(const OptionOutput& output, StickyHeaders::Kind kind);
template <StickyHeaders::Kind kKind>
constexpr OptionRow sticky_row(int name, const char* text) {
  return {.level = kLevelIpv6,
          .name = name,
          .text = text,
          .set = [](const OptionInput& input) { return set_sticky_header(input, kKind); },
          .get = [](const OptionOutput& output) { return get_sticky_header(output, kKind); }};
}

// IPV6_PKTINFO: which interface; the address is for connections alone.
Result<> set_sticky_packet_info(const OptionInput& input);
// IPV6_2292PKTOPTIONS: all of it as control messages; read back from streams.
Result<> set_packet_options(const OptionInput& input);
Result<> get_packet_options(const OptionOutput& output);
// IP_PKTOPTIONS: what a stream's control messages would say.
Result<> get_stream_packet_options(const OptionOutput& output);

}  // namespace lxnet
