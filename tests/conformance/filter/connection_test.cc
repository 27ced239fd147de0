// Connections as rules and /proc see them: states, marks, times, and what is not followed.
#include <netinet/ip_icmp.h>
#include <sys/wait.h>

#include <algorithm>

#include "tests/conformance/filter/nat_rules.hh"

namespace conformance {
namespace {

const std::string kProc = "/proc/self/net/nf_conntrack";

Fd udp_at(const char* address, uint16_t port) { return bound(::socket(AF_INET, SOCK_DGRAM, 0), address, port); }

// INPUT counts by state, in this order; what is in none of them meets the policy.
constexpr unsigned kStates[] = {kNew4, kEstablished, kRelated, kInvalid, kUntracked};
long count_states(int fd) {
  std::vector<Rule4> rules;
  for (const unsigned state : kStates) rules.push_back(Rule4(0, in_state(state), verdict(kAccept)));
  return Table4("filter").hook(kIn, rules).hook(kForward).hook(kOut).replace(fd);
}
std::vector<uint64_t> counted_states(int fd) {
  std::vector<uint64_t> packets;
  for (const auto& each : Table4::counters(fd, "filter")) packets.push_back(each.first);
  packets.resize(6);
  return packets;
}
using Packets = std::vector<uint64_t>;

long set_tunable(const char* name, const char* text) {
  const Fd fd(::open((std::string("/proc/sys/net/netfilter/nf_conntrack_") + name).c_str(), O_WRONLY | O_CLOEXEC));
  return answer(::write(fd, text, strlen(text)));
}
std::string tunable(const char* name) { return text_at(std::string("/proc/sys/net/netfilter/nf_conntrack_") + name); }

// The line of a connection that has the text, its time and what it names by chance made plain.
std::string line_with(const std::string& text) {
  const std::string all = text_at(kProc);
  const size_t at = all.find(text);
  if (at == std::string::npos) return "";
  const size_t begin = all.rfind('\n', at) == std::string::npos ? 0 : all.rfind('\n', at) + 1;
  return all.substr(begin, all.find('\n', at) - begin);
}
// Of "ipv4     2 tcp      6 431999 ESTABLISHED src=...": 431999.
int seconds_of(const std::string& line) {
  int seconds = -1;
  sscanf(line.c_str(), "%*s %*d %*s %*d %d", &seconds);
  return seconds;
}
std::string without_seconds(const std::string& line) {
  char family[16], protocol[16];
  int number = 0, kind = 0, seconds = 0, used = 0;
  if (sscanf(line.c_str(), "%15s %d %15s %d %d %n", family, &number, protocol, &kind, &seconds, &used) != 5) return line;
  return std::string(protocol) + " " + line.substr(static_cast<size_t>(used));
}
// Times have begun to run.
void expect_seconds(int expected, const std::string& line) {
  EXPECT_LE(seconds_of(line), expected) << line;
  EXPECT_GE(seconds_of(line), expected - 3) << line;
}

TEST(Connection, NobodyFollowsWhatNoRuleAsksFor) {
  with_filter([](int fd) {
    EXPECT_EQ(text_at(kProc), "");
    ASSERT_EQ(put_nat<V4>(fd, {}, {}, {}, {}), 0);
    const TcpPair before = tcp_pair();
    EXPECT_EQ(text_at(kProc), "") << "an empty table nat asks for nothing";
    ASSERT_EQ(count_states(fd), 0);
    const TcpPair during = tcp_pair();
    EXPECT_NE(text_at(kProc), "");
    ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut).replace(fd), 0);
    const TcpPair after = tcp_pair();
    const std::string lines = text_at(kProc);
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1) << "what was known is kept, what is new is not\n" << lines;
  });
}

TEST(Connection, PacketsOfTcpAreInTheStatesThatLinuxSays) {
  with_filter([](int fd) {
    ASSERT_EQ(count_states(fd), 0);
    TcpPair pair = tcp_pair();
    EXPECT_EQ(counted_states(fd), Packets({1, 2, 0, 0, 0, 0})) << "SYN; SYN ACK, ACK";
    EXPECT_EQ(answer(::send(pair.client, "x", 1, 0)), 1);
    EXPECT_EQ(counted_states(fd), Packets({1, 4, 0, 0, 0, 0}));
    const std::string peers = "src=127.0.0.1 dst=127.0.0.1 sport=" + std::to_string(ntohs(name_of(pair.client).sin_port));
    EXPECT_NE(line_with(peers), "");
  });
}

TEST(Connection, AMessageAboutAConnectionIsRelatedToIt) {
  with_filter([](int fd) {
    ASSERT_EQ(count_states(fd), 0);
    const Fd sender = udp_at("127.0.0.1", 1000);
    EXPECT_EQ(send_to(sender, at("127.0.0.1", 5000)), 1);
    EXPECT_EQ(counted_states(fd), Packets({1, 0, 1, 0, 0, 0})) << "and its port unreachable";
    const std::string line = line_with("dport=5000");
    EXPECT_EQ(without_seconds(line),
              "udp src=127.0.0.1 dst=127.0.0.1 sport=1000 dport=5000 [UNREPLIED] src=127.0.0.1 dst=127.0.0.1 sport=5000 "
              "dport=1000 mark=0 zone=0 use=2");
    expect_seconds(30, line);
  });
}

TEST(Connection, ADatagramAndItsAnswerAreNoStreamYet) {
  with_filter([](int fd) {
    ASSERT_EQ(count_states(fd), 0);
    const Fd client = udp_at("127.0.0.1", 1000), server = udp_at("127.0.0.1", 5000);
    EXPECT_EQ(send_to(client, at("127.0.0.1", 5000)), 1);
    EXPECT_EQ(send_to(client, at("127.0.0.1", 5000)), 1);
    EXPECT_EQ(counted_states(fd), Packets({2, 0, 0, 0, 0, 0})) << "unanswered all are new";
    EXPECT_EQ(send_to(server, at("127.0.0.1", 1000)), 1);
    EXPECT_EQ(send_to(client, at("127.0.0.1", 5000)), 1);
    EXPECT_EQ(counted_states(fd), Packets({2, 2, 0, 0, 0, 0}));
    const std::string line = line_with("dport=5000");
    EXPECT_EQ(without_seconds(line),
              "udp src=127.0.0.1 dst=127.0.0.1 sport=1000 dport=5000 src=127.0.0.1 dst=127.0.0.1 sport=5000 dport=1000 "
              "mark=0 zone=0 use=2")
        << "not assured";
    expect_seconds(30, line);
  });
}

TEST(Connection, TheStatesOfTcpAreLinuxs) {
  with_filter([](int fd) {
    ASSERT_EQ(count_states(fd), 0);
    const Fd listener = bound(::socket(AF_INET, SOCK_STREAM, 0), "127.0.0.1", 5000);
    ::listen(listener, 8);
    Fd client = bound(::socket(AF_INET, SOCK_STREAM, 0), "127.0.0.1", 1000);
    const auto state = [] { return without_seconds(line_with("sport=1000 dport=5000")); };
    const std::string tuples =
        " src=127.0.0.1 dst=127.0.0.1 sport=1000 dport=5000 src=127.0.0.1 dst=127.0.0.1 sport=5000 dport=1000 [ASSURED] mark=0 "
        "zone=0 use=2";
    ASSERT_EQ(connect_to(client, at("127.0.0.1", 5000)), 0);
    Fd server(::accept(listener, nullptr, nullptr));
    EXPECT_EQ(state(), "tcp ESTABLISHED" + tuples);
    expect_seconds(432000, line_with("sport=1000"));
    ::shutdown(client, SHUT_WR);
    EXPECT_TRUE(soon([&] { return state() == "tcp CLOSE_WAIT" + tuples; })) << state();
    expect_seconds(60, line_with("sport=1000"));
    ::shutdown(server, SHUT_WR);
    EXPECT_TRUE(soon([&] { return state() == "tcp TIME_WAIT" + tuples; })) << state();
    expect_seconds(120, line_with("sport=1000"));
  });
}

TEST(Connection, AResetClosesAndARefusalLeavesNothing) {
  with_filter([](int fd) {
    ASSERT_EQ(count_states(fd), 0);
    {
      TcpPair pair = tcp_pair();
      const linger at_once{1, 0};
      ::setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    EXPECT_EQ(without_seconds(line_with("tcp")).substr(0, 9), "tcp CLOSE");
    expect_seconds(10, line_with("tcp"));
    const Fd refused(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(connect_to(refused, at("127.0.0.1", 5999)), -ECONNREFUSED);
    EXPECT_EQ(line_with("dport=5999"), "");
  });
}

TEST(Connection, AnEchoIsOneConnectionAndItsAnswerBelongsToIt) {
  with_filter([](int fd) {
    ASSERT_EQ(count_states(fd), 0);
    const Fd raw(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    struct {
      icmphdr head;
      char data[8];
    } echo{};
    echo.head.type = ICMP_ECHO;
    echo.head.un.echo.id = htons(77);
    uint32_t sum = ICMP_ECHO + 77;
    echo.head.checksum = static_cast<uint16_t>(~htons(static_cast<uint16_t>((ICMP_ECHO << 8) + 77)));
    static_cast<void>(sum);
    const sockaddr_in to = at("127.0.0.1", 0);
    ASSERT_EQ(answer(::sendto(raw, &echo, sizeof echo, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to)),
              static_cast<long>(sizeof echo));
    EXPECT_EQ(counted_states(fd), Packets({1, 1, 0, 0, 0, 0}));
    EXPECT_EQ(
        without_seconds(line_with("icmp")),
        "icmp src=127.0.0.1 dst=127.0.0.1 type=8 code=0 id=77 src=127.0.0.1 dst=127.0.0.1 type=0 code=0 id=77 mark=0 zone=0 "
        "use=2");
    expect_seconds(30, line_with("icmp"));
    // An answer that nobody asked for.
    echo.head.type = ICMP_ECHOREPLY;
    echo.head.un.echo.id = htons(78);
    echo.head.checksum = static_cast<uint16_t>(~htons(78));
    ASSERT_EQ(answer(::sendto(raw, &echo, sizeof echo, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to)),
              static_cast<long>(sizeof echo));
    EXPECT_EQ(counted_states(fd), Packets({1, 1, 0, 1, 0, 0})) << "invalid";
  });
}

TEST(Connection, AProtocolNobodyKnowsIsOneConnectionBetweenTwoHosts) {
  with_filter([](int fd) {
    ASSERT_EQ(count_states(fd), 0);
    const Fd raw(::socket(AF_INET, SOCK_RAW, 253));
    EXPECT_EQ(send_to(raw, at("127.0.0.2", 0), 4), 4);
    EXPECT_EQ(without_seconds(line_with(" 253 ")).substr(0, 52), "unknown src=127.0.0.1 dst=127.0.0.2 [UNREPLIED] src=");
    expect_seconds(600, line_with(" 253 "));
  });
}

TEST(Connection, WhatIsNotToBeTrackedIsNot) {
  with_filter([](int fd) {
    xt_ct_target_info_v1 no_track{};
    no_track.flags = XT_CT_NOTRACK;
    ASSERT_EQ(count_states(fd), 0);
    for (const std::string& target : {extension("NOTRACK", 0, ""), extension("CT", 1, bytes(no_track))}) {
      ASSERT_EQ(Table4("raw").hook(kPre).hook(kOut, {Rule4(IPPROTO_UDP, to_udp_port(5000, 5000), target)}).replace(fd), 0);
      ASSERT_EQ(count_states(fd), 0);
      const Fd sender = udp_at("127.0.0.1", 1000), receiver = udp_at("127.0.0.1", 5000);
      EXPECT_EQ(send_to(sender, at("127.0.0.1", 5000)), 1);
      EXPECT_EQ(counted_states(fd), Packets({0, 0, 0, 0, 1, 0}));
      EXPECT_EQ(line_with("dport=5000"), "");
    }
  });
}

xt_conntrack_mtinfo3 asks(unsigned what) {
  xt_conntrack_mtinfo3 settings{};
  settings.match_flags = static_cast<uint16_t>(what);
  return settings;
}
// How many of the packets of one exchange through a redirection a match agrees with at INPUT.
uint64_t agrees(int fd, const std::string& match) {
  EXPECT_EQ(Table4("filter").hook(kIn, {Rule4(0, match, verdict(kAccept))}).hook(kForward).hook(kOut).replace(fd), 0);
  static uint16_t port = 2000;
  const Fd client = udp_at("127.0.0.1", ++port), server = udp_at("127.0.0.5", 5000);
  EXPECT_EQ(send_to(client, at("127.0.0.9", 53)), 1);
  EXPECT_EQ(next_sender(server), "127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(send_to(server, at("127.0.0.1", port)), 1);
  EXPECT_EQ(next_sender(client), "127.0.0.9:53");
  return Table4::counters(fd, "filter")[0].first;
}
std::string conntrack3(const xt_conntrack_mtinfo3& settings) { return extension("conntrack", 3, bytes(settings)); }
nf_inet_addr address_of(const char* text) {
  nf_inet_addr address{};
  inet_pton(AF_INET, text, &address);
  return address;
}

TEST(ConnectionMatch, EachQuestionIsAnsweredForBothDirections) {
  with_filter([](int fd) {
    ASSERT_EQ(put_nat<V4>(fd, {}, {}, {Rule4(IPPROTO_UDP, "", to_address("127.0.0.5", 5000))}, {}), 0);
    auto settings = asks(XT_CONNTRACK_STATE);
    settings.state_mask = 1 << (IP_CT_NEW + 1);
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 1u);
    settings.invert_flags = XT_CONNTRACK_STATE;
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 1u);
    settings = asks(XT_CONNTRACK_STATE);
    settings.state_mask = XT_CONNTRACK_STATE_DNAT;
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 2u);
    settings.state_mask = XT_CONNTRACK_STATE_SNAT;
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 0u);
    settings = asks(XT_CONNTRACK_DIRECTION);
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 1u);
    settings = asks(XT_CONNTRACK_ORIGDST);
    settings.origdst_addr = address_of("127.0.0.9");
    settings.origdst_mask = address_of("255.255.255.255");
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 2u);
    settings = asks(XT_CONNTRACK_REPLSRC);
    settings.replsrc_addr = address_of("127.0.0.0");
    settings.replsrc_mask = address_of("255.255.255.0");
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 2u);
    settings.replsrc_addr = address_of("127.1.0.0");
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 0u);
    settings.invert_flags = XT_CONNTRACK_REPLSRC;
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 2u);
    settings = asks(XT_CONNTRACK_ORIGDST_PORT | XT_CONNTRACK_REPLSRC_PORT | XT_CONNTRACK_PROTO);
    settings.origdst_port = 50;
    settings.origdst_port_high = 53;
    settings.replsrc_port = settings.replsrc_port_high = 5000;
    settings.l4proto = IPPROTO_UDP;
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 2u);
    settings.origdst_port_high = 52;
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 0u);
    settings = asks(XT_CONNTRACK_STATUS);
    settings.status_mask = IPS_SEEN_REPLY;
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 1u);
    settings.status_mask = IPS_CONFIRMED;
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 2u) << "POSTROUTING has confirmed it";
    settings = asks(XT_CONNTRACK_EXPIRES);
    settings.expires_max = 30;
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 2u);
    settings.expires_min = 31;
    settings.expires_max = 60;
    EXPECT_EQ(agrees(fd, conntrack3(settings)), 0u);
  });
}

TEST(ConnectionMatch, OlderRevisionsHaveOnePortAndNarrowMasks) {
  with_filter([](int fd) {
    ASSERT_EQ(put_nat<V4>(fd, {}, {}, {Rule4(IPPROTO_UDP, "", to_address("127.0.0.5", 5000))}, {}), 0);
    xt_conntrack_mtinfo2 two{};
    two.match_flags = XT_CONNTRACK_ORIGDST_PORT | XT_CONNTRACK_STATE;
    two.origdst_port = htons(53);
    two.state_mask = XT_CONNTRACK_STATE_DNAT;
    EXPECT_EQ(agrees(fd, extension("conntrack", 2, bytes(two))), 2u);
    xt_conntrack_mtinfo1 one{};
    one.match_flags = XT_CONNTRACK_REPLSRC_PORT | XT_CONNTRACK_STATE;
    one.replsrc_port = htons(5000);
    one.state_mask = 1 << (IP_CT_ESTABLISHED + 1);
    EXPECT_EQ(agrees(fd, extension("conntrack", 1, bytes(one))), 1u);
    one.replsrc_port = htons(5001);
    EXPECT_EQ(agrees(fd, extension("conntrack", 1, bytes(one))), 0u);
    const Table4 none("filter");
    for (const int revision : {0, 4}) {
      EXPECT_EQ(Table4("filter")
                    .hook(kIn, {Rule4(0, extension("conntrack", revision, bytes(two)), verdict(kAccept))})
                    .hook(kForward)
                    .hook(kOut)
                    .replace(fd),
                -EPROTOTYPE);
    }
  });
}

std::string connmark(int revision, int mode, unsigned mark, unsigned shift = 0) {
  if (revision == 1) return extension("CONNMARK", 1, bytes(xt_connmark_tginfo1{mark, ~0u, ~0u, static_cast<uint8_t>(mode)}));
  return extension(
      "CONNMARK", 2,
      bytes(xt_connmark_tginfo2{mark, ~0u, ~0u, D_SHIFT_LEFT, static_cast<uint8_t>(shift), static_cast<uint8_t>(mode)}));
}
// mangle with rules at PREROUTING, INPUT and OUTPUT.
long put_mangle(int fd, const std::vector<Rule4>& pre, const std::vector<Rule4>& in, const std::vector<Rule4>& out) {
  return Table4("mangle").hook(kPre, pre).hook(kIn, in).hook(kForward).hook(kOut, out).hook(kPost).replace(fd);
}

TEST(ConnectionMark, StaysWithTheConnectionAndComesBack) {
  with_filter([](int fd) {
    const std::string is_marked = extension("connmark", 1, bytes(xt_connmark_mtinfo1{0x42, ~0u, 0}));
    for (const int revision : {1, 2}) {
      const auto port = static_cast<uint16_t>(5000 + revision);
      const Fd client = udp_at("127.0.0.1", 1000), server = udp_at("127.0.0.1", port);
      // The first packet marks the connection; what comes in has the mark back.
      ASSERT_EQ(put_mangle(fd, {Rule4(connmark(revision, XT_CONNMARK_RESTORE, 0))},
                           {Rule4(0, has_mark(0x42) + is_marked, verdict(kAccept))},
                           {Rule4(0, in_state(kNew4), connmark(revision, XT_CONNMARK_SET, 0x42))}),
                0);
      EXPECT_EQ(send_to(client, at("127.0.0.1", port)), 1);
      EXPECT_EQ(send_to(server, at("127.0.0.1", 1000)), 1);
      EXPECT_EQ(Table4::counters(fd, "mangle")[2].first, 2u) << revision;
      const std::string here = "dport=" + std::to_string(port);
      EXPECT_NE(line_with(here).find("mark=66 "), std::string::npos) << revision;
      ASSERT_EQ(put_mangle(fd, {}, {}, {Rule4(set_mark(7)), Rule4(connmark(revision, XT_CONNMARK_SAVE, 0))}), 0);
      EXPECT_EQ(send_to(client, at("127.0.0.1", port)), 1);
      EXPECT_NE(line_with(here).find("mark=7 "), std::string::npos) << revision;
      if (revision == 1) continue;
      ASSERT_EQ(put_mangle(fd, {}, {}, {Rule4(connmark(2, XT_CONNMARK_SET, 3, 4))}), 0);
      EXPECT_EQ(send_to(client, at("127.0.0.1", port)), 1);
      EXPECT_NE(line_with(here).find("mark=48 "), std::string::npos) << "3 << 4";
    }
    EXPECT_EQ(put_mangle(fd, {Rule4(connmark(2, XT_CONNMARK_SET, 1, 32))}, {}, {}), -EINVAL);
    EXPECT_EQ(put_mangle(fd, {Rule4(extension("CONNMARK", 3, std::string(16, ' ')))}, {}, {}), -ENOENT);
  });
}

TEST(Connection, AZoneHasConnectionsOfItsOwn) {
  with_filter([](int fd) {
    xt_ct_target_info_v1 settings{};
    settings.zone = 9;
    ASSERT_EQ(count_states(fd), 0);
    ASSERT_EQ(Table4("raw")
                  .hook(kPre)
                  .hook(kOut, {Rule4(IPPROTO_UDP, to_udp_port(5000, 5000), extension("CT", 1, bytes(settings)))})
                  .replace(fd),
              0);
    const Fd client = udp_at("127.0.0.1", 1000), server = udp_at("127.0.0.1", 5000);
    EXPECT_EQ(send_to(client, at("127.0.0.1", 5000)), 1);
    EXPECT_NE(line_with("sport=1000 dport=5000").find("zone=9 "), std::string::npos);
    EXPECT_EQ(send_to(server, at("127.0.0.1", 1000)), 1);
    EXPECT_EQ(counted_states(fd), Packets({2, 0, 0, 0, 0, 0})) << "the answer is of another zone";
  });
}

TEST(Connection, WhatTheTargetCtCannotFindItRefuses) {
  with_filter([](int fd) {
    const auto put = [&](int revision, const std::string& data, int protocol = IPPROTO_TCP) {
      return Table4("raw").hook(kPre, {Rule4(protocol, "", extension("CT", revision, data))}).hook(kOut).replace(fd);
    };
    xt_ct_target_info_v1 settings{};
    for (const int revision : {1, 2}) {
      settings = {};
      EXPECT_EQ(put(revision, bytes(settings)), 0);
      settings.flags = XT_CT_ZONE_DIR_ORIG;
      EXPECT_EQ(put(revision, bytes(settings)), revision == 1 ? -EINVAL : 0);
      settings.flags = 0x20;
      EXPECT_EQ(put(revision, bytes(settings)), -EINVAL);
      settings = {};
      strcpy(settings.helper, "nobody");
      EXPECT_EQ(put(revision, bytes(settings)), -ENOENT);
      EXPECT_EQ(put(revision, bytes(settings), 0), -ENOENT);
      memset(settings.helper, 'x', sizeof settings.helper);
      EXPECT_EQ(put(revision, bytes(settings)), -ENAMETOOLONG);
      settings = {};
      strcpy(settings.timeout, "nothing");
      EXPECT_EQ(put(revision, bytes(settings)), -ENOENT);
      EXPECT_EQ(put(revision, bytes(settings), 0), -EINVAL);
      memset(settings.timeout, 'x', sizeof settings.timeout);
      EXPECT_EQ(put(revision, bytes(settings)), -ENAMETOOLONG);
    }
    xt_ct_target_info old{};
    EXPECT_EQ(put(0, bytes(old)), 0);
    old.flags = XT_CT_ZONE_MARK;
    EXPECT_EQ(put(0, bytes(old)), -EINVAL);
  });
}

TEST(Connection, TunablesAreObeyedAndHaveLinuxsRanges) {
  with_filter([](int fd) {
    EXPECT_EQ(tunable("tcp_timeout_established"), "432000\n");
    EXPECT_EQ(tunable("tcp_timeout_syn_sent"), "120\n");
    EXPECT_EQ(tunable("tcp_timeout_last_ack"), "30\n");
    EXPECT_EQ(tunable("udp_timeout"), "30\n");
    EXPECT_EQ(tunable("udp_timeout_stream"), "120\n");
    EXPECT_EQ(tunable("generic_timeout"), "600\n");
    EXPECT_EQ(tunable("count"), "0\n");
    EXPECT_EQ(set_tunable("tcp_loose", "2"), -EINVAL);
    EXPECT_EQ(set_tunable("tcp_max_retrans", "256"), -EINVAL);
    EXPECT_EQ(set_tunable("udp_timeout", "8589935"), -EINVAL);
    EXPECT_EQ(set_tunable("udp_timeout", "100"), 3);
    ASSERT_EQ(count_states(fd), 0);
    const Fd sender = udp_at("127.0.0.1", 1000), receiver = udp_at("127.0.0.1", 5000);
    EXPECT_EQ(send_to(sender, at("127.0.0.1", 5000)), 1);
    expect_seconds(100, line_with("dport=5000"));
    EXPECT_EQ(tunable("count"), "1\n");
    EXPECT_EQ(set_tunable("acct", "1"), 1);
    EXPECT_EQ(send_to(sender, at("127.0.0.1", 5000)), 1);
    const Fd other = udp_at("127.0.0.1", 1001);
    EXPECT_EQ(send_to(other, at("127.0.0.1", 5000), 10), 10);
    EXPECT_NE(line_with("sport=1001").find("packets=1 bytes=38 [UNREPLIED]"), std::string::npos) << line_with("sport=1001");
  });
}

TEST(Connection, AConnectionMayBeMetInTheMiddleUnlessLooseSaysNo) {
  with_filter([](int fd) {
    for (const bool is_loose : {true, false}) {
      EXPECT_EQ(set_tunable("tcp_loose", is_loose ? "1" : "0"), 1);
      TcpPair pair = tcp_pair();
      ASSERT_EQ(count_states(fd), 0);
      EXPECT_EQ(answer(::send(pair.client, "x", 1, 0)), 1);
      EXPECT_EQ(counted_states(fd), is_loose ? Packets({1, 1, 0, 0, 0, 0}) : Packets({0, 0, 0, 2, 0, 0}));
      ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut).replace(fd), 0);
    }
  });
}

TEST(Connection, WhatIsRefusedIsNotRemembered) {
  with_filter([](int fd) {
    ASSERT_EQ(
        Table4("filter").hook(kIn).hook(kForward).hook(kOut, {Rule4(IPPROTO_UDP, in_state(kNew4), verdict(kDrop))}).replace(fd),
        0);
    const Fd sender = udp_at("127.0.0.1", 1000);
    EXPECT_EQ(send_to(sender, at("127.0.0.1", 5000)), -EPERM);
    EXPECT_EQ(text_at(kProc), "");
    EXPECT_EQ(tunable("count"), "0\n");
    const Fd tcp(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(Table4("filter")
                  .hook(kIn)
                  .hook(kForward)
                  .hook(kOut, {Rule4(IPPROTO_TCP, in_state(kNew4), reject(IPT_TCP_RESET)),
                               Rule4(0, in_state(kEstablished | kRelated), verdict(kAccept))})
                  .replace(fd),
              0);
    EXPECT_EQ(connect_to(tcp, at("127.0.0.1", 5000)), -ECONNREFUSED);
    EXPECT_EQ(text_at(kProc), "");
  });
}

TEST(Connection, OfIpv6LikeOfIpv4) {
  with_filter([](int) {
    const Fd fd(::socket(AF_INET6, SOCK_DGRAM, 0)), client(::socket(AF_INET6, SOCK_DGRAM, 0)),
        server(::socket(AF_INET6, SOCK_DGRAM, 0));
    bind_to(client, loopback6(1000));
    bind_to(server, loopback6(5000));
    ASSERT_EQ(Table6("filter")
                  .hook(kIn, {Rule6(0, in_state(kNew4), verdict(kAccept)), Rule6(0, in_state(kEstablished), verdict(kAccept))})
                  .hook(kForward)
                  .hook(kOut)
                  .replace(fd),
              0);
    const auto send = [](int from, const sockaddr_in6& to) {
      return answer(::sendto(from, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    };
    EXPECT_EQ(send(client, loopback6(5000)), 1);
    EXPECT_EQ(send(server, loopback6(1000)), 1);
    const Counts counts = Table6::counters(fd, "filter");
    EXPECT_EQ(counts[0].first, 1u);
    EXPECT_EQ(counts[1].first, 1u);
    EXPECT_EQ(
        without_seconds(line_with("dport=5000")),
        "udp src=0000:0000:0000:0000:0000:0000:0000:0001 dst=0000:0000:0000:0000:0000:0000:0000:0001 sport=1000 dport=5000 "
        "src=0000:0000:0000:0000:0000:0000:0000:0001 dst=0000:0000:0000:0000:0000:0000:0000:0001 sport=5000 dport=1000 mark=0 "
        "zone=0 use=2");
  });
}

TEST(Connection, PiecesThatAProgramWritesArePutTogetherAtOutput) {
  with_filter([](int fd) {
    ASSERT_EQ(count_states(fd), 0);
    ASSERT_EQ(put_mangle(fd, {}, {}, {}), 0);
    const Fd raw(::socket(AF_INET, SOCK_RAW, IPPROTO_RAW)), receiver = udp_at("127.0.0.1", 5000);
    const auto send_piece = [&](uint16_t place, const std::string& payload) {
      std::string packet(20, '\0');
      packet[0] = 0x45;
      packet[4] = 7;
      packet[6] = static_cast<char>(place >> 8);
      packet[7] = static_cast<char>(place);
      packet[8] = 64;
      packet[9] = IPPROTO_UDP;
      packet[12] = packet[16] = 127;
      packet[15] = packet[19] = 1;
      packet += payload;
      const sockaddr_in to = at("127.0.0.1", 0);
      return answer(::sendto(raw, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    };
    std::string datagram("\x03\xe8\x13\x88\x00\x20\x00\x00", 8);
    datagram.resize(32, 'x');
    EXPECT_EQ(send_piece(0x2000, datagram.substr(0, 16)), 36);
    EXPECT_EQ(Table4::counters(fd, "mangle")[3].first, 0u);
    EXPECT_EQ(send_piece(2, datagram.substr(16)), 36);
    EXPECT_EQ(Table4::counters(fd, "mangle")[3], std::pair(uint64_t{1}, uint64_t{52}));
    EXPECT_EQ(next_sender(receiver), "127.0.0.1:1000");
  });
}

TEST(Connection, LargeDatagramsOnLoopbackArePutTogetherFirst) {
  with_filter([](int fd) {
    ifreq request{};
    strcpy(request.ifr_name, "lo");
    request.ifr_mtu = 1500;
    ASSERT_EQ(::ioctl(fd, SIOCSIFMTU, &request), 0);
    ASSERT_EQ(count_states(fd), 0);
    ASSERT_EQ(put_mangle(fd, {}, {}, {}), 0);
    const Fd sender = udp_at("127.0.0.1", 1000), receiver = udp_at("127.0.0.1", 5000);
    EXPECT_EQ(send_to(sender, at("127.0.0.1", 5000), 3000), 3000);
    EXPECT_EQ(next_sender(receiver), "127.0.0.1:1000");
    EXPECT_EQ(counted_states(fd), Packets({1, 0, 0, 0, 0, 0}));
    EXPECT_EQ(Table4::counters(fd, "mangle")[0], std::pair(uint64_t{1}, uint64_t{3028}));
    // Of IPv6 they are known already.
    const Fd fd6(::socket(AF_INET6, SOCK_DGRAM, 0)), sender6(::socket(AF_INET6, SOCK_DGRAM, 0)),
        receiver6(::socket(AF_INET6, SOCK_DGRAM, 0));
    bind_to(receiver6, loopback6(5000));
    ASSERT_EQ(Table6("mangle")
                  .hook(kPre, {Rule6(0, in_state(kNew4), verdict(kAccept))})
                  .hook(kIn)
                  .hook(kForward)
                  .hook(kOut)
                  .hook(kPost)
                  .replace(fd6),
              0);
    const std::string data(3000, 'x');
    const sockaddr_in6 to = loopback6(5000);
    EXPECT_EQ(answer(::sendto(sender6, data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to)), 3000);
    EXPECT_EQ(poll_now(receiver6, POLLIN, 2000), POLLIN);
    EXPECT_EQ(Table6::counters(fd6, "mangle")[0].first, 3u);
  });
}

}  // namespace
}  // namespace conformance
