// Matches on the connection a packet belongs to, in stack/filter/match_connection.cc: connmark, conntrack, state.
#pragma once

#include "stack/filter/extension.hh"

namespace lxnet {

struct StateSettings {  // struct xt_state_info
  uint32_t states;
};

struct ConnectionMatchSettings {  // struct xt_conntrack_mtinfo3
  // An address and its mask; of the original direction the source and the destination, then of the reply.
  uint32_t addresses[4][2][4];
  uint32_t least_seconds, most_seconds;
  uint16_t protocol;
  uint16_t ports[4];  // as the addresses
  uint16_t asked, inverted;
  uint16_t states, statuses;
  uint16_t last_ports[4];
};
static_assert(sizeof(ConnectionMatchSettings) == 164);
inline constexpr uint16_t kConnectionMatchSize1 = 152, kConnectionMatchSize2 = 156;

struct ConnectionMarkSettings {  // struct xt_connmark_mtinfo1
  uint32_t mark, mask;
  uint8_t inverted;
};
static_assert(sizeof(ConnectionMarkSettings) == 12);

bool matches_state(FilterPacket& packet, FilterMatch& match);
bool matches_connection1(FilterPacket& packet, FilterMatch& match);
bool matches_connection2(FilterPacket& packet, FilterMatch& match);
bool matches_connection3(FilterPacket& packet, FilterMatch& match);
bool matches_connection_mark(FilterPacket& packet, FilterMatch& match);

}  // namespace lxnet
