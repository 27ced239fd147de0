// Targets that mark connections or keep them from being followed, in stack/filter/targets_connection.cc: CONNMARK, CT, NOTRACK.
#pragma once

#include "stack/filter/extension.hh"

namespace lxnet {

struct SetConnectionMarkSettings {  // struct xt_connmark_tginfo2; of revision 1 the mode stands where the shift is
  uint32_t mark, mask, packet_mask;
  uint8_t shifts_right, shift, mode;
};
static_assert(sizeof(SetConnectionMarkSettings) == 16);

struct TrackSettings {  // struct xt_ct_target_info_v1; of revision 0 without the name of time limits
  uint16_t flags, zone;
  uint32_t events, expected_events;
  char helper[16], limits[32];
  uint8_t padding[4];
  uint64_t connection;
};
static_assert(sizeof(TrackSettings) == 72);
inline constexpr uint16_t kTrackSize0 = 40, kTrackUserSize = 32;

TargetKind::Step set_connection_mark1(FilterPacket& packet, ByteSpan data);
TargetKind::Step set_connection_mark2(FilterPacket& packet, ByteSpan data);
Result<> check_set_connection_mark2(const RuleFacts& rule, ByteSpan data);
Result<> check_track0(const RuleFacts& rule, ByteSpan data);
Result<> check_track1(const RuleFacts& rule, ByteSpan data);
Result<> check_track2(const RuleFacts& rule, ByteSpan data);
TargetKind::Step track(FilterPacket& packet, ByteSpan data);
TargetKind::Step do_not_track(FilterPacket& packet, ByteSpan data);
// Whether the settings of CT want connections to be followed.
bool tracks(ByteSpan data);

}  // namespace lxnet
