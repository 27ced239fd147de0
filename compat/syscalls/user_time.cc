// Times across the user boundary.
#include "compat/syscalls/user_time.hh"

namespace lxnet {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;

}  // namespace

Result<TimePair> read_time_pair(SyscallContext& context, UserAddress from, TimeWidth width) {
  if (width == TimeWidth::Bits32) {
    struct Narrow {
      int32_t seconds, fraction;
    };
    const Narrow narrow = TRY(read_user<Narrow>(context.hal(), from));
    return TimePair{narrow.seconds, narrow.fraction};
  }
  TimePair pair = TRY(read_user<TimePair>(context.hal(), from));
  // In a 64-bit timespec of a 32-bit program the upper half is padding, which Linux does not look at.
  if (context.is_32bit()) pair.fraction = static_cast<int64_t>(static_cast<uint64_t>(pair.fraction) & 0xffffffff);
  return pair;
}

Result<> write_time_pair(SyscallContext& context, UserAddress to, TimeWidth width, TimePair pair) {
  if (width == TimeWidth::Bits32) {
    const int32_t narrow[2] = {static_cast<int32_t>(pair.seconds), static_cast<int32_t>(pair.fraction)};
    return write_user(context.hal(), to, narrow);
  }
  return write_user(context.hal(), to, pair);
}

Duration saturating_seconds(int64_t seconds, int64_t nanos) {
  if (seconds >= INT64_MAX / kNanosPerSecond - 1) return Duration::max();
  return Duration::nanos(seconds * kNanosPerSecond + nanos);
}

Result<Duration> timeout_from_timespec(TimePair pair) {
  if (pair.seconds < 0 || pair.fraction < 0 || pair.fraction >= kNanosPerSecond) return Errno::EINVAL;
  return saturating_seconds(pair.seconds, pair.fraction);
}

TimePair timespec_of(Duration duration) {
  if (duration < Duration()) return {};
  return {duration.in_nanos() / kNanosPerSecond, duration.in_nanos() % kNanosPerSecond};
}

TimePair timeval_of(Duration duration) {
  const TimePair spec = timespec_of(duration);
  return {spec.seconds, spec.fraction / 1000};
}

Result<int64_t> finish_timed_wait(SyscallContext& context, const UserTimeout& timeout, Instant deadline,
                                  Result<int64_t> outcome) {
  if (timeout.user.is_null()) return outcome;
  constexpr uint32_t kStickyTimeouts = 0x4000000;  // STICKY_TIMEOUTS
  const lxnet_hal& table = context.hal().table();
  const uint32_t personality = table.personality == nullptr ? 0 : table.personality(context.hal().context());
  if ((personality & kStickyTimeouts) == 0) {
    context.entry().refresh_clock();
    const Duration left = deadline - context.entry().now();
    const TimePair pair = timeout.is_timeval ? timeval_of(left) : timespec_of(left);
    if (write_time_pair(context, timeout.user, timeout.width, pair).is_ok()) return outcome;
  }
  return outcome.is_error(Errno::ERESTARTNOHAND) ? Result<int64_t>(Errno::EINTR) : std::move(outcome);
}

}  // namespace lxnet
