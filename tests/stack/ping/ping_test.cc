// ICMP echo sockets over loopback, held to what Linux's answer to the same.
#include <gtest/gtest.h>

#include "tests/support/own_options.hh"
#include "tests/support/test_stack.hh"

namespace lxnet {
namespace {

using namespace lxnet::testing;

std::string echo_request(IpFamily family, uint16_t identifier, uint16_t sequence, const std::string& data) {
  std::string message(8, '\0');
  message[0] = family == IpFamily::V4 ? '\x08' : '\x80';
  message[4] = static_cast<char>(identifier >> 8);
  message[5] = static_cast<char>(identifier);
  message[6] = static_cast<char>(sequence >> 8);
  message[7] = static_cast<char>(sequence);
  return message + data;
}

class PingTest : public ::testing::TestWithParam<const char*> {
 protected:
  PingTest() { stack.stack->tunables().values().ping_group_high = 100; }
  IpFamily family() const { return strchr(GetParam(), ':') != nullptr ? IpFamily::V6 : IpFamily::V4; }
  Result<Ref<Socket>> create() {
    stack.hal.credentials.egid = 50;
    Entry entry(*stack.stack);
    return create_ping_socket(entry, family());
  }
  TestStack stack;
};
INSTANTIATE_TEST_SUITE_P(Families, PingTest, ::testing::Values("127.0.0.1", "::1"));

TEST_P(PingTest, NeedsAGroupInTheRange) {
  Entry entry(*stack.stack);
  stack.hal.credentials.egid = 101;
  EXPECT_TRUE(create_ping_socket(entry, family()).is_error(Errno::EACCES));
  stack.hal.credentials.group_count = 2;
  stack.hal.credentials.groups[0] = 7000;
  stack.hal.credentials.groups[1] = 100;
  auto created = create_ping_socket(entry, family());
  ASSERT_TRUE(created.is_ok());
  TestSocket socket(stack, created.take());
}

TEST_P(PingTest, HearsTheReplyWithItsOwnIdentifier) {
  TestSocket ping(stack, create());
  const std::string request = echo_request(family(), 0x1234, 7, "payload");
  EXPECT_EQ(ping.send_to(request, endpoint(GetParam(), 0)), long(request.size()));
  const uint16_t identifier = ping.local().port;
  EXPECT_NE(identifier, 0);
  const auto got = ping.receive();
  ASSERT_EQ(got.data.size(), request.size());
  EXPECT_EQ(got.data[0], family() == IpFamily::V4 ? '\0' : '\x81');
  EXPECT_EQ(static_cast<uint8_t>(got.data[4]) << 8 | static_cast<uint8_t>(got.data[5]), identifier);
  EXPECT_EQ(got.data.substr(6), std::string("\0\7payload", 9));
  EXPECT_EQ(got.source, endpoint(GetParam(), 0));
  EXPECT_EQ(ping.receive().result, minus(Errno::EAGAIN));
}

TEST_P(PingTest, SendsEchoRequestsAlone) {
  TestSocket ping(stack, create());
  const Endpoint to = endpoint(GetParam(), 0);
  EXPECT_EQ(ping.send_to("short", to), minus(Errno::EINVAL));
  EXPECT_EQ(ping.send_to(std::string(70000, 'x'), to), minus(Errno::EMSGSIZE));
  std::string reply = echo_request(family(), 0, 0, "");
  reply[0] = family() == IpFamily::V4 ? '\0' : '\x81';
  EXPECT_EQ(ping.send_to(reply, to), minus(Errno::EINVAL));
  EXPECT_EQ(ping.send_to(echo_request(family(), 0, 0, ""), to, kMessageOutOfBand), minus(Errno::EOPNOTSUPP));
  EXPECT_EQ(ping.send(echo_request(family(), 0, 0, "")), minus(Errno::EDESTADDRREQ));
  EXPECT_EQ(ping.connect(to), Errno{});
  EXPECT_EQ(ping.send(echo_request(family(), 0, 0, "")), 8);
}

TEST_P(PingTest, IdentifierIsAPortOfItsOwn) {
  TestSocket a(stack, create()), b(stack, create()), c(stack, create());
  EXPECT_EQ(a.bind(endpoint(GetParam(), 77)), Errno{});
  EXPECT_EQ(a.local().port, 77);
  EXPECT_EQ(a.bind(endpoint(GetParam(), 78)), Errno::EINVAL);
  // Echo sockets are born with SO_REUSEADDR, and then share an identifier.
  own(*b, b->options).reuse_address = false;
  EXPECT_EQ(b.bind(endpoint(GetParam(), 77)), Errno::EADDRINUSE);
  EXPECT_EQ(c.bind(endpoint(GetParam(), 77)), Errno{});
  c.close();
  EXPECT_EQ(b.bind(endpoint(family() == IpFamily::V4 ? "8.8.8.8" : "2001:db8::1", 0)), Errno::EADDRNOTAVAIL);
  EXPECT_EQ(b.bind(endpoint(GetParam(), 0)), Errno{});
  EXPECT_EQ(b.send_to(echo_request(family(), 77, 1, "mine"), endpoint(GetParam(), 0)), 12);
  EXPECT_EQ(a.receive().result, minus(Errno::EAGAIN));
  EXPECT_EQ(b.receive().result, 12);
}

}  // namespace
}  // namespace lxnet
