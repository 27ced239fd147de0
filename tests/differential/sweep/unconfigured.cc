// A namespace in which nothing was ever set up: `lo` is down and has no address.
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "tests/differential/sweep/sweep.hh"

namespace sweep {
namespace {

struct Sort {
  const char* name;
  int family, type, protocol;
};
constexpr Sort kSorts[] = {
    {"tcp4", AF_INET, SOCK_STREAM, 0}, {"udp4", AF_INET, SOCK_DGRAM, 0},    {"raw4", AF_INET, SOCK_RAW, 253},
    {"ping4", AF_INET, SOCK_DGRAM, 1}, {"tcp6", AF_INET6, SOCK_STREAM, 0},  {"udp6", AF_INET6, SOCK_DGRAM, 0},
    {"raw6", AF_INET6, SOCK_RAW, 253}, {"ping6", AF_INET6, SOCK_DGRAM, 58},
};

// Loopback, any, a foreign one, multicast and broadcast.
std::vector<Name> names(int family) {
  std::vector<Name> list;
  if (family == AF_INET) {
    for (const uint32_t address : {0x7f000001u, 0u, 0x0a010203u, 0xe0000001u, 0xffffffffu, 0x7f010203u}) {
      Name name = loopback(AF_INET, 4321);
      reinterpret_cast<sockaddr_in*>(&name.bytes)->sin_addr.s_addr = htonl(address);
      list.push_back(name);
    }
    return list;
  }
  constexpr uint8_t kAddresses[][16] = {
      {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},         {},
      {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
      {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},   {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}};
  for (const auto& address : kAddresses) {
    Name name = loopback(AF_INET6, 4321);
    memcpy(&reinterpret_cast<sockaddr_in6*>(&name.bytes)->sin6_addr, address, sizeof address);
    list.push_back(name);
  }
  return list;
}

Fd make(const Sort& sort) { return Fd(socket(sort.family, sort.type | SOCK_NONBLOCK, sort.protocol)); }

std::string own(int fd) {
  Name name;
  name.length = sizeof name.bytes;
  if (getsockname(fd, name.get(), &name.length) != 0) return answer(-1);
  const bool is_v4 = name.bytes.ss_family == AF_INET;
  const void* address = is_v4 ? static_cast<void*>(&reinterpret_cast<sockaddr_in*>(&name.bytes)->sin_addr)
                              : static_cast<void*>(&reinterpret_cast<sockaddr_in6*>(&name.bytes)->sin6_addr);
  return hex(address, is_v4 ? 4 : 16);
}

std::string answers(const Sort& sort) {
  std::string text;
  int at = 0;
  for (Name& name : names(sort.family)) {
    const std::string number = std::to_string(at++);
    {
      const Fd fd = make(sort);
      text += " bind" + number + ":" + answer(bind(fd, name.get(), name.length)) + "," + own(fd);
    }
    {
      const Fd fd = make(sort);
      text += " connect" + number + ":" + answer(connect(fd, name.get(), name.length)) + "," + own(fd);
      text += "," + answer(send(fd, "\x08\0\0\0\0\0\0\0", 8, MSG_NOSIGNAL));
    }
    const Fd fd = make(sort);
    text += " sendto" + number + ":" + answer(sendto(fd, "\x08\0\0\0\0\0\0\0", 8, MSG_NOSIGNAL, name.get(), name.length));
    text += "," + own(fd);
  }
  const Fd fd = make(sort);
  text += " listen:" + answer(listen(fd, 1)) + "," + own(fd);
  return text;
}

std::string of_loopback() {
  const Fd fd(socket(AF_INET, SOCK_DGRAM, 0));
  std::string text;
  for (const unsigned long request : {0x8913ul, 0x8915ul, 0x8919ul, 0x891bul, 0x8921ul, 0x8933ul, 0x8942ul}) {
    ifreq asked{};
    memcpy(asked.ifr_name, "lo", 3);
    const std::string result = answer(ioctl(fd, request, &asked));
    text += " " + std::to_string(request) + ":" + result + (result == "0" ? "," + hex(&asked.ifr_ifru, 16) : "");
  }
  ifconf list{};
  text += " list:" + answer(ioctl(fd, SIOCGIFCONF, &list)) + "," + std::to_string(list.ifc_len);
  return text;
}

}  // namespace

void sweep_unconfigured(Log& log, bool is_unprivileged) {
  if (unshare(CLONE_NEWNET) != 0) abort();
  const Fd groups(open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY));
  if (write(groups, "0 2147483647", 12) != 12) perror("ping_group_range");
  for (const Sort& sort : kSorts) {
    if (log.wants()) log.put(std::string(sort.name) + ", in a bare namespace", answers(sort));
  }
  const Unprivileged unprivileged(is_unprivileged);
  log.put("lo, in a bare namespace", of_loopback());
}

}  // namespace sweep
