// IPPROTO_TCP options that ask more than an int: Fast Open, signatures, saved SYNs, repair, upper layer protocols.
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <array>

#include "tests/conformance/sockets/posix.hh"

#ifndef TCP_FASTOPEN_NO_COOKIE
#define TCP_FASTOPEN_NO_COOKIE 34
#endif

namespace conformance {
namespace {

long set_tcp(int fd, int name, int value) { return answer(::setsockopt(fd, IPPROTO_TCP, name, &value, sizeof value)); }
long get_tcp(int fd, int name, int* value) {
  socklen_t length = sizeof *value;
  return answer(::getsockopt(fd, IPPROTO_TCP, name, value, &length));
}
Fd stream() { return Fd(::socket(AF_INET, SOCK_STREAM, 0)); }
Fd listening() {
  Fd fd = stream();
  EXPECT_EQ(bind_to(fd, loopback4()), 0);
  EXPECT_EQ(::listen(fd, 4), 0);
  return fd;
}

TEST(TcpOptionsTest, FastOpensQueueIsSetOnWhatListensOrWill) {
  const Fd fd = stream();
  int value = -1;
  EXPECT_EQ(get_tcp(fd, TCP_FASTOPEN, &value), 0);
  EXPECT_EQ(value, 0);
  EXPECT_EQ(set_tcp(fd, TCP_FASTOPEN, -1), -EINVAL);
  EXPECT_EQ(set_tcp(fd, TCP_FASTOPEN, 5), 0);
  EXPECT_EQ(get_tcp(fd, TCP_FASTOPEN, &value), 0);
  EXPECT_EQ(value, 5);
  TcpPair pair = tcp_pair();
  EXPECT_EQ(set_tcp(pair.listener, TCP_FASTOPEN, 1), 0);
  EXPECT_EQ(set_tcp(pair.client, TCP_FASTOPEN, 1), -EINVAL);
  EXPECT_EQ(set_tcp(fd, TCP_FASTOPEN, 1 << 30), 0);
  EXPECT_EQ(get_tcp(fd, TCP_FASTOPEN, &value), 0);
  EXPECT_EQ(value, 4096);  // net.core.somaxconn
}

TEST(TcpOptionsTest, FastOpensFlagsAreFlags) {
  const Fd fd = stream();
  for (const int name : {TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE}) {
    int value = -1;
    EXPECT_EQ(set_tcp(fd, name, 2), -EINVAL);
    EXPECT_EQ(set_tcp(fd, name, -1), -EINVAL);
    EXPECT_EQ(set_tcp(fd, name, 1), 0);
    EXPECT_EQ(get_tcp(fd, name, &value), 0);
    EXPECT_EQ(value, 1);
  }
  TcpPair pair = tcp_pair();
  EXPECT_EQ(set_tcp(pair.client, TCP_FASTOPEN_CONNECT, 1), -EINVAL);
  EXPECT_EQ(set_tcp(pair.client, TCP_FASTOPEN_NO_COOKIE, 1), -EINVAL);
  EXPECT_EQ(set_tcp(pair.listener, TCP_FASTOPEN_NO_COOKIE, 1), 0);
  EXPECT_EQ(set_tcp(pair.listener, TCP_FASTOPEN_CONNECT, 1), -EINVAL);
}

TEST(TcpOptionsTest, FastOpensKeysAreOneOrTwo) {
  const Fd fd = stream();
  std::array<uint8_t, 40> key{};
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i);
  for (const socklen_t length : {0u, 1u, 15u, 17u, 31u, 33u})
    EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, key.data(), length)), -EINVAL) << length;
  for (const socklen_t length : {16u, 32u}) {
    EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, key.data(), length)), 0);
    std::array<uint8_t, 40> got{};
    socklen_t size = got.size();
    EXPECT_EQ(answer(::getsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, got.data(), &size)), 0);
    EXPECT_EQ(size, length);
    EXPECT_TRUE(std::equal(got.begin(), got.begin() + length, key.begin()));
  }
  socklen_t size = 5;
  EXPECT_EQ(answer(::getsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, key.data(), &size)), 0);
  EXPECT_EQ(size, 5u);
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, bad_pointer(), 16)), -EFAULT);
}

// The first asks for a cookie, the second uses it; over loopback each is answered before the call is over.
TEST(TcpOptionsTest, FastOpenSendsAndConnectsInOne) {
  const Fd listener = listening();
  ASSERT_EQ(set_tcp(listener, TCP_FASTOPEN, 5), 0);
  const sockaddr_in name = name_of(listener);
  for (int i = 0; i < 2; ++i) {
    const Fd client = stream();
    EXPECT_EQ(answer(::sendto(client, "hello", 5, MSG_FASTOPEN, reinterpret_cast<const sockaddr*>(&name), sizeof name)), 5);
    const Fd server(::accept(listener, nullptr, nullptr));
    char buffer[8];
    EXPECT_EQ(answer(::recv(server, buffer, sizeof buffer, 0)), 5);
    EXPECT_EQ(answer(::sendto(client, "x", 1, MSG_FASTOPEN, reinterpret_cast<const sockaddr*>(&name), sizeof name)), -EISCONN);
  }
  const Fd again(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  EXPECT_EQ(answer(::sendto(again, "hello", 5, MSG_FASTOPEN, nullptr, 0)), -EINVAL);
  sockaddr_in unspecified{};
  EXPECT_EQ(
      answer(::sendto(again, "hello", 5, MSG_FASTOPEN, reinterpret_cast<const sockaddr*>(&unspecified), sizeof unspecified)),
      -EOPNOTSUPP);
}

TEST(TcpOptionsTest, FastOpenToNobodyIsRefused) {
  const Fd bound = stream();
  ASSERT_EQ(bind_to(bound, loopback4()), 0);
  const sockaddr_in name = name_of(bound);
  const Fd client = stream();
  EXPECT_EQ(answer(::sendto(client, "hello", 5, MSG_FASTOPEN, reinterpret_cast<const sockaddr*>(&name), sizeof name)),
            -ECONNREFUSED);
}

TEST(TcpOptionsTest, SignatureKeysAreChecked) {
  const Fd fd = stream();
  tcp_md5sig key{};
  auto* address = reinterpret_cast<sockaddr_in*>(&key.tcpm_addr);
  const auto set = [&](int name, socklen_t length = sizeof(tcp_md5sig)) {
    return answer(::setsockopt(fd, IPPROTO_TCP, name, &key, length));
  };
  EXPECT_EQ(set(TCP_MD5SIG, sizeof key - 1), -EINVAL);
  EXPECT_EQ(set(TCP_MD5SIG), -EINVAL);  // no family
  *address = loopback4();
  EXPECT_EQ(set(TCP_MD5SIG), -ENOENT);  // no key is there to be taken away
  key.tcpm_keylen = 81;
  EXPECT_EQ(set(TCP_MD5SIG), -EINVAL);
  key.tcpm_keylen = 4;
  std::memcpy(key.tcpm_key, "abcd", 4);
  EXPECT_EQ(set(TCP_MD5SIG), 0);
  key.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
  key.tcpm_prefixlen = 33;
  EXPECT_EQ(set(TCP_MD5SIG), 0);  // only the extended form has prefixes
  EXPECT_EQ(set(TCP_MD5SIG_EXT), -EINVAL);
  key.tcpm_prefixlen = 8;
  EXPECT_EQ(set(TCP_MD5SIG_EXT), 0);
  key.tcpm_keylen = 0;
  EXPECT_EQ(set(TCP_MD5SIG_EXT), 0);
  EXPECT_EQ(set(TCP_MD5SIG_EXT), -ENOENT);
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, bad_pointer(), sizeof key)), -EFAULT);
  socklen_t length = sizeof key;
  EXPECT_EQ(answer(::getsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &key, &length)), -ENOPROTOOPT);
}

TEST(TcpOptionsTest, SignedConnectionsCarryData) {
  const Fd listener = listening();
  tcp_md5sig key{};
  *reinterpret_cast<sockaddr_in*>(&key.tcpm_addr) = loopback4();
  key.tcpm_keylen = 4;
  std::memcpy(key.tcpm_key, "abcd", 4);
  ASSERT_EQ(answer(::setsockopt(listener, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof key)), 0);
  const Fd client = stream();
  ASSERT_EQ(answer(::setsockopt(client, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof key)), 0);
  ASSERT_EQ(connect_to(client, name_of(listener)), 0);
  const Fd server(::accept(listener, nullptr, nullptr));
  const std::string text(100'000, 'x');
  EXPECT_EQ(answer(::send(client, text.data(), text.size(), 0)), 100'000);
  std::string got(text.size(), '\0');
  EXPECT_EQ(answer(::recv(server, got.data(), got.size(), MSG_WAITALL)), 100'000);
  EXPECT_EQ(got, text);
}

TEST(TcpOptionsTest, ASavedSynIsGivenOnce) {
  const Fd listener = listening();
  int value = -1;
  EXPECT_EQ(set_tcp(listener, TCP_SAVE_SYN, 3), -EINVAL);
  EXPECT_EQ(set_tcp(listener, TCP_SAVE_SYN, 1), 0);
  EXPECT_EQ(get_tcp(listener, TCP_SAVE_SYN, &value), 0);
  EXPECT_EQ(value, 1);
  const Fd client = stream();
  ASSERT_EQ(connect_to(client, name_of(listener)), 0);
  const Fd server(::accept(listener, nullptr, nullptr));
  uint8_t bytes[200] = {};
  socklen_t length = 10;
  EXPECT_EQ(answer(::getsockopt(server, IPPROTO_TCP, TCP_SAVED_SYN, bytes, &length)), -EINVAL);
  EXPECT_EQ(length, 60u);
  length = sizeof bytes;
  EXPECT_EQ(answer(::getsockopt(server, IPPROTO_TCP, TCP_SAVED_SYN, bytes, &length)), 0);
  EXPECT_EQ(length, 60u);  // IPv4, and TCP with forty bytes
  EXPECT_EQ(bytes[0], 0x45);
  EXPECT_EQ(bytes[20 + 13], 2);  // SYN
  length = sizeof bytes;
  EXPECT_EQ(answer(::getsockopt(server, IPPROTO_TCP, TCP_SAVED_SYN, bytes, &length)), 0);
  EXPECT_EQ(length, 0u);
  EXPECT_EQ(answer(::setsockopt(server, IPPROTO_TCP, TCP_SAVED_SYN, &value, sizeof value)), -ENOPROTOOPT);
}

TEST(TcpOptionsTest, RepairIsForTheUnconnectedAndTheConnected) {
  const Fd fd = stream();
  int value = -1;
  EXPECT_EQ(get_tcp(fd, TCP_REPAIR, &value), 0);
  EXPECT_EQ(value, 0);
  EXPECT_EQ(set_tcp(fd, TCP_REPAIR_QUEUE, 1), -EPERM);
  EXPECT_EQ(get_tcp(fd, TCP_REPAIR_QUEUE, &value), -EINVAL);
  EXPECT_EQ(get_tcp(fd, TCP_QUEUE_SEQ, &value), -EINVAL);
  EXPECT_EQ(set_tcp(fd, TCP_TIMESTAMP, 5), -EPERM);
  if (set_tcp(fd, TCP_REPAIR, 1) == -EPERM) GTEST_SKIP() << "needs CAP_NET_ADMIN";
  EXPECT_EQ(get_tcp(fd, TCP_REPAIR, &value), 0);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(set_tcp(fd, TCP_REPAIR, 2), -EINVAL);
  EXPECT_EQ(set_tcp(fd, TCP_REPAIR_QUEUE, 3), -EINVAL);
  EXPECT_EQ(set_tcp(fd, TCP_QUEUE_SEQ, 77), -EINVAL);
  EXPECT_EQ(set_tcp(fd, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE), 0);
  EXPECT_EQ(set_tcp(fd, TCP_QUEUE_SEQ, 77), 0);
  EXPECT_EQ(get_tcp(fd, TCP_QUEUE_SEQ, &value), 0);
  EXPECT_EQ(value, 77);
  EXPECT_EQ(answer(::setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, &value, sizeof value)), -EPERM);
  uint8_t window[20];
  socklen_t length = sizeof window;
  EXPECT_EQ(answer(::getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, window, &length)), 0);
  EXPECT_EQ(length, 20u);
  length = 19;
  EXPECT_EQ(answer(::getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, window, &length)), -EINVAL);
  EXPECT_EQ(set_tcp(fd, TCP_REPAIR, 0), 0);
  const Fd listener = listening();
  EXPECT_EQ(set_tcp(listener, TCP_REPAIR, 1), -EPERM);
}

TEST(TcpOptionsTest, AClosedRepairedConnectionSaysNothing) {
  TcpPair pair = tcp_pair();
  if (set_tcp(pair.client, TCP_REPAIR, 1) == -EPERM) GTEST_SKIP() << "needs CAP_NET_ADMIN";
  char byte = 0;
  EXPECT_EQ(answer(::recv(pair.client, &byte, 1, MSG_DONTWAIT)), -EPERM);
  EXPECT_EQ(answer(::send(pair.client, &byte, 1, 0)), -EINVAL);
  pair.client.reset();
  EXPECT_EQ(answer(::recv(pair.server, &byte, 1, MSG_DONTWAIT)), -EAGAIN);
}

TEST(TcpOptionsTest, ASocketWithoutAFastOpenKeyOfItsOwnTellsNone) {
  const Fd fd = stream();
  EXPECT_EQ(set_tcp(fd, TCP_FASTOPEN, 5), 0);
  std::array<uint8_t, 40> key{};
  socklen_t size = key.size();
  EXPECT_EQ(answer(::getsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, key.data(), &size)), 0);
  EXPECT_EQ(size, 0u);
}

// SIOCOUTQ and SIOCOUTQNSD count what an earlier connection left, and the distance to the next one's numbers.
TEST(TcpOptionsTest, ADisconnectedSocketStillCountsWhatItHadSent) {
  const auto asked = [](int fd, unsigned long request) {
    int value = -1;
    return answer(::ioctl(fd, request, &value)) < 0 ? -1 : value;
  };
  const sockaddr unspecified{.sa_family = AF_UNSPEC, .sa_data = {}};
  sockaddr_in nobody = loopback4();
  {
    const Fd held(::socket(AF_INET, SOCK_STREAM, 0));
    socklen_t length = sizeof nobody;
    ASSERT_EQ(::bind(held, reinterpret_cast<const sockaddr*>(&nobody), length), 0);
    ASSERT_EQ(::getsockname(held, reinterpret_cast<sockaddr*>(&nobody), &length), 0);
  }
  const Fd fd = stream();
  for (int attempt = 0; attempt < 2; attempt++) {
    ASSERT_EQ(answer(::connect(fd, reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody)), -ECONNREFUSED);
    EXPECT_EQ(asked(fd, SIOCOUTQ), 3);
    EXPECT_EQ(asked(fd, SIOCOUTQNSD), 2);
  }
  ASSERT_EQ(::connect(fd, &unspecified, sizeof unspecified), 0);
  EXPECT_EQ(asked(fd, SIOCOUTQ), 5);
  const TcpPair pair = tcp_pair();
  ASSERT_EQ(::connect(pair.client, &unspecified, sizeof unspecified), 0);
  const int once = asked(pair.client, SIOCOUTQ);
  ASSERT_EQ(::connect(pair.client, &unspecified, sizeof unspecified), 0);
  EXPECT_GT(once, 2);
  EXPECT_EQ(asked(pair.client, SIOCOUTQ), 2 * once);
}

TEST(TcpOptionsTest, NoUpperLayerProtocolIsKnown) {
  const TcpPair pair = tcp_pair();
  EXPECT_EQ(answer(::setsockopt(pair.client, IPPROTO_TCP, TCP_ULP, "tls", 3)), -ENOENT);
  EXPECT_EQ(answer(::setsockopt(pair.client, IPPROTO_TCP, TCP_ULP, "", 0)), -EINVAL);
  EXPECT_EQ(answer(::setsockopt(pair.client, IPPROTO_TCP, TCP_ULP, bad_pointer(), 3)), -EFAULT);
  char name[16] = "unchanged";
  socklen_t length = sizeof name;
  EXPECT_EQ(answer(::getsockopt(pair.client, IPPROTO_TCP, TCP_ULP, name, &length)), 0);
  EXPECT_EQ(length, 0u);
}

}  // namespace
}  // namespace conformance
