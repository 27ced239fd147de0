// TrackBench: a router between two links that follows connections, and may translate: what comes in and goes out is bytes.
#pragma once

#include "stack/conntrack/connection_tracker.hh"
#include "stack/filter/filter_packet.hh"
#include "stack/nat/nat_sources.hh"
#include "stack/wire/tcp.hh"
#include "stack/wire/udp.hh"
#include "tests/stack/ip/ip_bench.hh"

namespace lxnet::testing {

// A list of NAT rules that is one function.
struct NatRule : PacketHook {
  using Decide = std::function<FilterVerdict(FilterPacket&)>;
  NatRule(IpFamily of, FilterHook at, Decide does) : decide(std::move(does)) {
    family = of;
    hook = at;
    run = [](PacketHook& self, FilterPacket& packet) { return static_cast<NatRule&>(self).decide(packet); };
  }
  Decide decide;
};

struct TcpBytes {
  uint32_t seq = 0, ack = 0;
  TcpFlags flags = {};
  uint16_t window = 1000;
  size_t payload = 0;
  Bytes options = {};
};

class TrackBench : public ::testing::Test {
 protected:
  static constexpr Ipv4Address kNear{10, 0, 0, 2}, kFar{10, 0, 1, 9}, kNearOwn{10, 0, 0, 1}, kFarOwn{10, 0, 1, 1};
  static constexpr uint16_t kClient = 1000, kServer = 80;

  TrackBench() {
    far_interface = bench.add_device(far, "ip1", kFarOwn, 24, Ipv6Address(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1), 64);
    EXPECT_TRUE(bench.stack->tunables().set("net.ipv4.ip_forward", "1").is_ok());
    EXPECT_TRUE(bench.stack->tunables().set("net.ipv6.conf.all.forwarding", "1").is_ok());
    bench.settle();
    far.sent.clear();
    use4 = ConnectionUse::create(*bench.stack, IpFamily::V4).take();
    use6 = ConnectionUse::create(*bench.stack, IpFamily::V6).take();
  }
  ~TrackBench() override {
    for (auto& rule : rules) {
      MutexLock lock(bench.stack->hooks().mutex());
      tracker().nat().remove_rules_locked(bench.stack->hooks(), *rule);
    }
    use4 = ConnectionUse();
    use6 = ConnectionUse();
    far_interface = nullptr;
  }

  ConnectionTracker& tracker() { return *bench.stack->connections().tracker(); }
  ConnectionTable& table() { return tracker().table(); }
  void add_rule(FilterHook hook, NatRule::Decide decide, IpFamily family = IpFamily::V4) {
    rules.push_back(std::make_unique<NatRule>(family, hook, std::move(decide)));
    MutexLock lock(bench.stack->hooks().mutex());
    tracker().nat().add_rules_locked(bench.stack->hooks(), *rules.back());
  }
  // All sources become this, with ports of the range if there is one.
  void map_sources(IpAddress to, uint16_t first = 0, uint16_t last = 0, uint32_t flags = 0) {
    NatRange range{.flags = flags | kNatMapAddresses, .first = to, .last = to, .first_part = first, .last_part = last};
    if (first != 0) range.flags |= kNatMapParts;
    add_rule(FilterHook::PostRouting,
             [this, range](FilterPacket& packet) { return tracker().nat().decide(packet, range, NatSide::Source); });
  }
  void set(const char* name, const char* value) {
    EXPECT_TRUE(bench.stack->tunables().set((std::string("net.netfilter.nf_conntrack_") + name).c_str(), value).is_ok()) << name;
  }

  // ---- packets
  static Bytes with_sum(Bytes transport, Ipv4Address source, Ipv4Address destination, IpProtocol protocol, size_t sum_at) {
    InternetChecksum sum = pseudo_header_checksum(source, destination, protocol, static_cast<uint32_t>(transport.size()));
    sum.add(transport);
    transport[sum_at] = static_cast<uint8_t>(sum.finish() >> 8);
    transport[sum_at + 1] = static_cast<uint8_t>(sum.finish());
    return transport;
  }
  static Bytes v4(Ipv4Address source, Ipv4Address destination, IpProtocol protocol, const Bytes& payload) {
    return v4_packet({.source = source, .destination = destination, .protocol = protocol, .time_to_live = 64}, payload);
  }
  static Bytes tcp(Ipv4Address source, uint16_t from, Ipv4Address destination, uint16_t to, const TcpBytes& segment) {
    Bytes bytes(sizeof(TcpHeader));
    TcpSegmentHeader header{.source_port = from, .destination_port = to, .seq = SeqNum(segment.seq), .ack = SeqNum(segment.ack)};
    header.flags = segment.flags;
    header.window = segment.window;
    header.header_size = static_cast<uint8_t>(sizeof(TcpHeader) + segment.options.size());
    header.emit(bytes);
    bytes = bytes + segment.options + Bytes(segment.payload, 'x');
    return v4(source, destination, IpProtocol::Tcp, with_sum(bytes, source, destination, IpProtocol::Tcp, 16));
  }
  static Bytes udp(Ipv4Address source, uint16_t from, Ipv4Address destination, uint16_t to, size_t payload = 4) {
    Bytes bytes(sizeof(UdpHeader));
    UdpDatagramHeader{.source_port = from, .destination_port = to, .length = static_cast<uint16_t>(8 + payload)}.emit(bytes);
    bytes = bytes + Bytes(payload, 'x');
    return v4(source, destination, IpProtocol::Udp, with_sum(bytes, source, destination, IpProtocol::Udp, 6));
  }
  // Whether the transport's checksum of a whole packet is right.
  static bool is_sum_right(const Bytes& packet) {
    const Ipv4Header& header = v4_header(packet);
    InternetChecksum sum = pseudo_header_checksum(header.source, header.destination, IpProtocol{header.protocol},
                                                  static_cast<uint32_t>(packet.size() - 20));
    sum.add(from(packet, 20));
    return sum.is_valid() && Ipv4Header::is_checksum_valid(packet, 20);
  }

  // The client is on the near link, the server on the far one. What each says and the router lets pass comes back.
  std::vector<Bytes> from_client(const TcpBytes& segment) {
    bench.inject(tcp(kNear, kClient, kFar, kServer, segment));
    return take_far();
  }
  std::vector<Bytes> from_server(const TcpBytes& segment) {
    bench.inject(far, tcp(kFar, kServer, kNear, kClient, segment));
    return bench.take_sent();
  }
  std::vector<Bytes> take_far() { return std::exchange(far.sent, {}); }

  // The one connection there is; null without any.
  Connection* only() {
    Connection* found = nullptr;
    size_t count = 0;
    MutexLock lock(bench.stack->hooks().mutex());
    table().for_each([&](Connection& connection) {
      found = &connection;
      ++count;
    });
    EXPECT_LE(count, 1u);
    return found;
  }
  TrackedTcpState state() {
    const Connection* connection = only();
    return connection == nullptr ? TrackedTcpState::None : connection->tcp.state;
  }
  int64_t seconds_left() { return (only()->deadline - bench.hal.now()).in_seconds(); }
  void open() {
    from_client({.seq = 100, .flags = kTcpSyn});
    from_server({.seq = 500, .ack = 101, .flags = kTcpSyn | kTcpAck});
    from_client({.seq = 101, .ack = 501, .flags = kTcpAck});
    EXPECT_EQ(state(), TrackedTcpState::Established);
  }

  WireDevice far;
  IpBench bench;
  Ref<Interface> far_interface;
  ConnectionUse use4, use6;
  std::vector<std::unique_ptr<NatRule>> rules;
};

}  // namespace lxnet::testing
