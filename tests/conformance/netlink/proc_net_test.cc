// The columns of /proc/net/tcp and /proc/net/udp that are about timers, retransmissions, the window and drops.
#include <linux/tcp.h>
#include <netinet/ip.h>

#include <fstream>
#include <sstream>

#include "tests/conformance/netlink/route_client.hh"

namespace conformance {
namespace {

struct Columns {
  std::string line;
  std::vector<std::string> words;
  std::string at(size_t index) const { return index < words.size() ? words[index] : ""; }
};

std::string name(int local, int remote) {
  char text[64];
  snprintf(text, sizeof text, "0100007F:%04X %s:%04X", local, remote == 0 ? "00000000" : "0100007F", remote);
  return text;
}
Columns line_of(const char* file, int local, int remote) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.find(name(local, remote)) == std::string::npos) continue;
    Columns columns{line, {}};
    std::istringstream words(line);
    for (std::string word; words >> word;) columns.words.push_back(word);
    return columns;
  }
  return {};
}
Columns tcp_line(int local, int remote) { return line_of("/proc/net/tcp", local, remote); }
int port_of(int fd) { return ntohs(name_of(fd).sin_port); }
void set(int fd, int level, int name, int value) { ASSERT_EQ(::setsockopt(fd, level, name, &value, sizeof value), 0); }
Columns settle(const std::function<Columns()>& look, const std::string& state) {
  Columns columns = look();
  for (int i = 0; i < 200 && columns.at(3) != state; ++i) {
    ::usleep(5000);
    columns = look();
  }
  return columns;
}

// sl local remote st queues timer retrnsmt uid timeout inode ref pointer, and what comes behind.
enum Column : size_t { kState = 3, kQueues, kTimer, kRetransmits, kUser, kProbes, kInode, kReferences, kPointer, kTail };

TEST(ProcNet, AConnectionsTimersAndWindowAreShown) {
  in_new_network([] {
    Route route;
    bring_up(route);
    TcpPair pair = tcp_pair();
    const int port = port_of(pair.client), listening = port_of(pair.listener);
    const Columns listener = tcp_line(listening, 0);
    EXPECT_EQ(listener.at(kState), "0A");
    EXPECT_EQ(listener.line.size(), 149u);
    EXPECT_EQ((std::vector<std::string>(listener.words.begin() + kTail, listener.words.end())),
              (std::vector<std::string>{"100", "0", "0", "10", "0"}));  // a second, and nothing has come yet
    Columns client = tcp_line(port, listening);
    EXPECT_EQ(client.at(kTimer), "00:00000000");
    ASSERT_EQ(client.words.size(), kTail + 5);
    const int timeout = std::stoi(client.at(kTail));  // of 200 ms and a little, in hundredths
    EXPECT_GE(timeout, 20);
    EXPECT_LE(timeout, 24);
    EXPECT_EQ(client.at(kTail + 4), "-1");  // no threshold yet
    set(pair.client, IPPROTO_TCP, TCP_KEEPIDLE, 100);
    set(pair.client, SOL_SOCKET, SO_KEEPALIVE, 1);
    client = tcp_line(port, listening);
    EXPECT_EQ(client.at(kTimer).substr(0, 8), "02:00002");
    EXPECT_EQ(client.at(kTimer).size(), 11u);
    // What is left of it is nobody's, and has no window.
    pair.client.reset();
    client = settle([&] { return tcp_line(port, listening); }, "05");
    EXPECT_EQ(client.at(kTimer).substr(0, 8), "03:00001");
    EXPECT_EQ(client.at(kInode), "0");
    EXPECT_EQ(client.at(kReferences), "3");
    EXPECT_EQ(client.words.size(), size_t{kTail});
    EXPECT_EQ(client.line.size(), 149u);
    const Columns server = settle([&] { return tcp_line(listening, port); }, "08");
    EXPECT_EQ(server.at(kQueues), "00000000:00000001");  // the FIN
    pair.server.reset();
    client = settle([&] { return tcp_line(port, listening); }, "06");
    EXPECT_EQ(client.at(kTimer).substr(0, 8), "03:00001");
    EXPECT_EQ(client.words.size(), size_t{kTail});
  });
}

TEST(ProcNet, ASynThatNobodyAnswersIsCounted) {
  in_new_network([] {
    Route route;
    bring_up(route);
    const Fd listener(::socket(AF_INET, SOCK_STREAM, 0)), first(::socket(AF_INET, SOCK_STREAM, 0));
    const Fd second(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ASSERT_EQ(bind_to(listener, loopback4()), 0);
    ASSERT_EQ(::listen(listener, 0), 0);
    ASSERT_EQ(connect_to(first, name_of(listener)), 0);
    ASSERT_EQ(connect_to(second, name_of(listener)), -EINPROGRESS);
    const auto look = [&] { return tcp_line(port_of(second), port_of(listener)); };
    EXPECT_EQ(look().at(kState), "02");
    EXPECT_EQ(look().at(kQueues), "00000001:00000000");
    EXPECT_EQ(look().at(kTimer).substr(0, 3), "01:");
    EXPECT_EQ(look().at(kRetransmits), "00000000");
    ::usleep(1'200'000);
    EXPECT_EQ(look().at(kTimer).substr(0, 3), "01:");
    EXPECT_EQ(look().at(kRetransmits), "00000001");
  });
}

TEST(ProcNet, ADatagramSocketsMemoryAndDropsAreShown) {
  in_new_network([] {
    Route route;
    bring_up(route);
    const Fd to(::socket(AF_INET, SOCK_DGRAM, 0)), from(::socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(bind_to(to, loopback4()), 0);
    set(to, SOL_SOCKET, SO_RCVBUF, 1);
    const sockaddr_in name = name_of(to);
    const std::string many(1000, 'x');
    for (int i = 0; i < 20; ++i)
      ::sendto(from, many.data(), many.size(), 0, reinterpret_cast<const sockaddr*>(&name), sizeof name);
    const Columns columns = line_of("/proc/net/udp", ntohs(name.sin_port), 0);
    EXPECT_EQ(columns.at(kState), "07");
    EXPECT_GE(std::stoul(columns.at(kQueues).substr(9), nullptr, 16), 1000u);
    EXPECT_GE(std::stoi(columns.at(kTail)), 10);
  });
}

std::string usage(const char* path, const std::string& label) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(label, 0) == 0) return line.substr(label.size());
  }
  return "";
}

// Of datagrams that wait for the rest of them; a fragment comes through lo from a raw socket.
TEST(ProcNet, FragmentsThatWaitAreCounted) {
  in_new_network([] {
    Route route;
    bring_up(route);
    const Fd raw(::socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
    EXPECT_EQ(usage("/proc/net/sockstat", "FRAG: "), "inuse 0 memory 0");
    for (uint16_t number = 1; number <= 2; ++number) {
      iphdr header{};
      header.version = 4;
      header.ihl = 5;
      header.ttl = 1;
      header.protocol = IPPROTO_UDP;
      header.id = htons(number);
      header.frag_off = htons(IP_MF);
      header.saddr = header.daddr = htonl(INADDR_LOOPBACK);
      const std::string packet = bytes(header) + std::string(64, 'x');
      const sockaddr_in to = loopback4();
      ASSERT_EQ(::sendto(raw, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
                static_cast<ssize_t>(packet.size()));
    }
    const std::string waiting = usage("/proc/net/sockstat", "FRAG: ");
    EXPECT_EQ(waiting.substr(0, 15), "inuse 2 memory ");
    EXPECT_GT(std::stoi(waiting.substr(15)), 128);
    EXPECT_EQ(usage("/proc/net/sockstat6", "FRAG6: "), "inuse 0 memory 0");
  });
}

}  // namespace
}  // namespace conformance
