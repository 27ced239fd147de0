// Handshakes that take their time: whose they are while others come and go, how they are listed, and who inherits them.
#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "tests/conformance/devices/tcp_wire.hh"

namespace conformance {
namespace {

constexpr uint16_t kPort = 80;

void on_wire(const std::function<void(TcpWire&)>& body) {
  with_tun([&] {
    Route netlink;
    TcpWire wire(netlink);
    body(wire);
  });
}

Fd listener_at(const char* address, int backlog = 16) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(kPort);
  inet_pton(AF_INET, address, &name.sin_addr);
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  EXPECT_EQ(::listen(fd, backlog), 0);
  return fd;
}

// The port of who is next in the queue, or the negative errno.
long accept_from(int listener) {
  sockaddr_in name{};
  socklen_t length = sizeof name;
  const int fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&name), &length, SOCK_CLOEXEC);
  if (fd < 0) return -errno;
  ::close(fd);
  return ntohs(name.sin_port);
}

// How /proc/net/tcp tells of the connection from this port: its state and all from there to its inode, without the time left.
std::string listed(uint16_t from) {
  std::ifstream file("/proc/net/tcp");
  char wanted[32];
  snprintf(wanted, sizeof wanted, "0100000A:%04X 0200000A:%04X ", kPort, from);
  for (std::string line; std::getline(file, line);) {
    const size_t at = line.find(wanted);
    if (at == std::string::npos) continue;
    std::istringstream words(line.substr(at + strlen(wanted)));
    std::string state, queues, timer, repeats, user, tries, inode;
    words >> state >> queues >> timer >> repeats >> user >> tries >> inode;
    return state + " " + queues + " " + user + " " + tries + " " + inode;
  }
  return "";
}

TEST(Handshake, EndsWithTheListenerItBeganWithThoughItsGroupGrows) {
  on_wire([](TcpWire& wire) {
    const Fd first = listener_at("10.0.0.1");
    std::vector<Segment> last;
    for (uint16_t from = 5000; from < 5008; ++from) last.push_back(wire.half_open(from, kPort));
    std::vector<Fd> others;
    for (int i = 0; i < 7; ++i) others.push_back(listener_at("10.0.0.1"));
    for (const Segment& segment : last) wire.put(segment);
    for (uint16_t from = 5000; from < 5008; ++from) EXPECT_EQ(accept_from(first), from);
    for (const Fd& other : others) EXPECT_EQ(accept_from(other), -EAGAIN);
  });
}

TEST(Handshake, EndsWithTheListenerItBeganWithThoughANearerOneComes) {
  on_wire([](TcpWire& wire) {
    const Fd wide = listener_at("0.0.0.0");
    const Segment last = wire.half_open(5000, kPort);
    const Fd narrow = listener_at("10.0.0.1");
    wire.put(last);
    EXPECT_EQ(accept_from(wide), 5000);
    EXPECT_EQ(accept_from(narrow), -EAGAIN);
    wire.put(wire.half_open(5001, kPort));
    EXPECT_EQ(accept_from(narrow), 5001);
  });
}

TEST(Handshake, IsRefusedWhenItsListenerWent) {
  on_wire([](TcpWire& wire) {
    Fd first = listener_at("10.0.0.1");
    const Segment last = wire.half_open(5000, kPort);
    const Fd second = listener_at("10.0.0.1");
    first.reset();
    wire.put(last);
    const Segment answer = wire.take(5000);
    EXPECT_EQ(answer.flags, TH_RST);
    EXPECT_EQ(answer.seq, last.ack);
    EXPECT_EQ(accept_from(second), -EAGAIN);
  });
}

TEST(Handshake, IsListedBeforeItIsOver) {
  on_wire([](TcpWire& wire) {
    const Fd listener = listener_at("10.0.0.1");
    EXPECT_EQ(listed(5000), "");
    const Segment last = wire.half_open(5000, kPort);
    EXPECT_EQ(listed(5000), "03 00000000:00000000 0 0 0");
    wire.put(last);
    EXPECT_EQ(listed(5000).substr(0, 2), "01");
    wire.put({.from = 5000, .to = kPort, .seq = last.seq, .flags = TH_RST});
    EXPECT_EQ(listed(5000), "");
  });
}

// The third waits for its place, half open for us and whole for its peer.
TEST(Handshake, ThatFindsTheQueueFullStaysHalfOpen) {
  on_wire([](TcpWire& wire) {
    const Fd listener = listener_at("10.0.0.1", 1);
    wire.put(wire.half_open(5000, kPort));
    const Segment second = wire.half_open(5001, kPort), third = wire.half_open(5002, kPort);
    wire.put(second);
    wire.put(third);
    EXPECT_EQ(listed(5001).substr(0, 2), "01");
    EXPECT_EQ(listed(5002).substr(0, 2), "03");
    EXPECT_EQ(accept_from(listener), 5000);
    EXPECT_EQ(accept_from(listener), 5001);
    EXPECT_EQ(accept_from(listener), -EAGAIN);
    wire.put(third);
    EXPECT_EQ(accept_from(listener), 5002);
  });
}

// net.ipv4.tcp_migrate_req: what a listener leaves behind goes to those who listen on in its group.

void let_migrate() {
  const Fd tunable(::open("/proc/sys/net/ipv4/tcp_migrate_req", O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::write(tunable, "1", 1), 1);
}

// How often it went well, and how often not.
std::string migrations() {
  std::ifstream file("/proc/net/netstat");
  std::string names, values, name, value;
  while (std::getline(file, names) && std::getline(file, values)) {
    std::istringstream of_names(names), of_values(values);
    std::string found;
    while (of_names >> name && of_values >> value) {
      if (name == "TCPMigrateReqSuccess" || name == "TCPMigrateReqFailure") found += (found.empty() ? "" : " ") + value;
    }
    if (!found.empty()) return found;
  }
  return "";
}

TEST(Migration, TakesWhoWaitsAndWhoIsHalfOpen) {
  on_wire([](TcpWire& wire) {
    let_migrate();
    Fd first = listener_at("10.0.0.1");
    const Segment half = wire.half_open(5000, kPort);
    wire.put(wire.half_open(5001, kPort));
    const Fd second = listener_at("10.0.0.1");
    first.reset();
    EXPECT_EQ(migrations(), "1 0");
    pollfd wait{second.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&wait, 1, 1000), 1);
    EXPECT_EQ(accept_from(second), 5001);
    EXPECT_EQ(listed(5000).substr(0, 2), "03");
    wire.put(half);
    EXPECT_EQ(accept_from(second), 5000);
    EXPECT_EQ(migrations(), "2 0");
  });
}

TEST(Migration, WakesWhoWaits) {
  on_wire([](TcpWire& wire) {
    let_migrate();
    Fd first = listener_at("10.0.0.1");
    wire.put(wire.half_open(5000, kPort));
    const Fd second = listener_at("10.0.0.1");
    std::thread closes([&] {
      ::usleep(100'000);
      first.reset();
    });
    pollfd wait{second.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&wait, 1, 5000), 1);
    closes.join();
    EXPECT_EQ(accept_from(second), 5000);
  });
}

TEST(Migration, FollowsAShutdownToo) {
  on_wire([](TcpWire& wire) {
    let_migrate();
    const Fd first = listener_at("10.0.0.1");
    const Segment half = wire.half_open(5000, kPort);
    wire.put(wire.half_open(5001, kPort));
    const Fd second = listener_at("10.0.0.1");
    EXPECT_EQ(::shutdown(first, SHUT_RDWR), 0);
    wire.put(half);
    EXPECT_EQ(accept_from(second), 5001);
    EXPECT_EQ(accept_from(second), 5000);
    EXPECT_EQ(migrations(), "2 0");
  });
}

// Whom the first listener had promised a place gets one, however long the queue of the other.
TEST(Migration, MayFillTheQueueButNotBeyond) {
  on_wire([](TcpWire& wire) {
    let_migrate();
    Fd first = listener_at("10.0.0.1");
    const Segment half = wire.half_open(5000, kPort);
    wire.put(wire.half_open(5001, kPort));
    wire.put(wire.half_open(5002, kPort));
    const Fd second = listener_at("10.0.0.1", 0);
    first.reset();
    EXPECT_EQ(migrations(), "2 0");
    wire.put(half);
    EXPECT_EQ(migrations(), "2 1");
    EXPECT_EQ(accept_from(second), 5001);
    EXPECT_EQ(accept_from(second), 5002);
    EXPECT_EQ(accept_from(second), -EAGAIN);
    wire.put(half);
    EXPECT_EQ(accept_from(second), 5000);
    EXPECT_EQ(migrations(), "3 1");
  });
}

TEST(Migration, KeepsTheTimerAndWhatWasSaid) {
  on_wire([](TcpWire& wire) {
    let_migrate();
    Fd first = listener_at("10.0.0.1");
    const Segment half = wire.half_open(5000, kPort);
    const Fd second = listener_at("10.0.0.1");
    first.reset();
    EXPECT_EQ(migrations(), "0 0");
    Segment again = wire.take(5000);
    if (again.flags == 0) again = wire.take(5000);
    EXPECT_EQ(again.flags, TH_SYN | TH_ACK);
    EXPECT_EQ(again.seq + 1, half.ack);
    EXPECT_EQ(migrations(), "1 0");
    wire.put(half);
    EXPECT_EQ(accept_from(second), 5000);
    EXPECT_EQ(migrations(), "1 0");
  });
}

TEST(Migration, FailsWhereNobodyElseListens) {
  on_wire([](TcpWire& wire) {
    let_migrate();
    Fd only = listener_at("10.0.0.1");
    wire.put(wire.half_open(5000, kPort));
    only.reset();
    EXPECT_EQ(wire.take(5000).flags, TH_RST | TH_ACK);
    EXPECT_EQ(migrations(), "0 1");
  });
}

TEST(Migration, IsAskedFor) {
  on_wire([](TcpWire& wire) {
    Fd first = listener_at("10.0.0.1");
    const Segment half = wire.half_open(5000, kPort);
    wire.put(wire.half_open(5001, kPort));
    const Fd second = listener_at("10.0.0.1");
    first.reset();
    EXPECT_EQ(wire.take(5001).flags, TH_RST | TH_ACK);
    wire.put(half);
    EXPECT_EQ(wire.take(5000).flags, TH_RST);
    EXPECT_EQ(accept_from(second), -EAGAIN);
    EXPECT_EQ(migrations(), "0 0");
  });
}

}  // namespace
}  // namespace conformance
