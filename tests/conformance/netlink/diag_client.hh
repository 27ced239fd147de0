// A NETLINK_SOCK_DIAG socket as a test asks it about the network's Internet sockets.
#pragma once

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {

struct DiagMessage {
  int error = 0;  // of an answer that is none
  inet_diag_msg head{};
  std::vector<std::pair<int, std::string>> attributes;

  bool has(int type) const {
    for (const auto& [have, value] : attributes)
      if (have == type) return true;
    return false;
  }
  std::string find(int type) const {
    for (const auto& [have, value] : attributes)
      if (have == type) return value;
    return "";
  }
  template <typename T>
  T as(int type) const {
    T value{};
    const std::string found = find(type);
    memcpy(&value, found.data(), std::min(sizeof value, found.size()));
    return value;
  }
  std::vector<int> types() const {
    std::vector<int> all;
    for (const auto& [type, value] : attributes) all.push_back(type);
    return all;
  }
  int local_port() const { return ntohs(head.id.idiag_sport); }
};

inline constexpr int kEverything = 0xff;

class Diag {
 public:
  Diag() : fd_(::socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG)) {}

  static inet_diag_req_v2 request(int family, int protocol, unsigned states = ~0u, int extensions = kEverything) {
    inet_diag_req_v2 asked{};
    asked.sdiag_family = static_cast<unsigned char>(family);
    asked.sdiag_protocol = static_cast<unsigned char>(protocol);
    asked.idiag_ext = static_cast<unsigned char>(extensions);
    asked.idiag_states = states;
    asked.id.idiag_cookie[0] = asked.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return asked;
  }
  // Of AF_INET, on loopback.
  static inet_diag_req_v2 exact(int protocol, int local_port, int remote_port = 0) {
    inet_diag_req_v2 asked = request(AF_INET, protocol);
    asked.id.idiag_sport = htons(static_cast<unsigned short>(local_port));
    asked.id.idiag_dport = htons(static_cast<unsigned short>(remote_port));
    asked.id.idiag_src[0] = htonl(INADDR_LOOPBACK);
    if (remote_port != 0) asked.id.idiag_dst[0] = htonl(INADDR_LOOPBACK);
    return asked;
  }

  // Without the end; of a refusal one message with its error.
  std::vector<DiagMessage> dump(const inet_diag_req_v2& asked, const std::string& attributes = "") {
    send(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, bytes(asked) + attributes);
    return receive_dump();
  }
  std::vector<DiagMessage> dump_filtered(const inet_diag_req_v2& asked, const std::string& program) {
    return dump(asked, attribute(INET_DIAG_REQ_BYTECODE, program));
  }
  // The socket of that local port.
  DiagMessage find(int family, int protocol, int port, int extensions = kEverything) {
    for (const DiagMessage& message : dump(request(family, protocol, 0xfff, extensions)))
      if (message.local_port() == port) return message;
    return {.error = -ENOENT, .head = {}, .attributes = {}};
  }
  DiagMessage one(const inet_diag_req_v2& asked, const std::string& attributes = "") {
    send(SOCK_DIAG_BY_FAMILY, 0, bytes(asked) + attributes);
    return receive().at(0);
  }
  int end(const inet_diag_req_v2& asked) {
    send(SOCK_DESTROY, NLM_F_ACK, bytes(asked));
    return receive().at(0).error;
  }
  // Any other request.
  int ask(int type, int flags, const std::string& body) {
    send(type, flags, body);
    return receive().at(0).error;
  }
  std::vector<DiagMessage> dump_of_old(unsigned states) {
    inet_diag_req asked{};
    asked.idiag_family = AF_INET;
    asked.idiag_states = states;
    send(TCPDIAG_GETSOCK, NLM_F_DUMP, bytes(asked));
    return receive_dump();
  }

 private:
  void send(int type, int flags, const std::string& body) {
    nlmsghdr head{};
    head.nlmsg_len = static_cast<unsigned>(sizeof head + body.size());
    head.nlmsg_type = static_cast<unsigned short>(type);
    head.nlmsg_flags = static_cast<unsigned short>(NLM_F_REQUEST | flags);
    const std::string whole = bytes(head) + body;
    EXPECT_EQ(::send(fd_, whole.data(), whole.size(), 0), static_cast<ssize_t>(whole.size()));
  }
  std::vector<DiagMessage> receive_dump() {
    std::vector<DiagMessage> all;
    while (!is_done_) {
      for (DiagMessage& message : receive()) all.push_back(std::move(message));
      if (!all.empty() && all.back().error != 0) break;
    }
    is_done_ = false;
    return all;
  }
  std::vector<DiagMessage> receive() {
    std::vector<char> room(65536);
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, 5000) != 1) {
      ADD_FAILURE() << "no answer";
      is_done_ = true;
      return {{.error = -ETIMEDOUT, .head = {}, .attributes = {}}};
    }
    const ssize_t size = ::recv(fd_, room.data(), room.size(), 0);
    std::vector<DiagMessage> messages;
    for (size_t at = 0; at + sizeof(nlmsghdr) <= static_cast<size_t>(std::max<ssize_t>(size, 0));) {
      nlmsghdr head;
      memcpy(&head, room.data() + at, sizeof head);
      const std::string body(room.data() + at + sizeof head, head.nlmsg_len - sizeof head);
      at += NLMSG_ALIGN(head.nlmsg_len);
      int error = 0;
      if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR) memcpy(&error, body.data(), sizeof error);
      if (head.nlmsg_type == NLMSG_DONE) is_done_ = true;
      if (head.nlmsg_type == NLMSG_DONE && error == 0) continue;
      messages.push_back(parse(error, body));
    }
    return messages;
  }
  static DiagMessage parse(int error, const std::string& body) {
    DiagMessage message{.error = error, .head = {}, .attributes = {}};
    if (error != 0 || body.size() < sizeof message.head) return message;
    memcpy(&message.head, body.data(), sizeof message.head);
    for (size_t at = sizeof message.head; at + sizeof(rtattr) <= body.size();) {
      rtattr head;
      memcpy(&head, body.data() + at, sizeof head);
      if (head.rta_len < sizeof head) break;
      message.attributes.emplace_back(head.rta_type & NLA_TYPE_MASK, body.substr(at + sizeof head, head.rta_len - sizeof head));
      at += RTA_ALIGN(head.rta_len);
    }
    return message;
  }

  Fd fd_;
  bool is_done_ = false;
};

}  // namespace conformance
