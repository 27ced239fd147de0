// SOL_SOCKET: the options of every socket, whatever its family.
// lint: table
#include "compat/syscalls/filter_options.hh"
#include "compat/syscalls/socket_option_calls.hh"
#include "compat/syscalls/socket_option_peers.hh"
#include "compat/syscalls/timestamp_options.hh"
#include "compat/syscalls/user_time.hh"

namespace lxnet {
namespace {

using enum Support;
constexpr int kSocketLevel = 1;
constexpr int kStreamListening = 1;
constexpr uint32_t kMinSendBuffer = 4608, kMinReceiveBuffer = 2304;  // SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF on 64-bit

struct Linger {
  int32_t is_on, seconds;
};

template <bool SocketOptions::*Member>
Result<> set_flag(SyscallContext& context, SocketFile& socket, int value) {
  return set_value(context, socket, Member, value != 0);
}
template <bool SocketOptions::*Member>
Result<int> get_flag(SyscallContext&, SocketFile& socket) {
  return int{socket.options()->*Member};
}
template <bool SocketOptions::*Member>
constexpr OptionRow flag_row(int name, const char* text, const char* note = "") {
  return {.level = kSocketLevel,
          .name = name,
          .text = text,
          .set_int = &set_flag<Member>,
          .get_int = &get_flag<Member>,
          .note = note};
}

Result<> require(SyscallContext& context, int capability) {
  if (!context.hal().capable(capability)) return Errno::EPERM;
  return ok();
}

// Twice what was asked for, because the bookkeeping is charged too; at least the minimum.
Result<> set_send_buffer(SocketFile& socket, int value, int limit) {
  const uint32_t asked =
      static_cast<uint32_t>(value) > static_cast<uint32_t>(limit) ? static_cast<uint32_t>(limit) : static_cast<uint32_t>(value);
  SocketOptionSet& options = socket.options();
  options.send_buffer_locked = true;
  options.send_buffer = asked * 2 > kMinSendBuffer ? asked * 2 : kMinSendBuffer;
  socket.wait_queue().wake(kPollOut | kPollWriteNormal | kPollWriteBand);
  return ok();
}

Result<> set_receive_buffer(SocketFile& socket, int value, int limit) {
  const uint32_t asked =
      static_cast<uint32_t>(value) > static_cast<uint32_t>(limit) ? static_cast<uint32_t>(limit) : static_cast<uint32_t>(value);
  SocketOptionSet& options = socket.options();
  options.receive_buffer_locked = true;
  options.receive_buffer = asked * 2 > kMinReceiveBuffer ? asked * 2 : kMinReceiveBuffer;
  return ok();
}

Result<> set_timeout(const OptionInput& input, TimeWidth width, Duration SocketOptions::*member) {
  if (static_cast<size_t>(input.length) < time_pair_size(width)) return Errno::EINVAL;
  const TimePair pair = TRY(read_time_pair(input.context, input.value, width));
  if (pair.fraction < 0 || pair.fraction >= 1'000'000) return Errno::EDOM;
  Duration timeout;  // Linux's joke: negative seconds mean not to wait at all
  if (pair.seconds == 0 && pair.fraction == 0) {
    timeout = Duration::max();
  } else if (pair.seconds >= 0) {
    // Linux counts in ticks of its clock, here 250 a second, and rounds up.
    constexpr int64_t kTick = 4000;
    timeout = saturating_seconds(pair.seconds, (pair.fraction + kTick - 1) / kTick * kTick * 1000);
  }
  return set_value(input.context, input.socket, member, timeout);
}

Result<> get_timeout(const OptionOutput& output, TimeWidth width, Duration SocketOptions::*member) {
  const Duration timeout = output.socket.options()->*member;
  const TimePair pair = timeout == Duration::max() ? TimePair{} : timeval_of(timeout);
  if (width == TimeWidth::Bits64) return output.write(pair);
  const int32_t narrow[2] = {static_cast<int32_t>(pair.seconds), static_cast<int32_t>(pair.fraction)};
  return output.write(narrow);
}

template <Duration SocketOptions::*Member>
constexpr OptionRow old_timeout_row(int name, const char* text) {
  return {.level = kSocketLevel,
          .name = name,
          .text = text,
          .set = [](const OptionInput& input) { return set_timeout(input, native_time_width(input.context), Member); },
          .get = [](const OptionOutput& output) { return get_timeout(output, native_time_width(output.context), Member); }};
}
template <Duration SocketOptions::*Member>
constexpr OptionRow new_timeout_row(int name, const char* text) {
  return {.level = kSocketLevel,
          .name = name,
          .text = text,
          .set = [](const OptionInput& input) { return set_timeout(input, TimeWidth::Bits64, Member); },
          .get = [](const OptionOutput& output) { return get_timeout(output, TimeWidth::Bits64, Member); }};
}

Result<> set_linger(const OptionInput& input) {
  const Linger linger = TRY(input.read<Linger>());
  SocketOptions* own = TRY(input.socket.options().change(input.context.hal()));
  own->linger_on = linger.is_on != 0;
  if (own->linger_on) own->linger = linger.seconds < 0 ? Duration::max() : Duration::seconds(linger.seconds);
  return ok();
}

Result<> get_linger(const OptionOutput& output) {
  const SocketOptionSet& options = output.socket.options();
  // For ever is the longest time in ticks of Linux's clock, of which the low half is told in seconds.
  constexpr auto kForEver = static_cast<int32_t>(INT64_MAX / 250);
  const Duration linger = options->linger;
  const auto seconds = linger == Duration::max() ? kForEver : static_cast<int32_t>(linger.in_seconds());
  return output.write(Linger{options->linger_on ? 1 : 0, seconds});
}

Result<> set_priority(SyscallContext& context, SocketFile& socket, int value) {
  // 0 to 6 are everybody's.
  const bool is_free = value >= 0 && value <= 6;
  if (!is_free && !context.hal().capable(LXNET_CAP_NET_RAW) && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  return set_value(context, socket, &SocketOptions::priority, static_cast<uint32_t>(value));
}

Result<> set_mark(SyscallContext& context, SocketFile& socket, int value) {
  if (!context.hal().capable(LXNET_CAP_NET_RAW) && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  const auto mark = static_cast<uint32_t>(value);
  if (std::exchange(socket.options().mark, mark) != mark) forget_route(context, socket);
  return ok();
}

// SO_REUSEPORT concerns ports.
Result<> set_reuse_port(SyscallContext& context, SocketFile& socket, int value) {
  if (value != 0 && socket.internet_socket() == nullptr) return Errno::EOPNOTSUPP;
  return set_value(context, socket, &SocketOptions::reuse_port, value != 0);
}

Result<> set_buffer_lock(SyscallContext&, SocketFile& socket, int value) {
  if ((value & ~3) != 0) return Errno::EINVAL;
  socket.options().send_buffer_locked = (value & 1) != 0;
  socket.options().receive_buffer_locked = (value & 2) != 0;
  return ok();
}

template <uint32_t kFlags>
constexpr OptionRow timestamp_row(int name, const char* text) {
  return {
      .level = kSocketLevel, .name = name, .text = text, .set_int = &set_timestamp<kFlags>, .get_int = &get_timestamp<kFlags>};
}

constexpr OptionRow set_row(int name, const char* text, Result<> (*set)(const OptionInput& input)) {
  return {.level = kSocketLevel, .name = name, .text = text, .set = set};
}
constexpr OptionRow call_row(int name, const char* text, Result<> (*call)(SyscallContext&, SocketFile&, int)) {
  return {.level = kSocketLevel, .name = name, .text = text, .set_int = call};
}
Result<> set_pass_security(SyscallContext& context, SocketFile& socket, int value) {
  if (!carries_credentials(socket)) return Errno::EOPNOTSUPP;
  return set_value(context, socket, &SocketOptions::pass_security, value != 0);
}
Result<int> get_error(SyscallContext& context, SocketFile& socket) {
  const Errno error = socket.take_error();
  const bool asks_further = error == Errno{} && socket.internet_socket() != nullptr;
  return static_cast<int>(asks_further ? socket.internet_socket()->take_soft_error(context.entry()) : error);
}

Result<int> get_pass_security(SyscallContext&, SocketFile& socket) {
  if (!carries_credentials(socket)) return Errno::EOPNOTSUPP;
  return int{socket.options()->pass_security};
}

// Pages of device memory come with a stream's data; there are none, and nothing to give back.
Result<> give_back_device_memory(const OptionInput& input) {
  constexpr size_t kToken = 8, kMostTokens = 128;
  const Socket* socket = input.socket.internet_socket();
  if (socket == nullptr || socket->type() != SocketType::Stream) return Errno::EBADF;
  const auto size = static_cast<size_t>(input.length);
  if (size % kToken != 0 || size > kToken * kMostTokens) return Errno::EINVAL;
  uint8_t tokens[kToken * kMostTokens] = {};
  return copy_in(input.context.hal(), MutableByteSpan(tokens, size), input.value);
}

// A number with a name and nothing behind it: ENOPROTOOPT, on Linux too.
constexpr OptionRow nowhere_row(int name, const char* text) {
  return {.level = kSocketLevel, .name = name, .text = text, .note = "ENOPROTOOPT, as on every Linux"};
}

constexpr OptionRow kRows[] = {
    {.level = kSocketLevel,
     .name = 1,
     .text = "SO_DEBUG",
     .set_int = &set_debug,
     .get_int = &get_flag<&SocketOptions::debug>,
     .note = "read back; Linux does no more with it"},
    flag_row<&SocketOptions::reuse_address>(2, "SO_REUSEADDR"),
    {.level = kSocketLevel,
     .name = 3,
     .text = "SO_TYPE",
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> { return socket.socket_type(); }},
    {.level = kSocketLevel, .name = 4, .text = "SO_ERROR", .get_int = &get_error},
    {.level = kSocketLevel,
     .name = 5,
     .text = "SO_DONTROUTE",
     .set_int = &set_dont_route,
     .get_int = &get_flag<&SocketOptions::dont_route>},
    flag_row<&SocketOptions::broadcast>(6, "SO_BROADCAST"),
    {.level = kSocketLevel,
     .name = 7,
     .text = "SO_SNDBUF",
     .set_int = [](SyscallContext& context, SocketFile& socket,
                   int value) { return set_send_buffer(socket, value, context.stack().tunables().values().wmem_max); },
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> {
       return static_cast<int>(socket.options().send_buffer);
     }},
    {.level = kSocketLevel,
     .name = 8,
     .text = "SO_RCVBUF",
     .set_int = [](SyscallContext& context, SocketFile& socket,
                   int value) { return set_receive_buffer(socket, value, context.stack().tunables().values().rmem_max); },
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> {
       return static_cast<int>(socket.options().receive_buffer);
     }},
    {.level = kSocketLevel,
     .name = 9,
     .text = "SO_KEEPALIVE",
     .set_int = [](SyscallContext& context, SocketFile& socket, int value) -> Result<> {
       TRY(set_value(context, socket, &SocketOptions::keep_alive, value != 0));
       if (Socket* internet = socket.internet_socket()) internet->keep_alive_changed(context.entry());
       return ok();
     },
     .get_int = &get_flag<&SocketOptions::keep_alive>},
    flag_row<&SocketOptions::oob_inline>(10, "SO_OOBINLINE"),
    flag_row<&SocketOptions::no_check_tx>(11, "SO_NO_CHECK"),
    {.level = kSocketLevel,
     .name = 12,
     .text = "SO_PRIORITY",
     .set_int = &set_priority,
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> { return static_cast<int>(socket.options()->priority); }},
    {.level = kSocketLevel, .name = 13, .text = "SO_LINGER", .set = &set_linger, .get = &get_linger},
    {.level = kSocketLevel,
     .name = 14,
     .text = "SO_BSDCOMPAT",
     .set_int = [](SyscallContext&, SocketFile&, int) -> Result<> { return ok(); },
     .get_int = [](SyscallContext&, SocketFile&) -> Result<int> { return 0; },
     .note = "taken and forgotten, as by Linux"},
    {.level = kSocketLevel,
     .name = 15,
     .text = "SO_REUSEPORT",
     .set_int = &set_reuse_port,
     .get_int = &get_flag<&SocketOptions::reuse_port>},
    {.level = kSocketLevel,
     .name = 16,
     .text = "SO_PASSCRED",
     .set_int = &set_pass_credentials,
     .get_int = &get_pass_credentials},
    {.level = kSocketLevel, .name = 17, .text = "SO_PEERCRED", .get = &get_peer_credentials},
    {.level = kSocketLevel,
     .name = 18,
     .text = "SO_RCVLOWAT",
     .set_int = &set_receive_low_water,
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> { return socket.options()->receive_low_water; }},
    {.level = kSocketLevel,
     .name = 19,
     .text = "SO_SNDLOWAT",
     .get_int = [](SyscallContext&, SocketFile&) -> Result<int> { return 1; },
     .note = "cannot be set on Linux either"},
    old_timeout_row<&SocketOptions::receive_timeout>(20, "SO_RCVTIMEO_OLD"),
    old_timeout_row<&SocketOptions::send_timeout>(21, "SO_SNDTIMEO_OLD"),
    nowhere_row(22, "SO_SECURITY_AUTHENTICATION"),
    nowhere_row(23, "SO_SECURITY_ENCRYPTION_TRANSPORT"),
    nowhere_row(24, "SO_SECURITY_ENCRYPTION_NETWORK"),
    {.level = kSocketLevel, .name = 25, .text = "SO_BINDTODEVICE", .set = &set_bound_device, .get = &get_bound_device},
    {.level = kSocketLevel, .name = 26, .text = "SO_ATTACH_FILTER", .set = &attach_filter, .get = &get_filter},
    call_row(27, "SO_DETACH_FILTER", &detach_filter),
    {.level = kSocketLevel, .name = 28, .text = "SO_PEERNAME", .get = &get_peer_name},
    timestamp_row<kTimestampMicros>(29, "SO_TIMESTAMP_OLD"),
    {.level = kSocketLevel,
     .name = 30,
     .text = "SO_ACCEPTCONN",
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> { return socket.is_listening() ? kStreamListening : 0; }},
    {.level = kSocketLevel,
     .name = 32,
     .text = "SO_SNDBUFFORCE",
     .set_int = [](SyscallContext& context, SocketFile& socket, int value) -> Result<> {
       TRY(require(context, LXNET_CAP_NET_ADMIN));
       return set_send_buffer(socket, value < 0 ? 0 : value, INT32_MAX / 2);
     }},
    {.level = kSocketLevel,
     .name = 33,
     .text = "SO_RCVBUFFORCE",
     .set_int = [](SyscallContext& context, SocketFile& socket, int value) -> Result<> {
       TRY(require(context, LXNET_CAP_NET_ADMIN));
       return set_receive_buffer(socket, value < 0 ? 0 : value, INT32_MAX / 2);
     }},
    {.level = kSocketLevel, .name = 31, .text = "SO_PEERSEC", .note = "ENOPROTOOPT, as without a security module"},
    {.level = kSocketLevel,
     .name = 34,
     .text = "SO_PASSSEC",
     .set_int = &set_pass_security,
     .get_int = &get_pass_security,
     .note = "without a security module there are no labels to pass"},
    timestamp_row<kTimestampNanos>(35, "SO_TIMESTAMPNS_OLD"),
    {.level = kSocketLevel,
     .name = 36,
     .text = "SO_MARK",
     .set_int = &set_mark,
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> { return static_cast<int>(socket.options().mark); }},
    {.level = kSocketLevel,
     .name = 38,
     .text = "SO_PROTOCOL",
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> { return socket.socket_protocol(); }},
    {.level = kSocketLevel,
     .name = 39,
     .text = "SO_DOMAIN",
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> { return int{socket.address_family()}; }},
    {.level = kSocketLevel,
     .name = 37,
     .text = "SO_TIMESTAMPING_OLD",
     .set = &set_timestamping_old,
     .get = &get_timestamping_old},
    flag_row<&SocketOptions::receive_queue_overflow>(40, "SO_RXQ_OVFL"),
    flag_row<&SocketOptions::wifi_status>(41, "SO_WIFI_STATUS", "no wireless device, whose reports alone it asks for"),
    {.level = kSocketLevel, .name = 42, .text = "SO_PEEK_OFF", .set_int = &set_peek_offset, .get_int = &get_peek_offset},
    flag_row<&SocketOptions::no_frame_checksum>(43, "SO_NOFCS", "of frames that packet sockets send"),
    {.level = kSocketLevel,
     .name = 44,
     .text = "SO_LOCK_FILTER",
     .set_int = &lock_filter,
     .get_int = &get_flag<&SocketOptions::filter_locked>},
    flag_row<&SocketOptions::select_error_queue>(45, "SO_SELECT_ERR_QUEUE"),
    {.level = kSocketLevel,
     .name = 46,
     .text = "SO_BUSY_POLL",
     .set_int = &set_busy_poll,
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> {
       return static_cast<int>(socket.options()->busy_poll_micros);
     },
     .note = "as over devices without NAPI, which no busy polling reaches"},
    {.level = kSocketLevel, .name = 47, .text = "SO_MAX_PACING_RATE", .set = &set_pacing_rate, .get = &get_pacing_rate},
    {.level = kSocketLevel,
     .name = 48,
     .text = "SO_BPF_EXTENSIONS",
     .get_int = [](SyscallContext&, SocketFile&) -> Result<int> { return 64; }},
    {.level = kSocketLevel,
     .name = 49,
     .text = "SO_INCOMING_CPU",
     .set_int = [](SyscallContext&, SocketFile& socket, int value) -> Result<> {
       socket.options().incoming_cpu.store(static_cast<uint32_t>(value));
       return ok();
     },
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> {
       return static_cast<int>(socket.options().incoming_cpu.load());
     }},
    {.level = kSocketLevel,
     .name = 50,
     .text = "SO_ATTACH_BPF",
     .set = &attach_descriptor,
     .note = "no descriptor is a program: EBADF or EINVAL"},
    set_row(51, "SO_ATTACH_REUSEPORT_CBPF", &attach_group_filter),
    {.level = kSocketLevel,
     .name = 52,
     .text = "SO_ATTACH_REUSEPORT_EBPF",
     .set = &attach_descriptor,
     .note = "no descriptor is a program: EBADF or EINVAL"},
    call_row(53, "SO_CNX_ADVICE", &advise_connection),
    {.level = kSocketLevel, .name = 55, .text = "SO_MEMINFO", .get = &get_memory_use},
    {.level = kSocketLevel,
     .name = 56,
     .text = "SO_INCOMING_NAPI_ID",
     .get_int = [](SyscallContext&, SocketFile&) -> Result<int> { return 0; },
     .note = "no device has one"},
    {.level = kSocketLevel,
     .name = 57,
     .text = "SO_COOKIE",
     .get = [](const OptionOutput& output) -> Result<> {
       if (output.length < static_cast<int>(sizeof(uint64_t))) return Errno::EINVAL;
       return output.write(output.socket.cookie());
     }},
    {.level = kSocketLevel, .name = 59, .text = "SO_PEERGROUPS", .get = &get_peer_groups},
    {.level = kSocketLevel,
     .name = 60,
     .text = "SO_ZEROCOPY",
     .set_int = &set_zero_copy,
     .get_int = &get_flag<&SocketOptions::zero_copy>},
    {.level = kSocketLevel,
     .name = 61,
     .text = "SO_TXTIME",
     .set = &set_transmit_time,
     .get = &get_transmit_time,
     .note = "no queueing discipline, which alone would wait: SCM_TXTIME is taken"},
    {.level = kSocketLevel,
     .name = 62,
     .text = "SO_BINDTOIFINDEX",
     .set_int = &set_bound_index,
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> {
       return static_cast<int>(socket.options().bound_interface);
     }},
    timestamp_row<kTimestampMicros | kTimestampNewLayout>(63, "SO_TIMESTAMP_NEW"),
    timestamp_row<kTimestampNanos | kTimestampNewLayout>(64, "SO_TIMESTAMPNS_NEW"),
    {.level = kSocketLevel,
     .name = 65,
     .text = "SO_TIMESTAMPING_NEW",
     .set = &set_timestamping_new,
     .get = &get_timestamping_new},
    new_timeout_row<&SocketOptions::receive_timeout>(66, "SO_RCVTIMEO_NEW"),
    new_timeout_row<&SocketOptions::send_timeout>(67, "SO_SNDTIMEO_NEW"),
    call_row(68, "SO_DETACH_REUSEPORT_BPF", &detach_group_filter),
    {.level = kSocketLevel,
     .name = 69,
     .text = "SO_PREFER_BUSY_POLL",
     .set_int = &set_prefer_busy_poll,
     .get_int = &get_flag<&SocketOptions::prefer_busy_poll>},
    call_row(70, "SO_BUSY_POLL_BUDGET", &set_busy_poll_budget),
    {.level = kSocketLevel, .name = 71, .text = "SO_NETNS_COOKIE", .get = &get_namespace_cookie},
    {.level = kSocketLevel,
     .name = 72,
     .text = "SO_BUF_LOCK",
     .set_int = &set_buffer_lock,
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> {
       return (socket.options().send_buffer_locked ? 1 : 0) | (socket.options().receive_buffer_locked ? 2 : 0);
     }},
    {.level = kSocketLevel,
     .name = 73,
     .text = "SO_RESERVE_MEM",
     .set_int = &reserve_memory,
     .get_int = [](SyscallContext&, SocketFile&) -> Result<int> { return 0; },
     .note = "EOPNOTSUPP, as where no control group accounts for sockets"},
    {.level = kSocketLevel,
     .name = 74,
     .text = "SO_TXREHASH",
     .support = Support::Partial,
     .set_int = &set_transmit_rehash,
     .get_int = &get_transmit_rehash,
     .note = "a timeout chooses another flow label; data that comes twice does not"},
    flag_row<&SocketOptions::receive_mark>(75, "SO_RCVMARK"),
    {.level = kSocketLevel, .name = 76, .text = "SO_PASSPIDFD", .set_int = &set_pass_process, .get_int = &get_pass_process},
    {.level = kSocketLevel, .name = 77, .text = "SO_PEERPIDFD", .get = &get_peer_process},
    set_row(80, "SO_DEVMEM_DONTNEED", &give_back_device_memory),
    flag_row<&SocketOptions::receive_priority>(82, "SO_RCVPRIORITY"),
    {.level = kSocketLevel, .name = 83, .text = "SO_PASSRIGHTS", .set_int = &set_pass_rights, .get_int = &get_pass_rights},
    {.level = kSocketLevel, .name = 84, .text = "SO_INQ", .set = &set_report_unread, .note = "cannot be read on Linux either"},
};

}  // namespace

const OptionTable& socket_level_options() {
  static constexpr OptionTable kTable(kRows);
  return kTable;
}

}  // namespace lxnet
