// Handshakes that take their time: whose they are while others come and go, and how they are listed.
#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>

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

}  // namespace
}  // namespace conformance
