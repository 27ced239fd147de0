// SocketOptions: what a program set on a socket, kept where the code that obeys it reads it.
//
// Rule kept: a field here is read by something. Values are stored as the stack uses them; the compat layer's tables hold
// the user-visible codecs and ranges. Protected by the socket's lock; single words that the packet path only peeks at
// are read relaxed. A socket has them behind an OptionSet, and so pays for none while it sets none: what the stack itself
// changes, or what every connection has its own value of, does not belong there.
#pragma once

#include "base/relaxed.hh"
#include "base/time.hh"
#include "hal/hal.h"
#include "stack/ip/output.hh"
#include "stack/ip_address.hh"
#include "stack/option_set.hh"

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
  bool wifi_status = false;             // SO_WIFI_STATUS: reports of wireless frames, of which there are none
  bool no_frame_checksum = false;       // SO_NOFCS: the program sends its frames whole; packet sockets' alone
  bool debug = false;                   // SO_DEBUG
  bool select_error_queue = false;      // SO_SELECT_ERR_QUEUE: the error queue is kPollPriority too
  bool filter_locked = false;           // SO_LOCK_FILTER
  bool zero_copy = false;
  bool pass_credentials = false, pass_pidfd = false;    // SO_PASSCRED, SO_PASSPIDFD (AF_UNIX)
  bool pass_rights = true, report_unread = false;       // SO_PASSRIGHTS, SO_INQ (AF_UNIX)
  bool pass_security = false;                           // SO_PASSSEC (AF_UNIX)
  bool transmit_time_on = false;                        // SO_TXTIME
  bool receive_mark = false, receive_priority = false;  // SO_RCVMARK, SO_RCVPRIORITY
  bool prefer_busy_poll = false;
  uint16_t busy_poll_budget = 0;
  Duration linger = {};
  Duration receive_timeout = Duration::max();
  Duration send_timeout = Duration::max();
  uint32_t priority = 0;
  int32_t receive_low_water = 1;
  int32_t peek_offset = -1;
  uint32_t timestamp_flags = 0;  // kTimestamp* below
  uint64_t max_pacing_rate = ~uint64_t{0};
  uint32_t timestamping_flags = 0;  // SOF_TIMESTAMPING_*
  int32_t transmit_clock = 0;       // SO_TXTIME's clock and flags
  uint32_t transmit_time_flags = 0;
  uint32_t timestamp_key = 0;         // SOF_TIMESTAMPING_OPT_ID: the next packet's; for a stream, what its bytes are counted from
  int32_t timestamp_clock_index = 0;  // SOF_TIMESTAMPING_BIND_PHC, which no device grants
  uint32_t busy_poll_micros = 0;

  // sk_clone_lock(): the queueing class begins anew.
  SocketOptions handed_down() const {
    SocketOptions values = *this;
    values.priority = 0;
    return values;
  }
  bool operator==(const SocketOptions&) const = default;
};
inline constexpr OptionRecord kDefaultSocketOptions{SocketOptions{}};
inline constexpr OptionRecord kReusingSocketOptions{SocketOptions{.reuse_address = true}};  // INET_PROTOSW_REUSE

// A socket's: behind the arrow what few of them set, beside it what is each one's.
struct SocketOptionSet : OptionSet<SocketOptions> {
  SocketOptionSet() : OptionSet(kDefaultSocketOptions) {}
  // OptionSet's, and the rest too.
  Result<> inherit(const Hal& hal, const SocketOptionSet& listener);

  Relaxed<uint32_t> send_buffer = 0, receive_buffer = 0;  // in true_size bytes: twice what the user asked for
  uint32_t mark = 0;
  uint32_t bound_interface = 0;
  Relaxed<uint32_t> incoming_cpu = ~0u;                            // SO_INCOMING_CPU: noted by every packet
  bool send_buffer_locked = false, receive_buffer_locked = false;  // set by the user: no autotuning
  bool transmit_rehash = true;                                     // SO_TXREHASH: a stream that times out tries another path
};
static_assert(sizeof(SocketOptionSet) == 32);

enum : uint32_t { kTimestampMicros = 1, kTimestampNanos = 2, kTimestampNewLayout = 4, kTimestampKept = 8 };
inline constexpr uint32_t kTimestampPlain = kTimestampMicros | kTimestampNanos;  // SO_TIMESTAMP and SO_TIMESTAMPNS

// IPPROTO_IP and IPPROTO_IPV6, where they mean the same to the stack.
struct IpSocketOptions {
  int16_t ttl = -1;        // IP_TTL; -1: the tunable
  int16_t hop_limit = -1;  // IPV6_UNICAST_HOPS
  uint8_t tos = 0;
  uint8_t traffic_class = 0;
  uint8_t multicast_ttl = 1;
  int16_t multicast_hops = -1;
  bool multicast_loop_v4 = true, multicast_loop_v6 = true;
  bool multicast_all_v4 = true, multicast_all_v6 = true;  // an AF_INET6 socket begins without the first
  bool v6_only = false;
  bool free_bind = false, transparent = false;
  bool header_included = false;
  bool receive_errors_v4 = false, receive_errors_v6 = false;  // IP_RECVERR, IPV6_RECVERR
  bool bind_address_no_port = false;
  bool auto_flow_label = true;
  bool dont_fragment_v6 = false;
  bool pass_security = false;                   // IP_PASSSEC: labels of a security module, of which there is none
  bool no_defragment = false;                   // IP_NODEFRAG: what goes out is never put together here
  bool rfc4884_v4 = false, rfc4884_v6 = false;  // IP_RECVERR_RFC4884: where ICMP's extensions begin
  bool router_alert_v4 = false;                 // IP_ROUTER_ALERT
  int32_t router_alert_v6 = -1;                 // IPV6_ROUTER_ALERT: which value; -1: none
  bool router_alert_v6_told = false;            // and what is read back of it
  bool router_alert_isolate = false;            // IPV6_ROUTER_ALERT_ISOLATE: a stack is a namespace, and hears itself alone
  bool flow_info_send = false;                  // IPV6_FLOWINFO_SEND
  uint8_t source_preferences = 0;               // IPV6_ADDR_PREFERENCES: kPrefer* below
  uint32_t flow_info = 0;                       // sin6_flowinfo of connect(): traffic class and flow label
  uint32_t largest_packet_v6 = 0;               // IPV6_MTU; 0: as the path says
  uint32_t sticky_interface = 0;                // IPV6_PKTINFO
  PathMtuMode path_mtu_v4 = PathMtuMode::Want, path_mtu_v6 = PathMtuMode::Want;
  uint8_t min_ttl = 0, min_hop_limit = 0;
  uint16_t local_port_low = 0, local_port_high = 0;  // IP_LOCAL_PORT_RANGE; 0: the tunable
  uint32_t multicast_interface_v4 = 0, multicast_interface_v6 = 0;
  Ipv4Address multicast_source = {};  // IP_MULTICAST_IF by address
  uint32_t unicast_interface = 0;     // IP_UNICAST_IF
  uint32_t unicast_interface_v6 = 0;  // IPV6_UNICAST_IF
  uint32_t receive_flags = 0;         // kReceive*: which control messages are wanted

  bool operator==(const IpSocketOptions&) const = default;
};
inline constexpr OptionRecord kIpOptionsV4{IpSocketOptions{}};
inline constexpr OptionRecord kIpOptionsV6{IpSocketOptions{.multicast_all_v4 = false}};
inline constexpr OptionRecord kIpOptionsV6Only{IpSocketOptions{.multicast_all_v4 = false, .v6_only = true}};

// IPV6_PREFER_SRC_*, as far as they choose.
enum SourcePreference : uint8_t { kPreferTemporary = 1, kPreferPublic = 2, kPreferCareOf = 4 };

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
