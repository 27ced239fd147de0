// Every pointer of every call, at every distance from a page that is not there: the answer, what was written, and what a call
// that failed has taken.
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "tests/differential/sweep/sweep.hh"

namespace sweep {
namespace {

long bare(long number, long a, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  return syscall(number, a, b, c, d, e, f);
}
template <typename T>
long at(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

// A pointer under test. `there` bytes of what it points to exist; they are filled from `content`.
struct Place {
  void* pointer = nullptr;
  size_t there = 0;
};

const Edge& edge() {
  static const Edge the_edge;
  return the_edge;
}

struct Case {
  const char* name;
  size_t size;  // of what the call wants to find there
  std::function<std::string(Subject&, Place&, std::vector<uint8_t>&)> make;
};

// Fills what is there with what the call reads.
void fill(const Place& place, const void* bytes, size_t size) {
  if (place.there > 0) memcpy(place.pointer, bytes, std::min(size, place.there));
}
std::string written(const Place& place) {
  if (place.there == 0) return "";
  return "=" + hex(place.pointer, std::min<size_t>(place.there, 32));
}

std::string left(const Subject& subject) {
  if (subject.socket < 0) return "";
  int unread = -1;
  std::string text = ";" + (ioctl(subject.socket, FIONREAD, &unread) == 0 ? std::to_string(unread) : answer(-1));
  char bytes[32];
  for (int i = 0; i < 3; ++i) {
    const long size = recv(subject.socket, bytes, sizeof bytes, MSG_DONTWAIT);
    text += "," + answer(size);
    if (size <= 0) break;
  }
  if (!subject.others.empty() && subject.others[0] >= 0)
    text += ";peer" + answer(recv(subject.others[0], bytes, sizeof bytes, MSG_DONTWAIT));
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(subject.socket, SOL_SOCKET, SO_ERROR, &error, &length);
  return text + (error != 0 ? ";error" + std::to_string(error) : "");
}

using Bytes = std::vector<uint8_t>;

msghdr message_of(iovec* pieces, size_t count) {
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = count;
  return message;
}

std::string by_name(Subject& subject, Place& place, long call) {
  Name name = subject.others.empty() ? loopback(subject.family, 0) : own_name(subject.others.back());
  fill(place, &name.bytes, name.length);
  return answer(bare(call, subject.socket, at(place.pointer), name.length));
}
std::string takes_name(Subject& subject, Place& place, long call) {
  int length = 16;
  return answer(bare(call, subject.socket, at(place.pointer), at(&length))) + "/" + std::to_string(length);
}
std::string takes_length(Subject& subject, Place& place, long call) {
  const int length = 16;
  fill(place, &length, sizeof length);
  uint8_t bytes[32] = {};
  const long result = bare(call, subject.socket, at(bytes), at(place.pointer));
  return answer(result) + written(place) + (bytes[0] != 0 ? ",name" : "");
}

constexpr long kTwelve = 12;

const std::vector<Case>& cases() {
  static const std::vector<Case> list{
      {"bind", 16, [](Subject& s, Place& p, Bytes&) { return by_name(s, p, SYS_bind); }},
      {"connect", 16, [](Subject& s, Place& p, Bytes&) { return by_name(s, p, SYS_connect); }},
      {"getsockname", 16, [](Subject& s, Place& p, Bytes&) { return takes_name(s, p, SYS_getsockname); }},
      {"getpeername", 16, [](Subject& s, Place& p, Bytes&) { return takes_name(s, p, SYS_getpeername); }},
      {"getsockname length", 4, [](Subject& s, Place& p, Bytes&) { return takes_length(s, p, SYS_getsockname); }},
      {"getpeername length", 4, [](Subject& s, Place& p, Bytes&) { return takes_length(s, p, SYS_getpeername); }},
      {"accept", 16,
       [](Subject& s, Place& p, Bytes&) {
         int length = 16;
         const long fd = bare(SYS_accept, s.socket, at(p.pointer), at(&length));
         if (fd >= 0) close(static_cast<int>(fd));
         return (fd >= 0 ? "fd" : answer(fd)) + "/" + std::to_string(length);
       }},
      {"accept length", 4,
       [](Subject& s, Place& p, Bytes&) {
         const int length = 16;
         fill(p, &length, sizeof length);
         uint8_t bytes[32];
         const long fd = bare(SYS_accept, s.socket, at(bytes), at(p.pointer));
         if (fd >= 0) close(static_cast<int>(fd));
         return (fd >= 0 ? "fd" : answer(fd)) + written(p);
       }},
      {"send", kTwelve,
       [](Subject& s, Place& p, Bytes&) {
         fill(p, "abcdefghijkl", kTwelve);
         return answer(bare(SYS_sendto, s.socket, at(p.pointer), kTwelve, MSG_NOSIGNAL));
       }},
      {"send much", 9000,
       [](Subject& s, Place& p, Bytes&) { return answer(bare(SYS_sendto, s.socket, at(p.pointer), 9000, MSG_NOSIGNAL)); }},
      {"write", kTwelve,
       [](Subject& s, Place& p, Bytes&) {
         fill(p, "abcdefghijkl", kTwelve);
         return answer(bare(SYS_write, s.socket, at(p.pointer), kTwelve));
       }},
      {"sendto name", 16,
       [](Subject& s, Place& p, Bytes&) {
         Name name = s.others.empty() ? loopback(s.family, 0) : own_name(s.others[0]);
         fill(p, &name.bytes, name.length);
         return answer(bare(SYS_sendto, s.socket, at("abc"), 3, MSG_NOSIGNAL, at(p.pointer), name.length));
       }},
      {"recv", 5,
       [](Subject& s, Place& p, Bytes&) { return answer(bare(SYS_recvfrom, s.socket, at(p.pointer), 5, 0)) + written(p); }},
      {"recv more", kTwelve,
       [](Subject& s, Place& p, Bytes&) { return answer(bare(SYS_recvfrom, s.socket, at(p.pointer), kTwelve, 0)) + written(p); }},
      {"recv peeking", 5,
       [](Subject& s, Place& p, Bytes&) {
         return answer(bare(SYS_recvfrom, s.socket, at(p.pointer), 5, MSG_PEEK)) + written(p);
       }},
      {"read", 5, [](Subject& s, Place& p, Bytes&) { return answer(bare(SYS_read, s.socket, at(p.pointer), 5)) + written(p); }},
      {"recvfrom name", 16,
       [](Subject& s, Place& p, Bytes&) {
         char bytes[5];
         int length = 16;
         return answer(bare(SYS_recvfrom, s.socket, at(bytes), 5, 0, at(p.pointer), at(&length))) + "/" + std::to_string(length);
       }},
      {"recvfrom length", 4,
       [](Subject& s, Place& p, Bytes&) {
         char bytes[5], name[32];
         const int length = 16;
         fill(p, &length, sizeof length);
         return answer(bare(SYS_recvfrom, s.socket, at(bytes), 5, 0, at(name), at(p.pointer))) + written(p);
       }},
      {"sendmsg", 56,
       [](Subject& s, Place& p, Bytes&) {
         iovec piece{const_cast<char*>("abc"), 3};
         const msghdr message = message_of(&piece, 1);
         fill(p, &message, sizeof message);
         return answer(bare(SYS_sendmsg, s.socket, at(p.pointer), MSG_NOSIGNAL));
       }},
      {"sendmsg vector", 32,
       [](Subject& s, Place& p, Bytes&) {
         const iovec pieces[2] = {{const_cast<char*>("abc"), 3}, {const_cast<char*>("de"), 2}};
         fill(p, pieces, sizeof pieces);
         const msghdr message = message_of(static_cast<iovec*>(p.pointer), 2);
         return answer(bare(SYS_sendmsg, s.socket, at(&message), MSG_NOSIGNAL));
       }},
      {"sendmsg second piece", kTwelve,
       [](Subject& s, Place& p, Bytes&) {
         iovec pieces[3] = {{const_cast<char*>("abc"), 3}, {p.pointer, kTwelve}, {const_cast<char*>("xyz"), 3}};
         const msghdr message = message_of(pieces, 3);
         return answer(bare(SYS_sendmsg, s.socket, at(&message), MSG_NOSIGNAL));
       }},
      {"sendmsg name", 16,
       [](Subject& s, Place& p, Bytes&) {
         iovec piece{const_cast<char*>("abc"), 3};
         msghdr message = message_of(&piece, 1);
         message.msg_name = p.pointer;
         message.msg_namelen = 16;
         if (p.there >= 16) memset(p.pointer, 0, 16);
         return answer(bare(SYS_sendmsg, s.socket, at(&message), MSG_NOSIGNAL));
       }},
      {"sendmsg control", 24,
       [](Subject& s, Place& p, Bytes&) {
         iovec piece{const_cast<char*>("abc"), 3};
         msghdr message = message_of(&piece, 1);
         alignas(cmsghdr) uint8_t control[24] = {};
         const cmsghdr header{20, SOL_SOCKET, 36};
         memcpy(control, &header, sizeof header);
         fill(p, control, sizeof control);
         message.msg_control = p.pointer;
         message.msg_controllen = sizeof control;
         return answer(bare(SYS_sendmsg, s.socket, at(&message), MSG_NOSIGNAL));
       }},
      {"recvmsg", 56,
       [](Subject& s, Place& p, Bytes& room) {
         iovec piece{room.data(), 5};
         const msghdr message = message_of(&piece, 1);
         fill(p, &message, sizeof message);
         return answer(bare(SYS_recvmsg, s.socket, at(p.pointer), 0));
       }},
      {"recvmsg vector", 32,
       [](Subject& s, Place& p, Bytes& room) {
         const iovec pieces[2] = {{room.data(), 3}, {room.data() + 8, 2}};
         fill(p, pieces, sizeof pieces);
         const msghdr message = message_of(static_cast<iovec*>(p.pointer), 2);
         return answer(bare(SYS_recvmsg, s.socket, at(&message), 0));
       }},
      {"recvmsg second piece", 4,
       [](Subject& s, Place& p, Bytes& room) {
         iovec pieces[3] = {{room.data(), 2}, {p.pointer, 2}, {room.data() + 8, 7}};
         const msghdr message = message_of(pieces, 3);
         return answer(bare(SYS_recvmsg, s.socket, at(&message), 0)) + written(p);
       }},
      {"recvmsg name", 16,
       [](Subject& s, Place& p, Bytes& room) {
         iovec piece{room.data(), 5};
         msghdr message = message_of(&piece, 1);
         message.msg_name = p.pointer;
         message.msg_namelen = 16;
         return answer(bare(SYS_recvmsg, s.socket, at(&message), 0)) + "/" + std::to_string(message.msg_namelen);
       }},
      {"recvmsg control", 24,
       [](Subject& s, Place& p, Bytes& room) {
         const int on = 1;
         setsockopt(s.socket, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
         setsockopt(s.socket, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on);
         setsockopt(s.socket, SOL_SOCKET, 84, &on, sizeof on);
         iovec piece{room.data(), 5};
         msghdr message = message_of(&piece, 1);
         message.msg_control = p.pointer;
         message.msg_controllen = 24;
         const std::string text = answer(bare(SYS_recvmsg, s.socket, at(&message), 0));
         return text + "/" + std::to_string(message.msg_controllen) + "/" + std::to_string(message.msg_flags) + written(p);
       }},
      {"sendmmsg", 128,
       [](Subject& s, Place& p, Bytes&) {
         iovec piece{const_cast<char*>("abc"), 3};
         const mmsghdr messages[2] = {{message_of(&piece, 1), 77}, {message_of(&piece, 1), 77}};
         fill(p, messages, sizeof messages);
         return answer(bare(SYS_sendmmsg, s.socket, at(p.pointer), 2, MSG_NOSIGNAL));
       }},
      {"recvmmsg", 128,
       [](Subject& s, Place& p, Bytes& room) {
         iovec piece{room.data(), 5};
         const mmsghdr messages[2] = {{message_of(&piece, 1), 77}, {message_of(&piece, 1), 77}};
         fill(p, messages, sizeof messages);
         return answer(bare(SYS_recvmmsg, s.socket, at(p.pointer), 2, MSG_DONTWAIT, 0));
       }},
      {"recvmmsg second", kTwelve,
       [](Subject& s, Place& p, Bytes& room) {
         iovec pieces[2] = {{room.data(), 5}, {p.pointer, kTwelve}};
         mmsghdr messages[2] = {{message_of(&pieces[0], 1), 77}, {message_of(&pieces[1], 1), 77}};
         const std::string text = answer(bare(SYS_recvmmsg, s.socket, at(messages), 2, MSG_DONTWAIT, 0));
         return text + "/" + std::to_string(messages[0].msg_len) + "/" + std::to_string(messages[1].msg_len);
       }},
      {"recvmmsg timeout", 16,
       [](Subject& s, Place& p, Bytes& room) {
         iovec piece{room.data(), 5};
         mmsghdr messages[1] = {{message_of(&piece, 1), 77}};
         const timespec limit{5, 0};
         fill(p, &limit, sizeof limit);
         return answer(bare(SYS_recvmmsg, s.socket, at(messages), 1, MSG_DONTWAIT, at(p.pointer)));
       }},
      {"readv", 32,
       [](Subject& s, Place& p, Bytes& room) {
         const iovec pieces[2] = {{room.data(), 3}, {room.data() + 8, 2}};
         fill(p, pieces, sizeof pieces);
         return answer(bare(SYS_readv, s.socket, at(p.pointer), 2));
       }},
      {"writev", 32,
       [](Subject& s, Place& p, Bytes&) {
         const iovec pieces[2] = {{const_cast<char*>("abc"), 3}, {const_cast<char*>("de"), 2}};
         fill(p, pieces, sizeof pieces);
         return answer(bare(SYS_writev, s.socket, at(p.pointer), 2));
       }},
      {"getsockopt", 8,
       [](Subject& s, Place& p, Bytes&) {
         int length = 8;
         const std::string text = answer(bare(SYS_getsockopt, s.socket, SOL_SOCKET, SO_LINGER, at(p.pointer), at(&length)));
         return text + "/" + std::to_string(length) + written(p);
       }},
      {"getsockopt length", 4,
       [](Subject& s, Place& p, Bytes& room) {
         const int length = 8;
         fill(p, &length, sizeof length);
         return answer(bare(SYS_getsockopt, s.socket, SOL_SOCKET, SO_LINGER, at(room.data()), at(p.pointer))) + written(p);
       }},
      {"setsockopt", 8,
       [](Subject& s, Place& p, Bytes&) {
         fill(p, "\1\0\0\0\1\0\0\0", 8);
         return answer(bare(SYS_setsockopt, s.socket, SOL_SOCKET, SO_LINGER, at(p.pointer), 8));
       }},
      {"poll", 16,
       [](Subject& s, Place& p, Bytes&) {
         const pollfd entries[2] = {{s.socket, POLLIN | POLLOUT, 0x77}, {s.socket, POLLPRI, 0x77}};
         fill(p, entries, sizeof entries);
         return answer(bare(SYS_poll, at(p.pointer), 2, 0)) + (p.there >= 16 ? hex(static_cast<uint8_t*>(p.pointer) + 6, 2) : "");
       }},
      {"ppoll timeout", 16,
       [](Subject& s, Place& p, Bytes&) {
         pollfd entry{s.socket, POLLPRI, 0};
         const timespec limit{0, 1000};
         fill(p, &limit, sizeof limit);
         if (p.pointer == nullptr) return std::string("forever");
         return answer(bare(SYS_ppoll, at(&entry), 1, at(p.pointer), 0, 8));
       }},
      {"ppoll mask", 8,
       [](Subject& s, Place& p, Bytes&) {
         pollfd entry{s.socket, POLLPRI, 0};
         const timespec limit{0, 1000};
         fill(p, "\0\0\0\0\0\0\0\0", 8);
         return answer(bare(SYS_ppoll, at(&entry), 1, at(&limit), at(p.pointer), 8));
       }},
      {"select", 128,
       [](Subject& s, Place& p, Bytes&) {
         fd_set set;
         FD_ZERO(&set);
         FD_SET(s.socket, &set);
         fill(p, &set, sizeof set);
         timeval limit{0, 0};
         return answer(bare(SYS_select, s.socket + 1, at(p.pointer), 0, 0, at(&limit)));
       }},
      {"select timeout", 16,
       [](Subject& s, Place& p, Bytes&) {
         fd_set set;
         FD_ZERO(&set);
         FD_SET(s.socket, &set);
         const timeval limit{0, 100};
         fill(p, &limit, sizeof limit);
         if (p.pointer == nullptr) return std::string("forever");
         return answer(bare(SYS_select, s.socket + 1, 0, 0, at(&set), at(p.pointer)));
       }},
      {"epoll_ctl", 12,
       [](Subject& s, Place& p, Bytes&) {
         const Fd set(epoll_create1(0));
         const epoll_event event{EPOLLIN, {}};
         fill(p, &event, sizeof event);
         return answer(bare(SYS_epoll_ctl, set, EPOLL_CTL_ADD, s.socket, at(p.pointer)));
       }},
      {"epoll_wait", 24,
       [](Subject& s, Place& p, Bytes&) {
         const Fd set(epoll_create1(0)), other(dup(s.socket));
         epoll_event event{EPOLLIN | EPOLLOUT | EPOLLET, {}};
         epoll_ctl(set, EPOLL_CTL_ADD, s.socket, &event);
         epoll_ctl(set, EPOLL_CTL_ADD, other, &event);
         std::string text = answer(bare(SYS_epoll_wait, set, at(p.pointer), 2, 0));
         epoll_event events[2];
         return text + "," + answer(epoll_wait(set, events, 2, 0));
       }},
      {"socketpair", 8,
       [](Subject&, Place& p, Bytes&) {
         const long result = bare(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, at(p.pointer));
         if (result == 0) {
           int ends[2];
           memcpy(ends, p.pointer, sizeof ends);
           close(ends[0]);
           close(ends[1]);
         }
         return answer(result);
       }},
      {"FIONREAD", 4,
       [](Subject& s, Place& p, Bytes&) { return answer(bare(SYS_ioctl, s.socket, FIONREAD, at(p.pointer))) + written(p); }},
      {"FIONBIO", 4,
       [](Subject& s, Place& p, Bytes&) {
         fill(p, "\1\0\0\0", 4);
         return answer(bare(SYS_ioctl, s.socket, FIONBIO, at(p.pointer)));
       }},
      {"SIOCGIFINDEX", 40,
       [](Subject& s, Place& p, Bytes&) {
         ifreq request{};
         memcpy(request.ifr_name, "lo", 3);
         fill(p, &request, sizeof request);
         return answer(bare(SYS_ioctl, s.socket, SIOCGIFINDEX, at(p.pointer)));
       }},
      {"SIOCGIFCONF", 80,
       [](Subject& s, Place& p, Bytes&) {
         ifconf list{80, {static_cast<char*>(p.pointer)}};
         return answer(bare(SYS_ioctl, s.socket, SIOCGIFCONF, at(&list))) + "/" + std::to_string(list.ifc_len);
       }},
      {"F_SETOWN_EX", 8,
       [](Subject& s, Place& p, Bytes&) {
         fill(p, "\0\0\0\0\0\0\0\0", 8);
         return answer(bare(SYS_fcntl, s.socket, F_SETOWN_EX, at(p.pointer)));
       }},
      {"F_GETOWN_EX", 8,
       [](Subject& s, Place& p, Bytes&) { return answer(bare(SYS_fcntl, s.socket, F_GETOWN_EX, at(p.pointer))) + written(p); }},
      {"splice offset", 8,
       [](Subject& s, Place& p, Bytes&) {
         int ends[2];
         if (pipe(ends) != 0) return answer(-1);
         const Fd out(ends[0]), in(ends[1]);
         return answer(bare(SYS_splice, s.socket, at(p.pointer), in, 0, 5, SPLICE_F_NONBLOCK));
       }},
  };
  return list;
}

std::string try_places(const Kind& kind, const Case& tried, bool is_unprivileged) {
  std::string text;
  const auto one = [&](const std::string& name, Place place) {
    Subject subject = kind.make();
    const Unprivileged unprivileged(is_unprivileged);
    Bytes room(64);
    if (place.there > 0) memset(place.pointer, 0, place.there);
    signals();
    text += " " + name + ":" + tried.make(subject, place, room) + signals() + left(subject);
  };
  one("null", {});
  one("low", {reinterpret_cast<void*>(8), 0});
  one("kernel", {reinterpret_cast<void*>(0xffff888000000000), 0});
  one("last", {reinterpret_cast<void*>(0x7fffffffefff), 0});
  one("noncanonical", {reinterpret_cast<void*>(0x00ff000000000000), 0});
  for (size_t there = 0; there <= tried.size; there += tried.size > 200 ? 1000 : tried.size > 64 ? 8 : 1) {
    one(std::to_string(there), {edge().last(there), there});
  }
  return text;
}

bool is_tried(const std::string& name) {
  return name.ends_with(" with data") || name == "tcp4 listening" || name == "unix stream listening" ||
         name == "raw4 connected" || name == "udp4 refused" || name == "ping4 connected" || name == "tcp4" ||
         name == "tcp4 with urgent" || name == "netlink bound" || name == "packet bound";
}

}  // namespace

void sweep_pointers(Log& log, bool is_unprivileged) {
  for (const Kind& kind : kinds()) {
    if (!is_tried(kind.name)) continue;
    for (const Case& tried : cases()) {
      if (!log.wants()) continue;
      log.put(kind.name + ", " + tried.name, try_places(kind, tried, is_unprivileged));
    }
  }
}

}  // namespace sweep
