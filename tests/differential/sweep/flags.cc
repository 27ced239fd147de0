// Every flag of every call that moves data, alone and in pairs, on sockets of every kind in every state.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/differential/sweep/sweep.hh"

namespace sweep {
namespace {

constexpr size_t kRoom = 8;

// What a receiving call gave, of which headers that carry identifiers are only counted.
std::string data(const Subject& subject, const char* bytes, long size) {
  const bool is_text = subject.type != SOCK_RAW && subject.family != AF_PACKET;
  if (size <= 0 || !is_text) return "";
  return "'" + hex(bytes, static_cast<size_t>(std::min<long>(size, kRoom)));
}

struct Target {
  Name name;
  Fd receiver;
};
// Somebody to send to: a bound socket of the kind, or a name that will do.
Target target_for(const Subject& subject) {
  Target target;
  if (subject.family != AF_INET && subject.family != AF_INET6 && subject.family != AF_UNIX) {
    target.name.length = sizeof(sockaddr_storage);
    target.name.bytes.ss_family = static_cast<sa_family_t>(subject.family);
    return target;
  }
  const int type = subject.family == AF_UNIX || subject.type != SOCK_RAW ? subject.type : SOCK_DGRAM;
  target.receiver = Fd(socket(subject.family, type | SOCK_NONBLOCK, 0));
  Name any = loopback(subject.family, 0);
  bind(target.receiver, any.get(), any.length);
  if (type != SOCK_DGRAM) listen(target.receiver, 5);
  target.name = own_name(target.receiver);
  return target;
}

std::string send_plain(Subject& subject, int flags) { return answer(send(subject.socket, "abc", 3, flags)); }
std::string send_named(Subject& subject, int flags) {
  Target target = target_for(subject);
  std::string text = answer(sendto(subject.socket, "abc", 3, flags, target.name.get(), target.name.length));
  char bytes[kRoom];
  if (target.receiver >= 0) text += ">" + answer(recv(target.receiver, bytes, sizeof bytes, MSG_DONTWAIT));
  return text;
}
msghdr message_of(iovec* pieces, size_t count) {
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = count;
  return message;
}
std::string send_message(Subject& subject, int flags) {
  iovec pieces[2] = {{const_cast<char*>("ab"), 2}, {const_cast<char*>("cd"), 2}};
  const msghdr message = message_of(pieces, 2);
  return answer(sendmsg(subject.socket, &message, flags));
}
std::string send_messages(Subject& subject, int flags) {
  iovec piece{const_cast<char*>("ab"), 2};
  mmsghdr messages[2] = {{message_of(&piece, 1), 77}, {message_of(&piece, 1), 77}};
  const std::string text = answer(sendmmsg(subject.socket, messages, 2, flags));
  return text + "/" + std::to_string(messages[0].msg_len) + "/" + std::to_string(messages[1].msg_len);
}

template <size_t kSize>
std::string receive(Subject& subject, int flags) {
  char bytes[kRoom] = {};
  const long size = recv(subject.socket, bytes, kSize, flags);
  return answer(size) + data(subject, bytes, size);
}
std::string receive_named(Subject& subject, int flags) {
  char bytes[kRoom] = {};
  Name name;
  name.length = sizeof name.bytes;
  const long size = recvfrom(subject.socket, bytes, kRoom, flags, name.get(), &name.length);
  std::string text = answer(size) + data(subject, bytes, size);
  // An abstract name of AF_UNIX has a number in it.
  if (size >= 0) text += "/" + std::to_string(subject.family == AF_UNIX ? name.length > 2 : name.length);
  return text;
}
std::string receive_message(Subject& subject, int flags) {
  char bytes[kRoom] = {}, control[256];
  Name name;
  iovec piece{bytes, 4};
  msghdr message = message_of(&piece, 1);
  message.msg_name = name.get();
  message.msg_namelen = sizeof name.bytes;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const long size = recvmsg(subject.socket, &message, flags);
  std::string text = answer(size) + data(subject, bytes, std::min(size, 4L));
  if (size < 0) return text;
  char more[64];
  snprintf(more, sizeof more, "/%zu/%zx", size_t{message.msg_namelen > 0}, static_cast<size_t>(message.msg_flags));
  text += more;
  for (cmsghdr* cmsg = CMSG_FIRSTHDR(&message); cmsg != nullptr; cmsg = CMSG_NXTHDR(&message, cmsg)) {
    text += "+" + std::to_string(cmsg->cmsg_level) + "." + std::to_string(cmsg->cmsg_type) + "." + std::to_string(cmsg->cmsg_len);
  }
  return text;
}
std::string receive_messages(Subject& subject, int flags) {
  char bytes[2][kRoom] = {};
  iovec pieces[2] = {{bytes[0], kRoom}, {bytes[1], kRoom}};
  mmsghdr messages[2] = {{message_of(&pieces[0], 1), 77}, {message_of(&pieces[1], 1), 77}};
  const int count = recvmmsg(subject.socket, messages, 2, flags, nullptr);
  std::string text = answer(count);
  for (int i = 0; i < 2; ++i)
    text += "/" + std::to_string(messages[i].msg_len) + data(subject, bytes[i], messages[i].msg_len == 77 ? 0 : 8);
  return text;
}

// The flags of preadv2() and pwritev2() are others, and 64 bits of offset are two arguments.
template <long kCall, long kOffset>
std::string vector_call(Subject& subject, int flags) {
  char bytes[kRoom] = "abcdefg";
  iovec piece{bytes, 4};
  const long size = syscall(kCall, int{subject.socket}, &piece, 1, kOffset, kOffset < 0 ? -1L : 0L, flags);
  return answer(size) + (kCall == SYS_preadv2 ? data(subject, bytes, size) : "");
}

// From a file of eleven bytes; what is a flag elsewhere is a count here.
std::string send_file(Subject& subject, int count) {
  const Fd file(memfd_create("sweep", 0));
  if (write(file, "hello world", 11) != 11 || lseek(file, 3, SEEK_SET) != 3) abort();
  const std::string text = answer(sendfile(subject.socket, file, nullptr, static_cast<size_t>(static_cast<unsigned>(count))));
  return text + "/" + std::to_string(lseek(file, 0, SEEK_CUR));
}
std::string send_file_from(Subject& subject, int count) {
  const Fd file(memfd_create("sweep", 0));
  if (write(file, "hello world", 11) != 11) abort();
  off_t offset = 6;
  const std::string text = answer(sendfile(subject.socket, file, &offset, static_cast<size_t>(static_cast<unsigned>(count))));
  return text + "/" + std::to_string(offset);
}

// What the call left: readiness, the error, bytes to read, and what the peer hears.
std::string left_behind(Subject& subject) {
  pollfd entry{subject.socket, POLLIN | POLLPRI | POLLOUT | POLLRDHUP, 0};
  poll(&entry, 1, 0);
  int error = 0, unread = -1;
  socklen_t length = sizeof error;
  getsockopt(subject.socket, SOL_SOCKET, SO_ERROR, &error, &length);
  std::string text = ";" + hex(&entry.revents, 2) + (error != 0 ? ";error" + std::to_string(error) : "");
  text += ";" + (ioctl(subject.socket, FIONREAD, &unread) == 0 ? std::to_string(unread) : answer(-1));
  if (!subject.others.empty() && subject.others[0] >= 0) {
    char bytes[kRoom] = {};
    const long size = recv(subject.others[0], bytes, sizeof bytes, MSG_DONTWAIT);
    text += ";peer" + answer(size) + data(subject, bytes, size);
  }
  return text;
}

struct Call {
  const char* name;
  std::string (*make)(Subject& subject, int flags);
  bool takes_message_flags;
};
constexpr Call kCalls[] = {
    {"send", send_plain, true},
    {"sendto", send_named, true},
    {"sendmsg", send_message, true},
    {"sendmmsg", send_messages, true},
    {"recv", receive<kRoom>, true},
    {"recv of two", receive<2>, true},
    {"recvfrom", receive_named, true},
    {"recvmsg", receive_message, true},
    {"recvmmsg", receive_messages, true},
    {"preadv2", vector_call<SYS_preadv2, -1>, false},
    {"preadv2 at 0", vector_call<SYS_preadv2, 0>, false},
    {"pwritev2", vector_call<SYS_pwritev2, -1>, false},
    {"pwritev2 at 0", vector_call<SYS_pwritev2, 0>, false},
    {"sendfile", send_file, false},
    {"sendfile from an offset", send_file_from, false},
};

// Those that mean something to somebody.
constexpr int kMeaningful[] = {MSG_OOB,
                               MSG_PEEK,
                               MSG_DONTROUTE,
                               MSG_CTRUNC,
                               0x10,
                               MSG_TRUNC,
                               MSG_EOR,
                               MSG_WAITALL,
                               MSG_CONFIRM,
                               MSG_ERRQUEUE,
                               MSG_NOSIGNAL,
                               MSG_MORE,
                               0x10000,
                               0x4000000,
                               MSG_FASTOPEN,
                               MSG_CMSG_CLOEXEC,
                               static_cast<int>(0x80000000)};

std::vector<int> combinations(const Kind& kind, const Call& call) {
  std::vector<int> list{0};
  for (int bit = 0; bit < 32; ++bit) list.push_back(static_cast<int>(1u << bit));
  // Closing a packet socket waits for the whole machine.
  if (!call.takes_message_flags || kind.name.starts_with("packet")) return list;
  for (const int one : kMeaningful) {
    for (const int other : kMeaningful) {
      if (static_cast<unsigned>(one) < static_cast<unsigned>(other)) list.push_back(one | other);
    }
  }
  list.push_back(MSG_OOB | MSG_PEEK | MSG_TRUNC);
  list.push_back(MSG_PEEK | MSG_TRUNC | MSG_WAITALL);
  list.push_back(-1);
  return list;
}

}  // namespace

void sweep_flags(Log& log, bool is_unprivileged) {
  for (const Kind& kind : kinds()) {
    for (const Call& call : kCalls) {
      if (!log.wants()) continue;
      std::string text;
      for (const int flags : combinations(kind, call)) {
        Subject subject = kind.make();
        const Unprivileged unprivileged(is_unprivileged);
        signals();
        char name[16];
        snprintf(name, sizeof name, " %x:", static_cast<unsigned>(flags));
        text += name + call.make(subject, flags) + signals() + left_behind(subject);
      }
      log.put(kind.name + ", " + call.name, text);
    }
  }
}

}  // namespace sweep
