// Two stacks on one wire: they find each other and exchange packets, and nothing else passes.
#include "stack/ip/output.hh"
#include "tests/support/wire_stack.hh"

namespace lxnet::testing {
namespace {

using ::testing::ElementsAre;

// What a frame is, in a word, with its direction.
std::string describe(const char* from, const Frame& frame) {
  Result<EthernetFrameHeader> parsed = EthernetFrameHeader::parse(frame);
  if (!parsed.is_ok()) return "broken";
  const EtherType type = parsed.take().type;
  if (type == EtherType::Arp) return std::string(from) + (frame[21] == 1 ? " asks" : " answers");
  const size_t icmp = sizeof(EthernetHeader) + 20;
  if (type == EtherType::Ipv4 && frame.size() > icmp) {
    return std::string(from) + " icmp " + std::to_string(frame[icmp]);
  }
  return std::string(from) + " other";
}

class TwoHosts : public ::testing::Test {
 protected:
  TwoHosts() {
    EXPECT_TRUE(b_mac());
    for (WireStack* host : {&a, &b}) host->up_without_ipv6();
    EXPECT_TRUE(a.add("10.0.0.1", 24).is_ok());
    EXPECT_TRUE(b.add("10.0.0.2", 24).is_ok());
  }
  bool b_mac() {
    Entry entry(*b.stack);
    return b.interfaces().set_mac(entry, *b.eth0, MacAddress(2, 0, 0, 0, 0, 2)).is_ok();
  }
  // Carries frames to and fro until there are none.
  void exchange() {
    for (bool is_moving = true; is_moving;) {
      is_moving = false;
      for (const Frame& frame : a.take_sent()) {
        seen.push_back(describe("a", frame));
        b.inject(frame);
        is_moving = true;
      }
      for (const Frame& frame : b.take_sent()) {
        seen.push_back(describe("b", frame));
        a.inject(frame);
        is_moving = true;
      }
    }
  }
  void ping(const char* destination) {
    Entry entry(*a.stack);
    const Route route = a.lookup(destination).take();
    Ref<Packet> packet = Packet::create(a.stack->pool()).take();
    MutableByteSpan echo = packet->append(8);
    std::fill(echo.begin(), echo.end(), uint8_t{0});
    echo[0] = 8;
    echo[2] = 0xf7;
    echo[3] = 0xff;  // the checksum
    EXPECT_TRUE(ip_send(entry, std::move(packet), route, {.protocol = 1}).is_ok());
  }

  WireStack a, b;
  std::vector<std::string> seen;
};

TEST_F(TwoHosts, APingFindsItsWayThereAndBack) {
  ping("10.0.0.2");
  exchange();
  EXPECT_THAT(seen, ElementsAre("a asks", "b answers", "a icmp 8", "b icmp 0"));
  seen.clear();
  ping("10.0.0.2");
  exchange();
  EXPECT_THAT(seen, ElementsAre("a icmp 8", "b icmp 0"));
  EXPECT_EQ(a.stack->mib().icmp4(MibCounters::Direction::In, 0), 2u);
}

TEST_F(TwoHosts, AnAddressThatMovedIsFoundAgain) {
  ping("10.0.0.2");
  exchange();
  {
    Entry entry(*b.stack);
    ASSERT_TRUE(b.interfaces().set_mac(entry, *b.eth0, MacAddress(2, 0, 0, 0, 0, 3)).is_ok());
  }
  // Until a doubts what it knows its packets reach nobody; then it asks b's old place three times, and then everybody.
  a.advance(Duration::seconds(60));
  ping("10.0.0.2");
  exchange();
  a.advance(Duration::seconds(10));
  exchange();
  seen.clear();
  ping("10.0.0.2");
  exchange();
  EXPECT_THAT(seen, ElementsAre("a asks", "b answers", "a icmp 8", "b icmp 0"));
}

TEST_F(TwoHosts, OnesOwnAddressIsReachedWithoutTheWire) {
  ping("10.0.0.1");
  exchange();
  EXPECT_THAT(seen, ElementsAre());
  EXPECT_EQ(a.stack->mib().icmp4(MibCounters::Direction::In, 0), 1u);
}

}  // namespace
}  // namespace lxnet::testing
