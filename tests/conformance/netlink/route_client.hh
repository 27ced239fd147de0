// A NETLINK_ROUTE socket as a test speaks to it, in a network namespace of the test's own.
#pragma once

#include <errno.h>
#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {

inline std::string bytes(const void* data, size_t size) { return std::string(static_cast<const char*>(data), size); }
template <typename T>
std::string bytes(const T& value) {
  return bytes(&value, sizeof value);
}
inline std::string attribute(unsigned short type, const std::string& value) {
  const rtattr head{static_cast<unsigned short>(RTA_LENGTH(value.size())), type};
  std::string result = bytes(head) + value;
  result.resize(RTA_ALIGN(result.size()));
  return result;
}
inline std::string ip(const char* text) {
  in_addr address{};
  inet_pton(AF_INET, text, &address);
  return bytes(address);
}
inline std::string ip6(const char* text) {
  in6_addr address{};
  inet_pton(AF_INET6, text, &address);
  return bytes(address);
}

struct Message {
  int type = 0, flags = 0;
  std::string body;
  unsigned sequence = 0;

  template <typename T>
  T as() const {
    T value{};
    memcpy(&value, body.data(), std::min(sizeof value, body.size()));
    return value;
  }
  // An attribute behind a struct of that size; "" for none.
  std::string find(size_t struct_size, int type_wanted) const {
    for (size_t at = NLMSG_ALIGN(struct_size); at + sizeof(rtattr) <= body.size();) {
      rtattr head;
      memcpy(&head, body.data() + at, sizeof head);
      if (head.rta_len < sizeof head) break;
      if ((head.rta_type & NLA_TYPE_MASK) == type_wanted) return body.substr(at + sizeof head, head.rta_len - sizeof head);
      at += RTA_ALIGN(head.rta_len);
    }
    return "";
  }
  std::string link_name() const { return find(sizeof(ifinfomsg), IFLA_IFNAME).c_str(); }
};

class Route {
 public:
  Route() : fd_(::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)) {}
  int fd() const { return fd_; }

  // The negative errno of its acknowledgement.
  long request(unsigned short type, int flags, const std::string& body) {
    send(type, flags | NLM_F_ACK, body);
    for (;;) {
      for (const Message& message : receive()) {
        if (message.type == NLMSG_ERROR) return message.as<int>();
        last_ = message;
      }
    }
  }
  // Everything up to the end; of a refusal that alone.
  std::vector<Message> dump(unsigned short type, const std::string& body) {
    send(type, NLM_F_DUMP, body);
    std::vector<Message> all;
    for (;;) {
      for (const Message& message : receive()) {
        if (message.type == NLMSG_DONE) return all;
        all.push_back(message);
        if (message.type == NLMSG_ERROR) return all;
      }
    }
  }
  std::vector<Message> receive(int flags = 0, sockaddr_nl* from = nullptr) {
    std::string buffer(65536, 0);
    socklen_t length = sizeof *from;
    const ssize_t size =
        ::recvfrom(fd_, buffer.data(), buffer.size(), flags, reinterpret_cast<sockaddr*>(from), from ? &length : nullptr);
    std::vector<Message> result;
    for (size_t at = 0; size > 0 && at + sizeof(nlmsghdr) <= static_cast<size_t>(size);) {
      nlmsghdr head;
      memcpy(&head, buffer.data() + at, sizeof head);
      result.push_back(
          {head.nlmsg_type, head.nlmsg_flags, buffer.substr(at + sizeof head, head.nlmsg_len - sizeof head), head.nlmsg_seq});
      at += NLMSG_ALIGN(head.nlmsg_len);
    }
    return result;
  }
  void send(unsigned short type, int flags, const std::string& body) {
    nlmsghdr head{};
    head.nlmsg_len = static_cast<unsigned>(sizeof head + body.size());
    head.nlmsg_type = type;
    head.nlmsg_flags = static_cast<unsigned short>(NLM_F_REQUEST | flags);
    head.nlmsg_seq = 7;
    const std::string whole = bytes(head) + body;
    ASSERT_EQ(::send(fd_, whole.data(), whole.size(), 0), static_cast<ssize_t>(whole.size()));
  }
  const Message& last() const { return last_; }

 private:
  Fd fd_;
  Message last_;
};

inline std::string link(int index, unsigned flags = 0, unsigned change = 0) {
  ifinfomsg message{};
  message.ifi_index = index;
  message.ifi_flags = flags;
  message.ifi_change = change;
  return bytes(message);
}
inline std::string address(const char* text, unsigned char prefix, int index = 1) {
  ifaddrmsg message{};
  message.ifa_family = AF_INET;
  message.ifa_prefixlen = prefix;
  message.ifa_index = static_cast<unsigned>(index);
  return bytes(message) + attribute(IFA_LOCAL, ip(text));
}
inline constexpr int kNew = NLM_F_CREATE | NLM_F_EXCL;

// In a child with a network of its own, whose failures are this process's.
inline void in_new_network(const std::function<void()>& body) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (unshare(CLONE_NEWNET) != 0) _exit(77);
    body();
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << status;
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "needs CAP_SYS_ADMIN for a network of its own";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

inline void bring_up(Route& netlink) { ASSERT_EQ(netlink.request(RTM_NEWLINK, 0, link(1, IFF_UP, IFF_UP)), 0); }

}  // namespace conformance
