// Why a packet died. Drops are not errors: each is counted by name, and shown to a capture that runs.
#pragma once

#include <cstdint>

#include "base/ref.hh"
#include "netdev/packet.hh"

namespace lxnet {

// One row per reason: enumerator and the name users see.
#define LXNET_DROP_REASONS(row)                                                                                                 \
  row(NoMemory, "no_memory") row(InterfaceDown, "interface_down") row(NotForUs, "not_for_us") row(                              \
      UnknownEthertype, "unknown_ethertype") row(LinkHeader, "bad_link_header") row(ArpHeader, "bad_arp")                       \
      row(IpHeader, "bad_ip_header") row(IpChecksum, "bad_ip_checksum") row(IpTruncated, "ip_truncated") row(                   \
          IpOptions, "bad_ip_options") row(IpExtension, "bad_ipv6_extension") row(IpMartianSource, "martian_source")            \
          row(IpNoRoute, "no_route") row(IpForwardingOff, "forwarding_off") row(IpTtlExpired, "ttl_expired") row(               \
              IpTooBig, "packet_too_big") row(IpUnknownProtocol, "unknown_protocol") row(FragmentOverlap, "fragment_overlap")   \
              row(FragmentTimeout, "fragment_timeout") row(FragmentLimit, "fragment_limit") row(FragmentBad, "bad_fragment")    \
                  row(NeighbourUnresolved, "neighbour_unresolved") row(NeighbourQueueFull, "neighbour_queue_full")              \
                      row(IcmpHeader, "bad_icmp") row(IcmpChecksum, "bad_icmp_checksum") row(IcmpIgnored, "icmp_ignored")       \
                          row(NdpHeader, "bad_ndp") row(MulticastNotMember, "multicast_not_member")                             \
                              row(MulticastFiltered, "multicast_source_filtered") row(IgmpHeader, "bad_igmp")                   \
                                  row(UdpHeader, "bad_udp_header") row(UdpChecksum, "bad_udp_checksum")                         \
                                      row(UdpNoSocket, "udp_no_socket") row(TcpHeader, "bad_tcp_header")                        \
                                          row(TcpChecksum, "bad_tcp_checksum") row(TcpNoSocket, "tcp_no_socket") row(           \
                                              TcpBacklogFull, "tcp_backlog_full") row(TcpOutOfWindow, "tcp_out_of_window")      \
                                              row(TcpOldData, "tcp_old_data") row(TcpPaws, "tcp_paws")                          \
                                                  row(TcpListenQueueFull, "tcp_listen_queue_full") row(                         \
                                                      TcpInvalidState, "tcp_invalid_state") row(TcpMd5, "tcp_md5_mismatch")     \
                                                      row(TcpReset, "tcp_reset") row(SocketBufferFull, "socket_buffer_full")    \
                                                          row(SocketFilter, "socket_filter") row(SocketClosed, "socket_closed") \
                                                              row(DeviceQueueFull, "device_queue_full")                         \
                                                                  row(TtlTooSmall, "min_ttl") row(PacketFilter, "packet_filter")

enum class DropReason : uint8_t {
#define LXNET_ROW(enumerator, name) enumerator,
  LXNET_DROP_REASONS(LXNET_ROW)
#undef LXNET_ROW
};

inline constexpr unsigned kDropReasonCount = 0
#define LXNET_ROW(enumerator, name) +1
    LXNET_DROP_REASONS(LXNET_ROW)
#undef LXNET_ROW
    ;

const char* drop_reason_name(DropReason reason);

class Entry;
// Counts it and lets the packet go.
void drop(Entry& entry, Ref<Packet> packet, DropReason reason);

class DropCounters {
 public:
  // A capture that runs sees each dropped packet, under whatever lock it was dropped. Set while nothing is under way.
  using Observer = void (*)(void* context, const Packet& packet, DropReason reason);
  void observe(Observer observer, void* context) {
    observer_ = observer;
    observer_context_ = context;
  }
  void report(const Packet& packet, DropReason reason) const {
    if (observer_ != nullptr) observer_(observer_context_, packet, reason);
  }

  void count(DropReason reason) { __atomic_fetch_add(&counts_[static_cast<unsigned>(reason)], 1u, __ATOMIC_RELAXED); }
  uint64_t get(DropReason reason) const { return __atomic_load_n(&counts_[static_cast<unsigned>(reason)], __ATOMIC_RELAXED); }

 private:
  uint64_t counts_[kDropReasonCount] = {};
  Observer observer_ = nullptr;
  void* observer_context_ = nullptr;
};

}  // namespace lxnet
