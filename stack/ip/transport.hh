// The contract between IP and what rides on it: one row per protocol number in stack/ip/transport.cc.
#pragma once

#include "base/errno.hh"
#include "netdev/packet.hh"
#include "stack/ip_address.hh"

namespace lxnet {

class Entry;
struct IpInfo;

// An ICMP error about a packet of ours, or an error we found ourselves (a packet larger than the path).
struct IpError {
  enum class Origin : uint8_t { Local = 1, Icmp4 = 2, Icmp6 = 3 };  // SO_EE_ORIGIN_*

  Origin origin = Origin::Local;
  uint8_t type = 0, code = 0;               // of the ICMP message
  Errno error{};                            // what the socket reports, as Linux's icmp_err_convert and icmpv6_err_convert say
  bool is_fatal = false;                    // hard: a connected TCP or RECVERR-less UDP socket gets it too
  uint32_t info = 0;                        // ee_info: next-hop MTU, or pointer of a parameter problem
  IpAddress offender = {};                  // who sent the ICMP message
  IpAddress source = {}, destination = {};  // of the packet the error is about: source is ours
  uint8_t protocol = 0;
  uint32_t interface_index = 0;
  // The packet cited in the ICMP message, its front at the transport header of what we had sent: at least 8 bytes, linear.
  Packet* cited = nullptr;
  const IpInfo* outer = nullptr;  // of the packet that carried the ICMP message
  // RFC 4884: where its extensions begin, counted from the cited packet's IP header, and how much of that stood before `cited`'s
  // front. 0: there are none.
  uint32_t extensions_at = 0, cited_headers = 0;
};

struct TransportProtocol {
  uint8_t number;
  const char* name;
  // Front at the transport header, IpInfo in control(). Takes the packet.
  void (*receive)(Entry& entry, Ref<Packet> packet);
  void (*receive_error)(Entry& entry, const IpError& error);
};

// nullptr for a protocol nobody but raw sockets speaks.
const TransportProtocol* find_transport(IpFamily family, uint8_t number);

}  // namespace lxnet
