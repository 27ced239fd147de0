// FlowKey asks, Route answers: which way a packet goes, from which address, to which neighbour.
#pragma once

#include "base/ref.hh"
#include "base/result.hh"
#include "stack/interface.hh"
#include "stack/ip_address.hh"

namespace lxnet {

struct FlowKey {
  IpAddress source = {};  // unspecified: choose
  IpAddress destination = {};
  uint32_t output_interface = 0;  // SO_BINDTODEVICE, PKTINFO, multicast interface; 0: any
  uint32_t mark = 0;
  uint32_t uid = 0;
  uint16_t source_port = 0, destination_port = 0;
  uint8_t protocol = 0;
  uint8_t tos = 0;
  uint8_t source_preferences = 0;       // IPV6_ADDR_PREFERENCES: SourcePreference
  bool on_link_only = false;            // SO_DONTROUTE
  bool may_use_foreign_source = false;  // IP_FREEBIND, IP_TRANSPARENT, IP_HDRINCL
};

enum class RouteKind : uint8_t { Unicast, Local, Broadcast, Multicast };

struct Route {
  Ref<Interface> output = {};  // `lo` for RouteKind::Local
  IpAddress source = {};       // chosen or as asked
  IpAddress destination = {};
  IpAddress next_hop = {};  // the neighbour: gateway, or the destination itself
  RouteKind kind = RouteKind::Unicast;
  bool deliver_locally = false;  // a copy of the multicast or broadcast packet is for us too
  uint32_t mtu = 0;              // of the path, as far as known (IpState::path_mtus()); 0: the link's
  bool is_mtu_locked = false;  // narrower than we may ask for, or the route says so: packets go without DF, and nothing is learnt
  uint8_t hop_limit = 0;       // of the route's metrics; 0: the tunable
  uint32_t generation = 0;     // RouteTable::generation() at the time of lookup: a cached route is stale when they differ
};

}  // namespace lxnet
