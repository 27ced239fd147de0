// A table of family inet with base chains, and two sockets whose packets meet it.
#pragma once

#include "tests/conformance/netfilter/nft_client.hh"

namespace conformance {

constexpr int kPre = NF_INET_PRE_ROUTING, kIn = NF_INET_LOCAL_IN, kOut = NF_INET_LOCAL_OUT, kPost = NF_INET_POST_ROUTING;
constexpr int kAppend = NLM_F_CREATE | NLM_F_APPEND;

// A table of family inet with a base chain "in" and one "out", a receiver and a sender.
struct Ground {
  explicit Ground(Nft& socket)
      : tables(socket), receiver(::socket(AF_INET, SOCK_DGRAM, 0)), sender(::socket(AF_INET, SOCK_DGRAM, 0)) {
    bind_to(receiver, loopback4());
    bind_to(sender, loopback4());
    EXPECT_EQ(tables.change(NFT_MSG_NEWTABLE, NLM_F_CREATE, NFPROTO_INET, table_named("t")), 0);
    EXPECT_EQ(chain("in", at_hook(kIn, 0)), 0);
    EXPECT_EQ(chain("out", at_hook(kOut, 0)), 0);
  }
  long chain(const char* name, const std::string& more = "") {
    return tables.change(NFT_MSG_NEWCHAIN, NLM_F_CREATE, NFPROTO_INET, chain_named("t", name) + more);
  }
  long rule(const char* chain, const std::string& expressions) {
    return tables.change(NFT_MSG_NEWRULE, kAppend, NFPROTO_INET, rule_in("t", chain, expressions));
  }
  long flush(const char* chain) { return tables.change(NFT_MSG_DELRULE, 0, NFPROTO_INET, rule_in("t", chain)); }
  long set(const std::string& what) { return tables.change(NFT_MSG_NEWSET, NLM_F_CREATE, NFPROTO_INET, what); }
  long put(const char* set, const std::vector<std::string>& each) {
    return tables.change(NFT_MSG_NEWSETELEM, NLM_F_CREATE, NFPROTO_INET, elements("t", set, each));
  }
  uint16_t port_number() const { return ntohs(name_of(receiver).sin_port); }
  // What sending answers.
  long send(size_t size = 10) {
    const std::string data(size, 'x');
    const sockaddr_in to = name_of(receiver);
    return answer(::sendto(sender, data.data(), data.size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  }
  // Whether one that is sent comes.
  bool passes(size_t size = 10) {
    char data[4096];
    return send(size) == static_cast<long>(size) &&
           ::recv(receiver, data, sizeof data, MSG_DONTWAIT) == static_cast<ssize_t>(size);
  }
  // Of the first rule of a chain, its first counter.
  std::pair<uint64_t, uint64_t> counted(const char* chain) {
    for (const Heard& one : tables.dump(NFT_MSG_GETRULE, NFPROTO_INET)) {
      if (one.find(NFTA_RULE_CHAIN) != text(chain)) continue;
      for (const std::string& step : Heard::list(one.find(NFTA_RULE_EXPRESSIONS))) {
        if (Heard::in(step, 0, NFTA_EXPR_NAME) != text("counter")) continue;
        const std::string data = Heard::in(step, 0, NFTA_EXPR_DATA);
        return {number64(Heard::in(data, 0, NFTA_COUNTER_PACKETS)), number64(Heard::in(data, 0, NFTA_COUNTER_BYTES))};
      }
    }
    return {~0ull, ~0ull};
  }

  Nft& tables;
  Fd receiver, sender;
};
inline void with_ground(const std::function<void(Ground&)>& body) {
  with_nft([&](Nft& tables) {
    Ground ground(tables);
    body(ground);
  });
}
inline std::string is_udp() { return protocol_is(IPPROTO_UDP); }

}  // namespace conformance
