// ioctl on sockets: who answers which command, and what the commands about stamps, interfaces, routes and neighbours do.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/options/tools.hh"

namespace conformance {
namespace {

ifreq request(const char* name) {
  ifreq value{};
  strncpy(value.ifr_name, name, IFNAMSIZ - 1);
  return value;
}
long call(int fd, unsigned long command, void* argument) { return answer(::ioctl(fd, command, argument)); }

struct Kind {
  const char* name;
  int family, type;
};
constexpr Kind kKinds[] = {{"tcp4", AF_INET, SOCK_STREAM},
                           {"udp4", AF_INET, SOCK_DGRAM},
                           {"tcp6", AF_INET6, SOCK_STREAM},
                           {"udp6", AF_INET6, SOCK_DGRAM},
                           {"unix", AF_UNIX, SOCK_STREAM}};

// For a request about "lo", about an interface that is not there, and for a bad pointer.
struct Answers {
  long lo, absent, bad;
};
struct Row {
  unsigned long command;
  const char* name;
  Answers inet, inet6, unix_socket;
};
constexpr long kSkip = 1;  // the answer is the machine's, or changes it
constexpr Answers kNotTty{-ENOTTY, -ENOTTY, -EFAULT};
#define ROW(command, ...) \
  { command, #command, __VA_ARGS__ }
constexpr Row kRows[] = {
    ROW(SIOCGIFFLAGS, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}),
    ROW(SIOCGIFADDR, {0, -ENODEV, -EFAULT}, kNotTty, kNotTty),
    ROW(SIOCGIFNETMASK, {0, -ENODEV, -EFAULT}, kNotTty, kNotTty),
    ROW(SIOCGIFBRDADDR, {0, -ENODEV, -EFAULT}, kNotTty, kNotTty),
    ROW(SIOCGIFDSTADDR, {0, -ENODEV, -EFAULT}, kNotTty, kNotTty),
    ROW(SIOCSIFADDR, {-EINVAL, -EINVAL, -EFAULT}, {-ENODEV, -ENODEV, -EFAULT}, kNotTty),
    ROW(SIOCSIFNETMASK, {-EINVAL, -EINVAL, -EFAULT}, kNotTty, kNotTty),
    ROW(SIOCSIFBRDADDR, {-EINVAL, -EINVAL, -EFAULT}, kNotTty, kNotTty),
    ROW(SIOCSIFDSTADDR, {-EINVAL, -EINVAL, -EFAULT}, {-ENODEV, -ENODEV, -ENODEV}, kNotTty),
    ROW(SIOCDIFADDR, kNotTty, {-ENODEV, -ENODEV, -EFAULT}, kNotTty),
    ROW(SIOCGIFPFLAGS, {-EINVAL, -EINVAL, -EFAULT}, kNotTty, kNotTty),
    ROW(SIOCSIFPFLAGS, {-EINVAL, -EINVAL, -EFAULT}, kNotTty, kNotTty),
    ROW(SIOCGIFMETRIC, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}),
    ROW(SIOCSIFMETRIC, {-EOPNOTSUPP, -ENODEV, -EFAULT}, {-EOPNOTSUPP, -ENODEV, -EFAULT}, {-EOPNOTSUPP, -ENODEV, -EFAULT}),
    ROW(SIOCGIFMEM, kNotTty, kNotTty, kNotTty),
    ROW(SIOCSIFMEM, kNotTty, kNotTty, kNotTty),
    ROW(SIOCGIFMTU, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}),
    ROW(SIOCGIFHWADDR, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}),
    ROW(SIOCSIFHWADDR, {-EINVAL, -ENODEV, -EFAULT}, {-EINVAL, -ENODEV, -EFAULT}, {-EINVAL, -ENODEV, -EFAULT}),
    ROW(SIOCSIFHWBROADCAST, {-EINVAL, -ENODEV, -EFAULT}, {-EINVAL, -ENODEV, -EFAULT}, {-EINVAL, -ENODEV, -EFAULT}),
    ROW(SIOCGIFENCAP, kNotTty, kNotTty, kNotTty),
    ROW(SIOCGIFSLAVE, {-EINVAL, -ENODEV, -EFAULT}, {-EINVAL, -ENODEV, -EFAULT}, {-EINVAL, -ENODEV, -EFAULT}),
    ROW(SIOCSIFSLAVE, {-EINVAL, -ENODEV, -EFAULT}, {-EINVAL, -ENODEV, -EFAULT}, {-EINVAL, -ENODEV, -EFAULT}),
    ROW(SIOCADDMULTI, {-EINVAL, -ENODEV, -EFAULT}, {-EINVAL, -ENODEV, -EFAULT}, {-EINVAL, -ENODEV, -EFAULT}),
    ROW(SIOCDELMULTI, {-EINVAL, -ENODEV, -EFAULT}, {-EINVAL, -ENODEV, -EFAULT}, {-EINVAL, -ENODEV, -EFAULT}),
    ROW(SIOCGIFINDEX, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}),
    ROW(SIOCGIFNAME, {-ENODEV, -ENODEV, -EFAULT}, {-ENODEV, -ENODEV, -EFAULT}, {-ENODEV, -ENODEV, -EFAULT}),
    ROW(SIOCGIFCOUNT, kNotTty, kNotTty, kNotTty),
    ROW(SIOCGIFTXQLEN, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}),
    ROW(SIOCGIFMAP, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}, {0, -ENODEV, -EFAULT}),
    ROW(SIOCSIFMAP, {-EOPNOTSUPP, -ENODEV, -EFAULT}, {-EOPNOTSUPP, -ENODEV, -EFAULT}, {-EOPNOTSUPP, -ENODEV, -EFAULT}),
    ROW(SIOCETHTOOL, {-EFAULT, -EFAULT, -EFAULT}, {-EFAULT, -EFAULT, -EFAULT}, {-EFAULT, -EFAULT, -EFAULT}),
    ROW(SIOCGMIIPHY, {-EOPNOTSUPP, -ENODEV, -EFAULT}, {-EOPNOTSUPP, -ENODEV, -EFAULT}, {-EOPNOTSUPP, -ENODEV, -EFAULT}),
    ROW(SIOCGMIIREG, {-EOPNOTSUPP, -ENODEV, -EFAULT}, {-EOPNOTSUPP, -ENODEV, -EFAULT}, {-EOPNOTSUPP, -ENODEV, -EFAULT}),
    ROW(SIOCSMIIREG, {-EOPNOTSUPP, -ENODEV, -EFAULT}, {-EOPNOTSUPP, -ENODEV, -EFAULT}, {-EOPNOTSUPP, -ENODEV, -EFAULT}),
    ROW(SIOCRTMSG, {-EINVAL, -EINVAL, -EINVAL}, kNotTty, kNotTty),
    ROW(SIOCADDRT, {-EAFNOSUPPORT, -EAFNOSUPPORT, -EFAULT}, {-ENODEV, -ENODEV, -EFAULT}, kNotTty),
    ROW(SIOCDELRT, {-EAFNOSUPPORT, -EAFNOSUPPORT, -EFAULT}, {kSkip, kSkip, -EFAULT}, kNotTty),
    ROW(SIOCSARP, {-EPFNOSUPPORT, -EPFNOSUPPORT, -EFAULT}, kNotTty, kNotTty),
    ROW(SIOCGARP, {-EPFNOSUPPORT, -EPFNOSUPPORT, -EFAULT}, kNotTty, kNotTty),
    ROW(SIOCDARP, {-EPFNOSUPPORT, -EPFNOSUPPORT, -EFAULT}, kNotTty, kNotTty),
    ROW(SIOCDRARP, kNotTty, kNotTty, kNotTty),
    ROW(0x1234, {-ENOTTY, -ENOTTY, -ENOTTY}, {-ENOTTY, -ENOTTY, -ENOTTY}, {-ENOTTY, -ENOTTY, -ENOTTY}),
    ROW(0x5401 /* TCGETS */, {-ENOTTY, -ENOTTY, -ENOTTY}, {-ENOTTY, -ENOTTY, -ENOTTY}, {-ENOTTY, -ENOTTY, -ENOTTY}),
};

TEST(IoctlTest, EveryCommandOnEveryKindOfSocket) {
  if (::geteuid() != 0) GTEST_SKIP() << "what the others may not is tested elsewhere";
  for (const Row& row : kRows) {
    for (const Kind& kind : kKinds) {
      const Fd fd(::socket(kind.family, kind.type, 0));
      const Answers& expected = kind.family == AF_INET ? row.inet : kind.family == AF_INET6 ? row.inet6 : row.unix_socket;
      char bytes[256] = "lo";
      if (expected.lo != kSkip) {
        EXPECT_EQ(call(fd, row.command, bytes), expected.lo) << row.name << " " << kind.name;
      }
      char absent[256] = "absent0";
      if (expected.absent != kSkip) {
        EXPECT_EQ(call(fd, row.command, absent), expected.absent) << row.name << " " << kind.name;
      }
      EXPECT_EQ(call(fd, row.command, bad_pointer<void>()), expected.bad) << row.name << " " << kind.name;
    }
  }
}

TEST(IoctlTest, AStampIsThatOfTheLastDatagramReceived) {
  const UdpPair pair = udp_pair();
  timeval micros{};
  timespec nanos{};
  EXPECT_EQ(call(pair.receiver, SIOCGSTAMP, &micros), -ENOENT);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(call(pair.receiver, SIOCGSTAMP, &micros), -ENOENT);
  receive_message(pair.receiver);
  ASSERT_EQ(call(pair.receiver, SIOCGSTAMP, &micros), 0);
  ASSERT_EQ(call(pair.receiver, SIOCGSTAMPNS, &nanos), 0);
  EXPECT_EQ(micros.tv_sec, nanos.tv_sec);
  EXPECT_EQ(micros.tv_usec, nanos.tv_nsec / 1000);
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  EXPECT_LE(now.tv_sec - nanos.tv_sec, 60);
  EXPECT_EQ(call(pair.receiver, SIOCGSTAMP, bad_pointer<void>()), -EFAULT);
  const Fd local(::socket(AF_UNIX, SOCK_DGRAM, 0));
  EXPECT_EQ(call(local, SIOCGSTAMP, &micros), -ENOTTY);
}

TEST(IoctlTest, TheOwnerMustExist) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  int nobody = 0x3fffff01;
  EXPECT_EQ(call(fd, SIOCSPGRP, &nobody), -ESRCH);
  int self = ::getpid(), read = 0;
  ASSERT_EQ(call(fd, SIOCSPGRP, &self), 0);
  ASSERT_EQ(call(fd, SIOCGPGRP, &read), 0);
  EXPECT_EQ(read, self);
  EXPECT_EQ(answer(::fcntl(fd, F_GETOWN)), self);
  EXPECT_EQ(answer(::fcntl(fd, F_SETOWN, nobody)), -ESRCH);
  EXPECT_EQ(answer(::fcntl(fd, F_GETOWN)), self);
  f_owner_ex owner{F_OWNER_PGRP, nobody};
  EXPECT_EQ(answer(::fcntl(fd, F_SETOWN_EX, &owner)), -ESRCH);
  owner = {F_OWNER_TID, nobody};
  EXPECT_EQ(answer(::fcntl(fd, F_SETOWN_EX, &owner)), -ESRCH);
  // A number that is a process's will do for a group.
  const pid_t child = ::fork();
  if (child == 0) _exit(::pause());
  owner = {F_OWNER_PGRP, child};
  EXPECT_EQ(answer(::fcntl(fd, F_SETOWN_EX, &owner)), 0);
  EXPECT_EQ(answer(::fcntl(fd, F_GETOWN)), 0);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  owner = {F_OWNER_PGRP, ::getpgrp()};
  EXPECT_EQ(answer(::fcntl(fd, F_SETOWN_EX, &owner)), 0);
  EXPECT_EQ(answer(::fcntl(fd, F_SETOWN, 0)), 0);
  EXPECT_EQ(answer(::fcntl(fd, F_GETOWN)), 0);
}

TEST(IoctlTest, WithoutAnOwnerThereIsNoneToTell) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  f_owner_ex owner{F_OWNER_PGRP, 7};
  int read = 7, off = 0;
  EXPECT_EQ(answer(::fcntl(fd, F_GETOWN)), 0);
  EXPECT_EQ(answer(::fcntl(fd, F_GETSIG)), 0);
  ASSERT_EQ(call(fd, SIOCGPGRP, &read), 0);
  EXPECT_EQ(read, 0);
  ASSERT_EQ(answer(::fcntl(fd, F_GETOWN_EX, &owner)), 0);
  EXPECT_EQ(owner.type, F_OWNER_TID);
  EXPECT_EQ(owner.pid, 0);
  EXPECT_EQ(call(fd, FIOASYNC, &off), 0);
  EXPECT_EQ(answer(::fcntl(fd, F_GETFL)), O_RDWR);
  // Nobody, as F_SETOWN says it.
  ASSERT_EQ(answer(::fcntl(fd, F_SETOWN, 0)), 0);
  ASSERT_EQ(answer(::fcntl(fd, F_GETOWN_EX, &owner)), 0);
  EXPECT_EQ(owner.type, F_OWNER_PID);
}

TEST(IoctlTest, LoopbackTellsWhatItCan) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  const auto value = [&](uint32_t command) -> long {
    ethtool_value data{command, 77};
    ifreq lo = request("lo");
    lo.ifr_data = reinterpret_cast<char*>(&data);
    const long result = call(fd, SIOCETHTOOL, &lo);
    return result < 0 ? result : data.data;
  };
  EXPECT_EQ(value(ETHTOOL_GLINK), 1);
  EXPECT_EQ(value(ETHTOOL_GTXCSUM), 1);
  EXPECT_EQ(value(ETHTOOL_GRXCSUM), 1);
  EXPECT_EQ(value(ETHTOOL_GSG), 1);
  EXPECT_EQ(value(ETHTOOL_GTSO), 1);
  EXPECT_EQ(value(ETHTOOL_GGSO), 1);
  EXPECT_EQ(value(ETHTOOL_GGRO), 1);
  EXPECT_EQ(value(ETHTOOL_GDRVINFO), -EOPNOTSUPP);
  EXPECT_EQ(value(ETHTOOL_GSET), -EOPNOTSUPP);
  EXPECT_EQ(value(0x7777), -EOPNOTSUPP);
  ethtool_ts_info stamps{};
  stamps.cmd = ETHTOOL_GET_TS_INFO;
  ifreq lo = request("lo");
  lo.ifr_data = reinterpret_cast<char*>(&stamps);
  ASSERT_EQ(call(fd, SIOCETHTOOL, &lo), 0);
  EXPECT_EQ(stamps.so_timestamping, 0x1au);
  EXPECT_EQ(stamps.phc_index, -1);
}

// What changes a network is done in one of our own; inside lxnet the program's network is its own anyway.
class NetworkIoctlTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "no networks of our own";
    fd_ = Fd(::socket(AF_INET, SOCK_DGRAM, 0));
    ifreq lo = request("lo");
    lo.ifr_flags = IFF_UP;
    ASSERT_EQ(call(fd_, SIOCSIFFLAGS, &lo), 0);
  }
  static sockaddr address(const char* text) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    inet_pton(AF_INET, text, &in.sin_addr);
    sockaddr out{};
    memcpy(&out, &in, sizeof in);
    return out;
  }
  std::string got(unsigned long command, const char* name) {
    ifreq value = request(name);
    const long result = call(fd_, command, &value);
    if (result < 0) return "errno " + std::to_string(-result);
    char text[INET_ADDRSTRLEN];
    return inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&value.ifr_addr)->sin_addr, text, sizeof text);
  }
  long set(unsigned long command, const char* name, const char* text) {
    ifreq value = request(name);
    value.ifr_addr = address(text);
    return call(fd_, command, &value);
  }

  Fd fd_;
};

TEST_F(NetworkIoctlTest, AnAliasIsAnAddressWithALabel) {
  EXPECT_EQ(got(SIOCGIFADDR, "lo"), "127.0.0.1");
  EXPECT_EQ(got(SIOCGIFADDR, "lo:1"), "errno " + std::to_string(EADDRNOTAVAIL));
  ASSERT_EQ(set(SIOCSIFADDR, "lo:1", "10.9.8.7"), 0);
  EXPECT_EQ(got(SIOCGIFADDR, "lo:1"), "10.9.8.7");
  EXPECT_EQ(got(SIOCGIFNETMASK, "lo:1"), "255.0.0.0");
  ASSERT_EQ(set(SIOCSIFNETMASK, "lo:1", "255.255.255.0"), 0);
  EXPECT_EQ(got(SIOCGIFNETMASK, "lo:1"), "255.255.255.0");
  EXPECT_EQ(set(SIOCSIFNETMASK, "lo:1", "255.0.255.0"), -EINVAL);
  EXPECT_EQ(got(SIOCGIFADDR, "lo"), "127.0.0.1");
  ifreq alias = request("lo:1");
  alias.ifr_flags = 0;
  ASSERT_EQ(call(fd_, SIOCSIFFLAGS, &alias), 0);
  EXPECT_EQ(got(SIOCGIFADDR, "lo:1"), "errno " + std::to_string(EADDRNOTAVAIL));
  EXPECT_EQ(call(fd_, SIOCSIFFLAGS, &alias), -EADDRNOTAVAIL);
}

TEST_F(NetworkIoctlTest, RoutesAreAddedAndTakenAway) {
  rtentry route{};
  route.rt_dst = address("192.0.2.0");
  route.rt_genmask = address("255.255.255.0");
  route.rt_flags = RTF_UP;
  char device[] = "lo";
  route.rt_dev = device;
  const auto reaches = [&] {
    const Fd probe(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in to = loopback4(9);
    inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
    return connect_to(probe, to);
  };
  EXPECT_EQ(reaches(), -ENETUNREACH);
  ASSERT_EQ(call(fd_, SIOCADDRT, &route), 0);
  EXPECT_EQ(reaches(), 0);
  EXPECT_EQ(call(fd_, SIOCADDRT, &route), -EEXIST);
  ASSERT_EQ(call(fd_, SIOCDELRT, &route), 0);
  EXPECT_EQ(call(fd_, SIOCDELRT, &route), -ESRCH);
  EXPECT_EQ(reaches(), -ENETUNREACH);
  route.rt_genmask = address("255.0.255.0");
  EXPECT_EQ(call(fd_, SIOCADDRT, &route), -EINVAL);
  route.rt_genmask = address("255.255.255.0");
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  EXPECT_EQ(call(fd_, SIOCADDRT, &route), -EINVAL);
  route.rt_flags = RTF_UP;
  char absent[] = "absent0";
  route.rt_dev = absent;
  EXPECT_EQ(call(fd_, SIOCADDRT, &route), -ENODEV);
}

TEST_F(NetworkIoctlTest, LoopbackHasNoNeighbours) {
  arpreq arp{};
  arp.arp_pa = address("127.0.0.2");
  strcpy(arp.arp_dev, "lo");
  EXPECT_EQ(call(fd_, SIOCGARP, &arp), -ENXIO);
  EXPECT_EQ(call(fd_, SIOCDARP, &arp), -ENXIO);
  strcpy(arp.arp_dev, "absent0");
  EXPECT_EQ(call(fd_, SIOCGARP, &arp), -ENODEV);
  arp.arp_dev[0] = 0;
  EXPECT_EQ(call(fd_, SIOCGARP, &arp), -ENODEV);
  arp.arp_flags = ATF_NETMASK;
  EXPECT_EQ(call(fd_, SIOCGARP, &arp), -EINVAL);
}

TEST_F(NetworkIoctlTest, Ipv6AddressesComeAndGo) {
  struct {
    in6_addr address;
    uint32_t prefix_length;
    int index;
  } request6{};
  inet_pton(AF_INET6, "2001:db8::1", &request6.address);
  request6.prefix_length = 64;
  request6.index = 1;
  const Fd fd(::socket(AF_INET6, SOCK_DGRAM, 0));
  ASSERT_EQ(call(fd, SIOCSIFADDR, &request6), 0);
  EXPECT_EQ(call(fd, SIOCSIFADDR, &request6), -EEXIST);
  sockaddr_in6 own = loopback6();
  own.sin6_addr = request6.address;
  // Even a loopback address is tentative until a worker of the kernel has looked at it.
  long bound = -EADDRNOTAVAIL;
  for (int tries = 0; tries < 1000 && bound == -EADDRNOTAVAIL; ++tries) {
    if (tries != 0) usleep(1000);
    bound = bind_to(Fd(::socket(AF_INET6, SOCK_STREAM, 0)), own);
  }
  EXPECT_EQ(bound, 0);
  ASSERT_EQ(call(fd, SIOCDIFADDR, &request6), 0);
  EXPECT_EQ(call(fd, SIOCDIFADDR, &request6), -EADDRNOTAVAIL);
  EXPECT_EQ(bind_to(Fd(::socket(AF_INET6, SOCK_STREAM, 0)), own), -EADDRNOTAVAIL);
  request6.prefix_length = 129;
  EXPECT_EQ(call(fd, SIOCDIFADDR, &request6), -EINVAL);
}

}  // namespace
}  // namespace conformance
