// DatagramInfo: what travels in a packet's control block while it waits in a datagram socket's queue.
#pragma once

#include "stack/ip/ip_info.hh"

namespace lxnet {

// Whether the sum of a datagram's bytes gets known (Linux's CHECKSUM_COMPLETE): where no device checked it, at once if that is
// short or a filter sees it, else when a reader has no room for all.
enum class PayloadSum : uint8_t { Never, WhenCut, Known };

struct DatagramInfo {
  IpInfo ip;                 // first, so that ip_info() finds it
  uint32_t charge = 0;       // against SO_RCVBUF
  uint32_t drops = 0;        // lost before this one (SO_RXQ_OVFL)
  uint16_t source_port = 0;  // or whatever the protocol shows as port of msg_name
  bool was_peeked = false;
  PayloadSum sum = PayloadSum::Never;  // of UDP and UDP-Lite
  bool has_packet_info = true;         // IP_PKTINFO was wanted when it came (ipv4_pktinfo_prepare)
};

inline DatagramInfo& datagram_info(Packet& packet) { return packet.control<DatagramInfo>(); }

}  // namespace lxnet
