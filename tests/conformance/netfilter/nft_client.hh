// A NETLINK_NETFILTER socket as a test speaks nf_tables to it.
#pragma once

// The C library's come first: the kernel's own know of them.
#include <net/if.h>
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {

// What headers of before 6.3 lack.
constexpr int kDestroyTable = 26, kDestroyRule = 28, kGetElementReset = 33;
constexpr unsigned kOwner = 2, kPersist = 4;

constexpr uint16_t nft(int message) { return static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message); }
inline std::string text(const char* value) { return std::string(value) + '\0'; }
inline std::string be32(uint32_t value) { return bytes(htonl(value)); }
inline std::string be64(uint64_t value) { return be32(static_cast<uint32_t>(value >> 32)) + be32(static_cast<uint32_t>(value)); }
inline uint32_t number(const std::string& value) {
  uint32_t word = 0;
  memcpy(&word, value.data(), std::min(sizeof word, value.size()));
  return ntohl(word);
}
inline uint64_t number64(const std::string& value) {
  return value.size() < 8 ? 0 : uint64_t{number(value)} << 32 | number(value.substr(4));
}
inline std::string nested(int type, const std::string& value) {
  return attribute(static_cast<unsigned short>(type | NLA_F_NESTED), value);
}
inline std::string family_head(int family, uint16_t resource = 0, uint8_t version = NFNETLINK_V0) {
  const nfgenmsg head{static_cast<uint8_t>(family), version, htons(resource)};
  return bytes(head);
}
inline std::string message(uint16_t type, int flags, uint32_t sequence, const std::string& body) {
  nlmsghdr head{};
  head.nlmsg_len = static_cast<unsigned>(sizeof head + body.size());
  head.nlmsg_type = type;
  head.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  head.nlmsg_seq = sequence;
  std::string whole = bytes(head) + body;
  whole.resize(NLMSG_ALIGN(whole.size()));
  return whole;
}
inline std::string batch_begin(uint32_t sequence, int flags = 0, const std::string& more = "") {
  return message(NFNL_MSG_BATCH_BEGIN, flags, sequence, family_head(AF_UNSPEC, NFNL_SUBSYS_NFTABLES) + more);
}
inline std::string batch_end(uint32_t sequence, int flags = 0) {
  return message(NFNL_MSG_BATCH_END, flags, sequence, family_head(AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

// A message that came, and of an acknowledgement what it says.
struct Heard {
  uint32_t sequence = 0;
  int type = 0, flags = 0, error = 0, offset = -1;  // offset: of the attribute that was wrong
  std::string body;

  std::string find(int wanted) const { return in(body, sizeof(nfgenmsg), wanted); }
  static std::string in(const std::string& body, size_t from, int wanted) {
    for (size_t at = from; at + sizeof(nlattr) <= body.size();) {
      nlattr head;
      memcpy(&head, body.data() + at, sizeof head);
      if (head.nla_len < sizeof head) break;
      if ((head.nla_type & NLA_TYPE_MASK) == wanted) return body.substr(at + sizeof head, head.nla_len - sizeof head);
      at += NLA_ALIGN(head.nla_len);
    }
    return "";
  }
  // All elements of a list.
  static std::vector<std::string> list(const std::string& body) {
    std::vector<std::string> all;
    for (size_t at = 0; at + sizeof(nlattr) <= body.size();) {
      nlattr head;
      memcpy(&head, body.data() + at, sizeof head);
      if (head.nla_len < sizeof head) break;
      all.push_back(body.substr(at + sizeof head, head.nla_len - sizeof head));
      at += NLA_ALIGN(head.nla_len);
    }
    return all;
  }
};

class Nft {
 public:
  Nft() : fd_(::socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)) {
    const int on = 1;
    ::setsockopt(fd_, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    ::setsockopt(fd_, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  }
  int fd() const { return fd_; }
  // Before it has a name of its own a socket hears nothing of the kernel's.
  long listen() {
    sockaddr_nl name{};
    name.nl_family = AF_NETLINK;
    bind_to(fd_, name);
    const int group = NFNLGRP_NFTABLES;
    return answer(::setsockopt(fd_, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group));
  }

  long send(const std::string& all) { return answer(::send(fd_, all.data(), all.size(), 0)); }
  // All that is there to be read.
  std::vector<Heard> hear() {
    std::vector<Heard> all;
    std::string room(1 << 17, 0);
    for (;;) {
      const ssize_t size = ::recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
      if (size <= 0) return all;
      for (size_t at = 0; at + sizeof(nlmsghdr) <= static_cast<size_t>(size);) {
        nlmsghdr head;
        memcpy(&head, room.data() + at, sizeof head);
        all.push_back(heard(head, room.substr(at + sizeof head, head.nlmsg_len - sizeof head)));
        at += NLMSG_ALIGN(head.nlmsg_len);
      }
    }
  }
  std::vector<Heard> talk(const std::string& all) {
    const long sent = send(all);
    EXPECT_EQ(sent, static_cast<long>(all.size()));
    return hear();
  }
  // One message; the answer itself, or its acknowledgement.
  Heard ask(int type, int flags, int family, const std::string& attributes) {
    const std::vector<Heard> all = talk(message(nft(type), flags, 5, family_head(family) + attributes));
    return all.empty() ? Heard{} : all.front();
  }
  std::vector<Heard> dump(int type, int family, const std::string& attributes = "") {
    std::vector<Heard> all = talk(message(nft(type), NLM_F_DUMP, 5, family_head(family) + attributes));
    while (!all.empty() && all.back().type != NLMSG_DONE && all.back().type != NLMSG_ERROR) {
      const std::vector<Heard> more = hear();
      if (more.empty()) break;
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }
  // A batch of one change: 0, or the negative errno. last() is the acknowledgement.
  long change(int type, int flags, int family, const std::string& attributes) {
    const std::string all =
        batch_begin(1) + message(nft(type), flags | NLM_F_ACK, 2, family_head(family) + attributes) + batch_end(3);
    last_ = Heard{};
    last_.error = 1;
    for (const Heard& one : talk(all)) {
      if (one.sequence == 2 && one.type == NLMSG_ERROR) last_ = one;
    }
    return last_.error;
  }
  const Heard& last() const { return last_; }

 private:
  static Heard heard(const nlmsghdr& head, const std::string& body) {
    Heard one{head.nlmsg_seq, head.nlmsg_type, head.nlmsg_flags, 0, -1, body};
    if (head.nlmsg_type != NLMSG_ERROR && head.nlmsg_type != NLMSG_DONE) return one;
    memcpy(&one.error, body.data(), std::min(sizeof one.error, body.size()));
    if ((head.nlmsg_flags & NLM_F_ACK_TLVS) == 0 || head.nlmsg_type == NLMSG_DONE) return one;
    size_t from = sizeof(nlmsgerr);
    nlmsgerr error;
    memcpy(&error, body.data(), sizeof error);
    if ((head.nlmsg_flags & NLM_F_CAPPED) == 0) from += NLMSG_ALIGN(error.msg.nlmsg_len) - sizeof(nlmsghdr);
    const std::string offset = Heard::in(body, from, NLMSGERR_ATTR_OFFS);
    if (offset.size() == 4) memcpy(&one.offset, offset.data(), 4);
    return one;
  }

  Fd fd_;
  Heard last_;
};

// ---- what messages are made of
inline std::string table_named(const char* name) { return attribute(NFTA_TABLE_NAME, text(name)); }
inline std::string chain_named(const char* table, const char* name) {
  return attribute(NFTA_CHAIN_TABLE, text(table)) + attribute(NFTA_CHAIN_NAME, text(name));
}
inline std::string at_hook(int hook, int priority, const char* type = "filter") {
  return nested(NFTA_CHAIN_HOOK, attribute(NFTA_HOOK_HOOKNUM, be32(static_cast<uint32_t>(hook))) +
                                     attribute(NFTA_HOOK_PRIORITY, be32(static_cast<uint32_t>(priority)))) +
         attribute(NFTA_CHAIN_TYPE, text(type));
}
inline std::string expression(const char* name, const std::string& data = "") {
  const std::string inside = attribute(NFTA_EXPR_NAME, text(name)) + (data.empty() ? "" : nested(NFTA_EXPR_DATA, data));
  return nested(NFTA_LIST_ELEM, inside);
}
inline std::string rule_in(const char* table, const char* chain, const std::string& expressions = "") {
  return attribute(NFTA_RULE_TABLE, text(table)) + attribute(NFTA_RULE_CHAIN, text(chain)) +
         (expressions.empty() ? "" : nested(NFTA_RULE_EXPRESSIONS, expressions));
}
inline std::string set_named(const char* table, const char* name) {
  return attribute(NFTA_SET_TABLE, text(table)) + attribute(NFTA_SET_NAME, text(name));
}
inline std::string new_set(const char* table, const char* name, uint32_t flags, uint32_t key_size, const std::string& more = "") {
  return set_named(table, name) + attribute(NFTA_SET_ID, be32(1)) + attribute(NFTA_SET_FLAGS, be32(flags)) +
         attribute(NFTA_SET_KEY_TYPE, be32(13)) + attribute(NFTA_SET_KEY_LEN, be32(key_size)) + more;
}
inline std::string value(int type, const std::string& data) { return nested(type, attribute(NFTA_DATA_VALUE, data)); }
inline std::string key(const std::string& data) { return value(NFTA_SET_ELEM_KEY, data); }
inline std::string elements(const char* table, const char* set, const std::vector<std::string>& each) {
  std::string list;
  for (const std::string& one : each) list += nested(NFTA_LIST_ELEM, one);
  return attribute(NFTA_SET_ELEM_LIST_TABLE, text(table)) + attribute(NFTA_SET_ELEM_LIST_SET, text(set)) +
         nested(NFTA_SET_ELEM_LIST_ELEMENTS, list);
}
inline std::string verdict_of(int code, const char* chain = nullptr) {
  return nested(NFTA_DATA_VERDICT, attribute(NFTA_VERDICT_CODE, be32(static_cast<uint32_t>(code))) +
                                       (chain ? attribute(NFTA_VERDICT_CHAIN, text(chain)) : ""));
}

// ---- expressions
inline std::string reg(int type, int number) {
  return attribute(static_cast<unsigned short>(type), be32(static_cast<uint32_t>(number)));
}
inline std::string verdict_step(int code, const char* chain = nullptr) {
  return expression("immediate",
                    reg(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT) + nested(NFTA_IMMEDIATE_DATA, verdict_of(code, chain)));
}
inline std::string drop() { return verdict_step(NF_DROP); }
inline std::string load_meta(int key, int to = NFT_REG_1) {
  return expression("meta", reg(NFTA_META_DREG, to) + attribute(NFTA_META_KEY, be32(static_cast<uint32_t>(key))));
}
inline std::string set_meta(int key, int from = NFT_REG_1) {
  return expression("meta", attribute(NFTA_META_KEY, be32(static_cast<uint32_t>(key))) + reg(NFTA_META_SREG, from));
}
inline std::string immediate(const std::string& data, int to = NFT_REG_1) {
  return expression("immediate", reg(NFTA_IMMEDIATE_DREG, to) + value(NFTA_IMMEDIATE_DATA, data));
}
inline std::string compare(const std::string& data, int how = NFT_CMP_EQ, int from = NFT_REG_1) {
  return expression("cmp", reg(NFTA_CMP_SREG, from) + reg(NFTA_CMP_OP, how) + value(NFTA_CMP_DATA, data));
}
inline std::string load(int base, uint32_t offset, uint32_t size, int to = NFT_REG_1) {
  return expression("payload", reg(NFTA_PAYLOAD_DREG, to) + reg(NFTA_PAYLOAD_BASE, base) +
                                   attribute(NFTA_PAYLOAD_OFFSET, be32(offset)) + attribute(NFTA_PAYLOAD_LEN, be32(size)));
}
inline std::string protocol_is(uint8_t protocol) { return load_meta(NFT_META_L4PROTO) + compare(bytes(protocol)); }
inline std::string to_port() { return load(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2); }
inline std::string port(uint16_t number) { return bytes(htons(number)); }
inline std::string lookup(const char* set, const std::string& more = "") {
  return expression("lookup", attribute(NFTA_LOOKUP_SET, text(set)) + reg(NFTA_LOOKUP_SREG, NFT_REG_1) + more);
}
inline std::string counter() { return expression("counter", attribute(NFTA_COUNTER_PACKETS, be64(0))); }

// In a network of the test's own whose lo is up, where the kernel has nf_tables.
inline void with_nft(const std::function<void(Nft&)>& body) {
  const Fd probe(::socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER));
  if (probe < 0) GTEST_SKIP() << "the kernel has no nfnetlink";
  in_new_network([&] {
    Route netlink;
    bring_up(netlink);
    Nft tables;
    body(tables);
  });
}

}  // namespace conformance
