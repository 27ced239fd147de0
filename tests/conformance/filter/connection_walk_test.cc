// Random walks of TCP segments, and of ICMP errors that are wrong somewhere, through a router: in which state each is to the
// rules, and what becomes of the connection. The answers were recorded on Linux (recorded.hh).
#include <netinet/tcp.h>

#include <random>

#include "tests/conformance/filter/nat_rules.hh"
#include "tests/conformance/recorded.hh"

namespace conformance {
namespace {

constexpr RecordedRow kRows[] = {
#include "tests/conformance/filter/connection_walk_answers.inc"
};

Recorded& recorded() {
  static Recorded table(kRows);
  return table;
}

enum : uint8_t { kFin = 1, kSyn = 2, kRst = 4, kAck = 16, kUrg = 32 };

struct Segment {
  uint32_t seq = 0, ack = 0;
  uint8_t flags = 0;
  uint16_t window = 0;
  std::string options = {}, payload = {};
};

uint32_t sum_of(const std::string& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    sum += i % 2 == 0 ? uint32_t{byte} << 8 : byte;
  }
  return sum;
}

// One end: a raw socket on a host that hears no TCP of its own.
class End {
 public:
  End(int home, int network, const char* address, uint16_t port) : address_(at(address, port)) {
    enter(network);
    fd_ = Fd(::socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
    EXPECT_EQ(Table4("raw").hook(kPre, {Rule4(IPPROTO_TCP, "", verdict(kDrop))}).hook(kOut).replace(fd_), 0);
    enter(home);
  }
  void set_port(uint16_t port) { address_.sin_port = htons(port); }

  void send(const End& to, const Segment& segment) const {
    tcphdr head{};
    head.th_sport = address_.sin_port;
    head.th_dport = to.address_.sin_port;
    head.th_seq = htonl(segment.seq);
    head.th_ack = htonl(segment.ack);
    head.th_flags = segment.flags;
    head.th_win = htons(segment.window);
    head.th_off = static_cast<uint8_t>((sizeof head + segment.options.size()) / 4) & 15;
    std::string bytes = conformance::bytes(head) + segment.options + segment.payload;
    const std::string addresses = conformance::bytes(address_.sin_addr) + conformance::bytes(to.address_.sin_addr);
    uint32_t sum = sum_of(addresses) + IPPROTO_TCP + static_cast<uint32_t>(bytes.size()) + sum_of(bytes);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    const uint16_t checksum = htons(static_cast<uint16_t>(~sum));
    memcpy(bytes.data() + offsetof(tcphdr, th_sum), &checksum, sizeof checksum);
    std::string packet(20, '\0');
    packet[0] = 0x45;
    packet[8] = 64;
    packet[9] = IPPROTO_TCP;
    memcpy(packet.data() + 12, addresses.data(), addresses.size());
    packet += bytes;
    EXPECT_EQ(answer(::sendto(fd_, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to.address_),
                              sizeof to.address_)),
              static_cast<long>(packet.size()));
  }

 private:
  sockaddr_in address_;
  Fd fd_;
};

// What a walk sends next: mostly what could come, with something wrong now and then.
class Walk {
 public:
  explicit Walk(unsigned seed) : random_(seed) {}

  // 0: the client.
  size_t side() const { return side_; }
  Segment next() {
    side_ = step_ < 2 ? step_ : below(2);
    if (below(12) == 0) side_ = 1 - side_;
    Segment segment;
    segment.flags = choose_flags();
    segment.seq = seq_[side_] + error();
    segment.ack = (segment.flags & kAck) != 0 ? seq_[1 - side_] + error() : 0;
    if ((segment.flags & kRst) != 0 && below(4) == 0) segment.seq = segment.ack = 0;
    constexpr uint16_t kWindows[] = {1000, 1000, 1000, 65535, 1, 0};
    segment.window = kWindows[below(6)];
    if ((segment.flags & kSyn) != 0) {
      const std::string options[] = {"", std::string("\x03\x03\x07\x00", 4), std::string("\x04\x02\x01\x01", 4),
                                     std::string("\x04\x02\x03\x03\x02\x00\x00\x00", 8)};
      segment.options = options[below(4)];
    } else if (below(3) == 0) {
      segment.payload = std::string(below(2) == 0 ? 1 : 200, 'x');
    }
    if (segment.seq == seq_[side_]) {
      const unsigned controls = ((segment.flags & kSyn) != 0 ? 1 : 0) + ((segment.flags & kFin) != 0 ? 1 : 0);
      seq_[side_] += static_cast<uint32_t>(segment.payload.size()) + controls;
    }
    ++step_;
    return segment;
  }

 private:
  // Not the library's distributions: they may differ from one to the next.
  unsigned below(unsigned end) { return static_cast<unsigned>(random_() % end); }
  uint32_t error() {
    constexpr int kErrors[] = {1, -1, 50, -50, 900, -900, 3000, -3000, 70000, -70000};
    return below(8) == 0 ? static_cast<uint32_t>(kErrors[below(10)]) : 0;
  }
  uint8_t choose_flags() {
    constexpr uint8_t kStrange[] = {kSyn,        kSyn | kAck, kFin | kAck, kRst, kRst | kAck, 0,
                                    kSyn | kFin, kUrg,        kAck | kUrg, kFin, kSyn,        kSyn | kAck};
    if (below(7) == 0) return kStrange[below(12)];
    if (step_ == 0) return kSyn;
    if (step_ == 1) return kSyn | kAck;
    const unsigned choice = below(14);
    if (choice == 0) return kRst | kAck;
    return choice < 3 ? kFin | kAck : kAck;
  }

  std::mt19937 random_;
  uint32_t seq_[2] = {1000, 5000};
  size_t side_ = 0;
  unsigned step_ = 0;
};

// New, established, related, invalid: a letter for what the last packet was at FORWARD.
class Watch {
 public:
  explicit Watch(int fd) : fd_(fd) {
    std::vector<Rule4> rules;
    for (const unsigned state : {kNew4, kEstablished, kRelated, kInvalid})
      rules.push_back(Rule4(0, in_state(state), verdict(kAccept)));
    EXPECT_EQ(Table4("filter").hook(kIn).hook(kForward, rules).hook(kOut).replace(fd), 0);
    counts_ = Table4::counters(fd_, "filter");
  }
  char next() {
    char letter = '?';
    soon([&] {
      const Counts now = Table4::counters(fd_, "filter");
      for (size_t i = 0; i < 5; ++i) {
        if (now[1 + i].first != counts_[1 + i].first) letter = "neri-"[i];
      }
      counts_ = now;
      return letter != '?';
    });
    return letter;
  }

 private:
  int fd_;
  Counts counts_;
};

// "ES430": the first letters of the state, and the seconds left, to ten; "-" where there is no connection.
std::string connection_at(uint16_t port) {
  const std::string all = text_at("/proc/self/net/nf_conntrack");
  const size_t place = all.find("sport=" + std::to_string(port) + " ");
  if (place == std::string::npos) return "-";
  const size_t begin = all.rfind('\n', place) == std::string::npos ? 0 : all.rfind('\n', place) + 1;
  char state[16];
  int seconds = 0;
  if (sscanf(all.c_str() + begin, "%*s %*d %*s %*d %d %15s", &seconds, state) != 2) return "?";
  std::string text =
      std::string(state).substr(0, strcmp(state, "SYN_SENT2") == 0 ? 9 : 5) + std::to_string((seconds + 5) / 10 * 10);
  if (all.substr(begin, all.find('\n', begin) - begin).find("[ASSURED]") != std::string::npos) text += "!";
  return text;
}

void walk(const char* subject, unsigned first_seed, const char* tunable = nullptr) {
  with_filter([&](int) {
    Routed network;
    const Fd control(::socket(AF_INET, SOCK_DGRAM, 0));
    if (tunable != nullptr) {
      const Fd fd(::open((std::string("/proc/sys/net/netfilter/nf_conntrack_") + tunable).c_str(), O_WRONLY | O_CLOEXEC));
      ASSERT_EQ(::write(fd, strcmp(tunable, "tcp_loose") == 0 ? "0" : "1", 1), 1);
    }
    Watch watch(control);
    End ends[2] = {End(network.router(), network.left(), "10.0.1.2", 0), End(network.router(), network.right(), "10.0.2.2", 80)};
    for (unsigned seed = first_seed; seed < first_seed + 25; ++seed) {
      const auto port = static_cast<uint16_t>(20000 + seed);
      ends[0].set_port(port);
      Walk steps(seed);
      std::string seen, before;
      for (int step = 0; step < 16; ++step) {
        const Segment segment = steps.next();
        ends[steps.side()].send(ends[1 - steps.side()], segment);
        seen += watch.next();
        const std::string now = connection_at(port);
        if (now != before) seen += "(" + now + ")";
        before = now;
      }
      recorded().check(subject, std::to_string(seed), seen);
    }
  });
}

// ---- ICMP messages about a datagram, with a byte or a length that is wrong

std::string ip_packet(const char* from, const char* to, uint8_t protocol, const std::string& payload) {
  std::string packet(20, '\0');
  const auto size = static_cast<uint16_t>(packet.size() + payload.size());
  packet[0] = 0x45;
  packet[2] = static_cast<char>(size >> 8);
  packet[3] = static_cast<char>(size);
  packet[8] = 64;
  packet[9] = static_cast<char>(protocol);
  const std::string addresses = bytes(at(from, 0).sin_addr) + bytes(at(to, 0).sin_addr);
  memcpy(packet.data() + 12, addresses.data(), addresses.size());
  uint32_t sum = sum_of(packet);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  packet[10] = static_cast<char>(~sum >> 8);
  packet[11] = static_cast<char>(~sum);
  return packet + payload;
}

class Message {
 public:
  explicit Message(unsigned seed) : random_(seed) {}

  // From whom to the client, an error about its datagram to the server, as it was when it left the router.
  std::string next(const char* cited_source, const char* told) {
    constexpr uint8_t kTypes[] = {3, 3, 3, 3, 11, 11, 12, 4, 5, 0, 8, 13, 14, 17, 18, 19, 40, 255};
    std::string cited = ip_packet(cited_source, "10.0.2.2", IPPROTO_UDP, std::string("\x03\xe8\x13\x88\x00\x0c\x00\x00data", 12));
    if (below(2) == 0) cited[below(static_cast<unsigned>(cited.size()))] ^= static_cast<char>(1 << below(8));
    if (below(3) == 0) cited.resize(below(static_cast<unsigned>(cited.size())));
    std::string message(8, '\0');
    message[0] = static_cast<char>(kTypes[below(sizeof kTypes)]);
    message[1] = static_cast<char>(below(4));
    if (below(4) == 0) message.resize(1 + below(7));
    if (message.size() == 8) message += cited;
    uint32_t sum = sum_of(message);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    if (below(10) == 0) sum ^= 0x40;
    if (message.size() >= 4) {
      message[2] = static_cast<char>(~sum >> 8);
      message[3] = static_cast<char>(~sum);
    }
    return ip_packet(below(2) == 0 ? "10.0.2.2" : "10.0.2.9", told, IPPROTO_ICMP, message);
  }

 private:
  unsigned below(unsigned end) { return static_cast<unsigned>(random_() % end); }
  std::mt19937 random_;
};

// At PREROUTING all that comes is counted; what does not get to FORWARD or INPUT was dropped between: a 'd'.
class Arrivals {
 public:
  explicit Arrivals(int fd) : fd_(fd) {
    EXPECT_EQ(Table4("raw").hook(kPre, {Rule4(IPPROTO_ICMP, "", verdict(kAccept))}).hook(kOut).replace(fd), 0);
    std::vector<Rule4> rules;
    for (const unsigned state : {kNew4, kEstablished, kRelated, kInvalid})
      rules.push_back(Rule4(IPPROTO_ICMP, in_state(state), verdict(kAccept)));
    EXPECT_EQ(Table4("filter").hook(kIn, rules).hook(kForward, rules).hook(kOut).replace(fd), 0);
  }
  char next(const std::function<void()>& send) {
    const Counts before = Table4::counters(fd_, "filter");
    const uint64_t came = Table4::counters(fd_, "raw")[0].first;
    send();
    if (!soon([&] { return Table4::counters(fd_, "raw")[0].first != came; })) return '?';
    for (int tries = 0; tries < 4; ++tries) {
      const Counts now = Table4::counters(fd_, "filter");
      for (size_t i = 0; i < 4; ++i) {
        if (now[i].first != before[i].first) return "NERI"[i];
        if (now[5 + i].first != before[5 + i].first) return "neri"[i];
      }
      ::usleep(500);
    }
    return 'd';
  }

 private:
  int fd_;
};

void walk_of_errors(const char* subject, bool masquerades) {
  with_filter([&](int) {
    Routed network;
    const Fd control(::socket(AF_INET, SOCK_DGRAM, 0));
    if (masquerades) {
      const Rule4 rule(IPPROTO_UDP, "", old_target("MASQUERADE", nat_range(nullptr, nullptr)));
      ASSERT_EQ(put_nat<V4>(control, {}, {}, {}, {rule}), 0);
    }
    Arrivals arrivals(control);
    const Fd client = network.in_left(SOCK_DGRAM), server = network.in_right(SOCK_DGRAM);
    ASSERT_EQ(bind_to(client, at("10.0.1.2", 1000)), 0);
    ASSERT_EQ(bind_to(server, at("10.0.2.2", 5000)), 0);
    enter(network.right());
    const Fd raw(::socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
    enter(network.router());
    EXPECT_EQ(send_to(client, at("10.0.2.2", 5000), 4), 4);
    ASSERT_NE(next_sender(server), "");
    const char* const seen_as = masquerades ? "10.0.2.1" : "10.0.1.2";
    for (unsigned seed = 0; seed < 8; ++seed) {
      Message messages(seed);
      std::string letters;
      for (int i = 0; i < 60; ++i) {
        const char* const told = i % 9 == 8 ? "10.0.1.3" : seen_as;
        const std::string packet = messages.next(seen_as, told);
        const sockaddr_in to = at(told, 0);
        letters += arrivals.next([&] {
          EXPECT_EQ(answer(::sendto(raw, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to)),
                    static_cast<long>(packet.size()));
        });
      }
      recorded().check(subject, "seed " + std::to_string(seed), letters);
    }
  });
}

TEST(ConnectionWalk, ErrorsThatAreWrongSomewhereAreOfNoConnection) { walk_of_errors("errors", false); }
TEST(ConnectionWalk, OfWhatIsTranslatedToo) { walk_of_errors("translated errors", true); }

TEST(ConnectionWalk, SegmentsAreToTheirConnectionWhatTheyAreOnLinux) { walk("tcp", 1); }
TEST(ConnectionWalk, WhereNoConnectionIsMetInTheMiddle) { walk("strict", 101, "tcp_loose"); }
TEST(ConnectionWalk, WhereWindowsAreNotBelieved) { walk("liberal", 7870, "tcp_be_liberal"); }
TEST(ConnectionWalk, WhereResetsAreBelieved) { walk("resets", 301, "tcp_ignore_invalid_rst"); }

}  // namespace
}  // namespace conformance
