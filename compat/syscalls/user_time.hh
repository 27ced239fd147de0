// Times across the user boundary: timeval and timespec, with 64-bit and with 32-bit fields.
#pragma once

#include "compat/syscalls/context.hh"

namespace lxnet {

enum class TimeWidth : uint8_t { Bits32, Bits64 };

// The width of the old calls' times in this ABI.
inline TimeWidth native_time_width(const SyscallContext& context) {
  return context.is_32bit() ? TimeWidth::Bits32 : TimeWidth::Bits64;
}

// The pair as it stands, unchecked: seconds, then microseconds or nanoseconds.
struct TimePair {
  int64_t seconds = 0;
  int64_t fraction = 0;
};
inline size_t time_pair_size(TimeWidth width) { return width == TimeWidth::Bits32 ? 8 : 16; }
Result<TimePair> read_time_pair(SyscallContext& context, UserAddress from, TimeWidth width);
Result<> write_time_pair(SyscallContext& context, UserAddress to, TimeWidth width, TimePair pair);

// A timespec as a timeout: EINVAL unless seconds >= 0 and 0 <= nanoseconds < 1e9. Saturates.
Result<Duration> timeout_from_timespec(TimePair pair);
TimePair timespec_of(Duration duration);
// Rounds down to microseconds.
TimePair timeval_of(Duration duration);

// Where a call's timeout stands and how it is written.
struct UserTimeout {
  UserAddress user;
  TimeWidth width = TimeWidth::Bits64;
  bool is_timeval = false;
};
// poll_select_finish(): stores what is left of it. When that fails, or the caller's personality says that timeouts stay as they
// were, the call is not restarted after a signal, which would wait as long again.
Result<int64_t> finish_timed_wait(SyscallContext& context, const UserTimeout& timeout, Instant deadline, Result<int64_t> outcome);
Duration saturating_seconds(int64_t seconds, int64_t nanos);

}  // namespace lxnet
