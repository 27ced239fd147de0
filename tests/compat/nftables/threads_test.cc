// Batches that change everything while packets pass and others read: every packet meets the old rules or the new ones.
#include <sys/syscall.h>

#include <atomic>
#include <thread>

#include "base/result.hh"
#include "hal/lxnet.h"
#include "hosts/threads/thread_host.hh"
#include "tests/conformance/netfilter/nft_client.hh"

namespace lxnet {
namespace {

using namespace conformance;  // what messages are made of

class Caller {
 public:
  explicit Caller(threads::ThreadHost& host) : host_(host) {
    fd_ = static_cast<int>(host_.call(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_NETFILTER));
    EXPECT_GE(fd_, 0);
  }
  ~Caller() { host_.call(SYS_close, fd_); }
  // The errors that came back.
  int talk(const std::string& all) {
    host_.call(SYS_sendto, fd_, all.data(), all.size(), 0, nullptr, 0);
    std::string room(1 << 16, 0);
    int errors = 0;
    for (int64_t size; (size = host_.call(SYS_recvfrom, fd_, room.data(), room.size(), MSG_DONTWAIT, nullptr, nullptr)) > 0;) {
      for (size_t at = 0; at < static_cast<size_t>(size);) {
        nlmsghdr head;
        memcpy(&head, room.data() + at, sizeof head);
        int error = 0;
        memcpy(&error, room.data() + at + sizeof head, sizeof error);
        errors += head.nlmsg_type == NLMSG_ERROR && error != 0;
        at += NLMSG_ALIGN(head.nlmsg_len);
      }
    }
    return errors;
  }

 private:
  threads::ThreadHost& host_;
  int fd_ = -1;
};

std::string change(int type, const std::string& attributes) {
  return message(nft(type), NLM_F_CREATE | NLM_F_APPEND, 2, family_head(NFPROTO_IPV4) + attributes);
}

// Two ways to say that nothing leaves: a rule, or a map to a chain of its own.
std::string begin_table() {
  return batch_begin(1) + change(NFT_MSG_NEWTABLE, table_named("t")) +
         change(NFT_MSG_NEWCHAIN, chain_named("t", "out") + at_hook(NF_INET_LOCAL_OUT, 0)) +
         change(NFT_MSG_NEWRULE, rule_in("t", "out", drop())) + batch_end(3);
}
std::string to_map(int round) {
  const std::string set = "m" + std::to_string(round), chain = "c" + std::to_string(round);
  const std::string map = new_set("t", set.c_str(), NFT_SET_MAP, 1, attribute(NFTA_SET_DATA_TYPE, be32(NFT_DATA_VERDICT)));
  const std::string udp = key(bytes(uint8_t{IPPROTO_UDP})) + nested(NFTA_SET_ELEM_DATA, verdict_of(NFT_JUMP, chain.c_str()));
  return batch_begin(1) + change(NFT_MSG_NEWCHAIN, chain_named("t", chain.c_str())) +
         change(NFT_MSG_NEWRULE, rule_in("t", chain.c_str(), drop())) + change(NFT_MSG_NEWSET, map) +
         change(NFT_MSG_NEWSETELEM, elements("t", set.c_str(), {udp})) + change(NFT_MSG_DELRULE, rule_in("t", "out")) +
         change(NFT_MSG_NEWRULE,
                rule_in("t", "out", load_meta(NFT_META_L4PROTO) + lookup(set.c_str(), reg(NFTA_LOOKUP_DREG, NFT_REG_VERDICT)))) +
         batch_end(3);
}
std::string to_rule(int round) {
  const std::string set = "m" + std::to_string(round), chain = "c" + std::to_string(round);
  return batch_begin(1) + change(NFT_MSG_DELRULE, rule_in("t", "out")) + change(NFT_MSG_DELRULE, rule_in("t", chain.c_str())) +
         change(NFT_MSG_DELSET, set_named("t", set.c_str())) + change(NFT_MSG_DELCHAIN, chain_named("t", chain.c_str())) +
         change(NFT_MSG_NEWRULE, rule_in("t", "out", drop())) + batch_end(3);
}

TEST(NftThreads, NoPacketSlipsThroughAChange) {
  threads::ThreadHost host("test");
  ASSERT_EQ(lxnet_enable_afnetlink(host.c_stack(), nullptr), 0);
  Caller changer(host);
  ASSERT_EQ(changer.talk(begin_table()), 0);
  std::atomic<int> slipped{0};
  std::atomic<bool> is_over{false};
  const auto send_all = [&] {
    const int fd = static_cast<int>(host.call(SYS_socket, AF_INET, SOCK_DGRAM, 0));
    const sockaddr_in to = loopback4(9);
    while (!is_over) {
      if (host.call(SYS_sendto, fd, "x", 1, MSG_DONTWAIT, &to, sizeof to) != -static_cast<int64_t>(Errno::EPERM)) ++slipped;
    }
    host.call(SYS_close, fd);
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back(send_all);
  threads.emplace_back([&] {
    Caller reader(host);
    while (!is_over) {
      EXPECT_EQ(reader.talk(message(nft(NFT_MSG_GETRULE), NLM_F_DUMP, 5, family_head(AF_UNSPEC))), 0);
      EXPECT_EQ(reader.talk(message(nft(NFT_MSG_GETSET), NLM_F_DUMP, 5, family_head(AF_UNSPEC))), 0);
    }
  });
  for (int round = 0; round < 300; ++round) {
    EXPECT_EQ(changer.talk(to_map(round)), 0) << round;
    EXPECT_EQ(changer.talk(to_rule(round)), 0) << round;
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(slipped, 0);
}

}  // namespace
}  // namespace lxnet
