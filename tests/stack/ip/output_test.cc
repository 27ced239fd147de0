// What ip_send() makes of a transport's packet: headers, DF, identifications, fragments, copies for ourselves.
#include "stack/ip/output.hh"

#include "stack/ip/offload.hh"
#include "stack/wire/ipv6_extensions.hh"
#include "stack/wire/tcp.hh"
#include "stack/wire/udp.hh"
#include "tests/stack/ip/ip_bench.hh"

namespace lxnet {
namespace {

using namespace testing;

class Output : public ::testing::Test {
 protected:
  Ref<Packet> packet_of(const Bytes& bytes) {
    Ref<Packet> packet = Packet::create(bench.stack->pool()).take();
    EXPECT_TRUE(packet->append_copy(bytes).is_ok());
    return packet;
  }
  Route route_to(const IpAddress& destination) {
    Entry entry(*bench.stack);
    return bench.stack->routes().lookup(entry, {.destination = destination}).take();
  }
  Result<> send(const Bytes& payload, const IpAddress& destination, const IpSendOptions& options) {
    Entry entry(*bench.stack);
    return ip_send(entry, packet_of(payload), route_to(destination), options);
  }

  IpBench bench;
};

TEST_F(Output, DontFragmentAndEmsgsizeFollowTheModeAsOnLinux) {
  struct Case {
    PathMtuMode mode;
    bool has_df_when_small, is_cut_when_large;
  };
  const Case cases[] = {{PathMtuMode::Dont, false, true},       {PathMtuMode::Want, true, true},
                        {PathMtuMode::Do, true, false},         {PathMtuMode::Probe, true, false},
                        {PathMtuMode::Interface, false, false}, {PathMtuMode::Omit, false, true}};
  for (const Case& row : cases) {
    const IpSendOptions how{.protocol = 253, .path_mtu = row.mode};
    EXPECT_TRUE(send(pattern(1480), IpBench::kPeer4, how).is_ok());
    EXPECT_EQ(v4_header(bench.take_one()).dont_fragment(), row.has_df_when_small) << int(row.mode);
    const Result<> large = send(pattern(1481), IpBench::kPeer4, how);
    const std::vector<Bytes> sent = bench.take_sent();
    if (row.is_cut_when_large) {
      ASSERT_EQ(sent.size(), 2u) << int(row.mode);
      EXPECT_FALSE(v4_header(sent[0]).dont_fragment());
      EXPECT_EQ(from(sent[0], 20) + from(sent[1], 20), pattern(1481));
    } else {
      EXPECT_TRUE(large.is_error(Errno::EMSGSIZE)) << int(row.mode);
      EXPECT_TRUE(sent.empty());
    }
  }
}

TEST_F(Output, WhatNobodyMayCutNeedsNoIdentification) {
  EXPECT_TRUE(send(pattern(10), IpBench::kPeer4, {.protocol = 253, .path_mtu = PathMtuMode::Do}).is_ok());
  EXPECT_EQ(v4_header(bench.take_one()).identification.get(), 0);
  EXPECT_TRUE(send(pattern(10), IpBench::kPeer4,
                   {.protocol = 253, .path_mtu = PathMtuMode::Do, .has_identification = true, .identification = 0x1234})
                  .is_ok());
  EXPECT_EQ(v4_header(bench.take_one()).identification.get(), 0x1234);
}

TEST_F(Output, IdentificationsToOnePeerCountUp) {
  uint16_t last = 0;
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(send(pattern(10), IpBench::kPeer4, {.protocol = 253, .path_mtu = PathMtuMode::Dont}).is_ok());
    const uint16_t id = v4_header(bench.take_one()).identification.get();
    if (i != 0) {
      EXPECT_EQ(id, static_cast<uint16_t>(last + 1));
    }
    last = id;
  }
}

TEST_F(Output, TtlAndTosAreTheOptionsOrTheTunable) {
  EXPECT_TRUE(send(pattern(1), IpBench::kPeer4, {.protocol = 253, .tos = 0xb8}).is_ok());
  Bytes packet = bench.take_one();
  EXPECT_EQ(v4_header(packet).time_to_live, 64);
  EXPECT_EQ(v4_header(packet).type_of_service, 0xb8);
  bench.stack->tunables().values().ip_default_ttl = 33;
  EXPECT_TRUE(send(pattern(1), IpBench::kPeer4, {.protocol = 253}).is_ok());
  EXPECT_EQ(v4_header(bench.take_one()).time_to_live, 33);
  EXPECT_TRUE(send(pattern(1), IpBench::kPeer4, {.protocol = 253, .ttl = 7}).is_ok());
  EXPECT_EQ(v4_header(bench.take_one()).time_to_live, 7);
}

TEST_F(Output, MulticastHasTtlOneAndTtlZeroStaysOnTheHost) {
  Entry entry(*bench.stack);
  Route route = bench.stack->routes()
                    .lookup(entry, {.destination = Ipv4Address(239, 1, 1, 1), .output_interface = bench.interface->index()})
                    .take();
  EXPECT_TRUE(ip_send(entry, packet_of(pattern(1)), route, {.protocol = 253}).is_ok());
  entry.flush();
  EXPECT_EQ(v4_header(bench.take_one()).time_to_live, 1);
  EXPECT_TRUE(ip_send(entry, packet_of(pattern(1)), route, {.protocol = 253, .stays_on_host = true}).is_ok());
  entry.flush();
  EXPECT_TRUE(bench.take_sent().empty());
}

TEST_F(Output, FlowLabelsAreTheSameForAFlowAndNotForAnother) {
  const Bytes first = {1, 2, 3, 4, 5}, second = {9, 2, 3, 4, 5};
  uint32_t labels[3];
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(send(i == 2 ? second : first, bench.kPeer6, {.protocol = 253}).is_ok());
    labels[i] = v6_header(bench.take_one()).flow_label();
  }
  EXPECT_NE(labels[0], 0u);
  EXPECT_EQ(labels[0], labels[1]);
  EXPECT_NE(labels[0], labels[2]);
  EXPECT_TRUE(send(first, bench.kPeer6, {.protocol = 253, .auto_flow_label = false}).is_ok());
  EXPECT_EQ(v6_header(bench.take_one()).flow_label(), 0u);
  EXPECT_TRUE(send(first, bench.kPeer6, {.protocol = 253, .flow_label = 0x12345}).is_ok());
  EXPECT_EQ(v6_header(bench.take_one()).flow_label(), 0x12345u);
}

TEST_F(Output, ExtensionHeadersPointToTheTransport) {
  const Bytes extensions = {60, 0, 1, 4, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0};
  EXPECT_TRUE(send({1, 2, 3}, bench.kPeer6, {.protocol = 253, .options = extensions, .options_first_header = 0}).is_ok());
  const Bytes packet = bench.take_one();
  EXPECT_EQ(v6_header(packet).next_header, 0);
  EXPECT_EQ(v6_header(packet).payload_length.get(), 19);
  EXPECT_EQ(part(packet, 40, 16), (Bytes{60, 0, 1, 4, 0, 0, 0, 0, 253, 0, 1, 4, 0, 0, 0, 0}));
  EXPECT_EQ(from(packet, 56), (Bytes{1, 2, 3}));
}

TEST_F(Output, ALargeIpv6PacketIsCutUnlessForbidden) {
  EXPECT_TRUE(send(pattern(3000), bench.kPeer6, {.protocol = 253, .may_fragment_locally = false}).is_error(Errno::EMSGSIZE));
  EXPECT_TRUE(send(pattern(3000), bench.kPeer6, {.protocol = 253, .path_mtu = PathMtuMode::Do}).is_error(Errno::EMSGSIZE));
  EXPECT_TRUE(send(pattern(3000), bench.kPeer6, {.protocol = 253}).is_ok());
  const std::vector<Bytes> sent = bench.take_sent();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(from(sent[0], 48) + from(sent[1], 48) + from(sent[2], 48), pattern(3000));
}

TEST_F(Output, NothingIsSentOrLostWhenMemoryEnds) {
  for (size_t n = 0; n < 8; ++n) {
    Entry entry(*bench.stack);
    Ref<Packet> packet = packet_of(pattern(4000));
    const Route route = route_to(IpBench::kPeer4);
    bench.stack->pool().trim();
    bench.hal.fail_allocation(n, TestHal::Fail::All);
    const Result<> sent = ip_send(entry, std::move(packet), route, {.protocol = 253, .path_mtu = PathMtuMode::Dont});
    bench.hal.allow_all_allocations();
    entry.flush();
    const size_t count = bench.take_sent().size();
    EXPECT_EQ(count, sent.is_ok() ? 3u : 0u) << n;
  }
}

// ---- checksums and segmentation in software

class Offload : public Output {
 protected:
  Bytes tcp_segment(uint32_t seq, uint16_t flags, const Bytes& payload) {
    Bytes bytes(32, 1);  // twelve bytes of options: no-operations
    TcpSegmentHeader{.source_port = 1000,
                     .destination_port = 2000,
                     .seq = SeqNum(seq),
                     .ack = SeqNum(9),
                     .flags = TcpFlags(flags),
                     .header_size = 32,
                     .window = 100}
        .emit(bytes);
    return bytes + payload;
  }
  // With the pseudo-header's sum in the field, as a transport leaves it.
  Ref<Packet> partial(const Bytes& bytes, const Route& route, IpProtocol protocol, uint16_t field) {
    Ref<Packet> packet = packet_of(bytes);
    const auto size = static_cast<uint32_t>(bytes.size());
    const uint16_t sum = route.source.is_v4()
                             ? pseudo_header_checksum(route.source.v4(), route.destination.v4(), protocol, size).sum()
                             : pseudo_header_checksum(route.source.v6(), route.destination.v6(), protocol, size).sum();
    reinterpret_cast<Be16*>(packet->mutable_linear().data() + field)->set(sum);
    packet->checksum = ChecksumState::Partial;
    packet->checksum_offset = field;
    return packet;
  }
  static bool is_transport_sum_right(const Bytes& packet, IpProtocol protocol) {
    const bool v4 = packet[0] >> 4 == 4;
    const size_t header = v4 ? 20 : 40;
    const auto size = static_cast<uint32_t>(packet.size() - header);
    InternetChecksum sum = v4 ? pseudo_header_checksum(v4_header(packet).source, v4_header(packet).destination, protocol, size)
                              : pseudo_header_checksum(v6_header(packet).source, v6_header(packet).destination, protocol, size);
    sum.add(ByteSpan(packet).subspan(header));
    return sum.is_valid();
  }
};

TEST_F(Offload, TcpIsCutIntoSegmentsWithTheirOwnNumbersAndFlags) {
  const Bytes data = pattern(3000);
  for (const IpAddress& peer : {IpAddress(IpBench::kPeer4), IpAddress(bench.kPeer6)}) {
    Entry entry(*bench.stack);
    const Route route = route_to(peer);
    constexpr uint16_t kAll = 0x1 | 0x8 | 0x10 | 0x80;  // FIN PSH ACK CWR
    Ref<Packet> packet = partial(tcp_segment(5000, kAll, data), route, IpProtocol::Tcp, 16);
    packet->segmentation = SegmentationKind::Tcp;
    packet->segment_size = 1400;
    EXPECT_TRUE(ip_send(entry, std::move(packet), route, {.protocol = 6, .may_fragment_locally = false}).is_ok());
    entry.flush();
    const std::vector<Bytes> sent = bench.take_sent();
    ASSERT_EQ(sent.size(), 3u);
    const size_t header = peer.is_v4() ? 20 : 40;
    Bytes joined;
    for (size_t i = 0; i < 3; ++i) {
      const auto tcp = TcpSegmentHeader::from(*reinterpret_cast<const TcpHeader*>(sent[i].data() + header));
      EXPECT_EQ(tcp.seq, SeqNum(static_cast<uint32_t>(5000 + joined.size())));
      EXPECT_EQ(tcp.flags.bits(), i == 0 ? 0x90 : i == 1 ? 0x10 : 0x19);
      EXPECT_TRUE(is_transport_sum_right(sent[i], IpProtocol::Tcp)) << i;
      if (peer.is_v4()) {
        EXPECT_EQ(v4_header(sent[i]).total_length.get(), sent[i].size());
        EXPECT_TRUE(Ipv4Header::is_checksum_valid(sent[i], 20));
        EXPECT_TRUE(v4_header(sent[i]).dont_fragment());
        EXPECT_EQ(v4_header(sent[i]).identification.get(), v4_header(sent[0]).identification.get() + i);
      } else {
        EXPECT_EQ(v6_header(sent[i]).payload_length.get(), sent[i].size() - 40);
      }
      joined = joined + from(sent[i], header + 32);
    }
    EXPECT_EQ(joined, data);
  }
}

TEST_F(Offload, UdpIsCutIntoDatagrams) {
  Entry entry(*bench.stack);
  const Route route = route_to(IpBench::kPeer4);
  Bytes datagram(8);
  const Bytes data = pattern(2500);
  UdpDatagramHeader{.source_port = 7, .destination_port = 8, .length = 2508}.emit(datagram);
  Ref<Packet> packet = partial(datagram + data, route, IpProtocol::Udp, 6);
  packet->segmentation = SegmentationKind::Udp;
  packet->segment_size = 1000;
  EXPECT_TRUE(ip_send(entry, std::move(packet), route, {.protocol = 17}).is_ok());
  entry.flush();
  const std::vector<Bytes> sent = bench.take_sent();
  ASSERT_EQ(sent.size(), 3u);
  Bytes joined;
  for (const Bytes& one : sent) {
    EXPECT_EQ(reinterpret_cast<const UdpHeader*>(one.data() + 20)->length.get(), one.size() - 20);
    EXPECT_TRUE(is_transport_sum_right(one, IpProtocol::Udp));
    joined = joined + from(one, 28);
  }
  EXPECT_EQ(joined, data);
}

TEST_F(Offload, ADeviceThatCanIsGivenTheWhole) {
  bench.device.change_capabilities().segments_tcp = true;
  bench.device.change_capabilities().sends_checksum = true;
  Entry entry(*bench.stack);
  const Route route = route_to(IpBench::kPeer4);
  Ref<Packet> packet = partial(tcp_segment(1, 0x10, pattern(3000)), route, IpProtocol::Tcp, 16);
  packet->segmentation = SegmentationKind::Tcp;
  packet->segment_size = 1400;
  EXPECT_TRUE(ip_send(entry, std::move(packet), route, {.protocol = 6, .may_fragment_locally = false}).is_ok());
  entry.flush();
  EXPECT_EQ(bench.take_one().size(), 3052u);
}

TEST_F(Offload, AChecksumOfZeroIsSentAsOnes) {
  // Data chosen so that the sum comes out as zero.
  Entry entry(*bench.stack);
  const Route route = route_to(IpBench::kPeer4);
  Bytes datagram(10);
  UdpDatagramHeader{.source_port = 7, .destination_port = 8, .length = 10}.emit(datagram);
  InternetChecksum sum = pseudo_header_checksum(route.source.v4(), route.destination.v4(), IpProtocol::Udp, 10);
  sum.add(datagram);
  datagram[8] = static_cast<uint8_t>(sum.finish() >> 8);
  datagram[9] = static_cast<uint8_t>(sum.finish());
  EXPECT_TRUE(ip_send(entry, partial(datagram, route, IpProtocol::Udp, 6), route, {.protocol = 17}).is_ok());
  entry.flush();
  EXPECT_EQ(part(bench.take_one(), 26, 2), (Bytes{0xff, 0xff}));
}

TEST_F(Offload, AFragmentedDatagramIsSummedFirst) {
  Entry entry(*bench.stack);
  const Route route = route_to(IpBench::kPeer4);
  Bytes datagram(8);
  UdpDatagramHeader{.source_port = 7, .destination_port = 8, .length = 3008}.emit(datagram);
  EXPECT_TRUE(ip_send(entry, partial(datagram + pattern(3000), route, IpProtocol::Udp, 6), route, {.protocol = 17}).is_ok());
  entry.flush();
  const std::vector<Bytes> sent = bench.take_sent();
  ASSERT_EQ(sent.size(), 3u);
  Bytes whole = part(sent[0], 0, 20);
  for (const Bytes& one : sent) whole = whole + from(one, 20);
  EXPECT_TRUE(is_transport_sum_right(whole, IpProtocol::Udp));
}

}  // namespace
}  // namespace lxnet
