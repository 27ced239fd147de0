// IPv4 source routes, which a connection turns round, and the other options of a SYN, which come back with every answer.
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/tcp.h>

#include <string>
#include <vector>

#include "tests/conformance/filter/router.hh"

namespace conformance {
namespace {

using Bytes = std::vector<uint8_t>;

long set_options(int fd, const Bytes& options) {
  return answer(::setsockopt(fd, IPPROTO_IP, IP_OPTIONS, options.data(), static_cast<socklen_t>(options.size())));
}
Bytes options_of(int fd) {
  Bytes options(40);
  socklen_t size = 40;
  EXPECT_EQ(::getsockopt(fd, IPPROTO_IP, IP_OPTIONS, options.data(), &size), 0);
  options.resize(size);
  return options;
}

enum class Way : uint8_t { Loose = 131, Strict = 137 };
Bytes by(Way way, std::initializer_list<const char*> hops) {
  Bytes option{static_cast<uint8_t>(way), static_cast<uint8_t>(3 + 4 * hops.size()), 4};
  for (const char* hop : hops) {
    const std::string address = ip(hop);
    option.insert(option.end(), address.begin(), address.end());
  }
  option.push_back(0);
  return option;
}

// What came in of a namespace from another address, without the link's header.
class Tap {
 public:
  Tap() : fd_(::socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP))) {}
  // Source, destination and options of the next packet, or nothing.
  std::string next() {
    for (int tries = 0; tries < 20 && poll_now(fd_, POLLIN, 500) == POLLIN; ++tries) {
      uint8_t packet[2048];
      sockaddr_ll from{};
      socklen_t length = sizeof from;
      const ssize_t size = ::recvfrom(fd_, packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (size < 20 || from.sll_pkttype == PACKET_OUTGOING) continue;
      std::string text = dotted(packet + 12) + " > " + dotted(packet + 16) + (packet[9] == IPPROTO_ICMP ? " icmp" : "");
      for (int i = 20; i < (packet[0] & 15) * 4; ++i) {
        char digits[4];
        snprintf(digits, sizeof digits, "%s%02x", i % 4 == 0 ? " " : "", packet[i]);
        text += digits;
      }
      if (packet[9] == IPPROTO_ICMP) text += " type " + std::to_string(packet[(packet[0] & 15) * 4]);
      if (packet[9] == IPPROTO_ICMP) text += " code " + std::to_string(packet[(packet[0] & 15) * 4 + 1]);
      return text;
    }
    return "nothing";
  }

 private:
  static std::string dotted(const uint8_t* address) {
    char text[INET_ADDRSTRLEN];
    return ::inet_ntop(AF_INET, address, text, sizeof text);
  }
  Fd fd_;
};

void set_conf(const char* name, const char* value) {
  const Fd file(::open((std::string("/proc/sys/net/ipv4/conf/") + name).c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::write(file, value, 1), 1) << name;
}

// The left host's packets name the router, and so do the answers.
struct Scene {
  Routed network;
  Fd listener, client;
  explicit Scene(bool is_allowed = true) {
    for (const int host : {network.left(), network.right(), network.router()}) {
      enter(host);
      if (is_allowed) set_conf("all/accept_source_route", "1");
    }
    listener = network.in_right(SOCK_STREAM);
    EXPECT_EQ(bind_to(listener, at("10.0.2.2", 80)), 0);
    EXPECT_EQ(::listen(listener, 5), 0);
    client = network.in_left(SOCK_STREAM);
    // As long as no neighbour is known a packet waits for it, and its like are thrown away.
    const Fd greeting = network.in_left(SOCK_DGRAM);
    const Fd greeted = network.in_right(SOCK_DGRAM);
    EXPECT_EQ(bind_to(greeted, at("10.0.2.2", 9)), 0);
    const sockaddr_in to = at("10.0.2.2", 9);
    EXPECT_EQ(::sendto(greeting, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), 1);
    EXPECT_EQ(poll_now(greeted, POLLIN, 2000), POLLIN);
  }
  Tap tap(int host) {
    enter(host);
    Tap made;
    enter(network.router());
    return made;
  }
};

TEST(SourceRoute, AConnectionGoesByTheHopsAndComesBackByThem) {
  in_new_network([] {
    Scene scene;
    Tap at_server = scene.tap(scene.network.right()), at_client = scene.tap(scene.network.left());
    ASSERT_EQ(set_options(scene.client, by(Way::Loose, {"10.0.1.1"})), 0);
    ASSERT_EQ(connect_to(scene.client, at("10.0.2.2", 80)), 0);
    EXPECT_EQ(at_server.next(), "10.0.1.2 > 10.0.2.2 8307080a 00020100");
    EXPECT_EQ(at_client.next(), "10.0.2.2 > 10.0.1.2 8307080a 00010100");
    const Fd connection(::accept(scene.listener, nullptr, nullptr));
    ASSERT_GE(connection, 0);
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    ASSERT_EQ(::getpeername(connection, reinterpret_cast<sockaddr*>(&peer), &length), 0);
    EXPECT_EQ(peer.sin_addr.s_addr, at("10.0.1.2", 0).sin_addr.s_addr);
    EXPECT_EQ(options_of(connection), by(Way::Loose, {"10.0.2.1"}));
    EXPECT_EQ(options_of(scene.client), by(Way::Loose, {"10.0.1.1"}));
    char byte = 'x';
    EXPECT_EQ(::send(scene.client, &byte, 1, 0), 1);
    EXPECT_EQ(::recv(connection, &byte, 1, 0), 1);
    EXPECT_EQ(::send(connection, &byte, 1, 0), 1);
    EXPECT_EQ(::recv(scene.client, &byte, 1, 0), 1);
  });
}

// A host that nobody listens on answers by the same way.
TEST(SourceRoute, ARefusalComesBackByTheHops) {
  in_new_network([] {
    Scene scene;
    Tap at_client = scene.tap(scene.network.left());
    ASSERT_EQ(set_options(scene.client, by(Way::Loose, {"10.0.1.1"})), 0);
    EXPECT_EQ(connect_to(scene.client, at("10.0.2.2", 81)), -ECONNREFUSED);
    EXPECT_EQ(at_client.next(), "10.0.2.2 > 10.0.1.2 8307080a 00010100");
  });
}

TEST(SourceRoute, AnErrorComesBackByTheHops) {
  in_new_network([] {
    Scene scene;
    const Fd sender = scene.network.in_left(SOCK_DGRAM);
    Tap at_client = scene.tap(scene.network.left());
    ASSERT_EQ(set_options(sender, by(Way::Loose, {"10.0.1.1"})), 0);
    ASSERT_EQ(connect_to(sender, at("10.0.2.2", 81)), 0);
    ASSERT_EQ(::send(sender, "x", 1, 0), 1);
    EXPECT_EQ(at_client.next(), "10.0.2.2 > 10.0.1.2 icmp 8307080a 00010100 type 3 code 3");
    EXPECT_EQ(::send(sender, "x", 1, 0), -1);
    EXPECT_EQ(errno, ECONNREFUSED);
  });
}

// accept_source_route of all interfaces and of the one it came in by.
TEST(SourceRoute, IsNotFollowedUnlessItIsAllowed) {
  for (const bool is_allowed : {false, true}) {
    in_new_network([is_allowed] {
      Scene scene(is_allowed);
      if (is_allowed) set_conf("west/accept_source_route", "0");
      Tap at_router, at_server = scene.tap(scene.network.right());
      const Fd sender = scene.network.in_left(SOCK_DGRAM);
      ASSERT_EQ(set_options(sender, by(Way::Loose, {"10.0.1.1"})), 0);
      const sockaddr_in to = at("10.0.2.2", 81);
      ASSERT_EQ(::sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), 1);
      EXPECT_EQ(at_router.next(), "10.0.1.2 > 10.0.1.1 8307040a 00020200");
      EXPECT_EQ(at_server.next(), "nothing");
    });
  }
}

TEST(SourceRoute, AStrictOneGoesFromNeighbourToNeighbour) {
  in_new_network([] {
    Scene scene;
    Tap at_client = scene.tap(scene.network.left()), at_server = scene.tap(scene.network.right());
    ASSERT_EQ(set_options(scene.client, by(Way::Strict, {"10.0.1.1"})), 0);
    EXPECT_EQ(connect_to(scene.client, at("10.0.2.2", 80)), 0);
    EXPECT_EQ(at_server.next(), "10.0.1.2 > 10.0.2.2 8907080a 00020100");
    const Fd further = scene.network.in_left(SOCK_DGRAM);
    ASSERT_EQ(set_options(further, by(Way::Strict, {"10.0.1.1", "10.0.3.1"})), 0);
    const sockaddr_in to = at("10.0.2.2", 81);
    ASSERT_EQ(::sendto(further, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), 1);
    EXPECT_EQ(at_client.next(), "10.0.2.2 > 10.0.1.2 8907080a 00010100") << "the answer to the SYN";
    EXPECT_EQ(at_client.next(), "nothing");
    const Fd over_gateway = scene.network.in_left(SOCK_STREAM);
    ASSERT_EQ(set_options(over_gateway, by(Way::Strict, {"10.0.2.2"})), 0);
    const int timeout = 300, count = 1;
    ASSERT_EQ(::setsockopt(over_gateway, IPPROTO_TCP, TCP_SYNCNT, &count, sizeof count), 0);
    ASSERT_EQ(::setsockopt(over_gateway, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout), 0);
    EXPECT_EQ(connect_to(over_gateway, at("10.0.2.2", 80)), -ETIMEDOUT);
    const Fd datagrams = scene.network.in_left(SOCK_DGRAM);
    ASSERT_EQ(set_options(datagrams, by(Way::Strict, {"10.0.2.2"})), 0);
    EXPECT_EQ(answer(::sendto(datagrams, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to)), -ENETUNREACH);
  });
}

TEST(SourceRoute, OfAnyAddressNobodyKnowsTheEnd) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(set_options(fd, by(Way::Loose, {"127.0.0.2"})), 0);
  EXPECT_EQ(connect_to(fd, at("0.0.0.0", 80)), -EINVAL);
}

Bytes record_route(size_t entries) {
  Bytes option(3 + 4 * entries + 1);
  option[0] = 7, option[1] = static_cast<uint8_t>(3 + 4 * entries), option[2] = 4;
  return option;
}

// What a SYN has is turned round for the whole connection; the listener's own options are nobody's.
TEST(SourceRoute, AnAcceptedConnectionHasTheOptionsOfItsSyn) {
  for (const size_t entries : {size_t{0}, size_t{1}, size_t{2}, size_t{3}, size_t{9}}) {
    const Fd listener(::socket(AF_INET, SOCK_STREAM, 0)), client(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(set_options(listener, Bytes(8, 1)), 0);
    ASSERT_EQ(bind_to(listener, loopback4()), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ASSERT_EQ(set_options(client, entries == 0 ? Bytes() : record_route(entries)), 0);
    ASSERT_EQ(connect_to(client, name_of(listener)), 0);
    const Fd accepted(::accept(listener, nullptr, nullptr));
    Bytes expected;
    if (entries != 0) expected = record_route(entries);
    for (size_t i = 0; i < entries && i < 2; ++i) {
      expected[2] = static_cast<uint8_t>(expected[2] + 4);
      const uint8_t loopback[] = {127, 0, 0, 1};
      memcpy(&expected[3 + 4 * i], loopback, 4);
    }
    EXPECT_EQ(options_of(accepted), expected) << entries;
    EXPECT_EQ(options_of(listener), Bytes(8, 1));
  }
}

}  // namespace
}  // namespace conformance
