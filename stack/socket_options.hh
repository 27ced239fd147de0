// SocketOptions: what a program set on a socket, kept where the code that obeys it reads it.
//
// Rule kept: a field here is read by something. Values are stored as the stack uses them; the compat layer's tables hold
// the user-visible codecs and ranges. Protected by the socket's lock; single words that the packet path only peeks at
// are read relaxed.
#pragma once

#include "base/time.hh"
#include "hal/hal.h"
#include "stack/ip/output.hh"
#include "stack/ip_address.hh"

namespace lxnet {

// SOL_SOCKET.
struct SocketOptions {
  bool reuse_address = false;
  bool reuse_port = false;
  bool keep_alive = false;
  bool broadcast = false;
  bool oob_inline = false;
  bool dont_route = false;
  bool no_check_tx = false;  // SO_NO_CHECK: UDP over IPv4 without checksum
  bool linger_on = false;
  bool receive_queue_overflow = false;  // SO_RXQ_OVFL
  bool wifi_status = false;
  bool zero_copy = false;
  bool pass_credentials = false, pass_pidfd = false;               // SO_PASSCRED, SO_PASSPIDFD (AF_UNIX)
  bool pass_rights = true, report_unread = false;                  // SO_PASSRIGHTS, SO_INQ (AF_UNIX)
  bool transmit_time_on = false;                                   // SO_TXTIME
  bool receive_mark = false, receive_priority = false;             // SO_RCVMARK, SO_RCVPRIORITY
  bool send_buffer_locked = false, receive_buffer_locked = false;  // set by the user: no autotuning
  Duration linger;
  Duration receive_timeout = Duration::max();
  Duration send_timeout = Duration::max();
  uint32_t priority = 0;
  uint32_t mark = 0;
  uint32_t bound_interface = 0;
  int32_t receive_low_water = 1;
  int32_t peek_offset = -1;
  uint32_t send_buffer = 0, receive_buffer = 0;  // in true_size bytes: twice what the user asked for
  uint32_t timestamp_flags = 0;                  // kTimestamp* below
  uint32_t timestamping_flags = 0;               // SOF_TIMESTAMPING_*
  uint64_t max_pacing_rate = ~uint64_t{0};
  uint32_t busy_poll_micros = 0;
  uint32_t incoming_cpu = ~0u;
};

enum : uint32_t { kTimestampMicros = 1, kTimestampNanos = 2, kTimestampNewLayout = 4 };

// IPPROTO_IP and IPPROTO_IPV6, where they mean the same to the stack.
struct IpSocketOptions {
  int16_t ttl = -1;        // IP_TTL; -1: the tunable
  int16_t hop_limit = -1;  // IPV6_UNICAST_HOPS
  uint8_t tos = 0;
  uint8_t traffic_class = 0;
  uint8_t multicast_ttl = 1;
  int16_t multicast_hops = -1;
  bool multicast_loop_v4 = true, multicast_loop_v6 = true;
  bool multicast_all_v4 = true, multicast_all_v6 = true;
  bool v6_only = false;
  bool free_bind = false, transparent = false;
  bool header_included = false;
  bool receive_errors_v4 = false, receive_errors_v6 = false;  // IP_RECVERR, IPV6_RECVERR
  bool bind_address_no_port = false;
  bool auto_flow_label = true;
  bool dont_fragment_v6 = false;
  PathMtuMode path_mtu_v4 = PathMtuMode::Want, path_mtu_v6 = PathMtuMode::Want;
  uint8_t min_ttl = 0, min_hop_limit = 0;
  uint16_t local_port_low = 0, local_port_high = 0;  // IP_LOCAL_PORT_RANGE; 0: the tunable
  uint32_t multicast_interface_v4 = 0, multicast_interface_v6 = 0;
  Ipv4Address multicast_source;    // IP_MULTICAST_IF by address
  uint32_t unicast_interface = 0;  // IP_UNICAST_IF, IPV6_UNICAST_IF
  uint32_t receive_flags = 0;      // kReceive*: which control messages are wanted
};

// Which ancillary data a receive reports.
enum ReceiveFlags : uint32_t {
  kReceivePacketInfo4 = 1u << 0,
  kReceiveTtl = 1u << 1,
  kReceiveTos = 1u << 2,
  kReceiveOptions = 1u << 3,
  kReceiveReturnOptions = 1u << 4,
  kReceiveOriginalDestination4 = 1u << 5,
  kReceiveFragmentSize4 = 1u << 6,
  kReceiveChecksum = 1u << 7,
  kReceivePacketInfo6 = 1u << 8,
  kReceiveHopLimit = 1u << 9,
  kReceiveTrafficClass = 1u << 10,
  kReceiveHopOptions = 1u << 11,
  kReceiveDestinationOptions = 1u << 12,
  kReceiveRoutingHeader = 1u << 13,
  kReceivePathMtu = 1u << 14,
  kReceiveFlowInfo = 1u << 15,
  kReceiveOriginalDestination6 = 1u << 16,
  kReceiveFragmentSize6 = 1u << 17,
  kReceive2292PacketInfo = 1u << 18,
  kReceive2292HopLimit = 1u << 19,
  kReceive2292HopOptions = 1u << 20,
  kReceive2292DestinationOptions = 1u << 21,
  kReceive2292RoutingHeader = 1u << 22,
};

}  // namespace lxnet
