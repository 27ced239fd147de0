// What TCP may cost: collapse and pruning of queues, net.ipv4.tcp_mem, orphans, TIME_WAITs; and the work that coalescing spares.
#include <cstring>

#include "stack/tcp/collapse.hh"
#include "stack/tcp/out_of_order_queue.hh"
#include "tests/stack/tcp/tcp_wire.hh"

namespace lxnet::testing {
namespace {

uint64_t count(TcpWire& wire, Mib counter) { return wire.stack().mib().get(counter); }

TEST(TcpMemory, PacksSparsePacketsBeforeItDropsAny) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer(true);
  socket->options.receive_buffer = 20000;
  socket->options.receive_buffer_locked = true;
  // A hundred bytes each, and 832 of memory, which has no room for another hundred.
  for (uint32_t i = 0; i < 60; ++i) wire.inject({.flags = "PA", .seq = 1 + 100 * i, .ack = 1, .text = std::string(100, 'x')});
  EXPECT_GT(count(wire, Mib::TcpExtTCPRcvCollapsed), 0u);
  EXPECT_EQ(count(wire, Mib::TcpExtTCPRcvQDrop), 0u);
  EXPECT_LE(TcpTestAccess::receive_charge(*socket), 21000u);
  EXPECT_EQ(wire.read(*socket), std::string(6000, 'x'));
  wire.device.sent.clear();
  wire.inject({.flags = "R", .seq = 6001});
  wire.close(socket);
  wire.close(wire.listener);
}

// What only few need is made for who asks: two pieces of memory, either of which may lack.
TEST(TcpMemory, AnOrdinaryConnectionHasNoRareParts) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer(true);
  wire.inject({.flags = "PA", .seq = 1, .ack = 1, .text = "hello"});
  wire.expect("A 1:1 ack 6 win 64235");
  EXPECT_EQ(wire.read(*socket), "hello");
  EXPECT_FALSE(TcpTestAccess::has_rare_parts(*socket));
  for (size_t n = 0; n < 2; ++n) {
    wire.hal.fail_allocation(n);
    EXPECT_TRUE(socket->prepare_error_queue().is_error(Errno::ENOMEM)) << n;
    wire.hal.allow_all_allocations();
  }
  EXPECT_TRUE(socket->prepare_error_queue().is_ok());
  EXPECT_TRUE(TcpTestAccess::has_rare_parts(*socket));
  wire.inject({.flags = "R", .seq = 6});
  wire.close(socket);
  wire.close(wire.listener);
}

// To Linux, which does not cut off what came twice.
TEST(TcpMemory, PacksWhatOverlapsThoughItIsDense) {
  TcpWire wire;
  PacketPool& pool = wire.stack().pool();
  for (const bool is_cut : {false, true}) {
    PacketQueue queue;
    for (uint32_t i = 0; i < 2; ++i) {
      Ref<Packet> packet = Packet::create_linear(pool, 704, 0).take();
      memset(packet->append(200).data(), 'x', 200);
      packet->set_true_size(1280);
      ReceivedSegment::of(*packet) = {.seq = SeqNum(1 + 200 * i), .is_cut = i == 1 && is_cut};
      queue.push_back(std::move(packet));
    }
    EXPECT_EQ(collapse_received(pool, queue, SeqNum(1), 40), is_cut ? 2u : 0u);
    EXPECT_EQ(queue.count(), is_cut ? 1u : 2u);
    EXPECT_EQ(queue.front()->true_size(), 1280u);
    while (!queue.is_empty()) queue.take_front();
  }
}

// What was joined is one packet to Linux: dense if the whole of it is, and begun if its first part is read.
TEST(TcpMemory, PacksWhatWasJoinedAsOne) {
  TcpWire wire;
  PacketPool& pool = wire.stack().pool();
  for (const bool is_begun : {false, true}) {
    PacketQueue queue;
    for (uint32_t i = 0; i < 2; ++i) {
      Ref<Packet> packet = Packet::create_linear(pool, 704, 0).take();
      memset(packet->append(100).data(), 'x', 100);
      packet->set_true_size(i == 0 ? 0 : 1280);
      ReceivedSegment::of(*packet) = {.seq = SeqNum(1 + 100 * i), .is_joined = i == 1 || is_begun};
      queue.push_back(std::move(packet));
    }
    // 1280 * 40 / 256 is as much as the two carry.
    EXPECT_EQ(collapse_received(pool, queue, SeqNum(1), 40), is_begun ? 1u : 0u);
    EXPECT_EQ(queue.count(), is_begun ? 1u : 2u);
    while (!queue.is_empty()) queue.take_front();
  }
}

TEST(TcpMemory, HoldsSmallSegmentsInTheRoomBehindOthers) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer(true);
  for (uint32_t i = 0; i < 100; ++i) wire.inject({.flags = "PA", .seq = 1 + i, .ack = 1, .text = "x"});
  EXPECT_EQ(TcpTestAccess::receive_charge(*socket), 832u);
  // Out of order too, but not what begins with bytes that were there.
  for (uint32_t i = 0; i < 20; ++i) wire.inject({.flags = "PA", .seq = 201 + i, .ack = 1, .text = "y"});
  EXPECT_EQ(TcpTestAccess::receive_charge(*socket), 2 * 832u);
  wire.inject({.flags = "PA", .seq = 220, .ack = 1, .text = "yy"});
  EXPECT_EQ(TcpTestAccess::receive_charge(*socket), 3 * 832u);
  wire.inject({.flags = "PA", .seq = 101, .ack = 1, .text = std::string(100, 'x')});
  EXPECT_EQ(wire.read(*socket), std::string(200, 'x') + std::string(21, 'y'));
  wire.device.sent.clear();
  wire.inject({.flags = "R", .seq = 222});
  wire.close(socket);
  wire.close(wire.listener);
}

TEST(TcpMemory, PacksAndThenPrunesWhatIsOutOfOrder) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer(true);
  socket->options.receive_buffer = 20000;
  socket->options.receive_buffer_locked = true;
  // Every other byte, from the far end: nothing can be packed, so the farthest go.
  for (uint32_t i = 0; i < 200; ++i) wire.inject({.flags = "PA", .seq = 2001 - 2 * i, .ack = 1, .text = "x"});
  EXPECT_GT(count(wire, Mib::TcpExtOfoPruned), 0u);
  EXPECT_LE(TcpTestAccess::receive_charge(*socket), 21000u);
  wire.device.sent.clear();
  wire.inject({.flags = "R", .seq = 1});
  wire.close(socket);
  wire.close(wire.listener);
}

TEST(TcpMemory, IsCountedForTheWholeStackAndGivenBack) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer(true);
  wire.inject({.flags = "PA", .seq = 1, .ack = 1, .text = std::string(1400, 'x')});
  EXPECT_EQ(wire.stack().tcp().memory_pages(), 1);
  EXPECT_EQ(wire.send(*socket, std::string(10000, 'y')), 10000);
  EXPECT_GE(wire.stack().tcp().memory_pages(), 3);
  wire.device.sent.clear();
  wire.inject({.flags = "R", .seq = 1401});
  wire.close(socket);
  wire.close(wire.listener);
  EXPECT_EQ(wire.stack().tcp().memory_pages(), 0);
}

TEST(TcpMemory, RefusesPastTheLimitWhatIsMoreThanTheLeastPromised) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer(true);
  wire.tunables().tcp_mem[0] = wire.tunables().tcp_mem[1] = wire.tunables().tcp_mem[2] = 0;
  // Each may still queue what tcp_wmem and tcp_rmem promise.
  EXPECT_GT(wire.send(*socket, std::string(200, 'y')), 0);
  wire.inject({.flags = "PA", .seq = 1, .ack = 1, .text = std::string(1400, 'x')});
  EXPECT_EQ(count(wire, Mib::TcpExtTCPMemoryPressures), 1u);
  uint32_t taken = 1400;
  for (uint32_t i = 1; i < 8; ++i) {
    wire.inject({.flags = "PA", .seq = 1 + 1400 * i, .ack = 1, .text = std::string(1400, 'x')});
  }
  EXPECT_GT(count(wire, Mib::TcpExtTCPRcvQDrop), 0u);
  const auto got = static_cast<uint32_t>(wire.read(*socket).size());
  EXPECT_GE(got, taken);
  EXPECT_LT(got, 8 * 1400u);
  wire.device.sent.clear();
  wire.inject({.flags = "R", .seq = 1 + got});
  wire.close(socket);
  wire.close(wire.listener);
}

TEST(TcpMemory, EndsOrphansBeyondTheLimitWithAReset) {
  TcpWire wire;
  wire.tunables().tcp_max_orphans = 0;
  Ref<TcpSocket> socket = wire.accept_from_peer();
  wire.close(socket);
  wire.expect(R"(FA 1:1 ack 1 win 64240
                 RA 2:2 ack 1 win 64240)");
  EXPECT_EQ(count(wire, Mib::TcpExtTCPAbortOnMemory), 1u);
  EXPECT_EQ(wire.stack().tcp().orphans(), 0);
  wire.close(wire.listener);
}

TEST(TcpMemory, CountsOrphansUntilTheyAreOver) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer();
  wire.close(socket);
  wire.expect("FA 1:1 ack 1 win 64240");
  EXPECT_EQ(wire.stack().tcp().orphans(), 1);
  wire.inject({.flags = "A", .seq = 1, .ack = 2});
  wire.inject({.flags = "FA", .seq = 1, .ack = 2});
  wire.expect("A 2:2 ack 2 win 64239");
  EXPECT_EQ(wire.stack().tcp().orphans(), 0);
  wire.close(wire.listener);
}

TEST(TcpMemory, KeepsNoMoreTimeWaitsThanTheTunableSays) {
  TcpWire wire;
  wire.tunables().tcp_max_tw_buckets = 0;
  Ref<TcpSocket> socket = wire.accept_from_peer();
  wire.close(socket);
  wire.expect("FA 1:1 ack 1 win 64240");
  wire.inject({.flags = "A", .seq = 1, .ack = 2});
  wire.inject({.flags = "FA", .seq = 1, .ack = 2});
  wire.expect("A 2:2 ack 2 win 64239");
  EXPECT_EQ(wire.stack().tcp().time_waits(), 0);
  EXPECT_EQ(count(wire, Mib::TcpExtTCPTimeWaitOverflow), 1u);
  wire.close(wire.listener);
}

TEST(TcpCoalescing, MakesOnePassOfSegmentsThatArriveTogether) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer(true);
  wire.together([&wire] {
    for (uint32_t i = 0; i < 10; ++i)
      wire.inject(
          {.flags = i == 9 ? "PA" : "A", .seq = 1 + 1000 * i, .ack = 1, .text = std::string(1000, static_cast<char>('a' + i))});
  });
  // One acknowledgment for all, and the segments' own size is known.
  wire.expect("A 1:1 ack 10001 win 65535");
  EXPECT_EQ(TcpTestAccess::receive(*socket).mss, 1000u);
  EXPECT_EQ(TcpTestAccess::statistics(*socket).segments_in, 12u);
  std::string expected;
  for (int i = 0; i < 10; ++i) expected += std::string(1000, static_cast<char>('a' + i));
  EXPECT_EQ(wire.read(*socket), expected);
  wire.device.sent.clear();
  wire.inject({.flags = "R", .seq = 10001});
  wire.close(socket);
  wire.close(wire.listener);
}

TEST(TcpCoalescing, KeepsApartWhatIsNotOneStream) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer(true);
  wire.together([&wire] {
    wire.inject({.flags = "A", .seq = 1, .ack = 1, .text = std::string(1000, 'a')});
    wire.inject({.flags = "A", .seq = 2001, .ack = 1, .text = std::string(1000, 'c')});  // a hole
    wire.inject({.flags = "A", .seq = 3001, .ack = 1, .text = std::string(1000, 'd'), .tos = 3});
  });
  wire.expect(R"(A 1:1 ack 1001 win 65535
                 A 1:1 ack 1001 win 65535 sack 2001:3001
                 A 1:1 ack 1001 win 65535 sack 2001:4001)");
  wire.together([&wire] {
    wire.inject({.flags = "A", .seq = 1001, .ack = 1, .text = std::string(1000, 'b')});
    wire.inject({.flags = "R", .seq = 4001});
  });
  EXPECT_EQ(socket->state(), TcpState::Closed);
  EXPECT_EQ(wire.read(*socket).size(), 4000u);
  wire.device.sent.clear();
  wire.close(socket);
  wire.close(wire.listener);
}

TEST(TcpAcks, CompressAfterTheThirdDuplicate) {
  TcpWire wire;
  Ref<TcpSocket> socket = wire.accept_from_peer(true);
  // Out of quick-acknowledgment mode first.
  uint32_t seq = 1;
  for (int i = 0; i < 40; ++i, seq += 1000) {
    wire.inject({.flags = "A", .seq = seq, .ack = 1, .text = std::string(1000, 'a')});
    wire.read(*socket);
  }
  wire.device.sent.clear();
  const uint32_t hole = seq;
  seq += 1000;
  for (int i = 0; i < 6; ++i, seq += 1000) wire.inject({.flags = "A", .seq = seq, .ack = 1, .text = std::string(1000, 'b')});
  size_t at_once = 0;
  while (wire.next() != "nothing") ++at_once;
  // Three, and the one that opened the window.
  EXPECT_EQ(at_once, 4u);
  wire.advance(Duration::millis(2));
  EXPECT_NE(wire.next().find("sack"), std::string::npos);
  wire.expect_nothing();
  EXPECT_EQ(count(wire, Mib::TcpExtTCPAckCompressed), 1u);
  wire.inject({.flags = "A", .seq = hole, .ack = 1, .text = std::string(1000, 'a')});
  wire.device.sent.clear();
  wire.inject({.flags = "R", .seq = seq});
  wire.close(socket);
  wire.close(wire.listener);
}

}  // namespace
}  // namespace lxnet::testing
