// SOL_SOCKET's control messages.
#include "compat/syscalls/generic_control.hh"

#include "stack/timestamping.hh"

namespace lxnet {
namespace {

constexpr int kSocketLevel = 1;
constexpr int kRights = 1, kCredentials = 2, kPriority = 12, kTimestampOld = 29, kTimestampNanosOld = 35, kMark = 36,
              kTimestampingOld = 37, kOverflow = 40, kStampStatistics = 54, kTransmitTime = 61, kTimestampNew = 63,
              kTimestampNanosNew = 64, kTimestampingNew = 65, kDeviceMemory = 79, kStampKey = 81;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

bool may_mark(SyscallContext& context) {
  return context.hal().capable(LXNET_CAP_NET_RAW) || context.hal().capable(LXNET_CAP_NET_ADMIN);
}

Result<> decode_priority(SyscallContext& context, const ControlMessage& message, SendControl& control) {
  control.priority = TRY(message.as<uint32_t>());
  const auto value = static_cast<int32_t>(control.priority);
  if ((value < 0 || value > 6) && !may_mark(context)) return Errno::EPERM;
  control.has_priority = true;
  return ok();
}

Result<> decode_timestamping(const ControlMessage& message, SendControl& control) {
  const uint32_t flags = TRY(message.as<uint32_t>());
  if ((flags & ~uint32_t{kTimestampRecords}) != 0) return Errno::EINVAL;
  control.timestamping = flags;
  control.has_timestamping = true;
  return ok();
}

// SCM_TS_OPT_ID: datagrams that are numbered; a stream counts for itself.
Result<> decode_stamp_key(const SocketOptionSet& options, const ControlMessage& message, SendControl& control) {
  if ((options->timestamping_flags & kTimestampKeys) == 0) return Errno::EINVAL;
  control.timestamp_key = TRY(message.as<uint32_t>());
  control.has_timestamp_key = true;
  return ok();
}

// A pair of longs of the caller's for the old layout, of 64-bit numbers for the new one.
void put_time(ControlWriter& writer, int type, int64_t seconds, int64_t fraction, bool is_new_layout) {
  if (is_new_layout || !writer.is_32bit()) {
    const int64_t wide[2] = {seconds, fraction};
    writer.put(kSocketLevel, type, wide);
    return;
  }
  const int32_t narrow[2] = {static_cast<int32_t>(seconds), static_cast<int32_t>(fraction)};
  writer.put(kSocketLevel, type, narrow);
}

void put_software_timestamping(ControlWriter& writer, bool is_new_layout, int64_t seconds, int64_t nanos) {
  const int type = is_new_layout ? kTimestampingNew : kTimestampingOld;
  if (is_new_layout || !writer.is_32bit()) {
    const int64_t wide[6] = {seconds, nanos, 0, 0, 0, 0};
    writer.put(kSocketLevel, type, wide);
    return;
  }
  const int32_t narrow[6] = {static_cast<int32_t>(seconds), static_cast<int32_t>(nanos), 0, 0, 0, 0};
  writer.put(kSocketLevel, type, narrow);
}

enum class Report : uint8_t { None, Told };
Report encode_timestamps(const SocketOptionSet& options, const ReceiveRequest& request, ControlWriter& writer) {
  const bool wants_plain = (options->timestamp_flags & (kTimestampMicros | kTimestampNanos)) != 0;
  const uint32_t flags = options->timestamping_flags;
  // Who filters sees stamps only where it asked for them to be made.
  const bool is_filtered = (flags & kTimestampReceiveFilter) != 0 && (flags & kTimestampReceiveSoftware) == 0;
  const bool wants_report = (flags & kTimestampReportSoftware) != 0 && (request.is_error || !is_filtered);
  if (request.has_no_stamp || (!wants_plain && !wants_report)) return Report::None;
  int64_t stamp = request.packet && !request.is_error ? request.packet->wall_nanos : request.wall_nanos;
  // A packet that came before anybody asked for stamps gets the time of the receive.
  if (stamp == 0 && wants_plain) stamp = writer.context().hal().wall_nanos();
  if (stamp == 0) return Report::None;
  const bool is_new_layout = (options->timestamp_flags & kTimestampNewLayout) != 0;
  if (wants_plain && (options->timestamp_flags & kTimestampNanos) != 0) {
    put_time(writer, is_new_layout ? kTimestampNanosNew : kTimestampNanosOld, stamp / kNanosPerSecond, stamp % kNanosPerSecond,
             is_new_layout);
  } else if (wants_plain) {
    put_time(writer, is_new_layout ? kTimestampNew : kTimestampOld, stamp / kNanosPerSecond, stamp % kNanosPerSecond / 1000,
             is_new_layout);
  }
  if (!wants_report) return Report::None;
  put_software_timestamping(writer, is_new_layout, stamp / kNanosPerSecond, stamp % kNanosPerSecond);
  return Report::Told;
}

}  // namespace

Result<> check_claimed_identity(SyscallContext& context, const ClaimedIdentity& claimed) {
  if (claimed.uid == ~0u || claimed.gid == ~0u) return Errno::EINVAL;
  lxnet_credentials own{};
  context.hal().credentials(own);
  const auto may_be = [&](uint32_t id, uint32_t real, uint32_t effective, uint32_t saved, int capability) {
    return id == real || id == effective || id == saved || context.hal().capable(capability);
  };
  if (claimed.pid != own.tgid && !context.hal().capable(LXNET_CAP_SYS_ADMIN)) return Errno::EPERM;
  if (!may_be(claimed.uid, own.uid, own.euid, own.suid, LXNET_CAP_SETUID)) return Errno::EPERM;
  if (!may_be(claimed.gid, own.gid, own.egid, own.sgid, LXNET_CAP_SETGID)) return Errno::EPERM;
  return ok();
}

namespace {

// Where the host does not tell, whoever is named is believed.
bool is_process(const Hal& hal, int32_t pid) {
  if (pid <= 0) return false;
  if (hal.table().process_file == nullptr) return true;
  lxnet_foreign_file* file = hal.table().process_file(hal.context(), pid);
  if (file == nullptr) return false;
  hal.table().foreign_unref(hal.context(), file);
  return true;
}

}  // namespace

Result<> check_claims(SyscallContext& context, ControlReader& reader) {
  ControlMessage message;
  while (TRY(reader.next(message))) {
    if (message.level != kSocketLevel) continue;
    if (message.type != kCredentials) return Errno::EINVAL;
    const auto claimed = TRY(message.as<ClaimedIdentity>());
    TRY(check_claimed_identity(context, claimed));
    if (!is_process(context.hal(), claimed.pid)) return Errno::ESRCH;
  }
  return ok();
}

Result<> decode_generic_control(SyscallContext& context, const SocketOptionSet& options, const ControlMessage& message,
                                SendControl& control) {
  switch (message.type) {
    case kMark:
      if (!may_mark(context)) return Errno::EPERM;
      control.mark = TRY(message.as<uint32_t>());
      control.has_mark = true;
      return ok();
    case kTimestampingOld:
    case kTimestampingNew:
      return decode_timestamping(message, control);
    case kTransmitTime:
      if (!options->transmit_time_on) return Errno::EINVAL;
      control.transmit_time = TRY(message.as<uint64_t>());
      control.has_transmit_time = true;
      return ok();
    case kStampKey:
      return decode_stamp_key(options, message, control);
    case kPriority:
      return decode_priority(context, message, control);
    case kDeviceMemory:
      // Which device's memory the bytes are in, of which there is none: who has pages of his own takes no notice.
      TRY(message.as<uint32_t>());
      return ok();
    case kRights:
    case kCredentials:
      return ok();  // meant for AF_UNIX; elsewhere Linux passes over them
    default:
      return Errno::EINVAL;
  }
}

void encode_timestamp_control(const SocketOptionSet& options, const ReceiveRequest& request, ControlWriter& writer) {
  encode_timestamps(options, request, writer);
}

void encode_generic_control(const SocketOptionSet& options, const ReceiveRequest& request, ControlWriter& writer) {
  const Report report = encode_timestamps(options, request, writer);
  if (request.is_error) {
    if (report == Report::Told && request.error.has_statistics && request.packet)
      writer.put(kSocketLevel, kStampStatistics, request.packet->linear());
    return;
  }
  if (options->receive_queue_overflow && request.packet && request.overflow_drops != 0) {
    writer.put(kSocketLevel, kOverflow, request.overflow_drops);
  }
  if (options->receive_mark && request.packet) writer.put(kSocketLevel, kMark, request.packet->mark);
  if (options->receive_priority && request.packet) writer.put(kSocketLevel, kPriority, request.packet->priority);
}

}  // namespace lxnet
