// Every option number of every level on sockets of every kind: read into rooms of every size, set with values of every length,
// and read back after each that was taken.
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "tests/differential/sweep/sweep.hh"

namespace sweep {
namespace {

struct Level {
  int number, last;
};
constexpr Level kLevels[] = {
    {SOL_SOCKET, 130},
    {IPPROTO_IP, 130},
    {IPPROTO_IPV6, 130},
    {IPPROTO_TCP, 130},
    {IPPROTO_UDP, 130},
    {136 /* UDP-Lite */, 130},
    {IPPROTO_RAW, 20},
    {IPPROTO_ICMPV6, 20},
    {SOL_NETLINK, 30},
    {SOL_PACKET, 40},
    {999, 3},
    {-1, 3},
};

// What depends on the machine or the run rather than on the option.
enum class Where : uint8_t { Everywhere, InAState };  // InAState: on a fresh socket it is the option's own
struct LeftOut {
  int level, first, last;
  const char* because;
  Where where = Where::Everywhere;
};
constexpr LeftOut kLeftOut[] = {
    {SOL_SOCKET, 28, 28 /* SO_PEERNAME */, "a port that was drawn", Where::InAState},
    {SOL_SOCKET, 31, 31 /* SO_PEERSEC */, "a security module's"},
    {SOL_SOCKET, 49, 49 /* SO_INCOMING_CPU */, "the processor that runs"},
    {SOL_SOCKET, 56, 56 /* SO_INCOMING_NAPI_ID */, "the device's"},
    {SOL_SOCKET, 57, 57 /* SO_COOKIE */, "counts all sockets of the machine"},
    {SOL_SOCKET, 71, 71 /* SO_NETNS_COOKIE */, "counts all namespaces of the machine"},
    {SOL_SOCKET, 77, 77 /* SO_PEERPIDFD */, "a descriptor"},
    {IPPROTO_IP, 52, 52 /* IP_PROTOCOL */, "a bound socket's port", Where::InAState},
    {IPPROTO_IP, 80, 80, "conntrack, of which lxnet is a Linux without"},
    {IPPROTO_IP, 83, 83, "ipset, likewise"},
    {IPPROTO_IP, 96, 99, "arptables, likewise"},
    {IPPROTO_IPV6, 80, 80, "conntrack, likewise"},
    {IPPROTO_TCP, 11, 11 /* TCP_INFO */, "times", Where::InAState},
    {IPPROTO_TCP, 24, 24 /* TCP_TIMESTAMP */, "the clock"},
};

std::set<std::pair<int, int>>& missing() {
  static std::set<std::pair<int, int>> pairs;
  return pairs;
}

bool is_left_out(const Kind& kind, int level, int name) {
  if (missing().contains({level, name})) return true;
  return std::any_of(std::begin(kLeftOut), std::end(kLeftOut), [&](const LeftOut& row) {
    return row.level == level && row.first <= name && name <= row.last && (row.where == Where::Everywhere || !kind.is_fresh);
  });
}

constexpr size_t kRoom = 64;

std::string get(int fd, int level, int name, int room) {
  uint8_t bytes[kRoom];
  memset(bytes, 0xaa, sizeof bytes);
  int length = room;
  std::string text = answer(syscall(SYS_getsockopt, fd, level, name, bytes, &length));
  if (length != room || text == "0") text += "/" + std::to_string(length);
  // After what was set come ages.
  if (level == IPPROTO_TCP && name == TCP_INFO) length = std::min(length, 40);
  if (text[0] == '0') text += "=" + hex(bytes, std::min<size_t>(kRoom, static_cast<size_t>(std::max(length, 0))));
  // A process identifier is the run's.
  if (level == SOL_SOCKET && name == SO_PEERCRED && length > 0) text.replace(text.find('=') + 1, 8, "PID");
  return text;
}
std::string set(int fd, int level, int name, const void* value, int length) {
  return answer(syscall(SYS_setsockopt, fd, level, name, value, length));
}

std::string answers(int fd, int level, int name) {
  std::string text;
  for (const int room : {0, 1, 2, 3, 4, 8, 16, 64, -1}) text += " g" + std::to_string(room) + ":" + get(fd, level, name, room);
  int length = 4;
  text += " gn:" + answer(syscall(SYS_getsockopt, fd, level, name, nullptr, &length));
  text += " gnl:" + answer(syscall(SYS_getsockopt, fd, level, name, &length, nullptr));
  text += " sn4:" + set(fd, level, name, nullptr, 4) + " sn0:" + set(fd, level, name, nullptr, 0);
  text += " sb4:" + set(fd, level, name, reinterpret_cast<void*>(8), 4) + " sn-1:" + set(fd, level, name, nullptr, -1);
  uint8_t bytes[kRoom] = {1};
  for (const int size : {0, 1, 3, 4, 8, 16, 64, -1}) {
    const std::string result = set(fd, level, name, bytes, size);
    text += " s" + std::to_string(size) + ":" + result + (result[0] == 'E' ? "" : ">" + get(fd, level, name, kRoom));
  }
  for (const int value : {-1, 0, 1, 2, 255, 256, 65536, INT_MAX, INT_MIN}) {
    memcpy(bytes, &value, sizeof value);
    const std::string result = set(fd, level, name, bytes, 4);
    text += " v" + std::to_string(value) + ":" + result + (result[0] == 'E' ? "" : ">" + get(fd, level, name, kRoom));
  }
  const char one = static_cast<char>(255);
  text += " c255:" + set(fd, level, name, &one, 1) + ">" + get(fd, level, name, 4);
  return text;
}

}  // namespace

void leave_out_options(const char* list) {
  int level, name, size;
  for (; sscanf(list, "%d:%d,%n", &level, &name, &size) == 2; list += size) missing().insert({level, name});
}

void sweep_options(Log& log, bool is_unprivileged) {
  for (const Kind& kind : kinds()) {
    const bool is_state = kind.name.ends_with(" connected") || kind.name.ends_with(" listening") || kind.name.ends_with(" bound");
    if (!kind.is_fresh && !is_state) continue;
    for (const Level& level : kLevels) {
      for (int name = 0; name <= level.last; ++name) {
        if (!log.wants() || is_left_out(kind, level.number, name)) continue;
        const Subject subject = kind.make();
        const Unprivileged unprivileged(is_unprivileged);
        log.put(kind.name + ", level " + std::to_string(level.number) + " option " + std::to_string(name),
                answers(subject.socket, level.number, name));
      }
    }
  }
}

}  // namespace sweep
