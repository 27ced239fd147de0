// Control messages: each type of each level with data of every length, headers that lie about theirs, and receives into rooms of
// every size.
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "tests/differential/sweep/sweep.hh"

namespace sweep {
namespace {

constexpr int kUdp = 17, kTcp = 6;

struct Option {
  int level, name;
};
// What asks for control messages; those that a kind does not know fail.
constexpr Option kReports[] = {
    {SOL_SOCKET, 16 /* PASSCRED */},
    {SOL_SOCKET, 29 /* TIMESTAMP */},
    {SOL_SOCKET, 35 /* TIMESTAMPNS */},
    {SOL_SOCKET, 63},
    {SOL_SOCKET, 64},
    {SOL_SOCKET, 40 /* RXQ_OVFL */},
    {SOL_SOCKET, 75 /* RCVMARK */},
    {SOL_SOCKET, 82 /* RCVPRIORITY */},
    {SOL_SOCKET, 84 /* INQ */},
    {IPPROTO_IP, IP_PKTINFO},
    {IPPROTO_IP, IP_RECVTTL},
    {IPPROTO_IP, IP_RECVTOS},
    {IPPROTO_IP, IP_RECVOPTS},
    {IPPROTO_IP, IP_RETOPTS},
    {IPPROTO_IP, 20 /* ORIGDSTADDR */},
    {IPPROTO_IP, 23 /* CHECKSUM */},
    {IPPROTO_IP, 25 /* FRAGSIZE */},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
    {IPPROTO_IPV6, IPV6_RECVTCLASS},
    {IPPROTO_IPV6, IPV6_RECVRTHDR},
    {IPPROTO_IPV6, IPV6_RECVHOPOPTS},
    {IPPROTO_IPV6, IPV6_RECVDSTOPTS},
    {IPPROTO_IPV6, 74 /* ORIGDSTADDR */},
    {IPPROTO_IPV6, 11 /* FLOWINFO */},
    {IPPROTO_IPV6, 2 /* 2292PKTINFO */},
    {IPPROTO_IPV6, 3},
    {IPPROTO_IPV6, 4},
    {IPPROTO_IPV6, 5},
    {IPPROTO_IPV6, 8 /* 2292HOPLIMIT */},
    {IPPROTO_IPV6, 77 /* FRAGSIZE */},
    {kUdp, 104 /* GRO */},
    {kTcp, 36 /* INQ */},
    {SOL_NETLINK, 3 /* PKTINFO */},
    {SOL_PACKET, 8 /* AUXDATA */},
    {SOL_PACKET, 9 /* ORIGDEV */},
};

// What is left out: IPV6_FLOWINFO of a stream makes Linux keep a segment, for which it acknowledges later; the sum of an ICMP
// message that told of an error.
bool is_compared(const Subject& subject, const Option& option, bool is_error) {
  if (subject.type == SOCK_STREAM && option.level == IPPROTO_IPV6 && option.name == 11) return false;
  return !is_error || option.level != IPPROTO_IP || option.name != 23;
}

bool ask_for(int fd, const Option& option) {
  const int on = 1;
  return setsockopt(fd, option.level, option.name, &on, sizeof on) == 0;
}

bool is_connected(const Kind& kind) {
  return kind.name.ends_with(" connected") || kind.name == "netlink bound" || kind.name.ends_with("packet bound");
}

// Stamps are the clock's, processes and descriptors the run's, ports the kernel's choice.
std::string shown(const cmsghdr& cmsg, const uint8_t* bytes, size_t size) {
  if (cmsg.cmsg_level == SOL_SOCKET) {
    switch (cmsg.cmsg_type) {
      case SCM_RIGHTS:
        for (size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
          int fd;
          memcpy(&fd, bytes + at, sizeof fd);
          close(fd);
        }
        return "fds" + std::to_string(size / sizeof(int));
      case SCM_CREDENTIALS:
        return size >= 4 ? "pid" + hex(bytes + 4, size - 4) : "";
      case 29:
      case 35:
      case 37:
      case 63:
      case 64:
      case 65:
        return "time" + std::to_string(size);
      default:
        break;
    }
  }
  const bool has_port =
      (cmsg.cmsg_level == IPPROTO_IP && cmsg.cmsg_type == 20) || (cmsg.cmsg_level == IPPROTO_IPV6 && cmsg.cmsg_type == 74);
  if (has_port) return hex(bytes, std::min<size_t>(size, 2)) + "port" + (size > 4 ? hex(bytes + 4, size - 4) : "");
  // Labels are drawn, and the checksum has the ports in it.
  const bool is_drawn =
      (cmsg.cmsg_level == IPPROTO_IPV6 && cmsg.cmsg_type == 11) || (cmsg.cmsg_level == IPPROTO_IP && cmsg.cmsg_type == 23);
  if (is_drawn) return "drawn" + std::to_string(size);
  return hex(bytes, size);
}

// Receives once; `room` is of control bytes.
std::string receive(int fd, size_t room, int flags) {
  char bytes[64];
  alignas(cmsghdr) uint8_t control[1024];
  memset(control, 0xee, sizeof control);
  iovec piece{bytes, sizeof bytes};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = room;
  const long size = recvmsg(fd, &message, flags | MSG_DONTWAIT);
  std::string text = answer(size);
  if (size < 0) return text;
  text += "/" + std::to_string(message.msg_controllen) + "/" + hex(&message.msg_flags, 2);
  size_t at = 0;
  while (at + sizeof(cmsghdr) <= message.msg_controllen) {
    cmsghdr cmsg;
    memcpy(&cmsg, control + at, sizeof cmsg);
    if (cmsg.cmsg_len < sizeof cmsg) break;
    const size_t there = std::min<size_t>(cmsg.cmsg_len, message.msg_controllen - at) - sizeof cmsg;
    text += "+" + std::to_string(cmsg.cmsg_level) + "." + std::to_string(cmsg.cmsg_type) + "." + std::to_string(cmsg.cmsg_len) +
            "=" + shown(cmsg, control + at + sizeof cmsg, there);
    at += CMSG_ALIGN(cmsg.cmsg_len);
  }
  return text;
}

std::string drain(const Subject& subject) {
  if (subject.others.empty()) return "";
  std::string text;
  for (int i = 0; i < 8; ++i) {
    const std::string one = receive(subject.others[0], 512, 0);
    if (one[0] == 'E') break;
    text += ">" + one;
    if (subject.type == SOCK_STREAM && one[0] == '0') break;
  }
  return text;
}

std::string send_with(const Subject& subject, const void* control, size_t size) {
  iovec piece{const_cast<char*>("abcdefgh"), 8};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = const_cast<void*>(control);
  message.msg_controllen = size;
  const std::string text = answer(sendmsg(subject.socket, &message, MSG_NOSIGNAL));
  return text + drain(subject);
}

struct Pattern {
  const char* name;
  uint8_t bytes[24];
};
constexpr Pattern kPatterns[] = {
    {"0", {}},
    {"1", {1}},
    {"64", {64}},
    {"255", {255}},
    {"256", {0, 1}},
    {"-1", {255, 255, 255, 255, 255, 255, 255, 255}},
    {"info", {1, 0, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1}},
    {"info6", {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1}},
    {"header", {0, 0, 1, 4}},
    {"options", {1, 1, 1, 1, 7, 7, 4, 0}},
};

std::string sent(const Kind& kind, int level, int type, bool is_unprivileged) {
  std::string text;
  Subject subject = kind.make();
  for (const Option& option : kReports) {
    const bool is_stamp =
        option.level == SOL_SOCKET && (option.name == 29 || option.name == 35 || option.name == 63 || option.name == 64);
    if (!subject.others.empty() && !is_stamp && option.name != 84 && is_compared(subject, option, false))
      ask_for(subject.others[0], option);
  }
  const Unprivileged unprivileged(is_unprivileged);
  for (const size_t length : {0u, 1u, 2u, 3u, 4u, 5u, 8u, 12u, 16u, 20u, 24u}) {
    for (const Pattern& pattern : kPatterns) {
      // A process of that number may be there.
      if (level == SOL_SOCKET && type == SCM_CREDENTIALS && pattern.bytes[0] != 0 && pattern.bytes[0] != 255) continue;
      alignas(cmsghdr) uint8_t control[64] = {};
      const cmsghdr header{sizeof(cmsghdr) + length, level, type};
      memcpy(control, &header, sizeof header);
      memcpy(control + sizeof header, pattern.bytes, std::min(length, sizeof pattern.bytes));
      text += " " + std::to_string(length) + "," + pattern.name + ":" + send_with(subject, control, CMSG_SPACE(length));
    }
  }
  return text;
}

// Headers whose length is not the data's, several in one message, and controls that are not there.
std::string malformed(const Kind& kind, int level, int type) {
  std::string text;
  Subject subject = kind.make();
  alignas(cmsghdr) uint8_t control[256] = {};
  const auto put = [&](size_t at, size_t length, int value) {
    const cmsghdr header{length, level, type};
    memcpy(control + at, &header, sizeof header);
    memcpy(control + at + sizeof header, &value, sizeof value);
  };
  for (const size_t length : {size_t{0}, size_t{1}, size_t{15}, size_t{16}, size_t{17}, size_t{19}, size_t{20}, size_t{24},
                              size_t{25}, size_t{4096}, size_t{1} << 31, ~size_t{0}}) {
    for (const size_t size : {size_t{1}, size_t{15}, size_t{16}, size_t{20}, size_t{23}, size_t{24}, size_t{40}}) {
      memset(control, 0, sizeof control);
      put(0, length, 1);
      text += " " + std::to_string(length) + "/" + std::to_string(size) + ":" + send_with(subject, control, size);
    }
  }
  for (const size_t second : {size_t{0}, size_t{15}, size_t{20}, size_t{24}, size_t{64}}) {
    memset(control, 0, sizeof control);
    put(0, 20, 1);
    put(24, second, 2);
    text += " two" + std::to_string(second) + ":" + send_with(subject, control, 48);
  }
  text += " null:" + send_with(subject, nullptr, 24) + " nothing:" + send_with(subject, nullptr, 0);
  text += " bad:" + send_with(subject, reinterpret_cast<void*>(8), 24);
  for (const size_t size : {size_t{1} << 16, size_t{1} << 20, size_t{1} << 31, size_t{1} << 40, ~size_t{0}}) {
    text += " long" + std::to_string(size) + ":" + send_with(subject, reinterpret_cast<void*>(8), size);
  }
  return text;
}

std::string received(const Kind& kind, const std::vector<Option>& options, bool is_error) {
  std::string text;
  Subject subject = kind.make();
  const Fd& receiver = is_error ? subject.socket : subject.others[0];
  bool is_known = false;
  for (const Option& option : options) {
    is_known = (is_compared(subject, option, is_error) && ask_for(receiver, option)) || is_known;
  }
  if (!is_known) return " unknown";
  // Linux begins to stamp what arrives a little after it was asked to.
  if (subject.type == SOCK_STREAM) usleep(20'000);
  const size_t most = options.size() == 1 ? 80 : 400;
  for (size_t room = 0; room <= most; room += room < 64 ? 1 : 4) {
    char bytes[16];
    send(subject.socket, "abcdefgh", 8, MSG_NOSIGNAL);
    if (is_error) {
      pollfd entry{receiver, POLLERR, 0};
      poll(&entry, 1, 1000);
    }
    text += " " + std::to_string(room) + ":" + receive(receiver, room, is_error ? MSG_ERRQUEUE : 0);
    while (recv(receiver, bytes, sizeof bytes, MSG_DONTWAIT | (is_error ? MSG_ERRQUEUE : 0)) > 0) continue;
  }
  return text;
}

}  // namespace

void sweep_controls(Log& log, bool is_unprivileged) {
  struct Level {
    int number, last;
  };
  constexpr Level kLevels[] = {{SOL_SOCKET, 90}, {IPPROTO_IP, 60}, {IPPROTO_IPV6, 80}, {kTcp, 40},       {kUdp, 106}, {136, 12},
                               {255, 3},         {58, 3},          {SOL_NETLINK, 12},  {SOL_PACKET, 25}, {279, 8},    {-1, 2}};
  for (const Kind& kind : kinds()) {
    if (!is_connected(kind)) continue;
    for (const Level& level : kLevels) {
      for (int type = 0; type <= level.last; ++type) {
        if (!log.wants()) continue;
        log.put(kind.name + ", sends " + std::to_string(level.number) + "." + std::to_string(type),
                sent(kind, level.number, type, is_unprivileged));
      }
    }
    for (const Option& option : {Option{SOL_SOCKET, 36}, Option{IPPROTO_IP, IP_TTL}, Option{IPPROTO_IPV6, IPV6_HOPLIMIT},
                                 Option{kUdp, 103}, Option{SOL_SOCKET, 999}, Option{999, 1}, Option{SOL_SOCKET, 1}}) {
      if (!log.wants()) continue;
      log.put(kind.name + ", malformed " + std::to_string(option.level) + "." + std::to_string(option.name),
              malformed(kind, option.level, option.name));
    }
  }
}

void sweep_reports(Log& log, bool) {
  for (const Kind& kind : kinds()) {
    const bool is_error = kind.name.ends_with("refused and recorded");
    if (!is_error && (!is_connected(kind) || kind.make().others.empty())) continue;
    for (const Option& option : kReports) {
      if (!log.wants()) continue;
      log.put(kind.name + ", receives " + std::to_string(option.level) + "." + std::to_string(option.name),
              received(kind, {option}, is_error));
    }
    if (!log.wants()) continue;
    log.put(kind.name + ", receives all", received(kind, {std::begin(kReports), std::end(kReports)}, is_error));
  }
}

}  // namespace sweep
