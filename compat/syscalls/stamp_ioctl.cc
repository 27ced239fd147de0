#include "compat/syscalls/stamp_ioctl.hh"

#include "compat/syscalls/socket_option_calls.hh"
#include "compat/syscalls/user_time.hh"

namespace lxnet {
namespace {

constexpr uint32_t kStampMicros = 0x8906, kStampNanos = 0x8907, kStampMicrosNew = 0x80108906, kStampNanosNew = 0x80108907;

}  // namespace

bool is_stamp_command(uint32_t command) {
  return command == kStampMicros || command == kStampNanos || command == kStampMicrosNew || command == kStampNanosNew;
}

Result<int64_t> receive_stamp(SyscallContext& context, SocketFile& socket, int64_t* last, uint32_t command,
                              UserAddress argument) {
  SocketOptions* own = TRY(socket.options().change(context.hal()));
  __atomic_fetch_or(&own->timestamp_flags, uint32_t{kTimestampKept}, __ATOMIC_RELAXED);
  follow_stamp_wish(context, socket);
  int64_t stamp = last == nullptr ? -1 : __atomic_load_n(last, __ATOMIC_RELAXED);
  if (stamp < 0) return Errno::ENOENT;
  if (stamp == 0) {
    stamp = context.hal().wall_nanos();
    __atomic_store_n(last, stamp, __ATOMIC_RELAXED);
  }
  constexpr int64_t kNanosPerSecond = 1'000'000'000;
  const bool is_micros = command == kStampMicros || command == kStampMicrosNew;
  const bool is_new = command == kStampMicrosNew || command == kStampNanosNew;
  const TimePair pair{stamp / kNanosPerSecond, is_micros ? stamp % kNanosPerSecond / 1000 : stamp % kNanosPerSecond};
  TRY(write_time_pair(context, argument, is_new ? TimeWidth::Bits64 : native_time_width(context), pair));
  return 0;
}

}  // namespace lxnet
