// Rules that ask of connections, and that translate addresses.
#include "tests/conformance/netfilter/ground.hh"

namespace conformance {
namespace {

constexpr uint32_t kNewState = 8, kEstablished = 2, kUntracked = 64;

std::string load_ct(int key, int direction = -1, int to = NFT_REG_1) {
  return expression("ct", reg(NFTA_CT_DREG, to) + reg(NFTA_CT_KEY, key) +
                              (direction < 0 ? "" : attribute(NFTA_CT_DIRECTION, bytes(static_cast<uint8_t>(direction)))));
}
std::string set_ct_mark() { return expression("ct", reg(NFTA_CT_KEY, NFT_CT_MARK) + reg(NFTA_CT_SREG, NFT_REG_1)); }
std::string is_state(uint32_t states) {
  const uint32_t nothing = 0;
  return load_ct(NFT_CT_STATE) +
         expression("bitwise", reg(NFTA_BITWISE_SREG, 1) + reg(NFTA_BITWISE_DREG, 1) + reg(NFTA_BITWISE_LEN, 4) +
                                   value(NFTA_BITWISE_MASK, bytes(states)) + value(NFTA_BITWISE_XOR, bytes(nothing))) +
         compare(bytes(nothing), NFT_CMP_NEQ);
}
std::string redirect_to(uint16_t number) {
  return immediate(port(number)) + expression("redir", reg(NFTA_REDIR_REG_PROTO_MIN, NFT_REG_1));
}
std::string nat(int type, const char* address, uint16_t number) {
  return immediate(ip(address)) + immediate(port(number), NFT_REG_2) +
         expression("nat", reg(NFTA_NAT_TYPE, type) + reg(NFTA_NAT_FAMILY, NFPROTO_IPV4) + reg(NFTA_NAT_REG_ADDR_MIN, NFT_REG_1) +
                               reg(NFTA_NAT_REG_PROTO_MIN, NFT_REG_2));
}
// Sends to the ground's receiver, from a socket that then hears no other.
struct Asker {
  explicit Asker(Ground& ground) : fd(::socket(AF_INET, SOCK_DGRAM, 0)) { connect_to(fd, name_of(ground.receiver)); }
  long ask() { return answer(::send(fd, "?", 1, MSG_DONTWAIT)); }
  long hear() {
    char data;
    return answer(::recv(fd, &data, 1, MSG_DONTWAIT));
  }
  Fd fd;
};
// What came, and where from; it is answered.
sockaddr_in serve(int fd) {
  char data;
  sockaddr_in from{};
  socklen_t length = sizeof from;
  if (::recvfrom(fd, &data, 1, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &length) != 1) return {};
  ::sendto(fd, "!", 1, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&from), sizeof from);
  return from;
}

TEST(NftConnections, HaveStates) {
  with_ground([](Ground& ground) {
    ASSERT_EQ(ground.rule("out", is_udp() + is_state(kNewState) + counter()), 0);
    ASSERT_EQ(ground.rule("in", is_udp() + is_state(kEstablished) + counter()), 0);
    Asker asker(ground);
    EXPECT_EQ(asker.ask(), 1);
    EXPECT_EQ(asker.ask(), 1);
    EXPECT_EQ(ground.counted("out").first, 2u) << "nobody has answered";
    EXPECT_EQ(ground.counted("in").first, 0u);
    serve(ground.receiver);
    EXPECT_EQ(asker.hear(), 1);
    EXPECT_EQ(asker.ask(), 1);
    EXPECT_EQ(ground.counted("out").first, 2u);
    EXPECT_EQ(ground.counted("in").first, 2u) << "the answer, and what follows it";
    ASSERT_EQ(ground.flush("in"), 0);
    ASSERT_EQ(ground.rule("in", is_udp() + is_state(kNewState) + drop()), 0);
    EXPECT_EQ(asker.ask(), 1);
    EXPECT_EQ(serve(ground.receiver).sin_family, AF_INET) << "an old acquaintance";
    EXPECT_FALSE(ground.passes());
  });
}

TEST(NftConnections, HaveMarksAndAddresses) {
  with_ground([](Ground& ground) {
    ASSERT_EQ(ground.rule("out", is_udp() + immediate(bytes(77)) + set_ct_mark()), 0);
    ASSERT_EQ(ground.rule("in", load_ct(NFT_CT_MARK) + compare(bytes(77)) + load_ct(NFT_CT_PROTO_DST, 0) +
                                    compare(port(ground.port_number())) + load_ct(NFT_CT_SRC_IP, 0) + compare(ip("127.0.0.1")) +
                                    load_ct(NFT_CT_PROTOCOL) + compare(bytes(uint8_t{IPPROTO_UDP})) + load_ct(NFT_CT_DIRECTION) +
                                    counter() + compare(bytes(uint8_t{0})) + drop()),
              0);
    Asker asker(ground);
    EXPECT_EQ(asker.ask(), 1);
    EXPECT_EQ(ground.counted("in").first, 1u);
    EXPECT_EQ(serve(ground.receiver).sin_family, 0);
    ASSERT_EQ(ground.rule("in", load_ct(NFT_CT_SRC_IP6, 0) + counter() + drop()), 0);
    EXPECT_EQ(ground.rule("in", load_ct(NFT_CT_SRC_IP)), -EINVAL) << "of which direction?";
    EXPECT_EQ(ground.rule("in", load_ct(NFT_CT_STATE, 0)), -EINVAL);
    EXPECT_EQ(ground.rule("in", load_ct(NFT_CT_PROTO_SRC, 2)), -EINVAL);
    EXPECT_EQ(ground.rule("in", load_ct(200)), -EOPNOTSUPP);
    EXPECT_EQ(ground.rule("in", expression("ct", reg(NFTA_CT_KEY, NFT_CT_MARK))), -EINVAL);
  });
}

TEST(NftConnections, MayBeLeftAlone) {
  with_ground([](Ground& ground) {
    ASSERT_EQ(ground.chain("raw", at_hook(kOut, -300)), 0);
    ASSERT_EQ(ground.rule("out", is_udp() + is_state(kUntracked) + counter()), 0);
    EXPECT_TRUE(ground.passes());
    EXPECT_EQ(ground.counted("out").first, 0u);
    ASSERT_EQ(ground.rule("raw", is_udp() + expression("notrack")), 0);
    EXPECT_TRUE(ground.passes());
    EXPECT_EQ(ground.counted("out").first, 1u);
  });
}

TEST(NftNat, RedirectsToAnotherPort) {
  with_ground([](Ground& ground) {
    const Fd other(::socket(AF_INET, SOCK_DGRAM, 0));
    bind_to(other, loopback4());
    ASSERT_EQ(ground.chain("nat", at_hook(kOut, -100, "nat")), 0);
    ASSERT_EQ(ground.rule("nat", is_udp() + to_port() + compare(port(ground.port_number())) + counter() +
                                     redirect_to(ntohs(name_of(other).sin_port))),
              0);
    Asker asker(ground);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(asker.ask(), 1);
      EXPECT_EQ(serve(other).sin_family, AF_INET) << i;
      EXPECT_EQ(asker.hear(), 1) << "from whom it was asked";
    }
    EXPECT_EQ(ground.counted("nat").first, 1u) << "the first packet of a connection alone";
  });
}

TEST(NftNat, ChangesDestinationsAndSources) {
  with_ground([](Ground& ground) {
    const Fd other(::socket(AF_INET, SOCK_DGRAM, 0));
    bind_to(other, loopback4());
    ASSERT_EQ(ground.chain("dst", at_hook(kOut, -100, "nat")), 0);
    ASSERT_EQ(ground.chain("src", at_hook(kPost, 100, "nat")), 0);
    ASSERT_EQ(ground.rule("dst", is_udp() + to_port() + compare(port(ground.port_number())) +
                                     nat(NFT_NAT_DNAT, "127.0.0.1", ntohs(name_of(other).sin_port))),
              0);
    ASSERT_EQ(ground.rule("src", is_udp() + to_port() + compare(port(ntohs(name_of(other).sin_port))) +
                                     nat(NFT_NAT_SNAT, "127.0.0.9", 999)),
              0);
    Asker asker(ground);
    EXPECT_EQ(asker.ask(), 1);
    const sockaddr_in from = serve(other);
    EXPECT_EQ(ntohs(from.sin_port), 999);
    EXPECT_EQ(ntohl(from.sin_addr.s_addr), 0x7f000009u);
    EXPECT_EQ(asker.hear(), 1);
  });
}

TEST(NftNat, StandsInChainsOfItsOwn) {
  with_ground([](Ground& ground) {
    EXPECT_EQ(ground.chain("n", at_hook(NF_INET_FORWARD, 0, "nat")), -EOPNOTSUPP);
    EXPECT_EQ(ground.chain("n", at_hook(kPre, -200, "nat")), -EOPNOTSUPP) << "before connections are known";
    EXPECT_EQ(ground.chain("n", at_hook(kPre, -100, "nat")), 0);
    EXPECT_EQ(ground.rule("n", expression("masq")), -EOPNOTSUPP) << "at POSTROUTING alone";
    EXPECT_EQ(ground.rule("out", redirect_to(1)), -EOPNOTSUPP);
    EXPECT_EQ(ground.rule("n", nat(NFT_NAT_SNAT, "127.0.0.1", 1)), -EOPNOTSUPP);
    EXPECT_EQ(ground.rule("n", redirect_to(1)), 0);
    EXPECT_EQ(ground.rule("n", expression("nat", reg(NFTA_NAT_TYPE, 0) + reg(NFTA_NAT_FAMILY, NFPROTO_IPV4))), -EINVAL);
    ASSERT_EQ(ground.chain("m", at_hook(kPost, 100, "nat")), 0);
    EXPECT_EQ(ground.rule("m", expression("masq")), 0);
    EXPECT_FALSE(ground.passes()) << "it went to the other port";
  });
}

}  // namespace
}  // namespace conformance
