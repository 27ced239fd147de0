// A NETLINK_GENERIC socket as a test speaks to it: one request, its answers, the error and what was said of it.
#pragma once

#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/tcp_metrics.h>
#include <netinet/tcp.h>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {

// A number of up to 32 bits; 0 for none.
inline unsigned number(const std::string& value) {
  unsigned result = 0;
  memcpy(&result, value.data(), std::min(sizeof result, value.size()));
  return result;
}

struct GenericAnswer {
  std::vector<Message> messages;  // bodies begin behind the genlmsghdr
  long error = 0;
  std::string text;       // of the error
  unsigned offset = 0;    // of the attribute it is about
  unsigned missing = 0;   // the type of one that is missing
  bool was_dump = false;  // ended by NLMSG_DONE

  const Message& only() const {
    static const Message nothing;
    EXPECT_EQ(messages.size(), 1u);
    return messages.empty() ? nothing : messages.front();
  }
};

class Generic {
 public:
  Generic() : fd_(::socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC)) {
    const int on = 1;
    EXPECT_EQ(setsockopt(fd_, 270, NETLINK_EXT_ACK, &on, sizeof on), 0);
  }
  int fd() const { return fd_; }

  GenericAnswer call(unsigned short family, unsigned char command, const std::string& attributes, int flags = NLM_F_ACK) {
    const genlmsghdr head{command, 1, 0};
    return send(family, bytes(head) + attributes, flags);
  }
  GenericAnswer dump(unsigned short family, unsigned char command, const std::string& attributes = "") {
    return call(family, command, attributes, NLM_F_DUMP);
  }
  GenericAnswer send(unsigned short family, const std::string& payload, int flags) {
    nlmsghdr head{};
    head.nlmsg_len = static_cast<unsigned>(sizeof head + payload.size());
    head.nlmsg_type = family;
    head.nlmsg_flags = static_cast<unsigned short>(NLM_F_REQUEST | flags);
    head.nlmsg_seq = 9;
    const std::string whole = bytes(head) + payload;
    EXPECT_EQ(::send(fd_, whole.data(), whole.size(), 0), static_cast<ssize_t>(whole.size()));
    GenericAnswer answer;
    while (!receive(answer)) {
    }
    return answer;
  }
  unsigned short number_of(const char* name) {
    const GenericAnswer found =
        call(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, attribute(CTRL_ATTR_FAMILY_NAME, std::string(name) + '\0'));
    if (found.messages.size() != 1) return 0;
    return static_cast<unsigned short>(number(found.only().find(0, CTRL_ATTR_FAMILY_ID)));
  }

 private:
  // True at the end of the answer.
  bool receive(GenericAnswer& answer) {
    std::string buffer(65536, 0);
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
    EXPECT_GT(size, 0);
    if (size <= 0) return true;
    for (size_t at = 0; at + sizeof(nlmsghdr) <= static_cast<size_t>(size);) {
      nlmsghdr head;
      memcpy(&head, buffer.data() + at, sizeof head);
      const std::string body = buffer.substr(at + sizeof head, head.nlmsg_len - sizeof head);
      at += NLMSG_ALIGN(head.nlmsg_len);
      if (head.nlmsg_type == NLMSG_DONE) return answer.was_dump = true;
      if (head.nlmsg_type == NLMSG_ERROR) {
        read_error(head.nlmsg_flags, body, answer);
        return true;
      }
      EXPECT_EQ(head.nlmsg_seq, 9u);
      answer.messages.push_back({body[0], head.nlmsg_flags, body.substr(sizeof(genlmsghdr)), head.nlmsg_seq});
    }
    return false;
  }
  static void read_error(int flags, const std::string& body, GenericAnswer& answer) {
    const Message error{0, flags, body};
    answer.error = error.as<int>();
    if ((flags & NLM_F_ACK_TLVS) == 0) return;
    nlmsgerr whole{};
    memcpy(&whole, body.data(), std::min(sizeof whole, body.size()));
    const size_t quoted = (flags & NLM_F_CAPPED) != 0 ? sizeof(nlmsghdr) : NLMSG_ALIGN(whole.msg.nlmsg_len);
    answer.text = error.find(sizeof(int) + quoted, NLMSGERR_ATTR_MSG).c_str();
    answer.offset = number(error.find(sizeof(int) + quoted, NLMSGERR_ATTR_OFFS));
    constexpr int kMissingType = 5;
    answer.missing = number(error.find(sizeof(int) + quoted, kMissingType));
  }

  Fd fd_;
};

}  // namespace conformance
