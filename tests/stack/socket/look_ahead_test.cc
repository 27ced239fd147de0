// A batch of which the flows are fetched before its first packet is received reaches whom it would have reached one by one.
#include "stack/look_ahead.hh"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"
#include "stack/wire/pseudo_header.hh"
#include "stack/wire/udp.hh"
#include "tests/support/fake_socket.hh"
#include "tests/support/test_stack.hh"
#include "tests/support/wire_stack.hh"

namespace lxnet {
namespace {

using namespace lxnet::testing;

constexpr Ipv4Address kOwn4(192, 0, 2, 1), kPeer4(192, 0, 2, 2);
constexpr size_t kFlows = 5000;

// A stack that knows so many connections that looking ahead is worth it, and two that receive datagrams.
class LookAhead : public ::testing::TestWithParam<LinkKind> {
 protected:
  LookAhead() : device_(WireStack::kMac, GetParam()) {
    Entry entry(*stack_.stack);
    interface_ = stack_.stack->interfaces().add(entry, device_, "net0").take();
    interface_->settings().v6.accept_dad = 0;
    EXPECT_TRUE(stack_.stack->interfaces().set_state(entry, *interface_, LinkState::Up).is_ok());
    for (const char* text : {"192.0.2.1", "2001:db8::1"}) {
      InterfaceAddress address = WireStack::address_of(text, strchr(text, ':') != nullptr ? 64 : 24);
      address.flags = kAddressNoDad;
      EXPECT_TRUE(stack_.stack->interfaces().add_address(entry, *interface_, address).is_ok());
    }
    flows_ = std::make_unique<DemuxEntry[]>(kFlows);
    for (size_t i = 0; i < kFlows; ++i) {
      flows_[i].socket = nobody_.get();
      flows_[i].space = DemuxSpace::Tcp;
      flows_[i].local = kOwn4;
      flows_[i].local_port = 80;
      flows_[i].remote = Ipv4Address(static_cast<uint32_t>(0x0a000000 + i));
      flows_[i].remote_port = 1000;
      EXPECT_TRUE(stack_.stack->sockets().add_flow(flows_[i], FlowSharing::Unique).is_ok());
    }
    EXPECT_TRUE(stack_.stack->sockets().is_worth_fetching());
  }
  ~LookAhead() override {
    for (size_t i = 0; i < kFlows; ++i) stack_.stack->sockets().remove(flows_[i]);
    interface_ = nullptr;
  }

  TestSocket connected(const char* own, const char* peer) {
    TestSocket socket = TestSocket::udp(stack_, strchr(own, ':') != nullptr ? IpFamily::V6 : IpFamily::V4);
    EXPECT_EQ(socket.bind(endpoint(own, 53)), Errno{});
    EXPECT_EQ(socket.connect(endpoint(peer, 4000)), Errno{});
    return socket;
  }
  static Frame datagram(const std::string& text) {
    Frame bytes(sizeof(UdpHeader));
    UdpDatagramHeader{.source_port = 4000,
                      .destination_port = 53,
                      .length = static_cast<uint16_t>(sizeof(UdpHeader) + text.size()),
                      .checksum = 0}
        .emit(MutableByteSpan(bytes));
    bytes.insert(bytes.end(), text.begin(), text.end());
    return bytes;
  }
  Frame framed(EtherType type, const Frame& packet) const {
    return GetParam() == LinkKind::Ethernet ? ethernet_frame(WireStack::kMac, MacAddress(2, 0, 0, 0, 0, 2), type, packet)
                                            : packet;
  }
  Frame v4(const std::string& text) const {
    const Frame payload = datagram(text);
    Frame bytes(sizeof(Ipv4Header));
    Ipv4PacketHeader{.source = kPeer4,
                     .destination = kOwn4,
                     .protocol = IpProtocol::Udp,
                     .total_length = static_cast<uint16_t>(bytes.size() + payload.size())}
        .emit(MutableByteSpan(bytes));
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return framed(EtherType::Ipv4, bytes);
  }
  void deliver(const std::vector<Frame>& frames) {
    Entry entry(*stack_.stack);
    PacketQueue batch;
    for (const Frame& frame : frames) {
      Ref<Packet> packet = Packet::create_linear(stack_.stack->pool(), frame.size(), 0).take();
      copy_bytes(packet->append(frame.size()), frame);
      // As if another stack had known somebody by this hash.
      packet->receiver_hashes = {.flow = 0x1234, .bound = 0x5678, .anywhere = 0x9abc};
      batch.push_back(std::move(packet));
    }
    device_.deliver(entry, batch);
  }

  WireDevice device_;
  TestStack stack_;
  Ref<Interface> interface_;
  Ref<FakeSocket> nobody_ = FakeSocket::create(*stack_.stack, IpFamily::V4);
  std::unique_ptr<DemuxEntry[]> flows_;
};
INSTANTIATE_TEST_SUITE_P(Links, LookAhead, ::testing::Values(LinkKind::Ethernet, LinkKind::Ip));

TEST_P(LookAhead, FindsTheReceiversOfABatch) {
  TestSocket socket = connected("192.0.2.1", "192.0.2.2");
  std::vector<Frame> frames;
  for (int i = 0; i < 200; ++i) frames.push_back(v4(std::to_string(i)));  // more than are fetched at once
  deliver(frames);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(socket.text(), std::to_string(i));
}

TEST_P(LookAhead, BelievesNobodyElsesHashes) {
  TestSocket socket = connected("192.0.2.1", "192.0.2.2");
  deliver({v4("alone")});
  deliver({v4("one"), v4("of two")});
  for (const char* text : {"alone", "one", "of two"}) EXPECT_EQ(socket.text(), text);
}

TEST_P(LookAhead, StumblesOverNothing) {
  TestSocket socket = connected("192.0.2.1", "192.0.2.2");
  const Frame whole = v4("whole");
  std::vector<Frame> frames;
  // Cut anywhere, and every byte of the headers wrong.
  for (size_t size = 0; size < whole.size(); ++size) frames.emplace_back(whole.begin(), whole.begin() + static_cast<long>(size));
  for (size_t at = 0; at < whole.size() - 5; ++at) {
    frames.push_back(whole);
    frames.back()[at] ^= 0xff;
  }
  frames.push_back(whole);
  deliver(frames);
  std::string last;
  for (std::string text = socket.text(); text != std::to_string(minus(Errno::EAGAIN)); text = socket.text()) last = text;
  EXPECT_EQ(last, "whole");
}

TEST_P(LookAhead, ReadsIpv6AsWell) {
  TestSocket socket = connected("2001:db8::1", "2001:db8::2");
  const auto packet = [&](const std::string& text) {
    Frame payload = datagram(text);
    const Ipv6Address own = parse_ipv6("2001:db8::1").take(), peer = parse_ipv6("2001:db8::2").take();
    InternetChecksum sum = pseudo_header_checksum(peer, own, IpProtocol::Udp, static_cast<uint32_t>(payload.size()));
    sum.add(payload);
    reinterpret_cast<UdpHeader*>(payload.data())->checksum.set(sum.finish());
    Frame bytes(sizeof(Ipv6Header));
    Ipv6PacketHeader{.source = peer,
                     .destination = own,
                     .next_header = IpProtocol::Udp,
                     .payload_length = static_cast<uint16_t>(payload.size())}
        .emit(MutableByteSpan(bytes));
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return framed(EtherType::Ipv6, bytes);
  };
  deliver({packet("six"), packet("sixes")});
  EXPECT_EQ(socket.text(), "six");
  EXPECT_EQ(socket.text(), "sixes");
}

}  // namespace
}  // namespace lxnet
