#include "stack/filter/targets_connection.hh"

#include "stack/conntrack/connection.hh"

namespace lxnet {
namespace {

using Step = TargetKind::Step;

enum Mode : uint8_t { kSet = 0, kSave = 1, kRestore = 2 };

// connmark_tg_shift().
Step set_mark(FilterPacket& packet, const SetConnectionMarkSettings& settings) {
  Connection* connection = connection_of(packet.packet);
  if (connection == nullptr) return Step::Continue;
  const auto shifted = [&](uint32_t mark) {
    return settings.shifts_right == 1 ? mark >> settings.shift : mark << settings.shift;
  };
  switch (settings.mode) {
    case kSet:
      connection->mark = shifted((connection->mark & ~settings.mask) ^ settings.mark);
      break;
    case kSave:
      connection->mark = (connection->mark & ~settings.mask) ^ shifted(packet.packet.mark & settings.packet_mask);
      break;
    case kRestore: {
      const uint32_t before = packet.packet.mark;
      packet.packet.mark = (before & ~settings.packet_mask) ^ shifted(connection->mark & settings.mask);
      packet.is_routed_differently |= packet.packet.mark != before;
      break;
    }
    default:
      break;
  }
  return Step::Continue;
}

}  // namespace

Result<> check_set_connection_mark2(const RuleFacts&, ByteSpan data) {
  const auto settings = settings_of<SetConnectionMarkSettings>(data);
  if (settings.shifts_right > 1 || settings.shift >= 32) return Errno::EINVAL;
  return ok();
}

Step set_connection_mark1(FilterPacket& packet, ByteSpan data) {
  auto settings = settings_of<SetConnectionMarkSettings>(data);
  settings.mode = settings.shifts_right;
  settings.shifts_right = settings.shift = 0;
  return set_mark(packet, settings);
}

Step set_connection_mark2(FilterPacket& packet, ByteSpan data) {
  return set_mark(packet, settings_of<SetConnectionMarkSettings>(data));
}

namespace {

enum TrackFlag : uint16_t { kNoTrack = 1, kNoTrackAlias = 2, kZoneOfOriginal = 4, kZoneOfReply = 8, kZoneIsMark = 16 };

template <size_t kSize>
bool has_end(const char (&name)[kSize]) {
  for (const char character : name) {
    if (character == 0) return true;
  }
  return false;
}

// xt_ct_tg_check(): there are no helpers and no named time limits to be found.
Result<> check_track(const RuleFacts& rule, const TrackSettings& settings) {
  if ((settings.flags & kNoTrack) != 0) return ok();
  const bool has_protocol = rule.protocol != 0 && !rule.inverts_protocol;
  if (settings.helper[0] != 0) return has_end(settings.helper) ? Errno::ENOENT : Errno::ENAMETOOLONG;
  if (settings.limits[0] == 0) return ok();
  if (!has_end(settings.limits)) return Errno::ENAMETOOLONG;
  return has_protocol ? Errno::ENOENT : Errno::EINVAL;
}

Result<> check_track_flags(const RuleFacts& rule, const TrackSettings& settings, uint16_t known) {
  if ((settings.flags & ~known) != 0) return Errno::EINVAL;
  return check_track(rule, settings);
}

}  // namespace

Result<> check_track0(const RuleFacts& rule, ByteSpan data) {
  auto settings = settings_of<TrackSettings>(data);
  settings.limits[0] = 0;
  return check_track_flags(rule, settings, kNoTrack);
}
Result<> check_track1(const RuleFacts& rule, ByteSpan data) {
  return check_track_flags(rule, settings_of<TrackSettings>(data), kNoTrack);
}
Result<> check_track2(const RuleFacts& rule, ByteSpan data) {
  return check_track_flags(rule, settings_of<TrackSettings>(data),
                           kNoTrack | kNoTrackAlias | kZoneOfOriginal | kZoneOfReply | kZoneIsMark);
}

bool tracks(ByteSpan data) { return (settings_of<TrackSettings>(data).flags & kNoTrack) == 0; }

Step do_not_track(FilterPacket& packet, ByteSpan) {
  if (packet.packet.flow || packet.packet.flow_state != 0 || packet.zone_directions != 0) return Step::Continue;
  packet.packet.flow_state = static_cast<uint8_t>(FlowState::Untracked);
  return Step::Continue;
}

Step track(FilterPacket& packet, ByteSpan data) {
  const auto settings = settings_of<TrackSettings>(data);
  if ((settings.flags & kNoTrack) != 0) return do_not_track(packet, data);
  // The first to say so decides.
  if (packet.packet.flow || packet.packet.flow_state != 0 || packet.zone_directions != 0) return Step::Continue;
  packet.zone = (settings.flags & kZoneIsMark) != 0 ? static_cast<uint16_t>(packet.packet.mark) : settings.zone;
  const uint16_t directions = settings.flags & (kZoneOfOriginal | kZoneOfReply);
  packet.zone_directions = directions == kZoneOfOriginal ? FilterPacket::kZoneOriginal
                           : directions == kZoneOfReply  ? FilterPacket::kZoneReply
                                                         : FilterPacket::kZoneOriginal | FilterPacket::kZoneReply;
  return Step::Continue;
}

}  // namespace lxnet
