// Options: every number of every level, with values of every size.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>

#include "tests/differential/walk/generator.hh"

namespace walk {
namespace {

constexpr int kTcp = 6, kUdp = 17, kRaw = 255, kIcmpv6 = 58;

struct LevelRow {
  int level, last;
};
constexpr LevelRow kLevels[] = {{SOL_SOCKET, 85}, {IPPROTO_IP, 55}, {IPPROTO_IPV6, 82}, {kTcp, 46},
                                {kUdp, 106},      {kRaw, 2},        {kIcmpv6, 3},       {999, 3}};

// They change when and not what: what a run shows of them would be the run's own.
constexpr OptionKey kOwnOfARun[] = {
    option_key(SOL_SOCKET, 49), option_key(SOL_SOCKET, 56),  // SO_INCOMING_CPU, SO_INCOMING_NAPI_ID
    option_key(SOL_SOCKET, 57), option_key(SOL_SOCKET, 71),  // SO_COOKIE, SO_NETNS_COOKIE
    option_key(SOL_SOCKET, 55),                              // SO_MEMINFO: see get_option()
    option_key(kTcp, 11),                                    // TCP_INFO: times and windows
    option_key(kTcp, 24),       option_key(kTcp, 26),        // TCP_TIMESTAMP, TCP_CC_INFO
    option_key(kTcp, 35),                                    // TCP_ZEROCOPY_RECEIVE
};

// Packet filters and their like hang their own options into these levels: a matter of the host's modules.
bool is_of_a_module(int level, int name) {
  return (level == IPPROTO_IP || level == IPPROTO_IPV6) && ((name >= 64 && name <= 69) || name == 80);
}

// Windows depend on what Linux's buffers weigh, once there is data; whether an acknowledgment is to be quick on how much time
// went by since the last: TCP_WINDOW_CLAMP, TCP_MAXSEG, TCP_QUICKACK.
constexpr OptionKey kOwnWhenRead[] = {option_key(kTcp, 10), option_key(kTcp, 2), option_key(kTcp, 12)};

int likely_level(Kind kind, Choice& choose) {
  if (is_unix(kind)) return SOL_SOCKET;
  const int own = is_tcp(kind) ? kTcp : is_v6(kind) ? IPPROTO_IPV6 : IPPROTO_IP;
  const int four = choose.of<int>({SOL_SOCKET, SOL_SOCKET, own, IPPROTO_IP});
  return kind == Kind::Udp4 || kind == Kind::Udp6 ? choose.of<int>({four, four, four, kUdp}) : four;
}

}  // namespace

// What changes how AF_UNIX sends and receives.
constexpr int kOfUnix[] = {SO_PASSCRED,     SO_PASSCRED,  SO_PEEK_OFF, SO_PEEK_OFF,     SO_OOBINLINE,
                           SO_OOBINLINE,    SO_SNDBUF,    SO_RCVLOWAT, 76 /* pidfds */, 83 /* PASSRIGHTS */,
                           84 /* SO_INQ */, SO_TIMESTAMP, SO_ERROR,    SO_ACCEPTCONN};

OptionKey Generator::any_option(int slot) {
  if (plan_.is_unix_alone && choose_.one_in(2)) return option_key(SOL_SOCKET, choose_.of(kOfUnix));
  for (;;) {
    const int level = choose_.one_in(4) ? choose_.of(kLevels).level : likely_level(slots_[slot].kind, choose_);
    int last = 1;
    for (const LevelRow& row : kLevels) {
      if (row.level == level) last = row.last;
    }
    const int name = choose_.one_in(50) ? choose_.of({-1, 1000, 65536}) : choose_.below(last + 1);
    const OptionKey key = option_key(level, name);
    if (!is_left_out(slot, key)) return key;
  }
}

bool Generator::is_left_out(int slot, OptionKey key) const {
  const Kind kind = slots_[slot].kind;
  const auto name = static_cast<int>(key), level = static_cast<int>(key >> 32);
  // The identifier of an echo socket is drawn from a counter of the whole host's, and how long it is shows.
  if (level == IPPROTO_IP && name == 52 && is_ping(kind)) return true;
  // IPV6_RTHDRDSTOPTS, whose bytes Linux then counts and does not send; IPV6_HOPOPTS and IPV6_DSTOPTS, about which the receiver
  // may complain while connect() still owns the socket: docs/linux_notes/tcp.md.
  if (level == IPPROTO_IPV6 && (name == 54 || name == 55 || name == 59) && plan_.is_wide && is_tcp(kind)) return true;
  // A raw socket that is connected to an address of IPv4 by a way of IPv6: README.md.
  if (level == IPPROTO_IPV6 && name == 57 /* IPV6_RTHDR */ && (kind == Kind::Raw6 || kind == Kind::RawIcmp6)) return true;
  if (is_of_a_module(level, name)) return true;
  return std::ranges::count(plan_.missing, key) != 0 || std::ranges::count(kOwnOfARun, key) != 0;
}

Bytes Generator::option_value(OptionKey key) {
  const auto name = static_cast<int>(key);
  const auto level = static_cast<int>(key >> 32);
  int value = choose_.of({0, 1, 1, 1, 2, 3, 64, 255, 256, 1000, 4096, 65535, 65536, -1, INT32_MAX, INT32_MIN});
  // Without O_NONBLOCK these would be slept for.
  if (level == SOL_SOCKET && (name == 20 || name == 21 || name == 66 || name == 67)) value = choose_.of({0, 0, -1});
  // A reader that wants more than there is would be the guard's business each time; and these decide when, not what.
  if (level == SOL_SOCKET && name == SO_RCVLOWAT) value = choose_.of({0, 1, 2, 5});
  if (plan_.is_unix_alone && level == SOL_SOCKET && name == SO_PEEK_OFF) value = choose_.of({-1, 0, 0, 1, 2, 7, 100});
  Bytes bytes(32, 0);
  memcpy(bytes.data(), &value, sizeof value);
  if (choose_.one_in(8)) {
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(choose_.of({0, 1, 127, 224, 255}));
    if (level == SOL_SOCKET) memset(bytes.data(), 0, 16);
  }
  return bytes;
}

void Generator::set_option(int slot) {
  const OptionKey key = any_option(slot);
  const int length = choose_.one_in(5) ? choose_.of({0, 1, 2, 3, 5, 8, 12, 16, 20, 28, 32, 1000, -1}) : 4;
  add({SYS_setsockopt,
       "setsockopt",
       {slot_argument(slot), number(static_cast<int>(key >> 32)), number(static_cast<int>(key)),
        pointer_or_bad({ArgumentKind::In, 0, option_value(key)}), number(length)}});
}

void Generator::get_option(int slot) {
  OptionKey key = any_option(slot);
  while (std::ranges::count(kOwnWhenRead, key) != 0) key = any_option(slot);
  const int length = choose_.one_in(4) ? choose_.of({0, 1, 2, 3, 5, 8, 12, 16, 20, 28, 64, 200, -1}) : 4;
  add({SYS_getsockopt,
       "getsockopt",
       {slot_argument(slot), number(static_cast<int>(key >> 32)), number(static_cast<int>(key)),
        pointer_or_bad({ArgumentKind::Out, 256}), length_argument(length)}});
}

}  // namespace walk
