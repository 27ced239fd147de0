// IPPROTO_TCP.
// lint: table
#include "compat/afinet/inet_options.hh"
#include "compat/afinet/zero_copy_receive.hh"
#include "stack/tcp/option_calls.hh"

namespace lxnet {
namespace {

using Calls = TcpOptionCalls;

TcpSocket& tcp_of(SocketFile& file) { return static_cast<TcpSocket&>(socket_of(file)); }

template <Result<> (*Set)(Entry&, TcpSocket&, int)>
Result<> call_set(SyscallContext& context, SocketFile& file, int value) {
  return Set(context.entry(), tcp_of(file), value);
}
template <Result<int> (*Get)(Entry&, TcpSocket&)>
Result<int> call_get(SyscallContext& context, SocketFile& file) {
  return Get(context.entry(), tcp_of(file));
}

template <typename V>
Result<> set(SocketFile& file, V TcpSocketOptions::*member, std::type_identity_t<V> value) {
  return tcp_of(file).tcp_options.set(tcp_of(file).stack().hal(), member, value);
}
template <bool TcpSocketOptions::*Member>
Result<int> get_flag(SyscallContext&, SocketFile& file) {
  return int{tcp_of(file).tcp_options->*Member};
}
// Only 0 and 1 are flags to TCP's newer options.
template <bool TcpSocketOptions::*Member>
constexpr OptionRow strict_flag_row(int name, const char* text) {
  return {.level = kLevelTcp,
          .name = name,
          .text = text,
          .min = 0,
          .max = 1,
          .set_int = [](SyscallContext&, SocketFile& file, int value) { return set(file, Member, value != 0); },
          .get_int = &get_flag<Member>};
}

// A count kept as 0 while the tunable decides.
template <uint8_t TcpSocketOptions::*Member, int32_t TunableValues::*Tunable>
constexpr OptionRow count_row(int name, const char* text) {
  return {.level = kLevelTcp,
          .name = name,
          .text = text,
          .min = 1,
          .max = 127,
          .set_int = [](SyscallContext&, SocketFile& file, int value) { return set(file, Member, static_cast<uint8_t>(value)); },
          .get_int = [](SyscallContext& context, SocketFile& file) -> Result<int> {
            const uint8_t own = tcp_of(file).tcp_options->*Member;
            return own != 0 ? int{own} : context.stack().tunables().values().*Tunable;
          }};
}

int seconds_or(Duration own, int tunable) { return own == Duration::max() ? tunable : static_cast<int>(own.in_seconds()); }

constexpr int kLongestLinger = 120;

Result<> set_linger2(SyscallContext&, SocketFile& file, int value) {
  return set(file, &TcpSocketOptions::linger2, value < 0 ? -1 : value > kLongestLinger ? kLongestLinger : value);
}
Result<int> get_linger2(SyscallContext& context, SocketFile& file) {
  const int32_t own = tcp_of(file).tcp_options->linger2;
  return own == 0 ? context.stack().tunables().values().tcp_fin_timeout : own;
}

constexpr size_t kCongestionNameSize = 16;

Result<> set_congestion(const OptionInput& input) {
  if (input.length < 1) return Errno::EINVAL;
  char name[kCongestionNameSize] = {};
  const size_t size = std::min<size_t>(static_cast<size_t>(input.length), kCongestionNameSize - 1);
  TRY(copy_in(input.context.hal(), MutableByteSpan(reinterpret_cast<uint8_t*>(name), size), input.value));
  return Calls::set_congestion(input.context.entry(), tcp_of(input.socket), std::span<const char>(name, size));
}

Result<> get_congestion(const OptionOutput& output) {
  uint8_t name[kCongestionNameSize] = {};
  const char* text = Calls::congestion(output.context.entry(), tcp_of(output.socket));
  for (size_t i = 0; text[i] != 0 && i < kCongestionNameSize - 1; ++i) name[i] = static_cast<uint8_t>(text[i]);
  return output.write(ByteSpan(name, kCongestionNameSize));
}

Result<> get_info(const OptionOutput& output) { return output.write(Calls::info(output.context.entry(), tcp_of(output.socket))); }

// Only some algorithms have something to say; of the others it is nothing, and no error.
Result<> get_congestion_info(const OptionOutput& output) {
  uint8_t bytes[CongestionAlgorithm::kMaxInfo];
  const size_t size = Calls::congestion_info(output.context.entry(), tcp_of(output.socket), bytes);
  return output.write(ByteSpan(bytes, size));
}

// One key, or the one in use and the one before it.
Result<> set_fast_open_key(const OptionInput& input) {
  FastOpenKeys keys;
  const auto size = static_cast<size_t>(input.length);
  if (size != FastOpenKeys::kKeySize && size != sizeof keys.bytes) return Errno::EINVAL;
  TRY(copy_in(input.context.hal(), MutableByteSpan(keys.bytes[0], size), input.value));
  keys.count = static_cast<uint8_t>(size / FastOpenKeys::kKeySize);
  return Calls::set_fast_open_keys(input.context.entry(), tcp_of(input.socket), keys);
}

Result<> get_fast_open_key(const OptionOutput& output) {
  const FastOpenKeys keys = Calls::fast_open_keys(output.context.entry(), tcp_of(output.socket));
  return output.write(ByteSpan(keys.bytes[0], keys.count * FastOpenKeys::kKeySize));
}

// struct tcp_md5sig. IPv4 sockets know IPv4 addresses, IPv6 sockets both.
struct Md5Signature {
  uint8_t address[128];
  uint8_t flags, prefix;
  uint16_t key_size;
  int32_t interface_index;
  uint8_t key[80];
};
static_assert(sizeof(Md5Signature) == 216);

Result<> set_md5_key(const OptionInput& input, bool is_extended) {
  constexpr uint8_t kHasPrefix = 1, kHasInterface = 2;
  if (input.length < static_cast<int>(sizeof(Md5Signature))) return Errno::EINVAL;
  Md5Signature asked;
  TRY(copy_in(input.context.hal(), mutable_bytes_of(asked), input.value));
  TcpSocket& socket = tcp_of(input.socket);
  uint16_t family = 0;
  copy_bytes(mutable_bytes_of(family), ByteSpan(asked.address, sizeof family));
  const bool is_v6 = socket.family() == IpFamily::V6;
  if (family != (is_v6 ? 10 : 2)) return Errno::EINVAL;
  uint8_t bytes[16] = {};
  copy_bytes(MutableByteSpan(bytes), ByteSpan(asked.address + (is_v6 ? 8 : 4), is_v6 ? 16 : 4));
  const IpAddress peer =
      is_v6 ? IpAddress(Ipv6Address::from_bytes(bytes)) : IpAddress(Ipv4Address(bytes[0], bytes[1], bytes[2], bytes[3]));
  uint8_t prefix = peer.is_v4() ? 32 : 128;
  if (is_extended && (asked.flags & kHasPrefix) != 0) {
    if (asked.prefix > prefix) return Errno::EINVAL;
    prefix = asked.prefix;
  }
  // The interface is one that stands for a routing table of its own, of which there are none here.
  if (is_extended && (asked.flags & kHasInterface) != 0 && asked.interface_index != 0) return Errno::EINVAL;
  if (asked.key_size > sizeof asked.key) return Errno::EINVAL;
  return Calls::set_md5_key(input.context.entry(), socket, peer, prefix, ByteSpan(asked.key, asked.key_size));
}

Result<> set_repair_options(const OptionInput& input) {
  struct Option {
    uint32_t code, value;
  };
  TcpSocket& socket = tcp_of(input.socket);
  TRY(Calls::may_set_repair_options(input.context.entry(), socket));
  for (int at = 0; at + static_cast<int>(sizeof(Option)) <= input.length; at += static_cast<int>(sizeof(Option))) {
    const auto option = TRY(read_user<Option>(input.context.hal(), input.value + static_cast<uint64_t>(at)));
    TRY(Calls::set_repair_option(input.context.entry(), socket, option.code, option.value));
  }
  return ok();
}

Result<> set_repair_window(const OptionInput& input) {
  TcpSocket& socket = tcp_of(input.socket);
  if (!Calls::is_in_repair(input.context.entry(), socket)) return Errno::EPERM;
  if (input.length != static_cast<int>(sizeof(Calls::RepairWindow))) return Errno::EINVAL;
  const auto window = TRY(read_user<Calls::RepairWindow>(input.context.hal(), input.value));
  return Calls::set_repair_window(input.context.entry(), socket, window);
}

Result<> get_repair_window(const OptionOutput& output) {
  TcpSocket& socket = tcp_of(output.socket);
  if (output.length != static_cast<int>(sizeof(Calls::RepairWindow))) return Errno::EINVAL;
  if (!Calls::is_in_repair(output.context.entry(), socket)) return Errno::EPERM;
  return output.write(Calls::repair_window(output.context.entry(), socket));
}

// Given once. Where there is too little room the size that is needed is told.
Result<> get_saved_syn(const OptionOutput& output) {
  SavedSyn saved;
  size_t size = 0;
  const auto taken =
      Calls::take_saved_syn(output.context.entry(), tcp_of(output.socket), static_cast<size_t>(output.length), saved, size);
  if (!taken.is_ok()) {
    TRY(write_user(output.context.hal(), output.length_address, static_cast<int>(size)));
    return taken.error();
  }
  return output.write(saved.bytes());
}

// A name for which there is no module.
Result<> set_ulp(const OptionInput& input) {
  constexpr size_t kNameSize = 16;
  if (input.length < 1) return Errno::EINVAL;
  uint8_t name[kNameSize] = {};
  const size_t size = std::min<size_t>(static_cast<size_t>(input.length), kNameSize - 1);
  TRY(copy_in(input.context.hal(), MutableByteSpan(name, size), input.value));
  return Errno::ENOENT;
}

Result<> get_ulp(const OptionOutput& output) { return output.write(ByteSpan()); }

// A kernel without TCP-AO still asks first whether the socket may be repaired.
Result<> refuse_auth_repair(SyscallContext& context, SocketFile& file) {
  TRY(Calls::may_repair(context.entry(), tcp_of(file)));
  return Errno::ENOPROTOOPT;
}

// Linux keeps these in timer ticks, rounded up: 250 a second here, and at least two.
constexpr int kTickMicros = 4000, kLeastMicros = kTickMicros + 1;
constexpr int round_to_ticks(int micros) { return (micros + kTickMicros - 1) / kTickMicros * kTickMicros; }

constexpr OptionRow missing_row(int name, const char* text, const char* note) {
  return {.level = kLevelTcp, .name = name, .text = text, .support = Support::Missing, .note = note};
}

constexpr OptionRow kRows[] = {
    {.level = kLevelTcp,
     .name = 1,
     .text = "TCP_NODELAY",
     .set_int = &call_set<&Calls::set_no_delay>,
     .get_int = &get_flag<&TcpSocketOptions::no_delay>},
    {.level = kLevelTcp,
     .name = 2,
     .text = "TCP_MAXSEG",
     .set_int = &call_set<&Calls::set_max_segment>,
     .get_int = &call_get<&Calls::max_segment>},
    {.level = kLevelTcp,
     .name = 3,
     .text = "TCP_CORK",
     .set_int = &call_set<&Calls::set_cork>,
     .get_int = &get_flag<&TcpSocketOptions::cork>},
    {.level = kLevelTcp,
     .name = 4,
     .text = "TCP_KEEPIDLE",
     .min = 1,
     .max = 32767,
     .set_int = &call_set<&Calls::set_keep_idle>,
     .get_int = [](SyscallContext& context, SocketFile& file) -> Result<int> {
       return seconds_or(tcp_of(file).tcp_options->keep_idle, context.stack().tunables().values().tcp_keepalive_time);
     }},
    {.level = kLevelTcp,
     .name = 5,
     .text = "TCP_KEEPINTVL",
     .min = 1,
     .max = 32767,
     .set_int = [](SyscallContext&, SocketFile& file,
                   int value) { return set(file, &TcpSocketOptions::keep_interval, Duration::seconds(value)); },
     .get_int = [](SyscallContext& context, SocketFile& file) -> Result<int> {
       return seconds_or(tcp_of(file).tcp_options->keep_interval, context.stack().tunables().values().tcp_keepalive_intvl);
     }},
    count_row<&TcpSocketOptions::keep_count, &TunableValues::tcp_keepalive_probes>(6, "TCP_KEEPCNT"),
    count_row<&TcpSocketOptions::syn_count, &TunableValues::tcp_syn_retries>(7, "TCP_SYNCNT"),
    {.level = kLevelTcp, .name = 8, .text = "TCP_LINGER2", .set_int = &set_linger2, .get_int = &get_linger2},
    {.level = kLevelTcp,
     .name = 9,
     .text = "TCP_DEFER_ACCEPT",
     .set_int = &call_set<&Calls::set_defer_accept>,
     .get_int = &call_get<&Calls::defer_accept>},
    {.level = kLevelTcp,
     .name = 10,
     .text = "TCP_WINDOW_CLAMP",
     .set_int = &call_set<&Calls::set_window_clamp>,
     .get_int = &call_get<&Calls::window_clamp>},
    {.level = kLevelTcp, .name = 11, .text = "TCP_INFO", .get = &get_info},
    {.level = kLevelTcp,
     .name = 12,
     .text = "TCP_QUICKACK",
     .set_int = &call_set<&Calls::set_quick_ack>,
     .get_int = &call_get<&Calls::quick_ack>},
    {.level = kLevelTcp, .name = 13, .text = "TCP_CONGESTION", .set = &set_congestion, .get = &get_congestion},
    {.level = kLevelTcp,
     .name = 14,
     .text = "TCP_MD5SIG",
     .set = [](const OptionInput& input) { return set_md5_key(input, false); }},
    strict_flag_row<&TcpSocketOptions::thin_linear_timeouts>(16, "TCP_THIN_LINEAR_TIMEOUTS"),
    {.level = kLevelTcp,
     .name = 17,
     .text = "TCP_THIN_DUPACK",
     .min = 0,
     .max = 1,
     .set_int = [](SyscallContext&, SocketFile&, int) -> Result<> { return ok(); },
     .get_int = [](SyscallContext&, SocketFile&) -> Result<int> { return 0; },
     .note = "without effect on Linux too, since RACK replaced it"},
    {.level = kLevelTcp,
     .name = 18,
     .text = "TCP_USER_TIMEOUT",
     .min = 0,
     .set_int = [](SyscallContext&, SocketFile& file,
                   int value) { return set(file, &TcpSocketOptions::user_timeout, Duration::millis(value)); },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(tcp_of(file).tcp_options->user_timeout.get().in_millis());
     }},
    {.level = kLevelTcp,
     .name = 19,
     .text = "TCP_REPAIR",
     .set_int = &call_set<&Calls::set_repair>,
     .get_int = &call_get<&Calls::repair>},
    {.level = kLevelTcp,
     .name = 20,
     .text = "TCP_REPAIR_QUEUE",
     .set_int = &call_set<&Calls::set_repair_queue>,
     .get_int = &call_get<&Calls::repair_queue>},
    {.level = kLevelTcp,
     .name = 21,
     .text = "TCP_QUEUE_SEQ",
     .set_int = &call_set<&Calls::set_queue_seq>,
     .get_int = &call_get<&Calls::queue_seq>},
    {.level = kLevelTcp, .name = 22, .text = "TCP_REPAIR_OPTIONS", .set = &set_repair_options},
    {.level = kLevelTcp,
     .name = 23,
     .text = "TCP_FASTOPEN",
     .set_int = &call_set<&Calls::set_fast_open>,
     .get_int = &call_get<&Calls::fast_open>},
    {.level = kLevelTcp,
     .name = 24,
     .text = "TCP_TIMESTAMP",
     .set_int = &call_set<&Calls::set_timestamp>,
     .get_int = &call_get<&Calls::timestamp>,
     .note = "set only during TCP_REPAIR"},
    {.level = kLevelTcp,
     .name = 25,
     .text = "TCP_NOTSENT_LOWAT",
     .set_int = &call_set<&Calls::set_not_sent_low_water>,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(tcp_of(file).tcp_options->not_sent_low_water);
     }},
    {.level = kLevelTcp, .name = 26, .text = "TCP_CC_INFO", .get = &get_congestion_info},
    {.level = kLevelTcp,
     .name = 27,
     .text = "TCP_SAVE_SYN",
     .min = 0,
     .max = 2,
     .set_int = [](SyscallContext&, SocketFile& file,
                   int value) { return set(file, &TcpSocketOptions::save_syn, static_cast<uint8_t>(value)); },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return int{tcp_of(file).tcp_options->save_syn}; }},
    {.level = kLevelTcp, .name = 28, .text = "TCP_SAVED_SYN", .get = &get_saved_syn},
    {.level = kLevelTcp, .name = 29, .text = "TCP_REPAIR_WINDOW", .set = &set_repair_window, .get = &get_repair_window},
    {.level = kLevelTcp,
     .name = 30,
     .text = "TCP_FASTOPEN_CONNECT",
     .set_int = &call_set<&Calls::set_fast_open_connect>,
     .get_int = &get_flag<&TcpSocketOptions::fast_open_connect>},
    {.level = kLevelTcp,
     .name = 31,
     .text = "TCP_ULP",
     .set = &set_ulp,
     .get = &get_ulp,
     .note = "as a kernel without TLS: no protocol is known"},
    {.level = kLevelTcp,
     .name = 32,
     .text = "TCP_MD5SIG_EXT",
     .set = [](const OptionInput& input) { return set_md5_key(input, true); }},
    {.level = kLevelTcp, .name = 33, .text = "TCP_FASTOPEN_KEY", .set = &set_fast_open_key, .get = &get_fast_open_key},
    {.level = kLevelTcp,
     .name = 34,
     .text = "TCP_FASTOPEN_NO_COOKIE",
     .set_int = &call_set<&Calls::set_fast_open_no_cookie>,
     .get_int = &get_flag<&TcpSocketOptions::fast_open_no_cookie>},
    {.level = kLevelTcp,
     .name = 35,
     .text = "TCP_ZEROCOPY_RECEIVE",
     .support = Support::Partial,
     .get = &receive_zero_copy,
     .note = "no socket can be mapped: bytes come by copy, without time stamps"},
    strict_flag_row<&TcpSocketOptions::inq>(36, "TCP_INQ"),
    {.level = kLevelTcp,
     .name = 37,
     .text = "TCP_TX_DELAY",
     .min = 0,
     .max = (1 << 28) - 1,
     .set_int = &call_set<&Calls::set_transmit_delay>,
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> { return tcp_of(file).tcp_options->transmit_delay_micros; },
     .note = "no queueing discipline, which alone would delay: round trips are counted longer"},
    missing_row(38, "TCP_AO_ADD_KEY", "RFC 5925 authentication"),
    missing_row(39, "TCP_AO_DEL_KEY", "as TCP_AO_ADD_KEY"),
    missing_row(40, "TCP_AO_INFO", "as TCP_AO_ADD_KEY"),
    missing_row(41, "TCP_AO_GET_KEYS", "as TCP_AO_ADD_KEY"),
    {.level = kLevelTcp,
     .name = 42,
     .text = "TCP_AO_REPAIR",
     .support = Support::Missing,
     .set = [](const OptionInput& input) { return refuse_auth_repair(input.context, input.socket); },
     .get = [](const OptionOutput& output) { return refuse_auth_repair(output.context, output.socket); },
     .note = "as TCP_AO_ADD_KEY"},
    {.level = kLevelTcp,
     .name = 43,
     .text = "TCP_IS_MPTCP",
     .get_int = [](SyscallContext&, SocketFile&) -> Result<int> { return 0; },
     .note = "no socket here is one of MPTCP"},
    {.level = kLevelTcp,
     .name = 44,
     .text = "TCP_RTO_MAX_MS",
     .min = 1000,
     .max = 120000,
     .set_int = [](SyscallContext& context, SocketFile& file, int value) -> Result<> {
       TcpSocket& socket = tcp_of(file);
       return Calls::set_rto_bounds(context.entry(), socket, socket.tcp_options->min_rto,
                                    Duration::micros(round_to_ticks(value * 1000)));
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(tcp_of(file).tcp_options->max_rto.get().in_millis());
     }},
    {.level = kLevelTcp,
     .name = 45,
     .text = "TCP_RTO_MIN_US",
     .min = kLeastMicros,
     .max = 200000,
     .set_int = [](SyscallContext& context, SocketFile& file, int value) -> Result<> {
       TcpSocket& socket = tcp_of(file);
       return Calls::set_rto_bounds(context.entry(), socket, Duration::micros(round_to_ticks(value)),
                                    socket.tcp_options->max_rto);
     },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(tcp_of(file).tcp_options->min_rto.get().in_micros());
     }},
    {.level = kLevelTcp,
     .name = 46,
     .text = "TCP_DELACK_MAX_US",
     .min = kLeastMicros,
     .max = 200000,
     .set_int = [](SyscallContext&, SocketFile& file,
                   int value) { return set(file, &TcpSocketOptions::max_ack_delay, Duration::micros(round_to_ticks(value))); },
     .get_int = [](SyscallContext&, SocketFile& file) -> Result<int> {
       return static_cast<int>(tcp_of(file).tcp_options->max_ack_delay.get().in_micros());
     }},
};

}  // namespace

const OptionTable& tcp_level_options() {
  static constexpr OptionTable kTable(kRows);
  return kTable;
}

}  // namespace lxnet
