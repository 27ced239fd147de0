// net.ipv4.tcp_*: what those of names say, and what a mark does.
#include <fcntl.h>
#include <linux/tcp.h>

#include <algorithm>
#include <fstream>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {
namespace {

std::string path_of(const char* name) { return std::string("/proc/sys/net/ipv4/tcp_") + name; }

std::vector<std::string> names_in(const char* name) {
  std::ifstream file(path_of(name));
  std::vector<std::string> names;
  for (std::string one; file >> one;) names.push_back(one);
  return names;
}

// 0 or minus the errno.
long write_tunable(const char* name, const std::string& text) {
  const Fd fd(::open(path_of(name).c_str(), O_WRONLY));
  if (fd < 0) return -errno;
  return ::write(fd, text.data(), text.size()) < 0 ? -errno : 0;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

long choose(const std::string& name) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  const bool is_chosen = ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), static_cast<socklen_t>(name.size())) == 0;
  return is_chosen ? 0 : -errno;
}

TEST(TcpTunablesTest, WhoMayNotConfigureChoosesWhatIsAllowed) {
  in_new_network([] {
    // Of Linux's networks the first alone may say it, for all.
    static_cast<void>(write_tunable("allowed_congestion_control", "reno"));
    const auto available = names_in("available_congestion_control"), allowed = names_in("allowed_congestion_control");
    const auto usual = names_in("congestion_control");
    ASSERT_EQ(usual.size(), 1u);
    EXPECT_EQ(available.front(), "reno");
    EXPECT_TRUE(contains(allowed, "reno"));
    for (const std::string& name : allowed) EXPECT_TRUE(contains(available, name)) << name;
    for (const std::string& name : available) EXPECT_EQ(choose(name), 0) << name;
    EXPECT_LT(write_tunable("available_congestion_control", "reno"), 0);
    if (setresuid(65534, 65534, 65534) != 0) _exit(77);
    for (const std::string& name : available) {
      EXPECT_EQ(choose(name), contains(allowed, name) || name == usual[0] ? 0 : -EPERM) << name;
    }
    EXPECT_EQ(choose("nobody"), -ENOENT);
  });
}

uint32_t mark_of(int fd) {
  uint32_t mark = 0;
  socklen_t size = sizeof mark;
  EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &size), 0);
  return mark;
}

// What a connection is marked with that a marked socket makes to a listener of that mark.
uint32_t accepted_mark(uint32_t from, uint32_t listening) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM, 0)), client(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(::setsockopt(listener, SOL_SOCKET, SO_MARK, &listening, sizeof listening), 0);
  EXPECT_EQ(::setsockopt(client, SOL_SOCKET, SO_MARK, &from, sizeof from), 0);
  EXPECT_EQ(::listen(listener, 1), 0);
  sockaddr_in name{};
  socklen_t size = sizeof name;
  EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size), 0);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  return mark_of(Fd(::accept(listener, nullptr, nullptr)));
}

TEST(TcpTunablesTest, AConnectionTakesOverTheMarkOfItsSyn) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    EXPECT_EQ(accepted_mark(7, 0), 0u);
    ASSERT_EQ(write_tunable("fwmark_accept", "1"), 0);
    EXPECT_EQ(accepted_mark(7, 0), 7u);
    EXPECT_EQ(accepted_mark(0, 0), 0u);
    EXPECT_EQ(accepted_mark(7, 9), 9u);
  });
}

TEST(TcpTunablesTest, NumbersHaveTheirRanges) {
  in_new_network([] {
    const struct {
      const char* name;
      int most;
    } rows[] = {{"fwmark_accept", 255}, {"backlog_ack_defer", 1}, {"no_metrics_save", 255}, {"no_ssthresh_metrics_save", 1}};
    for (const auto& [name, most] : rows) {
      EXPECT_EQ(write_tunable(name, "-1"), -EINVAL) << name;
      EXPECT_EQ(write_tunable(name, std::to_string(most + 1)), -EINVAL) << name;
      EXPECT_EQ(write_tunable(name, std::to_string(most)), 0) << name;
      EXPECT_EQ(names_in(name), std::vector<std::string>{std::to_string(most)}) << name;
    }
  });
}

}  // namespace
}  // namespace conformance
