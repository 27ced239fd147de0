// A batch with its first allocation failing, its second, and so on: it happens whole or not at all, and can be sent again.
#include <sys/syscall.h>

#include "tests/conformance/netfilter/nft_client.hh"
#include "tests/support/call_machine.hh"

namespace lxnet::testing {
namespace {

using namespace conformance;  // what messages are made of

class Machine : public CallMachine {
 public:
  Machine() {
    start();
    EXPECT_EQ(lxnet_enable_afnetlink(c_stack(), nullptr), 0);
    fd_ = static_cast<int>(call(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_NETFILTER));
    EXPECT_GE(fd_, 0);
  }
  ~Machine() { close(fd_); }

  int64_t send(const std::string& all) { return call(SYS_sendto, fd_, all.data(), all.size(), 0, nullptr, 0); }
  // Messages of a type that come, and errors.
  struct Answers {
    size_t messages = 0, errors = 0;
  };
  Answers hear(uint16_t type) {
    Answers answers;
    std::string room(1 << 16, 0);
    for (int64_t size; (size = call(SYS_recvfrom, fd_, room.data(), room.size(), MSG_DONTWAIT, nullptr, nullptr)) > 0;) {
      for (size_t at = 0; at < static_cast<size_t>(size);) {
        nlmsghdr head;
        memcpy(&head, room.data() + at, sizeof head);
        int error = 0;
        memcpy(&error, room.data() + at + sizeof head, sizeof error);
        answers.messages += head.nlmsg_type == type;
        answers.errors += head.nlmsg_type == NLMSG_ERROR && error != 0;
        at += NLMSG_ALIGN(head.nlmsg_len);
      }
    }
    return answers;
  }
  size_t count(int question, int told) {
    EXPECT_GT(send(message(nft(question), NLM_F_DUMP, 9, family_head(AF_UNSPEC))), 0);
    return hear(nft(told)).messages;
  }

 private:
  int fd_ = -1;
};

std::string change(int type, const std::string& attributes) {
  return message(nft(type), NLM_F_CREATE | NLM_F_APPEND, 2, family_head(NFPROTO_INET) + attributes);
}

// Of everything something.
std::string large_batch() {
  const auto interval_end = attribute(NFTA_SET_ELEM_FLAGS, be32(NFT_SET_ELEM_INTERVAL_END));
  const auto rule = [](const char* chain, const std::string& steps) {
    return change(NFT_MSG_NEWRULE, rule_in("t", chain, steps) + attribute(NFTA_RULE_USERDATA, "remark"));
  };
  const std::string ranged = new_set("t", "ranges", NFT_SET_INTERVAL, 4);
  const std::string map = new_set("t", "map", NFT_SET_MAP, 2, attribute(NFTA_SET_DATA_TYPE, be32(NFT_DATA_VERDICT)));
  return batch_begin(1) + change(NFT_MSG_NEWTABLE, table_named("t") + attribute(NFTA_TABLE_USERDATA, "mine")) +
         change(NFT_MSG_NEWCHAIN, chain_named("t", "in") + at_hook(NF_INET_LOCAL_IN, 0)) +
         change(NFT_MSG_NEWCHAIN, chain_named("t", "nat") + at_hook(NF_INET_LOCAL_OUT, -100, "nat")) +
         change(NFT_MSG_NEWCHAIN, chain_named("t", "other")) + change(NFT_MSG_NEWSET, new_set("t", "exact", NFT_SET_TIMEOUT, 4)) +
         change(NFT_MSG_NEWSET, ranged) + change(NFT_MSG_NEWSET, map) +
         change(NFT_MSG_NEWSETELEM,
                elements("t", "exact", {key(be32(1)), key(be32(2)) + attribute(NFTA_SET_ELEM_TIMEOUT, be64(900))})) +
         change(NFT_MSG_NEWSETELEM, elements("t", "ranges", {key(be32(5)), key(be32(9)) + interval_end})) +
         change(NFT_MSG_NEWSETELEM,
                elements("t", "map", {key(port(7)) + nested(NFTA_SET_ELEM_DATA, verdict_of(NFT_JUMP, "other"))})) +
         rule("other", counter() + drop()) +
         rule("in", load_meta(NFT_META_MARK) + lookup("exact") + lookup("ranges") + counter()) +
         rule("in", to_port() + lookup("map", reg(NFTA_LOOKUP_DREG, NFT_REG_VERDICT))) +
         rule("in",
              expression("ct", reg(NFTA_CT_DREG, NFT_REG_1) + reg(NFTA_CT_KEY, NFT_CT_MARK)) + verdict_step(NFT_GOTO, "other")) +
         rule("nat", expression("redir")) + batch_end(3);
}

TEST(NftMemory, ABatchHappensWholeOrNotAtAll) {
  const std::string batch = large_batch();
  size_t failures = 0;
  for (size_t n = 0;; ++n) {
    SCOPED_TRACE("allocation " + std::to_string(n) + " fails");
    ASSERT_LT(n, 2000u);
    Machine machine;
    machine.hal.fail_allocation(n);
    const int64_t sent = machine.send(batch);
    machine.hal.allow_all_allocations();
    const bool has_failed = machine.hal.has_failed();
    const auto [messages, errors] = machine.hear(0);
    const size_t tables = machine.count(NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE);
    if (tables == 0) {
      EXPECT_TRUE(has_failed);
      ++failures;
      EXPECT_EQ(machine.count(NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN), 0u);
      EXPECT_EQ(machine.send(batch), static_cast<int64_t>(batch.size())) << "with all memory";
      EXPECT_EQ(machine.hear(0).errors, 0u);
    } else {
      EXPECT_EQ(sent, static_cast<int64_t>(batch.size()));
      EXPECT_EQ(errors, 0u);
    }
    EXPECT_EQ(machine.count(NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN), 3u);
    EXPECT_EQ(machine.count(NFT_MSG_GETRULE, NFT_MSG_NEWRULE), 5u);
    EXPECT_EQ(machine.count(NFT_MSG_GETSET, NFT_MSG_NEWSET), 3u);
    if (!has_failed || HasFailure()) break;
  }
  EXPECT_GT(failures, 50u);
}

// What a table held is given back with it, but for what the tracker of connections keeps.
TEST(NftMemory, WhatGoesIsGivenBack) {
  const std::string batch = large_batch();
  const std::string all_gone = batch_begin(1) + message(nft(NFT_MSG_DELTABLE), 0, 2, family_head(AF_UNSPEC)) + batch_end(3);
  Machine machine;
  machine.send(batch);
  machine.send(all_gone);
  machine.hear(0);
  const size_t before = machine.hal.live_bytes();
  for (int i = 0; i < 3; ++i) {
    machine.send(batch);
    EXPECT_EQ(machine.count(NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE), 1u);
    machine.send(all_gone);
    EXPECT_EQ(machine.count(NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE), 0u);
  }
  EXPECT_EQ(machine.hal.live_bytes(), before);
}

}  // namespace
}  // namespace lxnet::testing
