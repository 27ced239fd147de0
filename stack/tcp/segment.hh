// TcpSegment: a received segment in host order, which is all that stack/tcp sees of the wire's bytes.
//
// take_segment() is the one way in: header and options are read and checked once, then the packet holds the payload alone.
#pragma once

#include "stack/entry.hh"
#include "stack/ip/ip_info.hh"
#include "stack/wire/tcp.hh"
#include "stack/wire/tcp_options.hh"

namespace lxnet {

// IP's two ECN bits (RFC 3168).
inline constexpr uint8_t kEcnMask = 3, kEcnNotCapable = 0, kEcnCapable1 = 1, kEcnCapable0 = 2, kEcnExperienced = 3;

struct TcpSegment {
  SeqNum seq, ack;
  TcpFlags flags;
  uint8_t header_size = 0;
  uint16_t window = 0;  // unscaled, as on the wire
  uint16_t urgent_pointer = 0;
  uint32_t size = 0;   // of the payload
  uint32_t known = 0;  // bytes that stood before it and were here already: of the segment as it came
  uint16_t segments = 1;
  bool ends_handshake = false;  // of whom we are the passive side, or both are active
  Endpoint source, destination;
  uint32_t interface_index = 0;
  uint8_t tos = 0;
  uint8_t ttl = 0;
  std::optional<SeqNum> answer_iss;  // of a SYN that follows a TIME-WAIT: where its answer begins
  TcpOptions options;
  Ref<Packet> packet;  // the payload; IpInfo still in its control block

  // SEG.LEN: SYN and FIN count (RFC 9293, 3.4).
  uint32_t length() const { return size + uint32_t{flags.syn()} + uint32_t{flags.fin()}; }
  SeqNum end() const { return seq + length(); }
};

// False: the packet was dropped and counted. The checksum, signatures included, is not looked at here.
bool take_segment(Entry& entry, Ref<Packet> packet, TcpSegment& segment);

}  // namespace lxnet
