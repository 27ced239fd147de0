// Raw sockets over loopback.
#include <gtest/gtest.h>

#include "stack/raw/raw_socket.hh"
#include "tests/support/own_options.hh"
#include "tests/support/test_stack.hh"

namespace lxnet {
namespace {

using namespace lxnet::testing;

class RawTest : public ::testing::Test {
 protected:
  TestSocket raw(uint8_t protocol, IpFamily family = IpFamily::V4) {
    Entry entry(*stack.stack);
    return TestSocket(stack, create_raw_socket(entry, family, protocol));
  }
  static RawSocket& of(TestSocket& socket) { return static_cast<RawSocket&>(*socket); }
  TestStack stack;
};

TEST_F(RawTest, Ipv4ReceiverSeesTheIpHeader) {
  TestSocket sender = raw(253), receiver = raw(253), other = raw(254);
  EXPECT_EQ(sender.send_to("data", endpoint("127.0.0.1", 0)), 4);
  const auto got = receiver.receive();
  ASSERT_EQ(got.data.size(), 24u);
  EXPECT_EQ(got.data[0], '\x45');
  EXPECT_EQ(static_cast<uint8_t>(got.data[9]), 253);
  EXPECT_EQ(got.data.substr(20), "data");
  EXPECT_EQ(got.source, endpoint("127.0.0.1", 0));
  EXPECT_EQ(other.receive().result, minus(Errno::EAGAIN));
  // The sender is bound to the protocol itself.
  EXPECT_EQ(sender.receive().result, 24);
}

TEST_F(RawTest, Ipv6ReceiverSeesThePayloadAlone) {
  TestSocket sender = raw(253, IpFamily::V6), receiver = raw(253, IpFamily::V6);
  EXPECT_EQ(sender.send_to("data", endpoint("::1", 0)), 4);
  EXPECT_EQ(receiver.text(), "data");
}

TEST_F(RawTest, AddressesAndConnectionsAdmitOnlyTheirOwn) {
  TestSocket sender = raw(253), elsewhere = raw(253), connected = raw(253), here = raw(253);
  EXPECT_EQ(elsewhere.bind(endpoint("127.0.0.2", 0)), Errno{});
  EXPECT_EQ(here.bind(endpoint("127.0.0.1", 0)), Errno{});
  EXPECT_EQ(connected.connect(endpoint("127.0.0.3", 0)), Errno{});
  EXPECT_EQ(sender.send_to("x", endpoint("127.0.0.1", 0)), 1);
  EXPECT_EQ(elsewhere.receive().result, minus(Errno::EAGAIN));
  EXPECT_EQ(connected.receive().result, minus(Errno::EAGAIN));
  EXPECT_EQ(here.receive().result, 21);
  EXPECT_EQ(here.bind(endpoint("8.8.8.8", 0)), Errno::EADDRNOTAVAIL);
  EXPECT_EQ(raw(253, IpFamily::V6).bind(endpoint("::ffff:127.0.0.1", 0)), Errno::EADDRNOTAVAIL);
}

// Linux refuses such errors since 2026; before, anybody could end a socket that sends packets of any protocol.
TEST_F(RawTest, NoErrorIsForWhoSendsAnyProtocol) {
  struct Case {
    uint8_t protocol;
    Errno error;
  };
  for (const Case& row : {Case{RawSocket::kRaw, Errno{}}, Case{254, Errno::ENOPROTOOPT}}) {
    TestSocket sender = raw(row.protocol);
    own(*sender, sender->ip_options).header_included = false;
    ASSERT_EQ(sender.connect(endpoint("127.0.0.2", 0)), Errno{});
    const uint64_t errors = stack.stack->mib().get(Mib::IcmpInErrors);
    EXPECT_EQ(sender.send("01234567"), 8);
    EXPECT_EQ(sender->take_error(), row.error) << int{row.protocol};
    EXPECT_EQ(stack.stack->mib().get(Mib::IcmpInErrors) - errors, row.error == Errno{} ? 1u : 0u);
  }
}

TEST_F(RawTest, OwnHeaderIsCompletedAndChecked) {
  TestSocket sender = raw(RawSocket::kRaw), receiver = raw(253);
  std::string packet(20, '\0');
  packet[0] = '\x45';
  packet[8] = '\x40';
  packet[9] = static_cast<char>(253);
  packet[16] = '\x7f';
  packet[19] = '\x01';
  packet += "body";
  EXPECT_EQ(sender.send_to(packet, endpoint("127.0.0.1", 0)), 24);
  const auto got = receiver.receive();
  ASSERT_EQ(got.data.size(), 24u);
  EXPECT_EQ(got.data[3], '\x18');                                   // the total length
  EXPECT_EQ(got.data.substr(12, 4), std::string("\x7f\0\0\1", 4));  // the source
  EXPECT_EQ(internet_checksum(ByteSpan(reinterpret_cast<const uint8_t*>(got.data.data()), 20)), 0);
  EXPECT_EQ(sender.send_to("short", endpoint("127.0.0.1", 0)), minus(Errno::EINVAL));
  packet[0] = '\x4f';
  EXPECT_EQ(sender.send_to(packet, endpoint("127.0.0.1", 0)), minus(Errno::EINVAL));
}

TEST_F(RawTest, IcmpFilterHoldsTypesBack) {
  TestSocket watcher = raw(RawSocket::kIcmp4), sender = raw(RawSocket::kIcmp4);
  of(watcher).raw_options.icmp_filter = 1u << 8;  // echo requests
  std::string request("\x08\0\0\0\0\1\0\1", 8);
  const uint16_t sum = internet_checksum(ByteSpan(reinterpret_cast<const uint8_t*>(request.data()), 8));
  request[2] = static_cast<char>(sum >> 8);
  request[3] = static_cast<char>(sum);
  EXPECT_EQ(sender.send_to(request, endpoint("127.0.0.1", 0)), 8);
  const auto got = watcher.receive();
  ASSERT_EQ(got.data.size(), 28u);
  EXPECT_EQ(got.data[20], '\0');  // the reply
  EXPECT_EQ(watcher.receive().result, minus(Errno::EAGAIN));
}

TEST_F(RawTest, ChecksumOptionFillsTheField) {
  TestSocket sender = raw(253, IpFamily::V6), receiver = raw(253, IpFamily::V6);
  of(sender).raw_options.has_checksum = of(receiver).raw_options.has_checksum = true;
  of(sender).raw_options.checksum_offset = of(receiver).raw_options.checksum_offset = 2;
  EXPECT_EQ(sender.send_to(std::string("ab\0\0cd", 6), endpoint("::1", 0)), 6);
  const auto got = receiver.receive();
  ASSERT_EQ(got.data.size(), 6u);
  EXPECT_NE(got.data.substr(2, 2), std::string(2, '\0'));
  EXPECT_EQ(sender.send_to("abc", endpoint("::1", 0)), minus(Errno::EINVAL));
}

TEST_F(RawTest, Ipv6PortMayNameOnlyTheSocketsOwnProtocol) {
  TestSocket sender = raw(253, IpFamily::V6), receiver = raw(253, IpFamily::V6);
  EXPECT_EQ(sender.send_to("x", endpoint("::1", 253)), 1);
  EXPECT_EQ(receiver.text(), "x");
  // One of IPPROTO_RAW brings the header along.
  EXPECT_EQ(raw(RawSocket::kRaw, IpFamily::V6).send_to("x", endpoint("::1", 253)), minus(Errno::EINVAL));
  EXPECT_EQ(receiver.send_to("x", endpoint("::1", 254)), minus(Errno::EINVAL));
}

TEST_F(RawTest, BufferTakesOneMoreWhileItIsNotFull) {
  TestSocket sender = raw(253), receiver = raw(253);
  receiver->options.receive_buffer = 1000;
  for (int i = 0; i < 5; ++i) sender.send_to("x", endpoint("127.0.0.1", 0));
  int count = 0;
  while (receiver.receive().result > 0) ++count;
  EXPECT_EQ(count, 2);  // 832 < 1000 admits a second
}

TEST_F(RawTest, CreationSurvivesEveryFailingAllocation) {
  for_each_failing_allocation(stack.hal, [&] {
    Entry entry(*stack.stack);
    auto created = create_raw_socket(entry, IpFamily::V4, 253);
    if (created.is_ok()) TestSocket socket(stack, created.take());
  });
}

}  // namespace
}  // namespace lxnet
