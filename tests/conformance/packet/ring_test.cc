// PACKET_RX_RING: what is refused and in which order, and what is seen of a ring without mapping it.
#include "tests/conformance/packet/packet.hh"

namespace conformance {
namespace {

constexpr unsigned kPage = 4096;

long ring(int fd, tpacket_req3 request, socklen_t size = sizeof(tpacket_req3)) {
  return answer(::setsockopt(fd, kPacketLevel, PACKET_RX_RING, &request, size));
}
tpacket_req3 plain(unsigned blocks = 2) {
  tpacket_req3 request{};
  request.tp_block_size = kPage;
  request.tp_block_nr = blocks;
  request.tp_frame_size = kPage / 2;
  request.tp_frame_nr = blocks * 2;
  return request;
}

TEST(PacketRing, RequestsAreCheckedInLinuxOrder) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW, kOurs);
    EXPECT_EQ(ring(raw, plain(), 15), -EINVAL);
    EXPECT_EQ(answer(::setsockopt(raw, kPacketLevel, PACKET_RX_RING, bad_pointer(), 16)), -EINVAL);
    const auto changed = [&](auto&& change) {
      tpacket_req3 request = plain();
      change(request);
      return ring(raw, request);
    };
    EXPECT_EQ(changed([](tpacket_req3& r) { r.tp_block_size = 100; }), -EINVAL);
    EXPECT_EQ(changed([](tpacket_req3& r) { r.tp_block_size = 0x80000000u; }), -EINVAL);
    EXPECT_EQ(changed([](tpacket_req3& r) { r.tp_frame_size = 48; }), -EINVAL);
    EXPECT_EQ(changed([](tpacket_req3& r) { r.tp_frame_size = 2040; }), -EINVAL);
    EXPECT_EQ(changed([](tpacket_req3& r) { r.tp_frame_size = 2 * kPage; }), -EINVAL);
    EXPECT_EQ(changed([](tpacket_req3& r) { r.tp_frame_nr = 3; }), -EINVAL);
    EXPECT_EQ(changed([](tpacket_req3& r) { r.tp_block_nr = 0; }), -EINVAL);
    EXPECT_EQ(changed([](tpacket_req3& r) { r.tp_block_nr = r.tp_frame_nr = 0; }), 0);
    EXPECT_EQ(set_option(raw, PACKET_RESERVE, 1 << 20), 0);
    EXPECT_EQ(ring(raw, plain()), -EINVAL);
    EXPECT_EQ(set_option(raw, PACKET_RESERVE, -1), -EINVAL);
    EXPECT_EQ(set_option(raw, PACKET_RESERVE, 0), 0);
    EXPECT_EQ(set_option(raw, PACKET_VERSION, 3), -EINVAL);
    EXPECT_EQ(set_option(raw, PACKET_VERSION, TPACKET_V3), 0);
    EXPECT_EQ(ring(raw, plain(), 16), -EINVAL);
    EXPECT_EQ(changed([](tpacket_req3& r) { r.tp_sizeof_priv = 3u << 30; }), -EINVAL);
    EXPECT_EQ(changed([](tpacket_req3& r) { r.tp_sizeof_priv = kPage; }), -EINVAL);
    EXPECT_EQ(ring(raw, plain()), 0);
    EXPECT_EQ(ring(raw, plain()), -EBUSY);
    for (int name : {PACKET_VERSION, PACKET_RESERVE, PACKET_VNET_HDR}) EXPECT_EQ(set_option(raw, name, 0), -EBUSY) << name;
    EXPECT_EQ(ring(raw, tpacket_req3{}), 0);
    EXPECT_EQ(set_option(raw, PACKET_VERSION, TPACKET_V2), 0);
    EXPECT_EQ(get_option(raw, PACKET_VERSION), TPACKET_V2);
  });
}

TEST(PacketRing, HeaderSizesAreTold) {
  in_own_network([] {
    Fd raw = packet_socket(SOCK_RAW, 0);
    for (const auto& [version, size] : {std::pair(TPACKET_V1, 32), {TPACKET_V2, 32}, {TPACKET_V3, 48}}) {
      int value = version;
      socklen_t length = sizeof value;
      EXPECT_EQ(answer(::getsockopt(raw, kPacketLevel, PACKET_HDRLEN, &value, &length)), 0);
      EXPECT_EQ(value, size);
    }
    int value = 3;
    socklen_t length = sizeof value;
    EXPECT_EQ(answer(::getsockopt(raw, kPacketLevel, PACKET_HDRLEN, &value, &length)), -EINVAL);
    length = 3;
    EXPECT_EQ(answer(::getsockopt(raw, kPacketLevel, PACKET_HDRLEN, &value, &length)), -EINVAL);
    for (int name : {PACKET_COPY_THRESH, PACKET_TIMESTAMP}) {
      EXPECT_EQ(set_option(raw, name, 7), 0);
      EXPECT_EQ(get_option(raw, name), 7);
    }
  });
}

TEST(PacketRing, ARingTakesTheFramesAndLosesWhatItHasNoRoomFor) {
  in_own_network([] {
    Fd sender = packet_socket(SOCK_RAW, 0), raw = packet_socket(SOCK_RAW, kOurs);
    ASSERT_EQ(bind_to(sender, link_name(1, 0)), 0);
    ASSERT_EQ(set_option(raw, PACKET_VERSION, TPACKET_V2), 0);
    ASSERT_EQ(ring(raw, plain()), 0);
    EXPECT_EQ(poll_now(raw, POLLIN), 0);
    const std::string whole = frame(kZero, "pay");
    for (int i = 0; i < 6; ++i) ASSERT_EQ(answer(::send(sender, whole.data(), whole.size(), 0)), 17);
    EXPECT_EQ(poll_now(raw, POLLIN), POLLIN);
    EXPECT_EQ(hear(raw).size, -EAGAIN);
    tpacket_stats_v3 statistics{};
    socklen_t size = sizeof statistics;
    ASSERT_EQ(::getsockopt(raw, kPacketLevel, PACKET_STATISTICS, &statistics, &size), 0);
    EXPECT_EQ(size, 8u);
    EXPECT_EQ(statistics.tp_packets, 6u);
    EXPECT_EQ(statistics.tp_drops, 2u);
    ASSERT_EQ(ring(raw, tpacket_req3{}), 0);
    ASSERT_EQ(answer(::send(sender, whole.data(), whole.size(), 0)), 17);
    EXPECT_EQ(hear(raw).size, 17);
  });
}

TEST(PacketRing, WhatASlotCutsComesWholeThroughRecvmsg) {
  in_own_network([] {
    Fd sender = packet_socket(SOCK_RAW, 0), raw = packet_socket(SOCK_RAW, kOurs);
    ASSERT_EQ(bind_to(sender, link_name(1, 0)), 0);
    ASSERT_EQ(set_option(raw, PACKET_COPY_THRESH, 1), 0);
    ASSERT_EQ(ring(raw, plain()), 0);
    const std::string large = frame(kZero, std::string(3000, 'x'));
    ASSERT_EQ(answer(::send(sender, large.data(), large.size(), 0)), 3014);
    EXPECT_EQ(hear(raw, 0, 4000).size, 3014);
  });
}

TEST(PacketRing, ABlockIsHandedOverWhenItsTimeIsUp) {
  in_own_network([] {
    Fd sender = packet_socket(SOCK_RAW, 0), raw = packet_socket(SOCK_RAW, kOurs);
    ASSERT_EQ(bind_to(sender, link_name(1, 0)), 0);
    ASSERT_EQ(set_option(raw, PACKET_VERSION, TPACKET_V3), 0);
    tpacket_req3 request = plain();
    request.tp_retire_blk_tov = 10;
    ASSERT_EQ(ring(raw, request), 0);
    const std::string whole = frame(kZero, "pay");
    ASSERT_EQ(answer(::send(sender, whole.data(), whole.size(), 0)), 17);
    EXPECT_EQ(poll_now(raw, POLLIN, 10'000), POLLIN);
    tpacket_stats_v3 statistics{};
    socklen_t size = sizeof statistics;
    ASSERT_EQ(::getsockopt(raw, kPacketLevel, PACKET_STATISTICS, &statistics, &size), 0);
    EXPECT_EQ(size, sizeof statistics);
    EXPECT_EQ(statistics.tp_packets, 1u);
  });
}

}  // namespace
}  // namespace conformance
