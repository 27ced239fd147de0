// A server under attack: a SYN flood from everywhere, resets and random segments forged in the name of its clients. Those who
// mean it still get through, and what it all costs is bounded.
//
// A few seconds of the simulation by default; LXNET_LONG=1 makes it ten minutes of the machine's time, LXNET_LONG=N so many
// seconds.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>

#include <chrono>
#include <random>

#include "base/checksum.hh"
#include "stack/stack.hh"
#include "tests/support/sim_test.hh"

namespace lxnet::sim {
namespace {

constexpr uint16_t kPort = 80;

sockaddr_in ipv4(uint32_t address, uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(address);
  return result;
}

constexpr uint32_t kServer = 0x0a000001, kClient = 0x0a000002;  // 10.0.0.1, 10.0.0.2
constexpr uint32_t kForged = 0xc6336400;                        // 198.51.100.0/24

// An IPv4 packet with a TCP segment, as a raw socket with IP_HDRINCL sends it.
class Forger {
 public:
  explicit Forger(uint64_t seed) : random_(seed) {}

  std::string syn_from_anywhere() {
    return make(kForged + uniform(256), port(), {.seq = word(), .ack = 0, .flags = kSyn}, uniform(2) == 0 ? kSynOptions : "");
  }
  // In a client's name: only the port and the sequence numbers have to be guessed.
  std::string reset_of_a_client() {
    return make(kClient, port(), {.seq = word(), .ack = word(), .flags = static_cast<uint8_t>(kRst | (uniform(2) * kAck))}, "");
  }
  std::string random_segment() {
    std::string options(uniform(11) * 4, '\0');
    for (char& byte : options) byte = static_cast<char>(uniform(256));
    const uint32_t source = uniform(2) == 0 ? kClient : kForged + uniform(256);
    std::string segment = make(source, port(), {.seq = word(), .ack = word(), .flags = static_cast<uint8_t>(uniform(256))},
                               options, std::string(uniform(3) * uniform(200), 'x'));
    // A few of them are broken.
    if (uniform(16) == 0) segment[uniform(static_cast<uint32_t>(segment.size()))] ^= static_cast<char>(1u << uniform(8));
    return segment;
  }
  uint32_t uniform(uint32_t below) { return static_cast<uint32_t>(random_() % below); }

 private:
  struct Fields {
    uint32_t seq, ack;
    uint8_t flags;
  };
  static constexpr uint8_t kSyn = 2, kRst = 4, kAck = 16;
  static inline const std::string kSynOptions{"\x02\x04\x05\xb4\x04\x02\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x00\x01\x03\x03\x07",
                                              20};

  uint32_t word() { return static_cast<uint32_t>(random_()); }
  uint16_t port() { return static_cast<uint16_t>(32768 + uniform(28232)); }

  static std::string make(uint32_t source, uint16_t port, const Fields& fields, const std::string& options,
                          const std::string& text = "") {
    tcphdr tcp{};
    tcp.source = htons(port);
    tcp.dest = htons(kPort);
    tcp.seq = htonl(fields.seq);
    tcp.ack_seq = htonl(fields.ack);
    tcp.doff = static_cast<uint16_t>(5 + options.size() / 4) & 15;
    reinterpret_cast<uint8_t*>(&tcp)[13] = fields.flags;
    tcp.window = htons(65535);
    std::string segment(reinterpret_cast<const char*>(&tcp), sizeof tcp);
    segment += options + text;
    struct {
      uint32_t source, destination;
      uint8_t zero, protocol;
      uint16_t size;
    } pseudo{htonl(source), htonl(kServer), 0, 6, htons(static_cast<uint16_t>(segment.size()))};
    InternetChecksum sum;
    sum.add(ByteSpan(reinterpret_cast<const uint8_t*>(&pseudo), sizeof pseudo));
    sum.add(ByteSpan(reinterpret_cast<const uint8_t*>(segment.data()), segment.size()));
    const uint16_t checksum = htons(sum.finish());
    memcpy(segment.data() + offsetof(tcphdr, check), &checksum, sizeof checksum);
    iphdr ip{};
    ip.version = 4;
    ip.ihl = 5;
    ip.tot_len = htons(static_cast<uint16_t>(sizeof ip + segment.size()));
    ip.ttl = 64;
    ip.protocol = 6;
    ip.saddr = htonl(source);
    ip.daddr = htonl(kServer);
    return std::string(reinterpret_cast<const char*>(&ip), sizeof ip) + segment;
  }

  std::mt19937_64 random_;
};

class AttackTest : public lxnet::testing::SimTest {
 protected:
  AttackTest() : SimTest({.captures = false}) {
    simulation.connect(server_, "10.0.0.1/24", client_, "10.0.0.2/24", {.impair = "delay=5ms"});
    simulation.connect(server_, "10.0.1.1/24", attacker_, "10.0.1.2/24");
    // Answers to forged addresses leave by the attacker's link, and get no further.
    server_.add_route("198.51.100.0/24", "10.0.1.2");
    attacker_.add_route("10.0.0.0/24", "10.0.1.1");
  }

  void serve() {
    const int listener = sys::socket(AF_INET, SOCK_STREAM);
    ASSERT_EQ(sys::bind(listener, ipv4(kServer, kPort)), 0);
    ASSERT_EQ(sys::listen(listener, 64), 0);
    while (!is_over_) {
      pollfd ready{.fd = listener, .events = POLLIN, .revents = 0};
      if (sys::poll(&ready, 1, 100) != 1) continue;
      const int fd = sys::accept(listener, SOCK_NONBLOCK);
      if (fd < 0) continue;
      simulation.spawn(server_, "connection", [fd] {
        char data[64];
        pollfd input{.fd = fd, .events = POLLIN, .revents = 0};
        if (sys::poll(&input, 1, 20'000) == 1) {
          const int64_t size = sys::recv(fd, data, sizeof data);
          if (size > 0) sys::send(fd, data, static_cast<size_t>(size), MSG_NOSIGNAL);
        }
        sys::close(fd);
      });
    }
    sys::close(listener);
  }

  void ask_again_and_again() {
    while (!is_over_) {
      const int fd = sys::socket(AF_INET, SOCK_STREAM);
      ++tried_;
      char answer[5] = {};
      if (sys::connect(fd, ipv4(kServer, kPort)) == 0 && sys::send(fd, "hello", 5, MSG_NOSIGNAL) == 5 &&
          sys::recv(fd, answer, sizeof answer, MSG_WAITALL) == 5 && std::string(answer, 5) == "hello") {
        ++served_;
      }
      sys::close(fd);
      simulation.sleep(Duration::millis(7));
    }
  }

  void attack(uint32_t per_millisecond) {
    const int fd = sys::socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    ASSERT_GE(fd, 0);
    Forger forger(simulation.seed());
    while (!is_over_) {
      for (uint32_t i = 0; i < per_millisecond; ++i) {
        const uint32_t kind = forger.uniform(4);
        const std::string packet = kind < 2    ? forger.syn_from_anywhere()
                                   : kind == 2 ? forger.reset_of_a_client()
                                               : forger.random_segment();
        sys::sendto(fd, packet.data(), packet.size(), 0, ipv4(kServer, 0));
        ++forged_;
      }
      worst_ = std::max(worst_, server_.live_bytes());
      simulation.sleep(Duration::millis(1));
    }
    sys::close(fd);
  }

  Host& server_ = simulation.add_host("server");
  Host& client_ = simulation.add_host("client");
  Host& attacker_ = simulation.add_host("attacker");
  bool is_over_ = false;
  uint64_t tried_ = 0, served_ = 0, forged_ = 0;
  size_t worst_ = 0;
};

TEST_F(AttackTest, ThoseWhoMeanItStillGetThrough) {
  simulation.spawn(server_, "server", [this] { serve(); });
  for (int i = 0; i < 4; ++i) simulation.spawn(client_, "client", [this] { ask_again_and_again(); });
  simulation.spawn(attacker_, "attacker", [this] { attack(20); });
  const char* wanted = getenv("LXNET_LONG");
  const auto seconds = std::chrono::seconds(wanted == nullptr                 ? 0
                                            : strtol(wanted, nullptr, 10) > 1 ? strtol(wanted, nullptr, 10)
                                                                              : 600);
  const auto deadline = std::chrono::steady_clock::now() + seconds;
  do {
    simulation.run_for(Duration::seconds(3));
  } while (std::chrono::steady_clock::now() < deadline);
  is_over_ = true;
  simulation.run_for(Duration::seconds(30));
  std::cout << forged_ << " forged packets, " << served_ << " of " << tried_ << " connections served, at most " << worst_ / 1024
            << " KiB in use\n";
  const MibCounters& counters = server_.stack().mib();
  EXPECT_GT(counters.get(Mib::TcpExtSyncookiesSent), 0u);
  EXPECT_GT(tried_, 100u);
  // A guessed reset in the right place may end one in a great many.
  EXPECT_GE(served_ * 100, tried_ * 98);
  EXPECT_LT(worst_, size_t{24} << 20);
}

}  // namespace
}  // namespace lxnet::sim
