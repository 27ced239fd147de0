// What a router knows of a TCP connection whose segments pass it.
#include "tests/stack/conntrack/track_bench.hh"

namespace lxnet::testing {
namespace {

using State = TrackedTcpState;
using Sort = TcpSegmentSort;

class TrackTcp : public TrackBench {
 protected:
  // Whether the last packet that passed belonged to no connection.
  uint32_t invalid() { return table().statistics.invalid; }
};

TEST_F(TrackTcp, AConnectionOpensAndClosesThroughItsStates) {
  from_client({.seq = 100, .flags = kTcpSyn});
  EXPECT_EQ(state(), State::SynSent);
  EXPECT_EQ(seconds_left(), 120);
  from_server({.seq = 500, .ack = 101, .flags = kTcpSyn | kTcpAck});
  EXPECT_EQ(state(), State::SynReceived);
  EXPECT_EQ(seconds_left(), 60);
  EXPECT_FALSE(only()->is(kAssured));
  from_client({.seq = 101, .ack = 501, .flags = kTcpAck});
  EXPECT_EQ(state(), State::Established);
  EXPECT_TRUE(only()->is(kAssured));
  EXPECT_EQ(seconds_left(), 432000);
  from_client({.seq = 101, .ack = 501, .flags = kTcpFin | kTcpAck});
  EXPECT_EQ(state(), State::FinWait);
  from_server({.seq = 501, .ack = 102, .flags = kTcpAck});
  EXPECT_EQ(state(), State::CloseWait);
  from_server({.seq = 501, .ack = 102, .flags = kTcpFin | kTcpAck});
  EXPECT_EQ(state(), State::LastAck);
  EXPECT_EQ(seconds_left(), 30);
  from_client({.seq = 102, .ack = 502, .flags = kTcpAck});
  EXPECT_EQ(state(), State::TimeWait);
  EXPECT_EQ(seconds_left(), 120);
  bench.advance(Duration::seconds(121));
  EXPECT_EQ(only(), nullptr);
  EXPECT_EQ(table().count(), 0u);
  EXPECT_EQ(invalid(), 0u);
}

TEST_F(TrackTcp, DataThatNobodyAcknowledgesShortensTheStay) {
  open();
  from_client({.seq = 101, .ack = 501, .flags = kTcpAck, .payload = 10});
  EXPECT_EQ(seconds_left(), 300);
  from_server({.seq = 501, .ack = 111, .flags = kTcpAck});
  EXPECT_EQ(seconds_left(), 432000);
}

TEST_F(TrackTcp, WhatIsSentAgainAndAgainShortensItToo) {
  open();
  for (int i = 0; i < 5; ++i) from_client({.seq = 101, .ack = 501, .flags = kTcpAck});
  EXPECT_EQ(only()->tcp.retransmissions, 5);
  EXPECT_EQ(seconds_left(), 300);
}

TEST_F(TrackTcp, ASynThatIsSentAgainDoesNotKeepTheEntryAlive) {
  from_client({.seq = 100, .flags = kTcpSyn});
  bench.advance(Duration::seconds(100));
  from_client({.seq = 100, .flags = kTcpSyn});
  EXPECT_EQ(seconds_left(), 20);
}

TEST_F(TrackTcp, ARefusalIsForgottenAtOnce) {
  from_client({.seq = 100, .flags = kTcpSyn});
  EXPECT_EQ(from_server({.ack = 101, .flags = kTcpRst | kTcpAck}).size(), 1u);
  EXPECT_EQ(only(), nullptr);
}

TEST_F(TrackTcp, AResetEndsAConnectionOnlyWhereItIsExact) {
  open();
  from_server({.seq = 501, .ack = 101, .flags = kTcpAck, .payload = 10});
  from_client({.seq = 101, .ack = 511, .flags = kTcpAck});
  from_server({.seq = 300, .ack = 101, .flags = kTcpRst});
  EXPECT_EQ(state(), State::Established);
  EXPECT_EQ(invalid(), 1u) << "before what was acknowledged";
  from_server({.seq = 520, .ack = 101, .flags = kTcpRst});
  EXPECT_EQ(state(), State::Established) << "a challenge may come of it";
  EXPECT_EQ(seconds_left(), 10) << "or not";
  from_server({.seq = 511, .ack = 101, .flags = kTcpRst});
  EXPECT_EQ(state(), State::Close);
}

TEST_F(TrackTcp, SegmentsBeyondTheWindowAreInvalidOrIgnored) {
  open();
  from_client({.seq = 101 + 5000, .ack = 501, .flags = kTcpAck, .payload = 10});
  EXPECT_EQ(invalid(), 1u) << "beyond what the server allowed";
  from_client({.seq = 101, .ack = 501 + 5000, .flags = kTcpAck});
  EXPECT_EQ(invalid(), 2u) << "acknowledges what was never sent";
  from_client({.seq = 101u - 70000, .ack = 501, .flags = kTcpAck});
  EXPECT_EQ(invalid(), 2u) << "so old that it is ignored";
  set("tcp_be_liberal", "1");
  from_client({.seq = 101 + 5000, .ack = 501, .flags = kTcpAck, .payload = 10});
  EXPECT_EQ(invalid(), 2u);
}

TEST_F(TrackTcp, WindowsScaleWhereBothSay) {
  const Bytes scale7{3, 3, 7, 0};
  from_client({.seq = 100, .flags = kTcpSyn, .options = scale7});
  from_server({.seq = 500, .ack = 101, .flags = kTcpSyn | kTcpAck, .options = scale7});
  from_client({.seq = 101, .ack = 501, .flags = kTcpAck, .window = 100});
  EXPECT_EQ(only()->tcp.sides[kReply].max_end, SeqNum(501 + 12800));
  from_server({.seq = 501 + 12000, .ack = 101, .flags = kTcpAck, .payload = 100});
  EXPECT_EQ(invalid(), 0u);
}

TEST_F(TrackTcp, OneSideThatDoesNotScaleStopsTheOther) {
  from_client({.seq = 100, .flags = kTcpSyn, .options = {3, 3, 7, 0}});
  from_server({.seq = 500, .ack = 101, .flags = kTcpSyn | kTcpAck});
  from_client({.seq = 101, .ack = 501, .flags = kTcpAck, .window = 100});
  EXPECT_EQ(only()->tcp.sides[kOriginal].scale, 0);
  from_server({.seq = 501 + 12000, .ack = 101, .flags = kTcpAck, .payload = 100});
  EXPECT_EQ(invalid(), 1u);
}

TEST_F(TrackTcp, ASackIsAnAcknowledgmentBeyondTheAcknowledgment) {
  const Bytes permitted{4, 2, 1, 1};
  from_client({.seq = 100, .flags = kTcpSyn, .options = permitted});
  from_server({.seq = 500, .ack = 101, .flags = kTcpSyn | kTcpAck, .options = permitted});
  from_client({.seq = 101, .ack = 501, .flags = kTcpAck, .payload = 100});
  // Right edge 900: never sent.
  from_server({.seq = 501, .ack = 101, .flags = kTcpAck, .options = {1, 1, 5, 10, 0, 0, 0, 150, 0, 0, 3, 132}});
  EXPECT_EQ(invalid(), 1u);
  from_server({.seq = 501, .ack = 101, .flags = kTcpAck, .options = {1, 1, 5, 10, 0, 0, 0, 150, 0, 0, 0, 190}});
  EXPECT_EQ(invalid(), 1u);
}

TEST_F(TrackTcp, BothMayOpenAtOnce) {
  from_client({.seq = 100, .flags = kTcpSyn});
  from_server({.seq = 500, .flags = kTcpSyn});
  EXPECT_EQ(state(), State::SynSent2);
  from_client({.seq = 100, .ack = 501, .flags = kTcpSyn | kTcpAck});
  EXPECT_EQ(state(), State::SynReceived);
  from_server({.seq = 501, .ack = 101, .flags = kTcpAck});
  EXPECT_EQ(state(), State::Established);
  EXPECT_EQ(invalid(), 0u);
}

TEST_F(TrackTcp, ASynInTheMiddleIsLetThroughAndItsAnswerSaysWhoIsRight) {
  open();
  EXPECT_EQ(from_client({.seq = 90000, .flags = kTcpSyn}).size(), 1u);
  EXPECT_EQ(state(), State::Established) << "ignored";
  EXPECT_EQ(invalid(), 0u);
  from_server({.seq = 70000, .ack = 90001, .flags = kTcpSyn | kTcpAck});
  EXPECT_EQ(state(), State::SynReceived) << "both ends began anew";
  from_client({.seq = 90001, .ack = 70001, .flags = kTcpAck});
  EXPECT_EQ(state(), State::Established);
}

TEST_F(TrackTcp, AChallengeIsNotTheLastAcknowledgment) {
  open();
  from_client({.seq = 101, .ack = 501, .flags = kTcpFin | kTcpAck});
  from_server({.seq = 501, .ack = 102, .flags = kTcpFin | kTcpAck});
  EXPECT_EQ(state(), State::LastAck);
  from_client({.seq = 90000, .flags = kTcpSyn});
  from_server({.seq = 502, .ack = 102, .flags = kTcpAck});
  EXPECT_EQ(state(), State::LastAck);
}

TEST_F(TrackTcp, AClosedConnectionMayOpenAgain) {
  open();
  from_client({.seq = 101, .ack = 501, .flags = kTcpFin | kTcpAck});
  from_server({.seq = 501, .ack = 102, .flags = kTcpFin | kTcpAck});
  from_client({.seq = 102, .ack = 502, .flags = kTcpAck});
  EXPECT_EQ(state(), State::TimeWait);
  const Connection* old = only();
  const uint32_t inserted = table().statistics.insert;
  from_client({.seq = 90000, .flags = kTcpSyn});
  EXPECT_EQ(state(), State::SynSent);
  EXPECT_EQ(table().statistics.insert, inserted + 1) << "another than " << old;
}

TEST_F(TrackTcp, AnAbortedConnectionMayOpenAgain) {
  open();
  from_client({.seq = 101, .ack = 501, .flags = kTcpRst | kTcpAck});
  EXPECT_EQ(state(), State::Close);
  from_client({.seq = 90000, .flags = kTcpSyn});
  EXPECT_EQ(state(), State::SynSent);
}

TEST_F(TrackTcp, AConnectionIsMetInTheMiddleUnlessThatIsForbidden) {
  from_client({.seq = 100, .ack = 500, .flags = kTcpAck, .payload = 10});
  EXPECT_EQ(state(), State::Established);
  EXPECT_EQ(seconds_left(), 300) << "unanswered";
  from_server({.seq = 500, .ack = 110, .flags = kTcpAck});
  EXPECT_EQ(seconds_left(), 300) << "this is the answer";
  from_client({.seq = 110, .ack = 500, .flags = kTcpAck});
  EXPECT_TRUE(only()->is(kAssured));
  EXPECT_EQ(seconds_left(), 432000);
  from_server({.seq = 777777, .ack = 110, .flags = kTcpAck});
  EXPECT_EQ(invalid(), 0u) << "nobody knows its windows";
  bench.advance(Duration::seconds(432001));
  set("tcp_loose", "0");
  from_client({.seq = 100, .ack = 500, .flags = kTcpAck, .payload = 10});
  EXPECT_EQ(only(), nullptr);
  EXPECT_EQ(invalid(), 1u);
}

TEST_F(TrackTcp, OnlyASynOrAnAcknowledgmentBegins) {
  for (const TcpFlags flags : {kTcpRst, kTcpSyn | kTcpAck, kTcpFin | kTcpAck, kTcpRst | kTcpAck, TcpFlags()}) {
    EXPECT_EQ(from_client({.seq = 100, .ack = 7, .flags = flags}).size(), 1u) << "invalid is not dropped by itself";
    EXPECT_EQ(only(), nullptr) << flags.bits();
  }
  EXPECT_EQ(invalid(), 5u);
  EXPECT_EQ(table().count(), 0u);
}

TEST_F(TrackTcp, WhatCannotBeASegmentIsInvalid) {
  open();
  const uint32_t before = invalid();
  for (const TcpFlags flags :
       {kTcpSyn | kTcpFin, kTcpSyn | kTcpRst, kTcpFin, kTcpFin | kTcpRst | kTcpAck, kTcpUrg, kTcpSyn | kTcpAck | kTcpUrg})
    from_client({.seq = 101, .ack = 501, .flags = flags});
  EXPECT_EQ(invalid(), before + 6);
  Bytes wrong_sum = tcp(kNear, kClient, kFar, kServer, {.seq = 101, .ack = 501, .flags = kTcpAck});
  wrong_sum.back() ^= 1;
  wrong_sum[36] ^= 1;
  bench.inject(wrong_sum);
  EXPECT_EQ(invalid(), before + 7);
  set("checksum", "0");
  bench.inject(wrong_sum);
  EXPECT_EQ(invalid(), before + 7);
  Bytes long_header = tcp(kNear, kClient, kFar, kServer, {.seq = 101, .ack = 501, .flags = kTcpAck});
  long_header[32] = 0xf0;
  bench.inject(long_header);
  long_header[32] = 0x40;
  bench.inject(long_header);
  bench.inject(v4(kNear, kFar, IpProtocol::Tcp, Bytes(12)));
  bench.inject(v4(kNear, kFar, IpProtocol::Tcp, Bytes(3)));
  EXPECT_EQ(invalid(), before + 11);
}

TEST_F(TrackTcp, OptionsThatLieEndTheList) {
  for (const Bytes& options : {Bytes{3, 1, 0, 0}, Bytes{3, 200, 7, 0}, Bytes{1, 1, 1, 3}, Bytes{5, 2, 0, 0}, Bytes{0, 3, 3, 7}}) {
    from_client({.seq = 100, .flags = kTcpSyn, .options = options});
    EXPECT_EQ(only()->tcp.sides[kOriginal].scale, 0);
    from_server({.ack = 101, .flags = kTcpRst | kTcpAck});
    ASSERT_EQ(only(), nullptr);
  }
  from_client({.seq = 100, .flags = kTcpSyn, .options = {3, 3, 200, 0}});
  EXPECT_EQ(only()->tcp.sides[kOriginal].scale, 14);
}

// The whole table: 2 directions, 6 kinds of segments, 10 states.
TEST(TrackedTcpStates, EveryTransitionIsLinuxs) {
  // By direction and segment, a letter for each state: none S R E F C L T X(closed) 2, i(gnored), -(invalid).
  const char* const rows[2][6] = {{"SSiiiiiSS2", "--R------R", "--FFLLLTX-", "E-EECCTTX-", "-XXXXXXXXX", "----------"},
                                  {"-2-----S-2", "-RiiiiiiiR", "--FFLLLTX-", "-iRECCTTXi", "-XXXXXXXXX", "----------"}};
  const std::string letters = "nSREFCLTX2-i";
  for (size_t direction = 0; direction < 2; ++direction) {
    for (size_t sort = 0; sort < 6; ++sort) {
      for (size_t state = 0; state < kTrackedTcpStates; ++state) {
        const State next = next_state(direction, Sort{static_cast<uint8_t>(sort)}, State{static_cast<uint8_t>(state)});
        EXPECT_EQ(letters[static_cast<size_t>(next)], rows[direction][sort][state]) << direction << sort << state;
      }
    }
  }
  EXPECT_STREQ(tracked_state_name(State::SynReceived), "SYN_RECV");
  EXPECT_STREQ(tracked_state_name(State::SynSent2), "SYN_SENT2");
}

}  // namespace
}  // namespace lxnet::testing
