// From header values and options to a segment handed to IP; the one way every TCP segment leaves, with and without a connection.
#pragma once

#include "stack/ip/output.hh"
#include "stack/sticky_headers.hh"
#include "stack/tcp/segment.hh"

namespace lxnet {

class Ipv4Options;
struct Md5Key;
class Md5Keys;

struct TcpEmission {
  TcpSegmentHeader header;
  TcpOptions options;
  uint8_t tos = 0;
  uint8_t ttl = 0;
  uint32_t flow_label = 0;
  bool auto_flow_label = true;
  PathMtuMode path_mtu = PathMtuMode::Want;
  Ref<StickyHeaders> sticky;                // of the socket: IP_OPTIONS, IPV6_HOPOPTS and its kin
  const Ipv4Options* v4_options = nullptr;  // or, of an answer that no socket gives, what it turns round
  IpAddress final_destination;              // where they name hops, the first of which is the route's destination
  const Md5Key* signing_key = nullptr;      // RFC 2385
};

// What nearly all segments of a connection are: no options but time stamps, nothing urgent, no mark of congestion.
struct PlainSegment {
  TcpSegmentHeader header;  // without its size and checksum
  TcpTimestamps timestamps;
  bool has_timestamps = false;
  uint8_t tos = 0;
  uint8_t ttl = 0;
  PathMtuMode path_mtu = PathMtuMode::Want;
};

// The same bytes as emit_segment() makes of it, over IPv4. The packet holds the payload and all that IP does not need to be told.
Result<> emit_plain_segment(Entry& entry, Ref<Packet> packet, const Route& route, PlainSegment& segment);

// `packet` holds the payload, or nothing, and says of itself what it may (mark, priority, flow_hash, where a device cuts it). The
// checksum is left to whoever needs it (ChecksumState::Partial).
Result<> emit_segment(Entry& entry, Ref<Packet> packet, const Route& route, TcpEmission& emission);

// The way of an answer to `segment` that no socket gives: it turns the segment's IPv4 options round, which are kept in `turned`
// for the emission. EINVAL: they have no room for an answer.
Result<Route> route_answer(Entry& entry, const TcpSegment& segment, FlowKey key, Ipv4Options& turned, TcpEmission& emission);

// RFC 9293 3.5.2, group 1: answers a segment that belongs to no connection with a reset. Nothing is answered to a reset.
// `keys`: of the socket it was for, which sign the answer.
void answer_with_reset(Entry& entry, const TcpSegment& segment, const Md5Keys* keys = nullptr);

}  // namespace lxnet
