// Tunables by name: what Linux's /proc/sys/net answers to the same writes (probed on 6.18 in a network namespace).
#include <string>

#include "tests/stack/ip/ip_bench.hh"

namespace lxnet {
namespace {

using namespace testing;

class TunableNames : public ::testing::Test {
 protected:
  std::string get(const char* name) {
    char text[64] = {};
    auto size = bench.stack->tunables().get(name, text);
    if (!size.is_ok()) return errno_name(size.error());
    return std::string(text, size.take());
  }
  // "ok" or the error's name, and what is there afterwards.
  std::string set(const char* name, const char* text) {
    auto result = bench.stack->tunables().set(name, text);
    std::string after = get(name);
    if (!after.empty() && after.back() == '\n') after.pop_back();
    return std::string(result.is_ok() ? "ok" : errno_name(result.error())) + " " + after;
  }

  IpBench bench;
};

TEST_F(TunableNames, TakeNumbersAsLinuxDoes) {
  struct Case {
    const char *name, *text, *answer;
  };
  const Case cases[] = {
      {"net.ipv4.ip_forward", "1", "ok 1"},
      {"net.ipv4.ip_forward", "0 5", "ok 0"},
      {"net.ipv4.ip_forward", "2", "ok 2"},
      {"net.ipv4.ip_forward", "-1", "ok -1"},
      {"net.ipv4.ip_forward", "0x1", "ok 1"},
      {"net.ipv4.ip_forward", "010", "ok 8"},
      {"net.ipv4.ip_forward", "abc", "EINVAL 8"},
      {"net.ipv4.ip_forward", "1abc", "EINVAL 8"},
      {"net.ipv4.ip_forward", "", "ok 8"},
      {"net.ipv4.ip_forward", " 1 \n", "ok 1"},
      {"net.ipv4.ip_forward", "1,0", "EINVAL 1"},
      {"net.ipv4.ip_default_ttl", "0", "EINVAL 64"},
      {"net.ipv4.ip_default_ttl", "255", "ok 255"},
      {"net.ipv4.ip_default_ttl", "256", "EINVAL 255"},
      {"net.ipv4.ip_local_port_range", "1024 2048", "ok 1024\t2048"},
      {"net.ipv4.ip_local_port_range", "3000", "EINVAL 1024\t2048"},
      {"net.ipv4.ip_local_port_range", "0 100", "EINVAL 1024\t2048"},
      {"net.ipv4.ip_local_port_range", "2000 1000", "EINVAL 1024\t2048"},
      {"net.ipv4.ip_local_port_range", "1 70000", "EINVAL 1024\t2048"},
      {"net.ipv4.ip_local_port_range", "5000 5000", "ok 5000\t5000"},
      {"net.ipv4.tcp_rmem", "4096", "ok 4096\t131072\t33554432"},
      {"net.ipv4.tcp_rmem", "0 1 2", "EINVAL 4096\t131072\t33554432"},
      {"net.ipv4.tcp_rmem", "9 8 7 6", "ok 9\t8\t7"},
      {"net.ipv4.tcp_rmem", "1 2 99999999999", "EINVAL 1\t2\t7"},
      {"net.ipv4.ping_group_range", "0 0", "ok 0\t0"},
      {"net.ipv4.ping_group_range", "5 1", "ok 1\t0"},
      {"net.ipv4.ping_group_range", "7 9", "ok 7\t9"},
      {"net.ipv4.ping_group_range", "1", "ok 1\t9"},
      {"net.ipv4.ping_group_range", "12", "ok 1\t0"},
      {"net.ipv4.ping_group_range", "-1 5", "EINVAL 1\t0"},
      {"net.ipv4.ping_group_range", "5 x", "EINVAL 1\t0"},
      {"net.ipv4.icmp_ratemask", "4294967295", "EINVAL 6168"},
      {"net.ipv4.icmp_ratelimit", "-1", "EINVAL 1000"},
      {"net.ipv4.igmp_max_memberships", "-1", "ok -1"},
      {"net.ipv4.igmp_qrv", "0", "EINVAL 2"},
      {"net.ipv4.ipfrag_high_thresh", "100", "EINVAL 4194304"},
      {"net.ipv4.ipfrag_low_thresh", "99999999", "EINVAL 3145728"},
      {"net.ipv4.ipfrag_max_dist", "-1", "EINVAL 64"},
      {"net.ipv4.icmp_echo_ignore_all", "7", "EINVAL 0"},
      {"net.ipv4.route.min_pmtu", "10", "EINVAL 552"},
      {"net.ipv4.route.min_pmtu", "68", "ok 68"},
      {"net.ipv6.bindv6only", "2", "ok 2"},
      {"net.ipv6.auto_flowlabels", "4", "EINVAL 1"},
      {"net.ipv6.icmp.ratelimit", "-3", "EINVAL 100"},
      {"net.ipv6.conf.lo.hop_limit", "0", "EINVAL 64"},
      {"net.ipv6.conf.lo.hop_limit", "256", "EINVAL 64"},
      {"net.ipv4.conf.lo.rp_filter", "5", "ok 5"},
      {"net.core.somaxconn", "70000", "ok 70000"},
      {"net.core.somaxconn", "-1", "EINVAL 70000"},
      {"net.ipv4.tcp_migrate_req", "2", "EINVAL 0"},
      {"net.ipv4.tcp_migrate_req", "1", "ok 1"},
      {"net.ipv4.nosuch", "1", "ENOENT ENOENT"},
      {"net.ipv4.conf.eth9.rp_filter", "1", "ENOENT ENOENT"},
      {"net.ipv4.conf.rp_filter", "1", "ENOENT ENOENT"},
      {"net.ipv4.conf.ip0.nosuch", "1", "ENOENT ENOENT"},
  };
  for (const Case& row : cases) EXPECT_EQ(set(row.name, row.text), row.answer) << row.name << " <- " << row.text;
}

TEST_F(TunableNames, AreListsOfAlgorithmsToo) {
  const char *available = "net.ipv4.tcp_available_congestion_control", *allowed = "net.ipv4.tcp_allowed_congestion_control";
  EXPECT_EQ(get(available), "reno cubic bbr cubic_hystartpp\n");
  EXPECT_EQ(get(allowed), "reno cubic bbr cubic_hystartpp\n");
  EXPECT_EQ(set(available, "reno"), "EPERM reno cubic bbr cubic_hystartpp");
  EXPECT_EQ(set(allowed, "reno\n"), "ok reno");
  EXPECT_EQ(set(allowed, "bbr reno"), "ok reno bbr");
  EXPECT_EQ(set(allowed, "cubic nosuch"), "ENOENT reno bbr");
  EXPECT_EQ(set(allowed, "reno  bbr"), "ok reno");
  EXPECT_EQ(set(allowed, "reno\tbbr"), "ENOENT reno");
  EXPECT_EQ(set("net.ipv4.tcp_congestion_control", "bbr"), "ok bbr");
  EXPECT_EQ(get(allowed), "reno bbr\n");
  EXPECT_EQ(set(allowed, ""), "ok ");
  EXPECT_EQ(set("net.ipv4.tcp_congestion_control", "nosuch"), "ENOENT bbr");
  EXPECT_EQ(set("net.ipv4.tcp_available_ulp", "tls"), "EPERM ");
}

TEST_F(TunableNames, MayBeWrittenWithSlashes) {
  EXPECT_EQ(set("net/ipv4/ip_forward", "1"), "ok 1");
  EXPECT_EQ(get("net/ipv4/conf/ip0/forwarding"), "1\n");
}

TEST_F(TunableNames, ForwardingSpeaksForEveryInterfaceAndThoseToCome) {
  EXPECT_EQ(get("net.ipv4.conf.ip0.forwarding"), "0\n");
  EXPECT_EQ(set("net.ipv4.ip_forward", "1"), "ok 1");
  for (const char* of : {"all", "default", "lo", "ip0"}) {
    EXPECT_EQ(get((std::string("net.ipv4.conf.") + of + ".forwarding").c_str()), "1\n") << of;
  }
  EXPECT_EQ(set("net.ipv4.conf.all.forwarding", "0"), "ok 0");
  EXPECT_EQ(get("net.ipv4.ip_forward"), "0\n");
  EXPECT_EQ(get("net.ipv4.conf.ip0.forwarding"), "0\n");
  EXPECT_EQ(set("net.ipv6.conf.all.forwarding", "1"), "ok 1");
  EXPECT_EQ(get("net.ipv6.conf.ip0.forwarding"), "1\n");
  EXPECT_EQ(get("net.ipv4.conf.ip0.forwarding"), "0\n");
}

TEST_F(TunableNames, AreCutWhereThereIsNoRoom) {
  char text[4] = {'x', 'x', 'x', 'x'};
  EXPECT_EQ(bench.stack->tunables().get("net.ipv4.ip_local_port_range", text).take(), 12u);
  EXPECT_STREQ(text, "327");
  EXPECT_EQ(bench.stack->tunables().get("net.ipv4.ip_local_port_range", {}).take(), 12u);
}

}  // namespace
}  // namespace lxnet
