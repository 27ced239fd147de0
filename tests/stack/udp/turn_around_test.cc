// Packets to ourselves that are turned around before they meet `lo` leave the same traces as those that go all the way.
#include "stack/ip/turn_around.hh"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "stack/socket_factories.hh"
#include "stack/udp/udp_socket.hh"
#include "tests/support/test_stack.hh"

namespace lxnet {
namespace {

using namespace lxnet::testing;

// Somebody who looks at every frame, and sees to it that frames are there to be looked at.
class Watcher : public LinkTap {
 public:
  explicit Watcher(Stack& stack) : LinkTap(&Watcher::see), stack_(stack) { stack_.interfaces().taps().add(*this); }
  ~Watcher() { stack_.interfaces().taps().remove(*this); }

  std::vector<TapDirection> seen;

 private:
  static void see(LinkTap& tap, Entry&, Interface&, const Packet&, TapDirection direction) {
    static_cast<Watcher&>(tap).seen.push_back(direction);
  }
  Stack& stack_;
};

class TurnAround : public ::testing::TestWithParam<const char*> {
 protected:
  IpFamily family() const { return strchr(GetParam(), ':') != nullptr ? IpFamily::V6 : IpFamily::V4; }
  TestSocket bound(TestStack& stack) {
    TestSocket socket = TestSocket::udp(stack, family());
    EXPECT_EQ(socket.bind(endpoint(GetParam(), 0)), Errno{});
    return socket;
  }
  // Everything that is counted of one round of datagrams and of a connection with text both ways.
  std::map<std::string, uint64_t> traces(bool is_watched) {
    TestStack stack(7);
    std::optional<Watcher> watcher;
    if (is_watched) watcher.emplace(*stack.stack);
    TestSocket receiver = bound(stack), sender = bound(stack);
    for (const char* text : {"one", "", "three"}) EXPECT_EQ(sender.send_to(text, receiver.local()), long(strlen(text)));
    for (const char* text : {"one", "", "three"}) EXPECT_EQ(receiver.text(), text);
    EXPECT_EQ(sender.send_to("nobody", endpoint(GetParam(), 9)), 6);  // and an ICMP error comes back
    talk(stack);
    EXPECT_EQ(is_watched, watcher && !watcher->seen.empty());
    std::map<std::string, uint64_t> counted;
    for (unsigned row = 0; row < kMibCount; ++row) {
      if (const uint64_t value = stack.stack->mib().get(row))
        counted[std::string(kMibRows[row].group) + kMibRows[row].name] = value;
    }
    const Interface& lo = stack.stack->interfaces().loopback();
    const LinkCounters link = lo.counters();
    const DeviceStatistics device = lo.device().statistics();
    counted["link"] = link.rx_packets << 32 | link.tx_packets;
    counted["link bytes"] = link.rx_bytes << 32 | link.tx_bytes;
    counted["device"] = device.rx_packets << 32 | device.tx_packets;
    counted["device bytes"] = device.rx_bytes << 32 | device.tx_bytes;
    return counted;
  }
  void talk(TestStack& stack) {
    Entry entry(*stack.stack);
    TestSocket listener(stack, create_tcp_socket(entry, family())), client(stack, create_tcp_socket(entry, family()));
    EXPECT_EQ(listener.bind(endpoint(GetParam(), 80)), Errno{});
    EXPECT_TRUE(listener->listen(entry, 5).is_ok());
    EXPECT_EQ(client.connect(listener.local()), Errno::EINPROGRESS);
    TestSocket server(stack, accept(stack, listener));
    EXPECT_EQ(client.send("question"), 8);
    EXPECT_EQ(server.text(), "question");
    EXPECT_EQ(server.send("answer"), 6);
    EXPECT_EQ(client.text(), "answer");
    // A full segment and the odd end of the write: acknowledged one by one at first, together later.
    const std::string large(65536, 'x');
    for (int i = 0; i < 24; ++i) {
      ASSERT_EQ(client.send(large), long(large.size()));
      for (size_t read = 0; read < large.size();) {
        const auto some = server.receive(large.size(), kMessageDontWait);
        ASSERT_GT(some.result, 0);
        ASSERT_EQ(some.data, std::string(some.data.size(), 'x'));
        read += some.data.size();
      }
    }
    EXPECT_EQ(client.disconnect(), Errno{});  // a reset, which leaves nothing behind
  }
  static Ref<Socket> accept(TestStack& stack, TestSocket& listener) {
    Entry entry(*stack.stack);
    return listener->accept(entry).take();
  }
};
INSTANTIATE_TEST_SUITE_P(Families, TurnAround, ::testing::Values("127.0.0.1", "::1"));

TEST_P(TurnAround, CountsWhatTheLongWayCounts) { EXPECT_EQ(traces(false), traces(true)); }

TEST_P(TurnAround, DoesNotOvertakeWhatIsOnItsWay) {
  TestStack stack;
  TestSocket receiver = bound(stack), sender = bound(stack);
  Entry entry(*stack.stack);
  const Endpoint to = receiver.local();
  const auto send = [&](const std::string& data) {
    SpanSource source(ByteSpan(reinterpret_cast<const uint8_t*>(data.data()), data.size()));
    SendRequest request{.source = source, .flags = kMessageDontWait, .destination = &to, .control = {}};
    EXPECT_TRUE(sender->send(entry, request).is_ok());
  };
  {
    // The first meets the device, for it is watched; the second is sent when nobody looks any more.
    Watcher watcher(*stack.stack);
    send("first");
  }
  send("second");
  entry.flush();
  send("third");
  entry.flush();
  for (const char* text : {"first", "second", "third"}) EXPECT_EQ(receiver.text(), text);
}

TEST_P(TurnAround, ShowsRawSocketsWhatTheyAsked) {
  TestStack stack;
  TestSocket receiver = bound(stack), sender = bound(stack);
  EXPECT_EQ(sender.send_to("unheard", receiver.local()), 7);
  Entry entry(*stack.stack);
  TestSocket raw(stack, create_raw_socket(entry, family(), 17));
  EXPECT_EQ(sender.send_to("heard", receiver.local()), 5);
  const std::string packet = raw.text();
  EXPECT_TRUE(packet.ends_with("heard")) << packet.size();
  EXPECT_EQ(receiver.text(), "unheard");
  EXPECT_EQ(receiver.text(), "heard");
}

TEST_P(TurnAround, NeedsALinkThatIsUp) {
  TestStack stack;
  TestSocket receiver = bound(stack), sender = bound(stack);
  EXPECT_EQ(sender.connect(receiver.local()), Errno{});
  EXPECT_EQ(sender.send("before"), 6);
  EXPECT_EQ(receiver.text(), "before");
  {
    Entry entry(*stack.stack);
    EXPECT_TRUE(stack.stack->interfaces().set_state(entry, stack.stack->interfaces().loopback(), LinkState::Down).is_ok());
  }
  static_cast<void>(sender.send("while it is down"));
  EXPECT_EQ(receiver.receive().result, minus(Errno::EAGAIN));
}

}  // namespace
}  // namespace lxnet
