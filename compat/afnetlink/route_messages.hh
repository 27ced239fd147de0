// NETLINK_ROUTE as rtnetlink.h has it: types, structs and attributes of the messages served.
#pragma once

#include <cstdint>

namespace lxnet {

inline constexpr int kNetlinkRoute = 0;

enum RouteMessageType : uint16_t {
  kNewLink = 16,
  kDeleteLink,
  kGetLink,
  kSetLink,
  kNewAddress = 20,
  kDeleteAddress,
  kGetAddress,
  kNewRoute = 24,
  kDeleteRoute,
  kGetRoute,
  kNewNeighbour = 28,
  kDeleteNeighbour,
  kGetNeighbour,
  kNewRule = 32,
  kDeleteRule,
  kGetRule,
  kLastRouteMessage = 123,
};

struct LinkMessage {
  uint8_t family, pad;
  uint16_t device_type;
  int32_t index;
  uint32_t flags, change;
};
static_assert(sizeof(LinkMessage) == 16);

enum LinkAttribute : uint16_t {
  kLinkAddress = 1,
  kLinkBroadcast = 2,
  kLinkName = 3,
  kLinkMtu = 4,
  kLinkLink = 5,
  kLinkQueueing = 6,
  kLinkStatistics = 7,
  kLinkMaster = 10,
  kLinkProtocolInfo = 12,
  kLinkQueueLength = 13,
  kLinkMap = 14,
  kLinkOperatingState = 16,
  kLinkMode = 17,
  kLinkInfo = 18,
  kLinkProcessNamespace = 19,
  kLinkStatistics64 = 23,
  kLinkGroup = 27,
  kLinkFileNamespace = 28,
  kLinkPromiscuity = 30,
  kLinkSendQueues = 31,
  kLinkReceiveQueues = 32,
  kLinkCarrier = 33,
  kLinkLinkNamespace = 37,
  kLinkTargetNamespace = 46,
  kLinkNewIndex = 49,
  kLinkMinMtu = 50,
  kLinkMaxMtu = 51,
  kLinkProtocolDown = 39,
  kLinkMostSegments = 40,
  kLinkMostSegmented = 41,
  kLinkXdp = 43,
  kLinkMostReassembled = 58,
  kLinkDeviceSegmented = 59,
  kLinkDeviceSegments = 60,
  kLinkAllMulticast = 61,
  kLinkDevlinkPort = 62,
  kLinkMostSegmented4 = 63,
  kLinkMostReassembled4 = 64,
  kLinkClockPin = 65,
  kLinkPacingHorizon = 66,
  kLinkNamespaceImmutable = 67,
  kLinkHeadroom = 68,
  kLinkTailroom = 69,
};
enum LinkInfoAttribute : uint16_t { kInfoKind = 1, kInfoData = 2 };
enum VethAttribute : uint16_t { kVethPeer = 1 };

struct AddressMessage {
  uint8_t family, prefix_length, flags, scope;
  uint32_t index;
};
static_assert(sizeof(AddressMessage) == 8);

enum AddressAttribute : uint16_t {
  kAddressPeer = 1,
  kAddressLocal = 2,
  kAddressLabel = 3,
  kAddressBroadcast = 4,
  kAddressLifetimes = 6,
  kAddressFlagsWide = 8,
  kAddressMetric = 9,
  kAddressOrigin = 11,
};

struct RouteMessage {
  uint8_t family, destination_length, source_length, tos;
  uint8_t table, protocol, scope, type;
  uint32_t flags;
};
static_assert(sizeof(RouteMessage) == 12);

enum RouteAttribute : uint16_t {
  kRouteDestination = 1,
  kRouteSource = 2,
  kRouteInput = 3,
  kRouteOutput = 4,
  kRouteGateway = 5,
  kRoutePriority = 6,
  kRoutePreferredSource = 7,
  kRouteMetrics = 8,
  kRouteMultipath = 9,
  kRouteCache = 12,
  kRouteTable = 15,
  kRouteMark = 16,
  kRouteVia = 18,
  kRoutePreference = 20,
  kRouteExpires = 23,
  kRouteUser = 25,
  kRouteIpProtocol = 27,
  kRouteSourcePort = 28,
  kRouteDestinationPort = 29,
};
// RTNH_F_DEAD, ONLINK and LINKDOWN, RTM_F_NOTIFY, CLONED, LOOKUP_TABLE and FIB_MATCH, and RTCF_*: what kind of destination it is.
enum : uint32_t {
  kRouteIsDead = 1,
  kRouteIsOnLink = 4,
  kRouteIsLinkDown = 16,
  kRouteIsNotified = 0x100,
  kRouteIsCloned = 0x200,
  kRouteShowsTable = 0x1000,
  kRouteShowsMatch = 0x2000,
  kRouteIsBroadcast = 0x10000000,
  kRouteIsMulticast = 0x20000000,
  kRouteIsLocal = 0x80000000,
};
inline constexpr uint8_t kTableElsewhere = 252;  // RT_TABLE_COMPAT: the number is in the attribute

struct NeighbourMessage {
  uint8_t family, pad1;
  uint16_t pad2;
  int32_t index;
  uint16_t state;
  uint8_t flags, type;
};
static_assert(sizeof(NeighbourMessage) == 12);

enum NeighbourAttribute : uint16_t {
  kNeighbourAddress = 1,
  kNeighbourLinkAddress = 2,
  kNeighbourAges = 3,
  kNeighbourProbes = 4,
};
inline constexpr uint8_t kNeighbourIsRouter = 0x80;

struct RuleMessage {
  uint8_t family, destination_length, source_length, tos;
  uint8_t table, reserved1, reserved2, action;
  uint32_t flags;
};
static_assert(sizeof(RuleMessage) == 12);

enum RuleAttribute : uint16_t {
  kRuleDestination = 1,
  kRuleSource = 2,
  kRuleInput = 3,
  kRulePriority = 6,
  kRuleMark = 10,
  kRuleSuppressPrefix = 14,
  kRuleTable = 15,
  kRuleMarkMask = 16,
  kRuleOutput = 17,
  kRuleUsers = 20,
  kRuleOrigin = 21,
  kRuleProtocol = 22,
  kRuleSourcePorts = 23,
  kRuleDestinationPorts = 24,
};
inline constexpr uint32_t kRuleIsInverted = 2;

// RTNLGRP_*.
enum RouteGroup : uint32_t {
  kGroupLink = 1,
  kGroupNeighbour = 3,
  kGroupIpv4Address = 5,
  kGroupIpv4Route = 7,
  kGroupIpv6Address = 9,
  kGroupIpv4Rule = 8,
  kGroupIpv6Route = 11,
  kGroupIpv6Rule = 19,
  kLastRouteGroup = 39,
};

}  // namespace lxnet
