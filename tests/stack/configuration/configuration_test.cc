// The configuration calls of lxnet.h: what they take, and that a refusal changes nothing.
#include "hal/lxnet.h"

#include "tests/support/wire_stack.hh"

namespace lxnet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr MacAddress kPeer(0x02, 0, 0, 0, 0, 0x99);

class Configuration : public ::testing::Test {
 protected:
  Configuration() {
    ops_.struct_size = sizeof ops_;
    ops_.link_kind = LXNET_LINK_ETHERNET;
    ops_.mtu = 1500;
    ops_.ctx = this;
    ops_.address[0] = 2;
    ops_.address[5] = 7;
    ops_.transmit = [](void* ctx, const lxnet_iovec* pieces, uint32_t count) {
      Configuration& self = *static_cast<Configuration*>(ctx);
      Frame frame;
      for (uint32_t i = 0; i < count; ++i) {
        const auto* bytes = static_cast<const uint8_t*>(pieces[i].base);
        frame.insert(frame.end(), bytes, bytes + pieces[i].size);
      }
      if (self.is_full_) return -static_cast<int>(Errno::ENOBUFS);
      self.sent_.push_back(frame);
      return 0;
    };
  }
  lxnet_stack* stack() { return reinterpret_cast<lxnet_stack*>(wire.stack); }
  static const char* name_of(int result) { return result == 0 ? "" : errno_name(static_cast<Errno>(-result)); }
  size_t route_count() {
    size_t count = 0;
    for (IpFamily family : {IpFamily::V4, IpFamily::V6}) {
      wire.routes().for_each_route(family, [&](const RouteEntry&) { ++count; });
    }
    return count;
  }

  WireStack wire;
  lxnet_netdev_ops ops_{};
  std::vector<Frame> sent_;
  bool is_full_ = false;
};

TEST_F(Configuration, RefusesWhatIsWrongAndChangesNothing) {
  wire.up_without_ipv6();
  const size_t before = route_count();
  EXPECT_STREQ(name_of(lxnet_interface_set_up(stack(), "eth9", 1)), "ENODEV");
  EXPECT_STREQ(name_of(lxnet_interface_set_up(stack(), nullptr, 1)), "EINVAL");
  EXPECT_STREQ(name_of(lxnet_address_add(stack(), "eth9", "10.0.0.1/24")), "ENODEV");
  for (const char* bad : {"", "10.0.0/24", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/x", "10.0.0.1/-1", "10.0.0.1/24/1",
                          "10.0.0.1/0024", "10.0.0.1 /24", "2001:db8::1/129", "/24"}) {
    EXPECT_STREQ(name_of(lxnet_address_add(stack(), "eth0", bad)), "EINVAL") << bad;
  }
  EXPECT_STREQ(name_of(lxnet_address_add(stack(), "eth0", nullptr)), "EINVAL");
  EXPECT_STREQ(name_of(lxnet_address_remove(stack(), "eth0", "10.0.0.1/24")), "EADDRNOTAVAIL");
  EXPECT_STREQ(name_of(lxnet_route_add(stack(), "default", nullptr, nullptr)), "EINVAL");
  EXPECT_STREQ(name_of(lxnet_route_add(stack(), "default", "10.0.0.2", nullptr)), "ENETUNREACH");
  EXPECT_STREQ(name_of(lxnet_route_add(stack(), "default", "10.0.0.2/24", nullptr)), "EINVAL");
  EXPECT_STREQ(name_of(lxnet_route_add(stack(), "192.0.2.1/24", nullptr, "eth0")), "EINVAL");
  EXPECT_STREQ(name_of(lxnet_route_add(stack(), "192.0.2.0/24", nullptr, "eth9")), "ENODEV");
  EXPECT_STREQ(name_of(lxnet_route_add(stack(), "2001:db8::/32", "10.0.0.2", "eth0")), "EINVAL");
  EXPECT_EQ(route_count(), before);
}

TEST_F(Configuration, SetsUpAHost) {
  ASSERT_EQ(lxnet_interface_set_up(stack(), "eth0", 1), 0);
  ASSERT_EQ(lxnet_address_add(stack(), "eth0", "10.0.0.1/24"), 0);
  EXPECT_STREQ(name_of(lxnet_address_add(stack(), "eth0", "10.0.0.1/24")), "EEXIST");
  ASSERT_EQ(lxnet_route_add(stack(), "default", "10.0.0.2", nullptr), 0);
  ASSERT_EQ(lxnet_route_add(stack(), "198.51.100.0/24", nullptr, "eth0"), 0);
  EXPECT_EQ(wire.lookup("8.8.8.8").take().next_hop, WireStack::ip("10.0.0.2"));
  EXPECT_EQ(wire.lookup("198.51.100.7").take().next_hop, WireStack::ip("198.51.100.7"));
  ASSERT_EQ(lxnet_address_remove(stack(), "eth0", "10.0.0.1/24"), 0);
  EXPECT_TRUE(wire.lookup("10.0.0.7").is_error(Errno::ENETUNREACH));
  ASSERT_EQ(lxnet_interface_set_up(stack(), "eth0", 0), 0);
  EXPECT_FALSE(wire.eth0->is_up());
}

TEST_F(Configuration, RefusesDevicesThatCannotWork) {
  lxnet_netdev* device = nullptr;
  const auto refused = [&](auto&& spoil) {
    lxnet_netdev_ops bad = ops_;
    spoil(bad);
    return std::string(name_of(lxnet_netdev_register(stack(), "net0", &bad, &device)));
  };
  EXPECT_EQ(refused([](lxnet_netdev_ops& ops) { ops.transmit = nullptr; }), "EINVAL");
  EXPECT_EQ(refused([](lxnet_netdev_ops& ops) { ops.struct_size = 8; }), "EINVAL");
  EXPECT_EQ(refused([](lxnet_netdev_ops& ops) { ops.link_kind = 9; }), "EINVAL");
  EXPECT_EQ(refused([](lxnet_netdev_ops& ops) { ops.mtu = 67; }), "EINVAL");
  EXPECT_EQ(refused([](lxnet_netdev_ops& ops) { ops.address[0] = 1; }), "EINVAL");
  EXPECT_STREQ(name_of(lxnet_netdev_register(stack(), "eth0", &ops_, &device)), "EEXIST");
  EXPECT_STREQ(name_of(lxnet_netdev_register(stack(), "net0", nullptr, &device)), "EINVAL");
  EXPECT_EQ(device, nullptr);
  EXPECT_FALSE(wire.interfaces().find("net0"));
}

TEST_F(Configuration, SendsAndReceivesThroughADriverInC) {
  lxnet_netdev* device = nullptr;
  ASSERT_EQ(lxnet_netdev_register(stack(), nullptr, &ops_, &device), 0);
  EXPECT_EQ(lxnet_netdev_index(device), 3u);
  wire.interfaces().find("eth1")->settings().v6.disable_ipv6 = 1;
  ASSERT_EQ(lxnet_interface_set_up(stack(), "eth1", 1), 0);
  ASSERT_EQ(lxnet_address_add(stack(), "eth1", "10.1.0.1/24"), 0);
  const MacAddress own(2, 0, 0, 0, 0, 7);
  const Frame question = arp_frame(MacAddress::broadcast(), {.operation = ArpOperation::Request,
                                                             .sender_mac = kPeer,
                                                             .sender_address = Ipv4Address(10, 1, 0, 2),
                                                             .target_mac = {},
                                                             .target_address = Ipv4Address(10, 1, 0, 1)});
  lxnet_netdev_receive(device, question.data(), question.size());
  const Frame answer = arp_frame(kPeer, {.operation = ArpOperation::Reply,
                                         .sender_mac = own,
                                         .sender_address = Ipv4Address(10, 1, 0, 1),
                                         .target_mac = kPeer,
                                         .target_address = Ipv4Address(10, 1, 0, 2)});
  EXPECT_THAT(sent_, ElementsAre(answer));
  EXPECT_THAT(wire.take_sent(), IsEmpty()) << "not on the other interface";
  is_full_ = true;
  lxnet_netdev_receive(device, question.data(), question.size());
  EXPECT_EQ(wire.drops(DropReason::DeviceQueueFull), 1u);
  lxnet_netdev_receive(device, question.data(), 0);
  EXPECT_EQ(wire.drops(DropReason::LinkHeader), 1u);
  lxnet_netdev_set_carrier(device, 0);
  EXPECT_FALSE(wire.interfaces().find("eth1")->is_running());
  lxnet_netdev_set_carrier(device, 1);
  EXPECT_TRUE(wire.interfaces().find("eth1")->is_running());
  lxnet_netdev_unregister(device);
  EXPECT_FALSE(wire.interfaces().find("eth1"));
  EXPECT_TRUE(wire.lookup("10.1.0.1").is_error(Errno::ENETUNREACH));
}

TEST_F(Configuration, KeepsNoDeviceWhoseRegistrationFails) {
  for_each_failing_allocation(wire.hal, [&] {
    lxnet_netdev* device = nullptr;
    const size_t blocks = wire.hal.live_blocks();
    const int result = lxnet_netdev_register(stack(), "net0", &ops_, &device);
    wire.hal.allow_all_allocations();
    if (result == 0) {
      lxnet_netdev_unregister(device);
    } else {
      EXPECT_STREQ(name_of(result), "ENOMEM");
    }
    EXPECT_FALSE(wire.interfaces().find("net0"));
    EXPECT_EQ(wire.hal.live_blocks(), blocks);
  });
}

}  // namespace
}  // namespace lxnet::testing
