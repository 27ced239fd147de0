// The rows that choose stamps and times.
#include "compat/syscalls/timestamp_options.hh"

#include "compat/syscalls/socket_option_calls.hh"
#include "stack/timestamping.hh"

namespace lxnet {
namespace {

constexpr int kClockRealtime = 0, kClockMonotonic = 1, kClockTai = 11;

struct UserTimestamping {  // struct so_timestamping; the flags alone will do
  uint32_t flags;
  int32_t bound_clock;
};
struct UserTransmitTime {  // struct sock_txtime
  int32_t clock;
  uint32_t flags;
};

bool is_tcp(SocketFile& file) {
  const Socket* socket = file.internet_socket();
  return socket != nullptr && socket->type() == SocketType::Stream && socket->protocol() == 6;
}

enum class Layout : uint8_t { Old, New };

// sock_set_timestamping(), in its order.
Result<> set_timestamping(const OptionInput& input, Layout layout) {
  UserTimestamping user{};
  if (static_cast<size_t>(input.length) == sizeof user) {
    user = TRY(input.read<UserTimestamping>());
  } else {
    user.flags = static_cast<uint32_t>(TRY(input.read<int>()));
  }
  const uint32_t flags = user.flags;
  if ((flags & ~uint32_t{kTimestampKnown}) != 0) return Errno::EINVAL;
  if ((flags & kTimestampKeysOfStream) != 0 && (flags & kTimestampKeys) == 0) return Errno::EINVAL;
  SocketOptionSet& options = input.socket.options();
  SocketOptions* own = TRY(options.change(input.context.hal()));
  Socket* socket = input.socket.internet_socket();
  if (socket != nullptr && flags != 0) TRY(socket->prepare_error_queue());
  const bool begins_keys = (flags & kTimestampKeys) != 0 && (options->timestamping_flags & kTimestampKeys) == 0;
  if (begins_keys && socket != nullptr) {
    const auto base = (flags & kTimestampKeysOfStream) != 0 ? Socket::KeyBase::Written : Socket::KeyBase::Acknowledged;
    TRY(socket->start_timestamp_keys(input.context.entry(), base));
  } else if (begins_keys) {
    __atomic_store_n(&own->timestamp_key, 0u, __ATOMIC_RELAXED);
  }
  if ((flags & kTimestampStatistics) != 0 && (flags & kTimestampAlone) == 0) return Errno::EINVAL;
  // No device has a clock of its own: without one bound Linux says EOPNOTSUPP, and with one whose device has none EINVAL.
  if ((flags & kTimestampBindClock) != 0) {
    const uint32_t bound = options.bound_interface;
    return bound == 0 || !input.context.stack().interfaces().find(bound) ? Errno::EOPNOTSUPP : Errno::EINVAL;
  }
  own->timestamping_flags = flags;
  own->timestamp_flags =
      (own->timestamp_flags & ~uint32_t{kTimestampNewLayout}) | (layout == Layout::New ? uint32_t{kTimestampNewLayout} : 0);
  follow_stamp_wish(input.context, input.socket);
  return ok();
}

Result<> get_timestamping(const OptionOutput& output, Layout layout) {
  const SocketOptionSet& options = output.socket.options();
  UserTimestamping user{};
  // The new one tells only what was set through it.
  if (layout == Layout::Old || (options->timestamp_flags & kTimestampNewLayout) != 0) user.flags = options->timestamping_flags;
  return output.write(user);
}

}  // namespace

void follow_stamp_wish(SyscallContext& context, SocketFile& socket) {
  if (StampWish* wish = socket.stamp_wish()) wish->follow(context.stack().stamps(), *socket.options());
}

Result<> set_timestamping_old(const OptionInput& input) { return set_timestamping(input, Layout::Old); }
Result<> set_timestamping_new(const OptionInput& input) { return set_timestamping(input, Layout::New); }
Result<> get_timestamping_old(const OptionOutput& output) { return get_timestamping(output, Layout::Old); }
Result<> get_timestamping_new(const OptionOutput& output) { return get_timestamping(output, Layout::New); }

// Who obeys the times is a queueing discipline; without one, as here and on a Linux interface that has none, packets leave at
// once, and the option decides only whether SCM_TXTIME may be given.
Result<> set_transmit_time(const OptionInput& input) {
  constexpr uint32_t kKnown = 3;  // SOF_TXTIME_DEADLINE_MODE, SOF_TXTIME_REPORT_ERRORS
  if (static_cast<size_t>(input.length) != sizeof(UserTransmitTime)) return Errno::EINVAL;
  const auto user = TRY(input.read<UserTransmitTime>());
  if ((user.flags & ~kKnown) != 0) return Errno::EINVAL;
  if (user.clock != kClockMonotonic && !input.context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  if (user.clock != kClockRealtime && user.clock != kClockMonotonic && user.clock != kClockTai) return Errno::EINVAL;
  SocketOptions* own = TRY(input.socket.options().change(input.context.hal()));
  own->transmit_time_on = true;
  own->transmit_clock = user.clock;
  own->transmit_time_flags = user.flags;
  return ok();
}

Result<> get_transmit_time(const OptionOutput& output) {
  const SocketOptionSet& options = output.socket.options();
  return output.write(UserTransmitTime{options->transmit_clock, options->transmit_time_flags});
}

Result<> set_zero_copy(SyscallContext& context, SocketFile& file, int value) {
  Socket* socket = file.internet_socket();
  const bool is_udp = socket != nullptr && socket->type() == SocketType::Datagram && socket->protocol() == 17;
  if (!is_udp && !is_tcp(file)) return Errno::EOPNOTSUPP;
  if (value < 0 || value > 1) return Errno::EINVAL;
  if (value != 0) TRY(socket->prepare_error_queue());
  return set_value(context, file, &SocketOptions::zero_copy, value != 0);
}

Result<> set_pacing_rate(const OptionInput& input) {
  const auto narrow = static_cast<uint32_t>(TRY(input.read<int>()));
  uint64_t rate = narrow == ~0u ? ~uint64_t{0} : narrow;
  const bool has_wide = !input.context.is_32bit() && static_cast<size_t>(input.length) >= sizeof rate;
  if (has_wide) rate = TRY(input.read<uint64_t>());
  return set_value(input.context, input.socket, &SocketOptions::max_pacing_rate, rate);
}

Result<> get_pacing_rate(const OptionOutput& output) {
  const uint64_t rate = output.socket.options()->max_pacing_rate;
  if (!output.context.is_32bit() && static_cast<size_t>(output.length) >= sizeof rate) return output.write(rate);
  return output.write(rate > ~0u ? ~0u : static_cast<uint32_t>(rate));
}

}  // namespace lxnet
