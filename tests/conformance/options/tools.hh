// What the tests of options share: setting and getting with the errno as the answer, and control messages taken apart.
#pragma once

// errqueue.h uses its timespec.
#include <time.h>

#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <sys/uio.h>

#include <map>
#include <vector>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {

template <typename T>
long set_option(int fd, int level, int name, const T& value) {
  return answer(::setsockopt(fd, level, name, &value, sizeof value));
}

// The value of an int, or the negative errno.
inline long get_int(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  const long got = answer(::getsockopt(fd, level, name, &value, &length));
  return got < 0 ? got : value;
}

// A received message with its control messages by (level, type).
struct Received {
  long size = 0;
  int flags = 0;
  std::string data;
  std::string name;
  std::map<std::pair<int, int>, std::string> control;
  std::vector<std::pair<int, int>> order;

  bool has(int level, int type) const { return control.contains({level, type}); }
  template <typename T>
  T get(int level, int type) const {
    T value{};
    const auto found = control.find({level, type});
    if (found != control.end()) memcpy(&value, found->second.data(), std::min(sizeof value, found->second.size()));
    return value;
  }
};

inline Received receive_message(int fd, int flags = 0, size_t room = 2048, size_t control_room = 1024) {
  Received received;
  std::vector<char> bytes(room), control(control_room);
  sockaddr_storage name{};
  iovec vector{bytes.data(), room};
  msghdr message{};
  message.msg_name = &name;
  message.msg_namelen = sizeof name;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control_room;
  received.size = answer(::recvmsg(fd, &message, flags));
  if (received.size < 0) return received;
  received.flags = message.msg_flags;
  received.data.assign(bytes.data(), static_cast<size_t>(std::min<long>(received.size, static_cast<long>(room))));
  received.name.assign(reinterpret_cast<char*>(&name), message.msg_namelen);
  for (cmsghdr* cmsg = CMSG_FIRSTHDR(&message); cmsg != nullptr; cmsg = CMSG_NXTHDR(&message, cmsg)) {
    const std::pair<int, int> key{cmsg->cmsg_level, cmsg->cmsg_type};
    received.control[key].assign(reinterpret_cast<char*>(CMSG_DATA(cmsg)), cmsg->cmsg_len - CMSG_LEN(0));
    received.order.push_back(key);
  }
  return received;
}

// One control message, as sendmsg() takes it.
class SentControl {
 public:
  template <typename T>
  SentControl& add(int level, int type, const T& value) {
    return add_bytes(level, type, std::string(reinterpret_cast<const char*>(&value), sizeof value));
  }
  SentControl& add_bytes(int level, int type, const std::string& bytes) {
    const size_t at = buffer_.size();
    buffer_.resize(at + CMSG_SPACE(bytes.size()));
    auto* cmsg = reinterpret_cast<cmsghdr*>(buffer_.data() + at);
    cmsg->cmsg_level = level;
    cmsg->cmsg_type = type;
    cmsg->cmsg_len = CMSG_LEN(bytes.size());
    memcpy(CMSG_DATA(cmsg), bytes.data(), bytes.size());
    return *this;
  }
  std::string& buffer() { return buffer_; }

 private:
  std::string buffer_;
};

template <typename Address>
long send_message(int fd, const std::string& data, const Address* to, SentControl& control, int flags = 0) {
  iovec vector{const_cast<char*>(data.data()), data.size()};
  msghdr message{};
  message.msg_name = const_cast<Address*>(to);
  message.msg_namelen = to == nullptr ? 0 : sizeof *to;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.buffer().data();
  message.msg_controllen = control.buffer().size();
  return answer(::sendmsg(fd, &message, flags));
}

inline sockaddr_in6 name6_of(int fd) {
  sockaddr_in6 address{};
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return address;
}

// Two UDP sockets, the second connected to the first.
struct UdpPair {
  Fd receiver, sender;
};
inline UdpPair udp_pair(int family = AF_INET) {
  UdpPair pair{Fd(::socket(family, SOCK_DGRAM, 0)), Fd(::socket(family, SOCK_DGRAM, 0))};
  if (family == AF_INET) {
    bind_to(pair.receiver, loopback4());
    connect_to(pair.sender, name_of(pair.receiver));
  } else {
    bind_to(pair.receiver, loopback6());
    connect_to(pair.sender, name6_of(pair.receiver));
  }
  return pair;
}

// A raw socket, or -1 where one may not have it: then the test has nothing to say.
inline Fd raw_socket(int family, int protocol) { return Fd(::socket(family, SOCK_RAW, protocol)); }

}  // namespace conformance
