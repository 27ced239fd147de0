// What the target LOG writes of packets.
#include "stack/filter/log_packet.hh"
#include "tests/stack/filter/filter_bench.hh"

namespace lxnet::testing {
namespace {

class LogBench : public FilterBench {
 protected:
  // The line about a packet that is at INPUT, by no interface.
  std::string line(const Bytes& bytes, IpFamily family = IpFamily::V4, uint8_t flags = 0, uint32_t mark = 0) {
    Entry entry(*bench.stack);
    Ref<Packet> packet = Packet::create(bench.stack->pool()).take();
    const size_t linear = std::min<size_t>(bytes.size(), family == IpFamily::V4 ? 20 : 40);
    copy_bytes(packet->append(linear), bytes);
    EXPECT_TRUE(packet->append_copy(ByteSpan(bytes).subspan(linear)).is_ok());
    packet->mark_network_header();
    packet->mark = mark;
    FilterPacket seen(entry, *packet, family, FilterHook::LocalIn, nullptr, nullptr);
    LogSettings settings{.level = 4, .flags = flags, .prefix = "cut: "};
    EXPECT_EQ(log_packet(seen, bytes_of(settings)), TargetKind::Step::Continue);
    const std::string last = bench.hal.log.back();
    bench.hal.log.clear();
    return last;
  }
  static Bytes words(std::initializer_list<uint16_t> list) {
    Bytes bytes;
    for (const uint16_t word : list) {
      bytes.push_back(static_cast<uint8_t>(word >> 8));
      bytes.push_back(static_cast<uint8_t>(word));
    }
    return bytes;
  }
  static Bytes join(Bytes first, const Bytes& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
  }
  const std::string head4 = "cut: IN= OUT= SRC=10.0.0.1 DST=10.0.0.2 ";
  const std::string head6 =
      "cut: IN= OUT= SRC=0000:0000:0000:0000:0000:0000:0000:0001 DST=0000:0000:0000:0000:0000:0000:0000:0001 ";
};

TEST_F(LogBench, OfDatagramsTheirPorts) {
  EXPECT_EQ(line(v4(17, words({1000, 53, 12, 0, 0, 0}))),
            head4 + "LEN=32 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=UDP SPT=1000 DPT=53 LEN=12 ");
  EXPECT_EQ(line(v4(17, words({1000}))), head4 + "LEN=22 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=UDP INCOMPLETE [2 bytes] ");
  EXPECT_EQ(line(v4(17, words({1000, 53, 12, 0}), 0x2003)), head4 + "LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=0 MF FRAG:3 PROTO=UDP ");
  EXPECT_EQ(line(v4(253, {}), IpFamily::V4, 0, 0x2a), head4 + "LEN=20 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=253 MARK=0x2a ");
}

TEST_F(LogBench, OfTcpWhatIsAskedFor) {
  const Bytes segment = join(words({1000, 80, 0, 7, 0, 9, 0x6012, 512, 0, 3}), {2, 4, 5, 180});
  EXPECT_EQ(line(v4(6, segment)), head4 +
                                      "LEN=44 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=TCP SPT=1000 DPT=80 WINDOW=512 RES=0x00 "
                                      "ACK SYN URGP=3 ");
  EXPECT_EQ(line(v4(6, segment), IpFamily::V4, 3),
            head4 +
                "LEN=44 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=TCP SPT=1000 DPT=80 SEQ=7 ACK=9 WINDOW=512 RES=0x00 ACK SYN "
                "URGP=3 OPT (020405B4) ");
}

TEST_F(LogBench, OfAnErrorThePacketThatItCites) {
  const Bytes cited = v4(17, words({1000, 53, 8, 0}));
  EXPECT_EQ(line(v4(1, join(words({0x0304, 0, 0, 1400}), cited))),
            head4 +
                "LEN=56 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=ICMP TYPE=3 CODE=4 [SRC=10.0.0.1 DST=10.0.0.2 LEN=28 TOS=0x00 "
                "PREC=0x00 TTL=64 ID=0 PROTO=UDP SPT=1000 DPT=53 LEN=8 ] MTU=1400 ");
  EXPECT_EQ(line(v4(1, words({0x0304, 0, 0, 1400}))),
            head4 + "LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=ICMP TYPE=3 CODE=4 INCOMPLETE [8 bytes] ");
  // It is cited once, however deep it goes.
  const Bytes inner = v4(1, join(words({0x0b00, 0, 0, 0}), cited));
  EXPECT_EQ(line(v4(1, join(words({0x0b00, 0, 0, 0}), inner))),
            head4 +
                "LEN=84 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=ICMP TYPE=11 CODE=0 [SRC=10.0.0.1 DST=10.0.0.2 LEN=56 TOS=0x00 "
                "PREC=0x00 TTL=64 ID=0 PROTO=ICMP TYPE=11 CODE=0 ] ");
  EXPECT_EQ(line(v4(1, words({0x0800, 0, 77, 3}))),
            head4 + "LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=0 PROTO=ICMP TYPE=8 CODE=0 ID=77 SEQ=3 ");
}

TEST_F(LogBench, OfIpv6WhatStandsBehindItsExtensions) {
  EXPECT_EQ(line(v6(17, words({1000, 53, 8, 0})), IpFamily::V6),
            head6 + "LEN=48 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=UDP SPT=1000 DPT=53 LEN=8 ");
  EXPECT_EQ(line(v6(0, join({58, 0, 1, 4, 0, 0, 0, 0}, words({0x8000, 0, 7, 9}))), IpFamily::V6, 4),
            head6 + "LEN=56 TC=0 HOPLIMIT=64 FLOWLBL=0 OPT ( ) PROTO=ICMPv6 TYPE=128 CODE=0 ID=7 SEQ=9 ");
  EXPECT_EQ(line(v6(44, join({17, 0, 0, 8, 0, 0, 0, 5}, words({1, 2, 3, 4}))), IpFamily::V6),
            head6 + "LEN=56 TC=0 HOPLIMIT=64 FLOWLBL=0 FRAG:8 ID:00000005 PROTO=UDP ");
  EXPECT_EQ(line(v6(0, {58}), IpFamily::V6), head6 + "LEN=41 TC=0 HOPLIMIT=64 FLOWLBL=0 TRUNCATED");
}

TEST_F(LogBench, ALineThatIsTooLongIsCut) {
  Bytes options = v4(6, join(words({1000, 80, 0, 7, 0, 9, 0xf012, 512, 0, 3}), Bytes(40, 0xff)));
  for (int depth = 0; depth < 3; ++depth) options = v4(1, join(words({0x0b00, 0, 0, 0}), options));
  EXPECT_LT(line(options, IpFamily::V4, 7).size(), 900u);
}

}  // namespace
}  // namespace lxnet::testing
