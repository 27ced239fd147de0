// Fragments in and out, of both families. An echo request in fragments is its own oracle: its reply shows what was put together.
#include "stack/ip/gather.hh"
#include "stack/wire/ipv6_extensions.hh"
#include "tests/stack/ip/ip_bench.hh"

namespace lxnet {
namespace {

using namespace testing;

struct Piece {
  size_t offset, size;
  bool more;
};

class Fragments : public ::testing::Test {
 protected:
  static constexpr uint16_t kId = 4242;

  Bytes piece4(const Bytes& whole, const Piece& piece, uint8_t tos = 0, uint16_t id = kId) {
    return v4_packet({.source = IpBench::kPeer4,
                      .destination = IpBench::kOwn4,
                      .protocol = IpProtocol::Icmp,
                      .type_of_service = tos,
                      .more_fragments = piece.more,
                      .identification = id,
                      .fragment_offset = static_cast<uint16_t>(piece.offset)},
                     part(whole, piece.offset, piece.size));
  }
  Bytes piece6(const Bytes& whole, const Piece& piece, uint32_t id = kId) {
    Bytes fragment(8);
    Ipv6Fragment{.next_header = IpProtocol::Icmpv6,
                 .offset = static_cast<uint16_t>(piece.offset),
                 .more_fragments = piece.more,
                 .identification = id}
        .emit(fragment);
    return v6_packet({.source = bench.kPeer6, .destination = bench.kOwn6, .next_header = IpProtocol::Fragment},
                     fragment + part(whole, piece.offset, piece.size));
  }
  Bytes echo4(size_t size) { return icmp4_message(Icmp4Message::echo(Icmp4Type::Echo, 1, 2), pattern(size - 8)); }
  Bytes reply4(size_t size) { return icmp4_message(Icmp4Message::echo(Icmp4Type::EchoReply, 1, 2), pattern(size - 8)); }
  Bytes echo6(size_t size) {
    return icmp6_message(bench.kPeer6, bench.kOwn6, Icmp6Message::echo(Icmp6Type::EchoRequest, 1, 2), pattern(size - 8));
  }
  Bytes reply6(size_t size) {
    return icmp6_message(bench.kOwn6, bench.kPeer6, Icmp6Message::echo(Icmp6Type::EchoReply, 1, 2), pattern(size - 8));
  }
  // Joins the fragments the stack sent.
  Bytes join4(const std::vector<Bytes>& sent) {
    Bytes whole;
    for (const Bytes& packet : sent) {
      const Ipv4Header& header = v4_header(packet);
      EXPECT_EQ(header.fragment_offset(), whole.size());
      EXPECT_EQ(header.more_fragments(), &packet != &sent.back());
      EXPECT_EQ(header.identification.get(), v4_header(sent.front()).identification.get());
      EXPECT_TRUE(Ipv4Header::is_checksum_valid(packet, header.header_size()));
      EXPECT_LE(packet.size(), 1500u);
      whole = whole + from(packet, header.header_size());
    }
    return whole;
  }

  IpBench bench;
};

TEST_F(Fragments, InAnyOrderMakeTheDatagram) {
  const Bytes whole = echo4(48);
  std::vector<Piece> pieces = {{0, 16, true}, {16, 16, true}, {32, 16, false}};
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.offset < b.offset; });
  do {
    for (const Piece& piece : pieces) bench.inject(piece4(whole, piece));
    EXPECT_EQ(from(bench.take_one(), 20), reply4(48));
    EXPECT_EQ(bench.stack->ip().reassembly4().memory(), 0u);
  } while (
      std::next_permutation(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.offset < b.offset; }));
}

TEST_F(Fragments, OfADatagramWithManyPiecesAreJoinedAndCutAgain) {
  const Bytes whole = echo4(60000);
  for (size_t offset = 0; offset < whole.size(); offset += 1480) {
    const size_t size = std::min<size_t>(1480, whole.size() - offset);
    bench.inject(piece4(whole, {offset, size, offset + size < whole.size()}));
  }
  EXPECT_EQ(join4(bench.take_sent()), reply4(60000));
  EXPECT_EQ(bench.mib(Mib::IpReasmOKs), 1u);
  EXPECT_EQ(bench.mib(Mib::IpFragOKs), 1u);
  EXPECT_EQ(bench.mib(Mib::IpFragCreates), 41u);
}

TEST_F(Fragments, ARepeatedOneIsIgnored) {
  const Bytes whole = echo4(48);
  bench.inject(piece4(whole, {0, 16, true}));
  bench.inject(piece4(whole, {0, 16, true}));
  bench.inject(piece4(whole, {16, 32, false}));
  EXPECT_EQ(from(bench.take_one(), 20), reply4(48));
}

TEST_F(Fragments, AnOverlapEndsTheDatagram) {
  const Bytes whole = echo4(48);
  bench.inject(piece4(whole, {0, 24, true}));
  bench.inject(piece4(whole, {16, 16, true}));
  EXPECT_EQ(bench.drops(DropReason::FragmentOverlap), 1u);
  EXPECT_EQ(bench.mib(Mib::IpExtReasmOverlaps), 1u);
  bench.inject(piece4(whole, {24, 24, false}));
  EXPECT_TRUE(bench.take_sent().empty());
}

TEST_F(Fragments, ThatDisagreeAboutTheEndEndTheDatagram) {
  const Bytes whole = echo4(64);
  bench.inject(piece4(whole, {16, 16, false}));
  bench.inject(piece4(whole, {32, 16, true}));
  EXPECT_EQ(bench.drops(DropReason::FragmentBad), 1u);
  EXPECT_EQ(bench.stack->ip().reassembly4().queue_count(), 0u);
}

TEST_F(Fragments, PastTheLargestDatagramAreRefused) {
  const Bytes whole = pattern(65535);
  bench.inject(piece4(whole, {0, 65512 - 1480, true}));
  Bytes last = piece4(whole, {0, 1480, false});
  // Offset 65528 and 1480 bytes: far beyond 65535.
  last[6] = 0x1f;
  last[7] = 0xff;
  last[10] = last[11] = 0;
  const uint16_t sum = internet_checksum(part(last, 0, 20));
  last[10] = static_cast<uint8_t>(sum >> 8);
  last[11] = static_cast<uint8_t>(sum);
  bench.inject(last);
  bench.inject(piece4(whole, {65512 - 1480, 1496, true}));
  EXPECT_TRUE(bench.take_sent().empty());
  EXPECT_EQ(bench.mib(Mib::IpReasmFails), 1u);
}

TEST_F(Fragments, OneWhoseLengthIsOddIsCutToEight) {
  const Bytes whole = echo4(40);
  bench.inject(piece4(whole, {0, 21, true}));
  bench.inject(piece4(whole, {16, 24, false}));
  EXPECT_EQ(from(bench.take_one(), 20), reply4(40));
}

TEST_F(Fragments, ThatTakeTooLongAreGivenUpAndTheSenderIsTold) {
  const Bytes whole = echo4(48);
  const Bytes first = piece4(whole, {0, 16, true});
  bench.inject(first);
  bench.inject(piece4(whole, {32, 16, false}, 0, kId + 1));
  bench.advance(Duration::seconds(29));
  EXPECT_TRUE(bench.take_sent().empty());
  bench.advance(Duration::seconds(2));
  // Only the datagram whose first fragment came has a sender to speak of.
  EXPECT_EQ(from(bench.take_one(), 20), icmp4_message(Icmp4Message::time_exceeded(Icmp4TimeExceeded::Reassembly), first));
  EXPECT_EQ(bench.mib(Mib::IpReasmTimeout), 2u);
  EXPECT_EQ(bench.stack->ip().reassembly4().memory(), 0u);
}

TEST_F(Fragments, AreBoundedInMemory) {
  bench.stack->tunables().values().ipfrag_high_thresh = 50'000;
  const Bytes whole = echo4(1200);
  for (uint16_t id = 0; id < 500; ++id) bench.inject(piece4(whole, {0, 1000, true}, 0, id));
  EXPECT_LE(bench.stack->ip().reassembly4().memory(), 60'000u);
  EXPECT_GT(bench.drops(DropReason::FragmentLimit), 400u);
  bench.advance(Duration::seconds(31));
  EXPECT_EQ(bench.stack->ip().reassembly4().memory(), 0u);
}

TEST_F(Fragments, OfOneSourceAreForgottenWhenManyOthersCameBetween) {
  const Bytes whole = echo4(48);
  bench.inject(piece4(whole, {0, 16, true}));
  for (uint16_t id = 1; id <= 70; ++id) bench.inject(piece4(whole, {16, 16, true}, 0, static_cast<uint16_t>(kId + id)));
  bench.inject(piece4(whole, {16, 32, false}));
  EXPECT_TRUE(bench.take_sent().empty());
  // That last one began the datagram anew.
  bench.inject(piece4(whole, {0, 16, true}));
  EXPECT_EQ(from(bench.take_one(), 20), reply4(48));
}

TEST_F(Fragments, CarryCongestionIntoTheWhole) {
  const Bytes whole = echo4(32);
  bench.inject(piece4(whole, {0, 16, true}, 2));
  bench.inject(piece4(whole, {16, 16, false}, 3));
  EXPECT_EQ(v4_header(bench.take_one()).type_of_service, 3);
  bench.inject(piece4(whole, {0, 16, true}, 0));
  bench.inject(piece4(whole, {16, 16, false}, 3));
  EXPECT_TRUE(bench.take_sent().empty());
}

TEST_F(Fragments, OfIpv6MakeThePacket) {
  const Bytes whole = echo6(2000);
  bench.inject(piece6(whole, {1200, 800, false}));
  bench.inject(piece6(whole, {0, 1200, true}));
  const std::vector<Bytes> sent = bench.take_sent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].size(), 1496u);
  Bytes joined;
  for (const Bytes& packet : sent) {
    EXPECT_EQ(v6_header(packet).next_header, 44);
    const auto fragment = Ipv6Fragment::from(*reinterpret_cast<const Ipv6FragmentHeader*>(packet.data() + 40));
    EXPECT_EQ(fragment.offset, joined.size());
    EXPECT_EQ(fragment.more_fragments, &packet != &sent.back());
    EXPECT_EQ(fragment.next_header, IpProtocol::Icmpv6);
    EXPECT_NE(fragment.identification, 0u);
    joined = joined + from(packet, 48);
  }
  EXPECT_EQ(joined, reply6(2000));
}

TEST_F(Fragments, AnAtomicOneIsAPacketOfItsOwn) {
  const Bytes whole = echo6(100);
  bench.inject(piece6(whole, {0, 40, true}));
  bench.inject(piece6(whole, {0, 100, false}));
  EXPECT_EQ(from(bench.take_one(), 40), reply6(100));
  EXPECT_EQ(bench.stack->ip().reassembly6().queue_count(), 1u);
}

TEST_F(Fragments, OfIpv6WithABadLengthAreRefused) {
  const Bytes whole = echo6(100);
  const Bytes odd = piece6(whole, {0, 41, true});
  bench.inject(odd);
  Bytes error = from(bench.take_one(), 40);
  EXPECT_EQ(error[0], 4);
  EXPECT_EQ(error[1], 0);
  EXPECT_EQ(error[7], 4);  // the payload length
  Bytes beyond = piece6(whole, {0, 64, true});
  beyond[42] = 0xff;
  beyond[43] = 0xf9;
  bench.inject(beyond);
  error = from(bench.take_one(), 40);
  EXPECT_EQ(error[7], 42);  // the offset
}

TEST_F(Fragments, AFirstOneWithoutTheTransportsHeaderIsRefused) {
  Bytes fragment(8);
  Ipv6Fragment{.next_header = IpProtocol::DestinationOptions, .more_fragments = true, .identification = 9}.emit(fragment);
  // A destination options header that says there is more, and no more.
  const Bytes packet = v6_packet({.source = bench.kPeer6, .destination = bench.kOwn6, .next_header = IpProtocol::Fragment},
                                 fragment + Bytes{58, 0, 1, 4, 0, 0, 0, 0});
  bench.inject(packet);
  const Bytes error = from(bench.take_one(), 40);
  EXPECT_EQ(error[0], 4);
  EXPECT_EQ(error[1], 3);
}

TEST_F(Fragments, OfIpv6ThatTakeTooLongAreReported) {
  const Bytes whole = echo6(100);
  const Bytes first = piece6(whole, {0, 40, true});
  bench.inject(first);
  bench.advance(Duration::seconds(61));
  const Bytes error = bench.take_one();
  EXPECT_EQ(from(error, 40),
            icmp6_message(bench.kOwn6, bench.kPeer6, Icmp6Message::time_exceeded(Icmp6TimeExceeded::Reassembly), first));
}

// Who watches collects by device, and from nobody else's pieces.
TEST_F(Fragments, OfATapAreItsOwnAndEachDevices) {
  const Bytes whole = echo4(32);
  const Bytes first = piece4(whole, {0, 16, true}), last = piece4(whole, {16, 16, false});
  Entry entry(*bench.stack);
  const auto see = [&](const Bytes& bytes, uint32_t device) {
    Ref<Packet> packet = Packet::create_linear(bench.stack->pool(), bytes.size()).take();
    copy_bytes(packet->append(bytes.size()), bytes);
    packet->interface_index = device;
    return ip4_gather_seen(entry, std::move(packet));
  };
  bench.inject(first);
  EXPECT_FALSE(see(last, 1));
  EXPECT_FALSE(see(first, 2));
  const Ref<Packet> seen = see(first, 1);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->size(), 20 + whole.size());
  EXPECT_TRUE(see(last, 2));
  bench.inject(last);
  EXPECT_EQ(from(bench.take_one(), 20), reply4(32));
  EXPECT_EQ(bench.stack->ip().reassembly4().memory(), 0u);
}

}  // namespace
}  // namespace lxnet
