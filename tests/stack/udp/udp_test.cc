// UDP over loopback. What is expected here is what Linux 6.18 answered to the same calls.
#include <gtest/gtest.h>

#include "stack/udp/udp_socket.hh"
#include "stack/wire/address_text.hh"
#include "tests/support/own_options.hh"
#include "tests/support/test_stack.hh"

namespace lxnet {
namespace {

using namespace lxnet::testing;

class UdpTest : public ::testing::TestWithParam<const char*> {
 protected:
  IpFamily family() const { return strchr(GetParam(), ':') != nullptr ? IpFamily::V6 : IpFamily::V4; }
  TestSocket bound() {
    TestSocket socket = TestSocket::udp(stack, family());
    EXPECT_EQ(socket.bind(endpoint(GetParam(), 0)), Errno{});
    return socket;
  }
  TestStack stack;
};
INSTANTIATE_TEST_SUITE_P(Families, UdpTest, ::testing::Values("127.0.0.1", "::1"));

TEST_P(UdpTest, CarriesADatagramWithItsSource) {
  TestSocket receiver = bound(), sender = bound();
  EXPECT_EQ(sender.send_to("hello", receiver.local()), 5);
  const auto got = receiver.receive();
  EXPECT_EQ(got.data, "hello");
  EXPECT_EQ(got.source, sender.local());
  EXPECT_EQ(receiver.receive().result, minus(Errno::EAGAIN));
}

TEST_P(UdpTest, KeepsDatagramsApartAndInOrder) {
  TestSocket receiver = bound(), sender = bound();
  for (const char* text : {"one", "", "three"}) EXPECT_EQ(sender.send_to(text, receiver.local()), long(strlen(text)));
  EXPECT_EQ(receiver.text(), "one");
  EXPECT_EQ(receiver.receive().result, 0);
  EXPECT_EQ(receiver.text(), "three");
}

TEST_P(UdpTest, ChoosesAPortAtTheFirstSend) {
  TestSocket receiver = bound(), sender = TestSocket::udp(stack, family());
  EXPECT_EQ(sender.local().port, 0);
  EXPECT_EQ(sender.send_to("x", receiver.local()), 1);
  EXPECT_GE(sender.local().port, 32768);
  EXPECT_LE(sender.local().port, 60999);
  EXPECT_EQ(receiver.receive().source.port, sender.local().port);
}

TEST_P(UdpTest, CarriesTheLargestDatagramAndNoLarger) {
  TestSocket receiver = bound(), sender = bound();
  const size_t largest = family() == IpFamily::V4 ? 65507 : 65527;
  std::string data(largest, 'a');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 7 % 251);
  EXPECT_EQ(sender.send_to(data, receiver.local()), long(largest));
  EXPECT_EQ(receiver.text(), data);
  EXPECT_EQ(sender.send_to(data + "x", receiver.local()), minus(Errno::EMSGSIZE));
}

TEST_P(UdpTest, SaysWhatIsWrongWithADestination) {
  TestSocket sender = bound();
  EXPECT_EQ(sender.send("x"), minus(Errno::EDESTADDRREQ));
  EXPECT_EQ(sender.send_to("x", endpoint(GetParam(), 0)), minus(Errno::EINVAL));
  EXPECT_EQ(sender.send_to("x", endpoint(GetParam(), 9), kMessageOutOfBand),
            family() == IpFamily::V4 ? minus(Errno::EOPNOTSUPP) : 1);
}

TEST_P(UdpTest, CutsADatagramToTheRoomAndSaysSo) {
  TestSocket receiver = bound(), sender = bound();
  for (int i = 0; i < 3; ++i) sender.send_to("abcdef", receiver.local());
  auto got = receiver.receive(4);
  EXPECT_EQ(got.result, 4);
  EXPECT_EQ(got.flags, uint32_t{kMessageTruncated});
  got = receiver.receive(4, kMessageTruncated | kMessageDontWait);
  EXPECT_EQ(got.result, 6);
  EXPECT_EQ(got.data, "abcd");
  got = receiver.receive(6);
  EXPECT_EQ(got.flags, 0u);
}

TEST_P(UdpTest, ConnectedSocketHearsItsPeerAlone) {
  TestSocket a = bound(), b = bound(), stranger = bound();
  const Endpoint a_name = a.local();
  EXPECT_EQ(a.connect(b.local()), Errno{});
  Endpoint peer;
  EXPECT_EQ(a.remote(peer), Errno{});
  EXPECT_EQ(peer, b.local());
  EXPECT_EQ(stranger.send_to("no", a_name), 2);
  EXPECT_EQ(b.send_to("yes", a_name), 3);
  EXPECT_EQ(a.text(), "yes");
  EXPECT_EQ(a.receive().result, minus(Errno::EAGAIN));
  EXPECT_EQ(a.send("back"), 4);
  EXPECT_EQ(b.text(), "back");
  EXPECT_EQ(a.send_to("aside", stranger.local()), 5);
  EXPECT_EQ(stranger.text(), "aside");
}

TEST_P(UdpTest, DisconnectGivesBackWhatConnectChoseAndNoMore) {
  TestSocket b = bound();
  TestSocket a = TestSocket::udp(stack, family());
  EXPECT_EQ(a.connect(b.local()), Errno{});
  EXPECT_EQ(a.local().address, b.local().address);
  EXPECT_NE(a.local().port, 0);
  EXPECT_EQ(a.disconnect(), Errno{});
  EXPECT_EQ(a.local(), (Endpoint{.address = IpAddress::any(family()), .port = 0, .scope_id = 0}));
  Endpoint peer;
  EXPECT_EQ(a.remote(peer), Errno::ENOTCONN);

  TestSocket c = TestSocket::udp(stack, family());
  const Endpoint c_name = endpoint(GetParam(), 4000);
  EXPECT_EQ(c.bind(c_name), Errno{});
  EXPECT_EQ(c.connect(b.local()), Errno{});
  EXPECT_EQ(c.disconnect(), Errno{});
  EXPECT_EQ(c.local(), c_name);
  EXPECT_EQ(b.send_to("still here", c_name), 10);
  EXPECT_EQ(c.text(), "still here");
}

TEST_P(UdpTest, DisconnectTakesAPortThatBindWasNotAskedFor) {
  TestSocket a = bound(), b = bound();
  EXPECT_EQ(a.connect(b.local()), Errno{});
  EXPECT_EQ(a.disconnect(), Errno{});
  EXPECT_EQ(a.local(), endpoint(GetParam(), 0));
  EXPECT_EQ(a.send_to("x", b.local()), 1);
  EXPECT_NE(a.local().port, 0);
}

TEST_P(UdpTest, RefusedDatagramIsAnErrorOfAConnectedSocket) {
  TestSocket a = bound();
  Endpoint dead;
  {
    TestSocket gone = bound();
    dead = gone.local();
  }
  EXPECT_EQ(a.connect(dead), Errno{});
  EXPECT_EQ(a.send("x"), 1);
  EXPECT_EQ(a.poll() & kPollError, kPollError);
  EXPECT_EQ(a.send("x"), minus(Errno::ECONNREFUSED));
  EXPECT_EQ(a.send("x"), 1);
  EXPECT_EQ(a.receive().result, minus(Errno::ECONNREFUSED));
  EXPECT_EQ(a.receive().result, minus(Errno::EAGAIN));
}

TEST_P(UdpTest, UnconnectedSocketHearsOfErrorsOnlyWhenItAsked) {
  TestSocket a = bound();
  Endpoint dead;
  {
    TestSocket gone = bound();
    dead = gone.local();
  }
  EXPECT_EQ(a.send_to("quiet", dead), 5);
  EXPECT_EQ(a->take_error(), Errno{});
  own(*a, a->ip_options).receive_errors_v4 = own(*a, a->ip_options).receive_errors_v6 = true;
  EXPECT_EQ(a.send_to("loud", dead), 4);
  EXPECT_EQ(a.poll() & kPollError, kPollError);
  const auto got = a.receive(100, kMessageErrorQueue);
  EXPECT_EQ(got.data, "loud");
  EXPECT_EQ(got.flags & kMessageErrorQueue, uint32_t{kMessageErrorQueue});
  EXPECT_EQ(got.source, dead);
  EXPECT_TRUE(a.is_error);
  EXPECT_EQ(a.error.error, Errno::ECONNREFUSED);
  EXPECT_EQ(a.error.origin, family() == IpFamily::V4 ? 2 : 3);
  EXPECT_EQ(a.error.type, family() == IpFamily::V4 ? 3 : 1);
  EXPECT_EQ(a.error.code, family() == IpFamily::V4 ? 3 : 4);
  EXPECT_EQ(a.error.offender.address, dead.address);
  // Reading the last report clears what SO_ERROR says.
  EXPECT_EQ(a->take_error(), Errno{});
  EXPECT_EQ(a.receive(100, kMessageErrorQueue).result, minus(Errno::EAGAIN));
}

TEST_P(UdpTest, ReceiveBufferTakesAsManyDatagramsAsLinux) {
  TestSocket sender = bound();
  const auto count_for = [&](size_t size) {
    TestSocket receiver = bound();
    for (int i = 0; i < 300; ++i) sender.send_to(std::string(size, 'x'), receiver.local());
    int count = 0;
    while (receiver.receive().result >= 0) ++count;
    return count;
  };
  EXPECT_EQ(count_for(1), 256);
  EXPECT_EQ(count_for(820), 92);
  EXPECT_EQ(count_for(7381), 25);
}

TEST_P(UdpTest, FullBufferCountsWhatItLost) {
  TestSocket receiver = bound(), sender = bound();
  receiver->options.receive_buffer = 2304;
  for (int i = 0; i < 5; ++i) sender.send_to("x", receiver.local());
  EXPECT_EQ(receiver.text(), "x");
  EXPECT_EQ(receiver.drops, 0u);
  EXPECT_EQ(sender.send_to("y", receiver.local()), 1);
  EXPECT_EQ(receiver.text(), "x");
  EXPECT_EQ(receiver.text(), "y");
  EXPECT_EQ(receiver.drops, 3u);
  const Mib lost = family() == IpFamily::V4 ? Mib::UdpRcvbufErrors : Mib::Udp6RcvbufErrors;
  EXPECT_EQ(stack.stack->mib().get(lost), 3u);
}

TEST_P(UdpTest, EmptyBufferTakesADatagramTooLargeForIt) {
  TestSocket receiver = bound(), sender = bound();
  receiver->options.receive_buffer = 2304;
  sender.send_to(std::string(7381, 'x'), receiver.local());
  sender.send_to("second", receiver.local());
  EXPECT_EQ(receiver.receive().result, 7381);
  EXPECT_EQ(receiver.receive().result, minus(Errno::EAGAIN));
}

TEST_P(UdpTest, PeekOffsetWalksThroughTheQueue) {
  TestSocket receiver = bound(), sender = bound();
  own(*receiver, receiver->options).peek_offset = 0;
  for (const char* text : {"abcdef", "ghi", "", "jk"}) sender.send_to(text, receiver.local());
  const uint32_t peek = kMessagePeek | kMessageDontWait;
  EXPECT_EQ(receiver.text(4, peek), "abcd");
  EXPECT_EQ(receiver.text(4, peek), "ef");
  EXPECT_EQ(receiver.text(4, peek), "ghi");
  EXPECT_EQ(receiver.receive(4, peek).result, 0);
  EXPECT_EQ(receiver.text(4, peek), "jk");
  EXPECT_EQ(receiver->options->peek_offset, 11);
  EXPECT_EQ(receiver.receive(4, peek).result, minus(Errno::EAGAIN));
  EXPECT_EQ(receiver.text(), "abcdef");
  EXPECT_EQ(receiver->options->peek_offset, 5);
}

TEST_P(UdpTest, ShutdownOfAnUnconnectedSocketFailsAndStillShuts) {
  TestSocket a = bound(), b = bound();
  EXPECT_EQ(a.shutdown(ShutdownHow::Both), Errno::ENOTCONN);
  EXPECT_EQ(a.poll(), 0x2355u);
  EXPECT_EQ(a.send_to("x", b.local()), minus(Errno::EPIPE));
}

TEST_P(UdpTest, ReceiveAfterShutdownEndsOnlyForWhoWouldWait) {
  TestSocket a = bound(), b = bound();
  EXPECT_EQ(a.connect(b.local()), Errno{});
  EXPECT_EQ(a.shutdown(ShutdownHow::Read), Errno{});
  EXPECT_EQ(a.receive(10, kMessageDontWait).result, minus(Errno::EAGAIN));
  EXPECT_EQ(a.receive(10, 0).result, 0);
  b.send_to("late", a.local());
  EXPECT_EQ(a.text(10, 0), "late");
}

TEST_P(UdpTest, FreesEverythingWhenAnyAllocationFails) {
  TestSocket receiver = bound();
  const Endpoint to = receiver.local();
  for_each_failing_allocation(stack.hal, [&] {
    Entry entry(*stack.stack);
    auto created = create_udp_socket(entry, family(), 17);
    if (!created.is_ok()) {
      EXPECT_EQ(created.error(), Errno::ENOBUFS);
      return;
    }
    TestSocket sender(stack, created.take());
    const Errno connected = sender.connect(to);
    if (connected != Errno{}) return;
    const long sent = sender.send("data");
    EXPECT_TRUE(sent == 4 || sent == minus(Errno::ENOBUFS)) << sent;
  });
  while (receiver.receive().result >= 0) {
  }
  TestSocket sender = bound();
  EXPECT_EQ(sender.send_to("alive", to), 5);
  EXPECT_EQ(receiver.text(), "alive");
}

TEST_P(UdpTest, CorkJoinsPiecesToOneDatagram) {
  TestSocket a = bound(), b = bound();
  EXPECT_EQ(a.connect(b.local()), Errno{});
  auto& udp = static_cast<UdpSocket&>(*a);
  const auto set_cork = [&](UdpSocket::Cork cork) {
    Entry entry(*stack.stack);
    EXPECT_TRUE(udp.set_cork(entry, cork).is_ok());
  };
  set_cork(UdpSocket::Cork::On);
  EXPECT_EQ(a.send("abc"), 3);
  EXPECT_EQ(a.send("def"), 3);
  EXPECT_EQ(a.send_to("elsewhere", endpoint(GetParam(), 9)), 9);
  EXPECT_EQ(b.receive().result, minus(Errno::EAGAIN));
  set_cork(UdpSocket::Cork::Off);
  EXPECT_EQ(b.text(), "abcdefelsewhere");
  EXPECT_EQ(a.send("abc", nullptr, kMessageMore), 3);
  EXPECT_EQ(a.send(std::string(3000, 'x'), nullptr, kMessageMore), 3000);
  EXPECT_EQ(a.send("", nullptr), 0);
  EXPECT_EQ(b.text(), "abc" + std::string(3000, 'x'));
  EXPECT_EQ(a.send("", nullptr, kMessageMore), 0);
  EXPECT_EQ(a.send(""), 0);
  EXPECT_EQ(b.receive().result, 0);
}

TEST_P(UdpTest, ZeroCopySendsAreReportedCompleteAsOneRange) {
  TestSocket a = bound(), b = bound();
  EXPECT_EQ(a.send_to("x", b.local(), kMessageZeroCopy), 1);
  EXPECT_EQ(a.receive(10, kMessageErrorQueue).result, minus(Errno::EAGAIN));  // without SO_ZEROCOPY the flag says nothing
  own(*a, a->options).zero_copy = true;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(a.send_to("x", b.local(), kMessageZeroCopy), 1);
  EXPECT_EQ(a.poll() & kPollError, kPollError);
  EXPECT_EQ(a.receive(10, kMessageErrorQueue).result, 0);
  EXPECT_EQ(a.error.origin, 5);
  EXPECT_EQ(a.error.code, 1);
  EXPECT_EQ(a.error.info, 0u);
  EXPECT_EQ(a.error.data, 2u);
  EXPECT_EQ(a->take_error(), Errno{});
  EXPECT_EQ(a.receive(10, kMessageErrorQueue).result, minus(Errno::EAGAIN));
}

TEST_P(UdpTest, PieceThatMakesItTooLargeThrowsAllAway) {
  TestSocket a = bound(), b = bound();
  EXPECT_EQ(a.connect(b.local()), Errno{});
  EXPECT_EQ(a.send("abc", nullptr, kMessageMore), 3);
  EXPECT_EQ(a.send(std::string(65504, 'x'), nullptr, kMessageMore), 65504);
  EXPECT_EQ(a.send(std::string(30, 'x')), minus(Errno::EMSGSIZE));
  EXPECT_EQ(b.receive().result, minus(Errno::EAGAIN));
  EXPECT_EQ(a.send("abc"), 3);
  EXPECT_EQ(b.text(), "abc");
}

TEST_P(UdpTest, SegmentsArriveAsDatagramsUnlessTheReceiverTakesThemTogether) {
  TestSocket a = bound(), b = bound();
  EXPECT_EQ(a.connect(b.local()), Errno{});
  static_cast<UdpSocket&>(*a).udp_options.segment_size = 1000;
  std::string data(2500, 'x');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i % 251);
  EXPECT_EQ(a.send(data), 2500);
  EXPECT_EQ(b.text(), data.substr(0, 1000));
  EXPECT_EQ(b.text(), data.substr(1000, 1000));
  EXPECT_EQ(b.text(), data.substr(2000));
  EXPECT_EQ(b.receive().result, minus(Errno::EAGAIN));
  static_cast<UdpSocket&>(*b).udp_options.receives_segments = true;
  EXPECT_EQ(a.send(data), 2500);
  EXPECT_EQ(b.text(), data);
  EXPECT_EQ(b.segment_size, 1000);
}

TEST_P(UdpTest, SegmentsHaveLinuxsLimits) {
  TestSocket a = bound(), b = bound();
  EXPECT_EQ(a.connect(b.local()), Errno{});
  auto& udp = static_cast<UdpSocket&>(*a);
  udp.udp_options.segment_size = 10;
  EXPECT_EQ(a.send(std::string(1280, 'x')), 1280);
  EXPECT_EQ(a.send(std::string(1281, 'x')), minus(Errno::EINVAL));
  udp.udp_options.segment_size = 65535;
  EXPECT_EQ(a.send(std::string(100, 'x')), 100);
  own(udp, udp.options).no_check_tx = udp.udp_options.no_check6_tx = true;
  EXPECT_EQ(a.send(std::string(100, 'x')), minus(Errno::EINVAL));
}

TEST_P(UdpTest, DatagramLargerThanThePathIsReportedWhereFragmentsAreForbidden) {
  TestSocket a = bound(), b = bound();
  EXPECT_EQ(a.connect(b.local()), Errno{});
  own(*a, a->ip_options).path_mtu_v4 = own(*a, a->ip_options).path_mtu_v6 = PathMtuMode::Do;
  own(*a, a->ip_options).receive_errors_v4 = own(*a, a->ip_options).receive_errors_v6 = true;
  // The loopback's 65536 bytes; IPv4 itself ends one byte earlier.
  const bool is_v4 = family() == IpFamily::V4;
  const size_t largest = is_v4 ? 65507 : 65536 - 48;
  EXPECT_EQ(a.send(std::string(largest, 'x')), long(largest));
  EXPECT_EQ(a.receive(100, kMessageErrorQueue).result, minus(Errno::EAGAIN));
  EXPECT_EQ(a.send(std::string(largest + 1, 'x')), minus(Errno::EMSGSIZE));
  const auto got = a.receive(100, kMessageErrorQueue);
  EXPECT_EQ(got.result, 0);
  EXPECT_EQ(a.error.error, Errno::EMSGSIZE);
  EXPECT_EQ(a.error.origin, 1);
  EXPECT_EQ(a.error.info, is_v4 ? 65535u : 65536u);
  EXPECT_EQ(got.source, b.local());
}

TEST(UdpBindTest, RefusesAddressesThatAreNotOurs) {
  TestStack stack;
  const auto bind4 = [&](const char* address) { return TestSocket::udp(stack).bind(endpoint(address, 0)); };
  const auto bind6 = [&](const char* address, uint32_t scope = 0) {
    return TestSocket::udp(stack, IpFamily::V6).bind(endpoint(address, 0, scope));
  };
  EXPECT_EQ(bind4("8.8.8.8"), Errno::EADDRNOTAVAIL);
  EXPECT_EQ(bind4("240.0.0.1"), Errno::EADDRNOTAVAIL);
  EXPECT_EQ(bind4("0.1.2.3"), Errno::EADDRNOTAVAIL);
  EXPECT_EQ(bind4("127.255.255.255"), Errno{});
  EXPECT_EQ(bind4("127.1.2.3"), Errno{});
  EXPECT_EQ(bind4("224.0.0.9"), Errno{});
  EXPECT_EQ(bind4("255.255.255.255"), Errno{});
  EXPECT_EQ(bind6("2001:db8::1"), Errno::EADDRNOTAVAIL);
  EXPECT_EQ(bind6("fe80::1"), Errno::EINVAL);
  EXPECT_EQ(bind6("fe80::1", 1), Errno::EADDRNOTAVAIL);
  EXPECT_EQ(bind6("fe80::1", 99), Errno::ENODEV);
  EXPECT_EQ(bind6("::ffff:127.0.0.1"), Errno{});
  EXPECT_EQ(bind6("ff02::1"), Errno::EINVAL);
}

TEST(UdpBindTest, LowPortsNeedPrivilege) {
  TestStack stack;
  stack.hal.capabilities = 0;
  EXPECT_EQ(TestSocket::udp(stack).bind(endpoint("127.0.0.1", 1023)), Errno::EACCES);
  EXPECT_EQ(TestSocket::udp(stack).bind(endpoint("127.0.0.1", 1024)), Errno{});
  // The address is judged first over IPv4, the privilege over IPv6.
  EXPECT_EQ(TestSocket::udp(stack).bind(endpoint("8.8.8.8", 1023)), Errno::EADDRNOTAVAIL);
  EXPECT_EQ(TestSocket::udp(stack, IpFamily::V6).bind(endpoint("2001:db8::1", 1023)), Errno::EACCES);
}

TEST(UdpBindTest, SecondBindIsRefused) {
  TestStack stack;
  TestSocket a = TestSocket::udp(stack);
  EXPECT_EQ(a.bind(endpoint("127.0.0.1", 0)), Errno{});
  EXPECT_EQ(a.bind(endpoint("127.0.0.1", 0)), Errno::EINVAL);
  TestSocket b = TestSocket::udp(stack);
  EXPECT_EQ(b.bind(a.local()), Errno::EADDRINUSE);
  a.close();
  EXPECT_EQ(b.bind(endpoint("127.0.0.1", 5000)), Errno{});
}

TEST(UdpDualStackTest, Ipv6SocketServesIpv4) {
  TestStack stack;
  TestSocket dual = TestSocket::udp(stack, IpFamily::V6);
  ASSERT_EQ(dual.bind(endpoint("::", 7000)), Errno{});
  TestSocket v4 = TestSocket::udp(stack);
  ASSERT_EQ(v4.bind(endpoint("127.0.0.1", 0)), Errno{});
  EXPECT_EQ(v4.send_to("four", endpoint("127.0.0.1", 7000)), 4);
  const auto got = dual.receive();
  EXPECT_EQ(got.data, "four");
  EXPECT_EQ(got.source.address, v4.local().address);
  EXPECT_EQ(dual.send_to("back", got.source), 4);
  EXPECT_EQ(v4.text(), "back");
}

TEST(UdpDualStackTest, FamiliesThatDoNotFitAreRefusedLikeOnLinux) {
  TestStack stack;
  TestSocket only = TestSocket::udp(stack, IpFamily::V6);
  own(*only, only->ip_options).v6_only = true;
  EXPECT_EQ(only.send_to("x", endpoint("::ffff:127.0.0.1", 9)), minus(Errno::ENETUNREACH));
  EXPECT_EQ(only.connect(endpoint("::ffff:127.0.0.1", 9)), Errno::ENETUNREACH);
  TestSocket mapped = TestSocket::udp(stack, IpFamily::V6);
  ASSERT_EQ(mapped.bind(endpoint("::ffff:127.0.0.1", 0)), Errno{});
  EXPECT_EQ(mapped.send_to("x", endpoint("::1", 9)), minus(Errno::EAFNOSUPPORT));
  EXPECT_EQ(mapped.connect(endpoint("::1", 9)), Errno::EAFNOSUPPORT);
  TestSocket specific = TestSocket::udp(stack, IpFamily::V6);
  ASSERT_EQ(specific.bind(endpoint("::1", 0)), Errno{});
  EXPECT_EQ(specific.send_to("x", endpoint("::ffff:127.0.0.1", 9)), minus(Errno::ENETUNREACH));
}

TEST(UdpMulticastTest, GroupReachesWhoJoinedItAndWhoHearsAll) {
  TestStack stack;
  const Endpoint group = endpoint("224.1.2.3", 5000);
  const auto member = [&](bool hears_all) {
    TestSocket socket = TestSocket::udp(stack);
    own(*socket, socket->options).reuse_address = true;
    own(*socket, socket->ip_options).multicast_all_v4 = hears_all;
    EXPECT_EQ(socket.bind(endpoint("0.0.0.0", 5000)), Errno{});
    return socket;
  };
  TestSocket joined = member(false), hears_all = member(true), deaf = member(false), sender = TestSocket::udp(stack);
  own(*sender, sender->ip_options).multicast_interface_v4 = 1;
  {
    Entry entry(*stack.stack);
    const auto result = stack.stack->memberships().join(entry, joined->groups, group.address, GroupInterface{.index = 1});
    ASSERT_EQ(error_of(result), Errno{});
  }
  EXPECT_EQ(sender.send_to("all of you", group), 10);
  EXPECT_EQ(joined.text(), "all of you");
  EXPECT_EQ(hears_all.text(), "all of you");
  EXPECT_EQ(deaf.receive().result, minus(Errno::EAGAIN));
  EXPECT_EQ(joined.receive().result, minus(Errno::EAGAIN));
}

TEST(UdpBroadcastTest, NeedsTheOption) {
  TestStack stack;
  TestSocket a = TestSocket::udp(stack);
  EXPECT_EQ(a.send_to("x", endpoint("127.255.255.255", 9)), minus(Errno::EACCES));
  EXPECT_EQ(a.connect(endpoint("127.255.255.255", 9)), Errno::EACCES);
  TestSocket b = TestSocket::udp(stack);
  EXPECT_EQ(b.bind(endpoint("0.0.0.0", 9)), Errno{});
  own(*a, a->options).broadcast = true;
  EXPECT_EQ(a.send_to("to all", endpoint("127.255.255.255", 9)), 6);
  EXPECT_EQ(b.text(), "to all");
}

}  // namespace
}  // namespace lxnet
