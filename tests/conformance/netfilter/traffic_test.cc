// What rules do to packets on lo.
#include <array>

#include "tests/conformance/netfilter/ground.hh"

namespace conformance {
namespace {

std::string data_of_map(const std::string& data) { return value(NFTA_SET_ELEM_DATA, data); }
std::string bitwise(uint32_t mask, uint32_t flip, int at = NFT_REG_1) {
  return expression("bitwise", reg(NFTA_BITWISE_SREG, at) + reg(NFTA_BITWISE_DREG, at) + reg(NFTA_BITWISE_LEN, 4) +
                                   value(NFTA_BITWISE_MASK, bytes(mask)) + value(NFTA_BITWISE_XOR, bytes(flip)));
}

TEST(NftTraffic, OutputRefusesAndInputIsSilent) {
  with_ground([](Ground& ground) {
    EXPECT_TRUE(ground.passes());
    ASSERT_EQ(ground.rule("out", is_udp() + counter() + to_port() + compare(port(ground.port_number())) + drop()), 0);
    EXPECT_EQ(ground.send(), -EPERM);
    EXPECT_EQ(ground.counted("out"), std::pair(uint64_t{1}, uint64_t{38}));
    ASSERT_EQ(ground.flush("out"), 0);
    EXPECT_TRUE(ground.passes());
    ASSERT_EQ(ground.rule("in", is_udp() + counter() + drop()), 0);
    EXPECT_EQ(ground.send(100), 100);
    EXPECT_FALSE(ground.passes());
    EXPECT_EQ(ground.counted("in"), std::pair(uint64_t{2}, uint64_t{128 + 38}));
  });
}

TEST(NftTraffic, PoliciesAndDormantTables) {
  with_ground([](Ground& ground) {
    const auto policy = [&](int verdict) {
      return ground.chain("out", attribute(NFTA_CHAIN_POLICY, be32(static_cast<uint32_t>(verdict))));
    };
    EXPECT_EQ(policy(NF_DROP), 0);
    EXPECT_EQ(ground.send(), -EPERM);
    const auto flags = [&](uint32_t value) {
      return ground.tables.change(NFT_MSG_NEWTABLE, 0, NFPROTO_INET, table_named("t") + attribute(NFTA_TABLE_FLAGS, be32(value)));
    };
    EXPECT_EQ(flags(NFT_TABLE_F_DORMANT), 0);
    EXPECT_TRUE(ground.passes());
    EXPECT_EQ(flags(0), 0);
    EXPECT_EQ(ground.send(), -EPERM);
    EXPECT_EQ(policy(NF_ACCEPT), 0);
    EXPECT_TRUE(ground.passes());
  });
}

TEST(NftTraffic, AcceptEndsAChainAndNotTheNext) {
  with_ground([](Ground& ground) {
    ASSERT_EQ(ground.chain("late", at_hook(kOut, 10)), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + counter() + verdict_step(NF_ACCEPT)), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + drop()), 0);
    EXPECT_TRUE(ground.passes());
    ASSERT_EQ(ground.rule("late", is_udp() + counter() + drop()), 0);
    EXPECT_EQ(ground.send(), -EPERM);
    ASSERT_EQ(ground.chain("early", at_hook(kOut, -10)), 0);
    ASSERT_EQ(ground.rule("early", is_udp() + drop()), 0);
    EXPECT_EQ(ground.send(), -EPERM);
    EXPECT_EQ(ground.counted("out").first, 2u) << "not the third, which did not come so far";
  });
}

TEST(NftTraffic, JumpsComeBackAndGotosDoNot) {
  with_ground([](Ground& ground) {
    ASSERT_EQ(ground.chain("one"), 0);
    ASSERT_EQ(ground.chain("two"), 0);
    ASSERT_EQ(ground.rule("two", counter() + verdict_step(NFT_RETURN)), 0);
    ASSERT_EQ(ground.rule("two", drop()), 0);
    ASSERT_EQ(ground.rule("one", counter() + verdict_step(NFT_JUMP, "two")), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + verdict_step(NFT_JUMP, "one")), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + drop()), 0);
    EXPECT_EQ(ground.send(), -EPERM);
    EXPECT_EQ(ground.counted("one").first, 1u);
    EXPECT_EQ(ground.counted("two").first, 1u);
    ASSERT_EQ(ground.flush("out"), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + verdict_step(NFT_GOTO, "one")), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + drop()), 0);
    EXPECT_TRUE(ground.passes()) << "the policy of the base chain is next";
  });
}

TEST(NftTraffic, ComparisonsRangesAndBits) {
  with_ground([](Ground& ground) {
    const auto drops = [&](const std::string& condition) {
      EXPECT_EQ(ground.flush("out"), 0);
      EXPECT_EQ(ground.rule("out", is_udp() + condition + drop()), 0);
      return ground.send(20) == -EPERM;
    };
    const std::string length = load_meta(NFT_META_LEN);  // 48, in the host's order
    const std::string in_order = length + expression("byteorder", reg(NFTA_BYTEORDER_SREG, 1) + reg(NFTA_BYTEORDER_DREG, 1) +
                                                                      reg(NFTA_BYTEORDER_OP, NFT_BYTEORDER_HTON) +
                                                                      reg(NFTA_BYTEORDER_LEN, 4) + reg(NFTA_BYTEORDER_SIZE, 4));
    EXPECT_TRUE(drops(length + compare(bytes(48))));
    EXPECT_FALSE(drops(length + compare(bytes(47))));
    EXPECT_TRUE(drops(length + compare(bytes(47), NFT_CMP_NEQ)));
    EXPECT_TRUE(drops(in_order + compare(be32(47), NFT_CMP_GT)));
    EXPECT_FALSE(drops(in_order + compare(be32(48), NFT_CMP_LT)));
    EXPECT_TRUE(drops(in_order + compare(be32(48), NFT_CMP_LTE)));
    EXPECT_TRUE(drops(in_order + compare(be32(48), NFT_CMP_GTE)));
    const auto range = [&](int how, uint32_t low, uint32_t high) {
      return in_order + expression("range", reg(NFTA_RANGE_SREG, 1) + reg(NFTA_RANGE_OP, how) +
                                                value(NFTA_RANGE_FROM_DATA, be32(low)) + value(NFTA_RANGE_TO_DATA, be32(high)));
    };
    EXPECT_TRUE(drops(range(NFT_RANGE_EQ, 40, 48)));
    EXPECT_FALSE(drops(range(NFT_RANGE_NEQ, 40, 48)));
    EXPECT_FALSE(drops(range(NFT_RANGE_EQ, 49, 60)));
    EXPECT_TRUE(drops(length + bitwise(0xf0, 0) + compare(bytes(48))));
    EXPECT_TRUE(drops(length + bitwise(0xf0, 0xff) + compare(bytes(48 ^ 0xff))));
    EXPECT_FALSE(drops(load(NFT_PAYLOAD_TRANSPORT_HEADER, 26, 4) + compare(std::string(4, 'x')))) << "it ends before";
    EXPECT_TRUE(drops(load(NFT_PAYLOAD_TRANSPORT_HEADER, 24, 4) + compare(std::string(4, 'x'))));
    EXPECT_TRUE(drops(load(NFT_PAYLOAD_NETWORK_HEADER, 16, 4) + compare(ip("127.0.0.1"))));
    EXPECT_TRUE(drops(load_meta(NFT_META_OIFNAME) + compare("lo" + std::string(14, 0))));
    EXPECT_TRUE(drops(load_meta(NFT_META_OIF) + compare(bytes(1))));
    EXPECT_FALSE(drops(load_meta(NFT_META_IIF) + compare(bytes(1)))) << "it comes from here: it breaks there";
    EXPECT_TRUE(drops(load_meta(NFT_META_NFPROTO) + compare(bytes(uint8_t{NFPROTO_IPV4}))));
  });
}

TEST(NftTraffic, SetsMapsAndVerdicts) {
  with_ground([](Ground& ground) {
    const std::string mine = port(ground.port_number());
    ASSERT_EQ(ground.set(new_set("t", "ports", 0, 2)), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + to_port() + lookup("ports") + drop()), 0);
    EXPECT_TRUE(ground.passes());
    ASSERT_EQ(ground.put("ports", {key(port(1)), key(mine), key(port(3))}), 0);
    EXPECT_EQ(ground.send(), -EPERM);
    ASSERT_EQ(ground.tables.change(NFT_MSG_DELSETELEM, 0, NFPROTO_INET, elements("t", "ports", {key(mine)})), 0);
    EXPECT_TRUE(ground.passes());
    ASSERT_EQ(ground.flush("out"), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + to_port() + lookup("ports", reg(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV)) + drop()), 0);
    EXPECT_EQ(ground.send(), -EPERM);
    ASSERT_EQ(ground.flush("out"), 0);

    ASSERT_EQ(ground.chain("other"), 0);
    ASSERT_EQ(ground.rule("other", counter() + drop()), 0);
    const uint32_t type = NFT_DATA_VERDICT;
    ASSERT_EQ(ground.set(new_set("t", "verdicts", NFT_SET_MAP, 2, attribute(NFTA_SET_DATA_TYPE, be32(type)))), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + to_port() + lookup("verdicts", reg(NFTA_LOOKUP_DREG, NFT_REG_VERDICT))), 0);
    EXPECT_TRUE(ground.passes());
    ASSERT_EQ(ground.put("verdicts", {key(mine) + nested(NFTA_SET_ELEM_DATA, verdict_of(NFT_JUMP, "other"))}), 0);
    EXPECT_EQ(ground.send(), -EPERM);
    EXPECT_EQ(ground.counted("other").first, 1u);
    ASSERT_EQ(ground.flush("out"), 0);

    ASSERT_EQ(ground.set(new_set("t", "marks", NFT_SET_MAP, 2,
                                 attribute(NFTA_SET_DATA_TYPE, be32(19)) + attribute(NFTA_SET_DATA_LEN, be32(4)))),
              0);
    ASSERT_EQ(ground.put("marks", {key(mine) + data_of_map(bytes(77))}), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + to_port() + lookup("marks", reg(NFTA_LOOKUP_DREG, 1)) + set_meta(NFT_META_MARK)), 0);
    ASSERT_EQ(ground.rule("in", load_meta(NFT_META_MARK) + compare(bytes(77)) + counter() + drop()), 0);
    EXPECT_EQ(ground.send(), 10);
    EXPECT_EQ(ground.counted("in").first, 1u) << "a mark goes with its packet on lo";
  });
}

TEST(NftTraffic, IntervalsAndRangesOfFields) {
  with_ground([](Ground& ground) {
    const uint16_t mine = ground.port_number();
    const auto ends = [](const std::string& at) {
      return key(at) + attribute(NFTA_SET_ELEM_FLAGS, be32(NFT_SET_ELEM_INTERVAL_END));
    };
    ASSERT_EQ(ground.set(new_set("t", "ranges", NFT_SET_INTERVAL, 2)), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + to_port() + lookup("ranges") + drop()), 0);
    ASSERT_EQ(ground.put("ranges", {key(port(static_cast<uint16_t>(mine - 1))), ends(port(mine))}), 0);
    EXPECT_TRUE(ground.passes()) << "an end is not part of it";
    ASSERT_EQ(ground.put("ranges", {key(port(mine)), ends(port(static_cast<uint16_t>(mine + 1)))}), 0);
    EXPECT_EQ(ground.send(), -EPERM);
    ASSERT_EQ(ground.flush("out"), 0);

    std::string fields;
    for (const uint32_t size : {4u, 2u}) fields += nested(NFTA_LIST_ELEM, attribute(NFTA_SET_FIELD_LEN, be32(size)));
    const std::string fields_of = nested(NFTA_SET_DESC, nested(NFTA_SET_DESC_CONCAT, fields));
    constexpr uint32_t kConcatenation = 0x80;
    ASSERT_EQ(ground.set(new_set("t", "both", NFT_SET_INTERVAL | kConcatenation, 8, fields_of)), 0);
    const auto both = [](const char* address, uint16_t number) { return ip(address) + port(number) + std::string(2, 0); };
    const std::string keys =
        load(NFT_PAYLOAD_NETWORK_HEADER, 16, 4, NFT_REG32_00) + load(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG32_01);
    ASSERT_EQ(ground.rule("out", is_udp() + keys +
                                     expression("lookup",
                                                attribute(NFTA_LOOKUP_SET, text("both")) + reg(NFTA_LOOKUP_SREG, NFT_REG32_00)) +
                                     drop()),
              0);
    const auto range = [&](const char* low, const char* high, uint16_t first, uint16_t last) {
      return ground.put("both", {key(both(low, first)) + value(NFTA_SET_ELEM_KEY_END, both(high, last))});
    };
    EXPECT_EQ(range("127.0.0.1", "127.0.0.9", 1, 9), 0);
    EXPECT_EQ(range("128.0.0.1", "129.0.0.9", mine, mine), 0);
    EXPECT_TRUE(ground.passes());
    EXPECT_EQ(range("127.0.0.0", "127.255.255.255", mine, static_cast<uint16_t>(mine + 9)), 0);
    EXPECT_EQ(ground.send(), -EPERM);
  });
}

TEST(NftTraffic, PacketsAddElements) {
  with_ground([](Ground& ground) {
    ASSERT_EQ(ground.set(new_set("t", "seen", NFT_SET_EVAL | NFT_SET_TIMEOUT, 2,
                                 nested(NFTA_SET_DESC, attribute(NFTA_SET_DESC_SIZE, be32(1))))),
              0);
    const std::string adds =
        expression("dynset", attribute(NFTA_DYNSET_SET_NAME, text("seen")) + reg(NFTA_DYNSET_OP, NFT_DYNSET_OP_ADD) +
                                 reg(NFTA_DYNSET_SREG_KEY, 1) + attribute(NFTA_DYNSET_TIMEOUT, be64(600000)));
    ASSERT_EQ(ground.rule("out", is_udp() + to_port() + adds + counter()), 0);
    EXPECT_TRUE(ground.passes());
    EXPECT_TRUE(ground.passes()) << "again";
    EXPECT_EQ(ground.counted("out").first, 2u);
    const Heard found =
        ground.tables.ask(NFT_MSG_GETSETELEM, 0, NFPROTO_INET, elements("t", "seen", {key(port(ground.port_number()))}));
    EXPECT_EQ(found.type, nft(NFT_MSG_NEWSETELEM));
    const std::vector<std::string> each = Heard::list(found.find(NFTA_SET_ELEM_LIST_ELEMENTS));
    ASSERT_EQ(each.size(), 1u);
    EXPECT_EQ(number64(Heard::in(each[0], 0, NFTA_SET_ELEM_TIMEOUT)), 600000u);
    const Fd second(::socket(AF_INET, SOCK_DGRAM, 0));
    bind_to(second, loopback4());
    const sockaddr_in to = name_of(second);
    EXPECT_EQ(answer(::sendto(ground.sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to)), 1);
    EXPECT_EQ(ground.counted("out").first, 2u) << "the set is full, and the rule ends";
  });
}

TEST(NftTraffic, LimitsAndQuotas) {
  with_ground([](Ground& ground) {
    const auto limit = [](uint64_t rate, uint32_t burst, uint32_t flags) {
      return expression("limit", attribute(NFTA_LIMIT_RATE, be64(rate)) + attribute(NFTA_LIMIT_UNIT, be64(3600)) +
                                     attribute(NFTA_LIMIT_BURST, be32(burst)) + attribute(NFTA_LIMIT_TYPE, be32(NFT_LIMIT_PKTS)) +
                                     attribute(NFTA_LIMIT_FLAGS, be32(flags)));
    };
    ASSERT_EQ(ground.rule("out", is_udp() + limit(1, 3, NFT_LIMIT_F_INV) + drop()), 0);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(ground.passes()) << i;
    EXPECT_EQ(ground.send(), -EPERM);
    ASSERT_EQ(ground.flush("out"), 0);
    const auto quota =
        expression("quota", attribute(NFTA_QUOTA_BYTES, be64(100)) + attribute(NFTA_QUOTA_FLAGS, be32(NFT_QUOTA_F_INV)));
    ASSERT_EQ(ground.rule("out", is_udp() + quota + drop()), 0);
    EXPECT_TRUE(ground.passes(72)) << "just a hundred";
    EXPECT_EQ(ground.send(1), -EPERM);
  });
}

TEST(NftTraffic, RejectionsAreTold) {
  with_ground([](Ground& ground) {
    const auto reject = [](int type, int code) {
      return expression("reject",
                        reg(NFTA_REJECT_TYPE, type) + attribute(NFTA_REJECT_ICMP_CODE, bytes(static_cast<uint8_t>(code))));
    };
    ASSERT_EQ(connect_to(ground.sender, name_of(ground.receiver)), 0);
    const auto told = [&](int type, int code) {
      EXPECT_EQ(ground.flush("in"), 0);
      EXPECT_EQ(ground.rule("in", is_udp() + reject(type, code)), 0);
      EXPECT_EQ(answer(::send(ground.sender, "x", 1, 0)), 1);
      char data;
      return answer(::recv(ground.sender, &data, 1, MSG_DONTWAIT));
    };
    EXPECT_EQ(told(NFT_REJECT_ICMP_UNREACH, 3), -ECONNREFUSED);
    EXPECT_EQ(told(NFT_REJECT_ICMP_UNREACH, 2), -ENOPROTOOPT);
    EXPECT_EQ(told(NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH), -ECONNREFUSED);
    EXPECT_EQ(told(NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED), -EHOSTUNREACH);
    const Fd listener(::socket(AF_INET, SOCK_STREAM, 0)), client(::socket(AF_INET, SOCK_STREAM, 0));
    bind_to(listener, loopback4());
    ::listen(listener, 1);
    EXPECT_EQ(ground.rule("in", protocol_is(IPPROTO_TCP) + to_port() + compare(port(ntohs(name_of(listener).sin_port))) +
                                    expression("reject", reg(NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST))),
              0);
    EXPECT_EQ(connect_to(client, name_of(listener)), -ECONNREFUSED);
    EXPECT_EQ(ground.rule("in", expression("reject", reg(NFTA_REJECT_TYPE, 9))), -EINVAL);
  });
}

TEST(NftTraffic, HeadersAreRewritten) {
  with_ground([](Ground& ground) {
    const auto writes = [](int base, uint32_t offset, uint32_t size, int sum, uint32_t sum_at, uint32_t flags = 0) {
      return expression("payload", reg(NFTA_PAYLOAD_SREG, 1) + reg(NFTA_PAYLOAD_BASE, base) +
                                       attribute(NFTA_PAYLOAD_OFFSET, be32(offset)) + attribute(NFTA_PAYLOAD_LEN, be32(size)) +
                                       reg(NFTA_PAYLOAD_CSUM_TYPE, sum) + attribute(NFTA_PAYLOAD_CSUM_OFFSET, be32(sum_at)) +
                                       attribute(NFTA_PAYLOAD_CSUM_FLAGS, be32(flags)));
    };
    const int on = 1;
    ASSERT_EQ(::setsockopt(ground.receiver, IPPROTO_IP, IP_RECVTTL, &on, sizeof on), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + immediate(bytes(uint8_t{9})) +
                                     writes(NFT_PAYLOAD_NETWORK_HEADER, 8, 1, NFT_PAYLOAD_CSUM_INET, 10)),
              0);
    EXPECT_EQ(ground.send(), 10);
    char data[64], control[64];
    iovec part{data, sizeof data};
    msghdr head{};
    head.msg_iov = &part;
    head.msg_iovlen = 1;
    head.msg_control = control;
    head.msg_controllen = sizeof control;
    ASSERT_EQ(::recvmsg(ground.receiver, &head, MSG_DONTWAIT), 10);
    ASSERT_NE(CMSG_FIRSTHDR(&head), nullptr);
    EXPECT_EQ(*reinterpret_cast<int*>(CMSG_DATA(CMSG_FIRSTHDR(&head))), 9);
    ASSERT_EQ(ground.flush("out"), 0);
    // Another port: to whom it goes, with a sum that is right.
    const Fd other(::socket(AF_INET, SOCK_DGRAM, 0));
    bind_to(other, loopback4());
    const std::string there = port(ntohs(name_of(other).sin_port));
    ASSERT_EQ(
        ground.rule("out", is_udp() + immediate(there) + writes(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_PAYLOAD_CSUM_INET, 6)),
        0);
    EXPECT_EQ(ground.send(), 10);
    EXPECT_EQ(::recv(other, data, sizeof data, MSG_DONTWAIT), 10);
  });
}

TEST(NftTraffic, Ipv6AndItsOptions) {
  with_ground([](Ground& ground) {
    const Fd receiver(::socket(AF_INET6, SOCK_DGRAM, 0)), sender(::socket(AF_INET6, SOCK_DGRAM, 0));
    bind_to(receiver, loopback6());
    sockaddr_in6 to{};
    socklen_t length = sizeof to;
    ::getsockname(receiver, reinterpret_cast<sockaddr*>(&to), &length);
    const auto send = [&] {
      return answer(::sendto(sender, "x", 1, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    };
    EXPECT_EQ(send(), 1);
    const std::string is_v6 = load_meta(NFT_META_NFPROTO) + compare(bytes(uint8_t{NFPROTO_IPV6}));
    ASSERT_EQ(ground.rule("out", is_v6 + load(NFT_PAYLOAD_NETWORK_HEADER, 24, 16) + compare(bytes(in6addr_loopback)) + to_port() +
                                     compare(port(ntohs(to.sin6_port))) + counter() + drop()),
              0);
    EXPECT_EQ(send(), -EPERM);
    EXPECT_EQ(ground.counted("out"), std::pair(uint64_t{1}, uint64_t{49}));
    EXPECT_TRUE(ground.passes()) << "of IPv4";
    ASSERT_EQ(ground.flush("out"), 0);
    const auto exthdr = expression("exthdr", reg(NFTA_EXTHDR_DREG, 1) + attribute(NFTA_EXTHDR_TYPE, bytes(uint8_t{60})) +
                                                 attribute(NFTA_EXTHDR_FLAGS, be32(NFT_EXTHDR_F_PRESENT)) +
                                                 reg(NFTA_EXTHDR_LEN, 1) + reg(NFTA_EXTHDR_OFFSET, 0));
    ASSERT_EQ(ground.rule("out", is_v6 + exthdr + compare(bytes(uint8_t{1})) + drop()), 0);
    EXPECT_EQ(send(), 1);
    const char options[8] = {0, 0, 1, 4, 0, 0, 0, 0};
    ASSERT_EQ(::setsockopt(sender, IPPROTO_IPV6, IPV6_DSTOPTS, options, sizeof options), 0);
    EXPECT_EQ(send(), -EPERM);
  });
}

TEST(NftTraffic, TcpOptionsOfASegment) {
  with_ground([](Ground& ground) {
    const std::string size = expression("exthdr", reg(NFTA_EXTHDR_DREG, 1) + attribute(NFTA_EXTHDR_TYPE, bytes(uint8_t{2})) +
                                                      reg(NFTA_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT) + reg(NFTA_EXTHDR_LEN, 2) +
                                                      reg(NFTA_EXTHDR_OFFSET, 2));
    ASSERT_EQ(ground.rule("in", protocol_is(IPPROTO_TCP) + size + compare(port(65495)) + counter()), 0);
    const TcpPair pair = tcp_pair();
    EXPECT_EQ(ground.counted("in").first, 2u) << "SYN, and SYN with ACK";
    EXPECT_EQ(answer(::send(pair.client, "x", 1, 0)), 1);
    EXPECT_EQ(ground.counted("in").first, 2u);
  });
}

TEST(NftTraffic, WhereAddressesLead) {
  with_ground([](Ground& ground) {
    const std::string kind = expression("fib", reg(NFTA_FIB_DREG, 1) + reg(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE) +
                                                   attribute(NFTA_FIB_FLAGS, be32(NFTA_FIB_F_DADDR)));
    ASSERT_EQ(ground.rule("out", is_udp() + kind + compare(bytes(2)) + counter() + drop()), 0);
    EXPECT_EQ(ground.send(), -EPERM) << "its destination is local";
    const std::string numbers = expression("numgen", reg(NFTA_NG_DREG, 1) + reg(NFTA_NG_TYPE, NFT_NG_INCREMENTAL) +
                                                         reg(NFTA_NG_MODULUS, 2) + reg(NFTA_NG_OFFSET, 0));
    ASSERT_EQ(ground.flush("out"), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + numbers + compare(bytes(1)) + drop()), 0);
    const long first = ground.send(), second = ground.send(), third = ground.send();
    EXPECT_NE(first, second);
    EXPECT_EQ(first, third);
  });
}

TEST(NftTraffic, MatchesAndTargetsOfIptables) {
  with_ground([](Ground& ground) {
    ASSERT_EQ(ground.tables.change(NFT_MSG_NEWTABLE, NLM_F_CREATE, NFPROTO_IPV4, table_named("filter")), 0);
    ASSERT_EQ(
        ground.tables.change(NFT_MSG_NEWCHAIN, NLM_F_CREATE, NFPROTO_IPV4, chain_named("filter", "OUTPUT") + at_hook(kOut, 0)),
        0);
    const uint16_t mine = ground.port_number();
    const auto match = [&](uint16_t low, uint16_t high) {
      const std::string data = bytes(std::array<uint16_t, 4>{0, 0xffff, low, high}) + std::string(8, 0);
      return expression("match",
                        attribute(NFTA_MATCH_NAME, text("udp")) + reg(NFTA_MATCH_REV, 0) + attribute(NFTA_MATCH_INFO, data));
    };
    const std::string reject = expression("target", attribute(NFTA_TARGET_NAME, text("REJECT")) + reg(NFTA_TARGET_REV, 0) +
                                                        attribute(NFTA_TARGET_INFO, bytes(uint64_t{0})));
    const std::string compat =
        nested(NFTA_RULE_COMPAT, reg(NFTA_RULE_COMPAT_PROTO, IPPROTO_UDP) + reg(NFTA_RULE_COMPAT_FLAGS, 0));
    const auto rule = [&](const std::string& steps, const std::string& more) {
      return ground.tables.change(NFT_MSG_NEWRULE, kAppend, NFPROTO_IPV4, rule_in("filter", "OUTPUT", steps) + more);
    };
    EXPECT_EQ(rule(match(mine, mine) + drop(), ""), -EINVAL) << "it is for UDP alone";
    EXPECT_EQ(rule(match(1, 1) + drop(), compat), 0);
    EXPECT_TRUE(ground.passes());
    EXPECT_EQ(rule(match(mine, mine) + drop(), compat), 0);
    EXPECT_EQ(ground.send(), -EPERM);
    EXPECT_EQ(rule(expression("match", attribute(NFTA_MATCH_NAME, text("nonesuch")) + reg(NFTA_MATCH_REV, 0) +
                                           attribute(NFTA_MATCH_INFO, bytes(0))),
                   ""),
              -ENOENT);
    EXPECT_EQ(rule(reject, compat), 0);
    const std::string question =
        message(NFNL_SUBSYS_NFT_COMPAT << 8, NLM_F_ACK, 5,
                family_head(NFPROTO_IPV4) + attribute(1, text("REJECT")) + attribute(2, be32(0)) + attribute(3, be32(1)));
    const std::vector<Heard> told = ground.tables.talk(question);
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told[0].type, NFNL_SUBSYS_NFT_COMPAT << 8);
    EXPECT_EQ(told[0].find(1), text("REJECT"));
  });
}

}  // namespace
}  // namespace conformance
