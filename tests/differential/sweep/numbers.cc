// Numbers that name something: families, types and protocols of socket(), requests of ioctl(), commands of fcntl(), ways of
// shutdown().
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tests/differential/sweep/sweep.hh"

namespace sweep {
namespace {

// Runs of the same answer as one token: "first-last:answer".
class Runs {
 public:
  void add(long number, const std::string& told) {
    if (count_ > 0 && told == told_) {
      last_ = number;
      return;
    }
    finish();
    first_ = last_ = number;
    told_ = told;
    count_ = 1;
  }
  std::string take() {
    finish();
    return std::move(text_);
  }

 private:
  void finish() {
    if (count_ > 0) text_ += " " + std::to_string(first_) + "-" + std::to_string(last_) + ":" + told_;
    count_ = 0;
  }
  std::string text_, told_;
  long first_ = 0, last_ = 0;
  int count_ = 0;
};

constexpr int kLastFamily = 46, kLastType = 12, kLastProtocol = 263;

// Families, and protocols of netlink, that come with modules which a kernel has or not.
bool is_served(int family) {
  return family == AF_INET || family == AF_INET6 || family == AF_UNIX || family == AF_NETLINK || family == AF_PACKET ||
         family < 0 || family == 0 || family > 45;
}

std::string made(int fd) {
  if (fd < 0) return answer(fd);
  int type = 0, protocol = 0;
  socklen_t length = sizeof type;
  getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length);
  getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length);
  const std::string text = "type" + std::to_string(type) + "," + std::to_string(fcntl(fd, F_GETFL)) + "," +
                           std::to_string(fcntl(fd, F_GETFD)) + (protocol != 0 ? ",protocol" : "");
  close(fd);
  return text;
}
std::string made_pair(int family, int type, int protocol) {
  int ends[2] = {-7, -7};
  if (socketpair(family, type, protocol, ends) == 0) {
    close(ends[1]);
    return made(ends[0]);
  }
  // What stands in `ends` is left out: Linux writes the numbers it would have given, which are nobody's.
  return answer(-1);
}

std::string sockets_of(int family, int type, bool is_pair) {
  Runs runs;
  for (int protocol = -1; protocol <= kLastProtocol; ++protocol) {
    // Which of netlink's there are is the kernel's configuration, and MPTCP and SMC are.
    if ((family == AF_NETLINK && protocol > 0 && protocol < 32) || protocol == 262 || protocol == 256) continue;
    runs.add(protocol, is_pair ? made_pair(family, type, protocol) : made(socket(family, type, protocol)));
  }
  return runs.take();
}

}  // namespace

void sweep_sockets(Log& log, bool is_unprivileged) {
  const Unprivileged unprivileged(is_unprivileged);
  std::vector<int> types;
  for (int type = -1; type <= kLastType; ++type) types.push_back(type);
  for (int bit = 4; bit < 31; ++bit) types.push_back(SOCK_DGRAM | 1 << bit);
  types.push_back(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
  types.push_back(SOCK_RAW | SOCK_CLOEXEC);
  for (int family = -1; family <= kLastFamily; ++family) {
    if (!is_served(family)) continue;
    for (const int type : types) {
      if (!log.wants() || type == 10 /* SOCK_PACKET closes slowly */) continue;
      const std::string subject = "family " + std::to_string(family) + " type " + std::to_string(type);
      log.put(subject, sockets_of(family, type, false));
      log.put(subject + " pair", sockets_of(family, type, true));
    }
  }
}

void sweep_shutdowns(Log& log, bool is_unprivileged) {
  for (const Kind& kind : kinds()) {
    if (!log.wants()) continue;
    std::string text;
    for (const int first : {-1, 0, 1, 2, 3, 4, 255}) {
      for (const int second : {-1, 0, 1, 2, 3}) {
        const Subject subject = kind.make();
        const Unprivileged unprivileged(is_unprivileged);
        text += " " + std::to_string(first) + "," + std::to_string(second) + ":" + answer(shutdown(subject.socket, first));
        text += "," + answer(shutdown(subject.socket, second)) + signals();
        pollfd entries[2] = {{subject.socket, POLLIN | POLLOUT | POLLRDHUP, 0},
                             {subject.others.empty() ? -1 : int{subject.others[0]}, POLLIN | POLLOUT | POLLRDHUP, 0}};
        poll(entries, 2, 0);
        char bytes[8];
        text += ";" + hex(&entries[0].revents, 2) + hex(&entries[1].revents, 2) + ";" +
                answer(recv(subject.socket, bytes, 8, MSG_DONTWAIT)) + ";" +
                answer(send(subject.socket, bytes, 1, MSG_DONTWAIT)) + signals();
        if (kind.name.starts_with("packet")) break;
      }
    }
    log.put(kind.name + ", shutdown", text);
  }
}

namespace {

struct Range {
  unsigned long first, last;
};
constexpr Range kRequests[] = {{0x5400, 0x547f}, {0x8900, 0x89ff}, {0x8b00, 0x8b40}, {0, 4}};
constexpr unsigned long kMoreRequests[] = {0x80108906, 0x80108907, 0x541b, 0x125d, 0x80086601, 0xc0045877, 0xffffffff};

// Those of modules that the machine has and lxnet has not: bridges, multicast routing; and descriptors of namespaces.
bool is_left_out(const Kind& kind, unsigned long request) {
  constexpr unsigned long kBridge[] = {0x8940, 0x8941, 0x89a0, 0x89a1, 0x89a2, 0x89a3}, kNamespace = 0x894c, kOwn = 0x89e0;
  if (std::find(std::begin(kBridge), std::end(kBridge), request) != std::end(kBridge) || request == kNamespace) return true;
  const bool is_raw = kind.name.starts_with("raw") || kind.name.starts_with("icmp");
  return is_raw && (request == kOwn || request == kOwn + 1);
}
// And those that would take the loopback down are asked with no name alone.
bool changes(unsigned long request) {
  static constexpr unsigned long kSetters[] = {
      0x890b, 0x890c, 0x8914, 0x8916, 0x8918, 0x891a, 0x891c, 0x891e, 0x8922, 0x8923, 0x8924, 0x8925, 0x8926, 0x8928,
      0x8929, 0x8930, 0x8931, 0x8932, 0x8934, 0x8936, 0x8937, 0x8939, 0x8940, 0x8943, 0x8946, 0x8948, 0x8953, 0x8955,
      0x8960, 0x8962, 0x8971, 0x8983, 0x8990, 0x8991, 0x8992, 0x8995, 0x89a0, 0x89a1, 0x89b0, 0x8902, 0x8901};
  return std::find(std::begin(kSetters), std::end(kSetters), request) != std::end(kSetters);
}

std::string ask(int fd, unsigned long request, const char* name) {
  alignas(8) uint8_t bytes[256] = {};
  if (name != nullptr) strcpy(reinterpret_cast<char*>(bytes), name);
  uint8_t before[256];
  memcpy(before, bytes, sizeof bytes);
  const std::string text = answer(ioctl(fd, request, bytes));
  size_t last = sizeof bytes;
  while (last > 0 && bytes[last - 1] == before[last - 1]) --last;
  return text + (last > 0 ? "=" + hex(bytes, std::min<size_t>(last, 40)) : "");
}

std::string requests(const Kind& kind, unsigned long request, bool is_unprivileged) {
  const Subject subject = kind.make();
  const Unprivileged unprivileged(is_unprivileged);
  std::string text = "zero:" + ask(subject.socket, request, nullptr);
  text += " null:" + answer(ioctl(subject.socket, request, nullptr));
  text += " bad:" + answer(ioctl(subject.socket, request, 8));
  text += " nobody:" + ask(subject.socket, request, "nobody");
  if (!changes(request)) text += " lo:" + ask(subject.socket, request, "lo");
  if (fcntl(subject.socket, F_GETFL) >= 0) text += " flags:" + std::to_string(fcntl(subject.socket, F_GETFL));
  return text;
}

}  // namespace

void sweep_ioctls(Log& log, bool is_unprivileged) {
  for (const Kind& kind : kinds()) {
    if (kind.name.find(" shut") != std::string::npos) continue;
    std::vector<unsigned long> list(std::begin(kMoreRequests), std::end(kMoreRequests));
    for (const Range& range : kRequests) {
      for (unsigned long request = range.first; request <= range.last; ++request) list.push_back(request);
    }
    for (const unsigned long request : list) {
      if (!log.wants() || is_left_out(kind, request)) continue;
      if (kind.name.starts_with("packet") && !kind.is_fresh) continue;
      char name[32];
      snprintf(name, sizeof name, ", ioctl %lx", request);
      log.put(kind.name + name, requests(kind, request, is_unprivileged));
    }
  }
}

namespace {

std::string command(const Kind& kind, int number, bool is_unprivileged) {
  const Subject subject = kind.make();
  const Unprivileged unprivileged(is_unprivileged);
  std::string text;
  // Owners are processes, and signals go to them.
  const bool names_a_process = number == F_SETOWN || number == F_SETOWN_EX;
  const std::vector<long> values =
      names_a_process ? std::vector<long>{0} : std::vector<long>{0, 1, 2, 3, 64, 2048, 8192, 1L << 20, -1, 8};
  for (const long value : values) {
    const long result = syscall(SYS_fcntl, int{subject.socket}, number, value);
    const bool is_descriptor = result >= 0 && (number == F_DUPFD || number == F_DUPFD_CLOEXEC);
    text += " " + std::to_string(value) + ":" + (is_descriptor ? "fd" : answer(result));
    if (is_descriptor) close(static_cast<int>(result));
    text += "," + std::to_string(fcntl(subject.socket, F_GETFL)) + "," + std::to_string(fcntl(subject.socket, F_GETFD));
  }
  if (number == F_SETFL) return text;  // an address is no flags
  alignas(8) uint8_t bytes[64] = {};
  text += " room:" + answer(syscall(SYS_fcntl, int{subject.socket}, number, bytes)) + "=" + hex(bytes, 32);
  return text;
}

}  // namespace

void sweep_fcntls(Log& log, bool is_unprivileged) {
  for (const Kind& kind : kinds()) {
    if (!kind.is_fresh || kind.name.starts_with("packet d")) continue;
    for (int number = 0; number <= 1040; ++number) {
      if (number == 50) number = 1020;
      if (!log.wants()) continue;
      log.put(kind.name + ", fcntl " + std::to_string(number), command(kind, number, is_unprivileged));
    }
  }
}

}  // namespace sweep
