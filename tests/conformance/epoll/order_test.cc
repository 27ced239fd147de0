// The ready list: who comes first, who comes again, and how many are woken.
#include <gtest/gtest.h>

#include "tests/conformance/epoll/blocked.hh"
#include "tests/conformance/epoll/set.hh"

namespace conformance {
namespace {

class ReadyListTest : public testing::Test {
 protected:
  void watch_all(uint32_t events) {
    for (int i = 0; i < 5; ++i) ASSERT_EQ(set_.add(pairs_[i].b, events, static_cast<uint64_t>(i)), 0);
  }
  Set set_;
  LocalPair pairs_[5];
};

TEST_F(ReadyListTest, IsInTheOrderOfArrival) {
  watch_all(EPOLLIN);
  for (int i : {3, 0, 4, 2, 1}) pairs_[i].send();
  EXPECT_EQ(set_.order(5), "30421");
}

TEST_F(ReadyListTest, WhoArrivesAgainKeepsTheFirstPlace) {
  watch_all(EPOLLIN | EPOLLET);
  for (int i : {2, 1, 2, 0, 1}) pairs_[i].send();
  EXPECT_EQ(set_.order(5), "210");
  EXPECT_EQ(set_.order(5), "");
}

TEST_F(ReadyListTest, LevelTriggeredEntriesQueueAgainAtTheTail) {
  watch_all(EPOLLIN);
  for (int i : {0, 1, 2, 3, 4}) pairs_[i].send();
  std::string all;
  for (int i = 0; i < 6; ++i) all += set_.order(2) + " ";
  EXPECT_EQ(all, "01 23 40 12 34 01 ");
}

TEST_F(ReadyListTest, NewcomersQueueBehindThoseToldBefore) {
  watch_all(EPOLLIN);
  pairs_[1].send();
  pairs_[0].send();
  EXPECT_EQ(set_.order(1), "1");
  pairs_[3].send();
  EXPECT_EQ(set_.order(5), "013");
}

TEST_F(ReadyListTest, WhoIsReadNoLongerIsPassedOver) {
  watch_all(EPOLLIN);
  for (int i : {0, 1, 2}) pairs_[i].send();
  pairs_[1].receive();
  EXPECT_EQ(set_.order(5), "02");
  pairs_[1].send();
  EXPECT_EQ(set_.order(5), "021");
}

TEST_F(ReadyListTest, ALeftoverThatWasReadAndCameAgainKeepsItsPlace) {
  watch_all(EPOLLIN | EPOLLET);
  for (int i : {0, 1, 2}) pairs_[i].send();
  EXPECT_EQ(set_.order(1), "0");
  pairs_[1].receive();
  pairs_[0].send();
  pairs_[1].send();
  EXPECT_EQ(set_.order(5), "120");
}

TEST_F(ReadyListTest, AChangeDoesNotMoveAnEntry) {
  watch_all(EPOLLIN);
  for (int i : {0, 1, 2}) pairs_[i].send();
  ASSERT_EQ(set_.modify(pairs_[0].b, EPOLLIN | EPOLLET, 7), 0);
  EXPECT_EQ(set_.order(5), "712");
  EXPECT_EQ(set_.order(5), "12");
  ASSERT_EQ(set_.modify(pairs_[0].b, EPOLLIN, 8), 0);
  EXPECT_EQ(set_.order(5), "128");
}

TEST_F(ReadyListTest, OneShotsAndEdgesLeaveTheOthersTheirTurns) {
  watch_all(EPOLLIN);
  ASSERT_EQ(set_.modify(pairs_[1].b, EPOLLIN | EPOLLONESHOT, 1), 0);
  ASSERT_EQ(set_.modify(pairs_[3].b, EPOLLIN | EPOLLET, 3), 0);
  for (int i : {0, 1, 2, 3}) pairs_[i].send();
  EXPECT_EQ(set_.order(5), "0123");
  EXPECT_EQ(set_.order(5), "02");
  pairs_[3].send();
  pairs_[1].send();
  EXPECT_EQ(set_.order(5), "023");
  ASSERT_EQ(set_.modify(pairs_[1].b, EPOLLIN | EPOLLONESHOT, 1), 0);
  EXPECT_EQ(set_.order(1), "0");
  EXPECT_EQ(set_.order(5), "210");
}

TEST_F(ReadyListTest, RemovedAndAddedAgainIsLast) {
  watch_all(EPOLLIN);
  for (int i : {0, 1, 2}) pairs_[i].send();
  ASSERT_EQ(set_.remove(pairs_[0].b), 0);
  ASSERT_EQ(set_.add(pairs_[0].b, EPOLLIN, 9), 0);
  EXPECT_EQ(set_.order(5), "129");
}

TEST_F(ReadyListTest, SocketsAndPipesTakeTurns) {
  const Pipe pipe;
  ASSERT_EQ(set_.add(pairs_[0].b, EPOLLIN, 0), 0);
  ASSERT_EQ(set_.add(pipe.read_end, EPOLLIN, 1), 0);
  ASSERT_EQ(set_.add(pairs_[2].b, EPOLLIN, 2), 0);
  for (int round = 0; round < 3; ++round) {
    pairs_[2].send();
    EXPECT_EQ(set_.order(5, -1).substr(0, 1), "2");
    ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
    poll_now(pipe.read_end, POLLIN, -1);
    EXPECT_EQ(set_.order(5), "21");
    pairs_[0].send();
    EXPECT_EQ(set_.order(1), "2");
    EXPECT_EQ(set_.order(5), "102");
    char bytes[4];
    EXPECT_EQ(::read(pipe.read_end, bytes, 4), 1);
    pairs_[0].receive();
    pairs_[2].receive();
    EXPECT_EQ(set_.order(5), "");
  }
}

// ---- how many are woken

class WakingTest : public testing::TestWithParam<int> {};

constexpr int kWaiters = 4;

// Level-triggered, one set: whoever is told passes the wake-up on, for the entry is still ready; edge-triggered, one is enough.
TEST(OneSetTest, AnEdgeWakesOneWaiterAndALevelAll) {
  for (const uint32_t trigger : {uint32_t{EPOLLET}, 0u}) {
    const Set set;
    const LocalPair pair;
    ASSERT_EQ(set.add(pair.b, EPOLLIN | trigger), 0);
    std::vector<std::unique_ptr<BlockedThread>> waiters;
    for (int i = 0; i < kWaiters; ++i) {
      waiters.push_back(std::make_unique<BlockedThread>([&] { return set.wait_one(-1); }));
      waiters.back()->await_sleep();
    }
    for (int sent = 1; sent <= (trigger != 0 ? kWaiters : 1); ++sent) {
      pair.send();
      if (trigger == 0) break;
      int done = 0;
      while (done < sent) {
        done = 0;
        for (auto& waiter : waiters) done += waiter->is_done() ? 1 : 0;
      }
      for (auto& waiter : waiters) {
        if (!waiter->is_done()) await_sleep_of(waiter->tid());
      }
      EXPECT_EQ(done, sent);
      // The one who came last is woken first.
      for (int i = 0; i < kWaiters; ++i) EXPECT_EQ(waiters[static_cast<size_t>(i)]->is_done(), i >= kWaiters - sent) << sent;
    }
    for (auto& waiter : waiters) EXPECT_EQ(waiter->result(), EPOLLIN);
  }
}

struct SourceRow {
  const char* name;
  Fd (*watch)(Fd& peer);
  void (*ring)(Fd& peer);
};

Fd local_source(int type, Fd& peer) {
  LocalPair pair(type);
  peer = std::move(pair.a);
  return std::move(pair.b);
}
Fd tcp_source(Fd& peer) {
  TcpPair pair = tcp_pair();
  peer = std::move(pair.client);
  return std::move(pair.server);
}
Fd udp_source(Fd& peer) {
  Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0));
  peer = Fd(::socket(AF_INET, SOCK_DGRAM, 0));
  bind_to(receiver, loopback4());
  connect_to(peer, name_of(receiver));
  return receiver;
}
Fd pipe_source(Fd& peer) {
  Pipe pipe;
  peer = std::move(pipe.write_end);
  return std::move(pipe.read_end);
}
Fd listener_source(Fd& peer) {
  Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  bind_to(listener, loopback4());
  ::listen(listener, 16);
  peer = Fd(::socket(AF_INET, SOCK_STREAM, 0));
  return listener;
}
void write_one(Fd& peer) { ::write(peer, "x", 1); }

const SourceRow kSources[] = {
    {"tcp", tcp_source, write_one},
    {"udp", udp_source, write_one},
    {"local_stream", [](Fd& peer) { return local_source(SOCK_STREAM, peer); }, write_one},
    {"local_datagram", [](Fd& peer) { return local_source(SOCK_DGRAM, peer); }, write_one},
    {"local_packet", [](Fd& peer) { return local_source(SOCK_SEQPACKET, peer); }, write_one},
};

// A set of its own for each waiter, the same socket in all. Exclusive: the entry that was added first and has a waiter is woken,
// and no other.
class ExclusiveTest : public testing::TestWithParam<SourceRow> {};

TEST_P(ExclusiveTest, OneSetIsWokenForEachArrival) {
  Fd peer;
  const Fd watched = GetParam().watch(peer);
  const Set sets[kWaiters];
  for (const Set& set : sets) ASSERT_EQ(set.add(watched, EPOLLIN | EPOLLEXCLUSIVE), 0);
  std::vector<std::unique_ptr<BlockedThread>> waiters;
  for (const Set& set : sets) {
    waiters.push_back(std::make_unique<BlockedThread>([&] { return set.wait_one(-1); }));
    waiters.back()->await_sleep();
  }
  for (size_t arrival = 0; arrival < kWaiters; ++arrival) {
    GetParam().ring(peer);
    while (!waiters[arrival]->is_done()) ::sched_yield();
    for (size_t i = arrival + 1; i < kWaiters; ++i) {
      await_sleep_of(waiters[i]->tid());
      EXPECT_FALSE(waiters[i]->is_done()) << arrival;
    }
  }
  for (auto& waiter : waiters) EXPECT_EQ(waiter->result(), EPOLLIN);
}

TEST_P(ExclusiveTest, SharedEntriesAreWokenBesides) {
  Fd peer;
  const Fd watched = GetParam().watch(peer);
  const Set exclusive[2], shared[2];
  for (const Set& set : exclusive) ASSERT_EQ(set.add(watched, EPOLLIN | EPOLLEXCLUSIVE), 0);
  for (const Set& set : shared) ASSERT_EQ(set.add(watched, EPOLLIN), 0);
  BlockedThread first([&] { return exclusive[0].wait_one(-1); }), second([&] { return exclusive[1].wait_one(-1); });
  BlockedThread third([&] { return shared[0].wait_one(-1); }), fourth([&] { return shared[1].wait_one(-1); });
  for (BlockedThread* waiter : {&first, &second, &third, &fourth}) waiter->await_sleep();
  GetParam().ring(peer);
  EXPECT_EQ(third.result(), EPOLLIN);
  EXPECT_EQ(fourth.result(), EPOLLIN);
  EXPECT_EQ(first.result(), EPOLLIN);
  await_sleep_of(second.tid());
  EXPECT_FALSE(second.is_done());
  GetParam().ring(peer);
  EXPECT_EQ(second.result(), EPOLLIN);
}

// An exclusive set that nobody waits on does not swallow the wake-up.
TEST_P(ExclusiveTest, ASetWithoutWaitersIsPassedOver) {
  Fd peer;
  const Fd watched = GetParam().watch(peer);
  const Set idle, busy;
  ASSERT_EQ(idle.add(watched, EPOLLIN | EPOLLEXCLUSIVE), 0);
  ASSERT_EQ(busy.add(watched, EPOLLIN | EPOLLEXCLUSIVE), 0);
  BlockedThread waiter([&] { return busy.wait_one(-1); });
  waiter.await_sleep();
  GetParam().ring(peer);
  EXPECT_EQ(waiter.result(), EPOLLIN);
  EXPECT_EQ(idle.wait_one(), EPOLLIN);
}

INSTANTIATE_TEST_SUITE_P(Sources, ExclusiveTest, testing::ValuesIn(kSources),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ExclusivePipeTest, OneSetIsWokenOrMore) {
  Fd peer;
  const Fd watched = pipe_source(peer);
  const Set sets[2];
  for (const Set& set : sets) ASSERT_EQ(set.add(watched, EPOLLIN | EPOLLEXCLUSIVE), 0);
  BlockedThread first([&] { return sets[0].wait_one(-1); }), second([&] { return sets[1].wait_one(-1); });
  first.await_sleep();
  second.await_sleep();
  write_one(peer);
  EXPECT_EQ(first.result(), EPOLLIN);
  write_one(peer);
  EXPECT_EQ(second.result(), EPOLLIN);
}

TEST(ExclusiveListenerTest, OneAcceptorIsWokenForEachConnection) {
  Fd first_client;
  const Fd listener = listener_source(first_client);
  const Set sets[3];
  for (const Set& set : sets) ASSERT_EQ(set.add(listener, EPOLLIN | EPOLLEXCLUSIVE), 0);
  std::vector<std::unique_ptr<BlockedThread>> waiters;
  for (const Set& set : sets) {
    waiters.push_back(std::make_unique<BlockedThread>([&] { return set.wait_one(-1); }));
    waiters.back()->await_sleep();
  }
  Fd clients[3];
  for (size_t i = 0; i < 3; ++i) {
    clients[i] = Fd(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(connect_to(clients[i], name_of(listener)), 0);
    while (!waiters[i]->is_done()) ::sched_yield();
    for (size_t rest = i + 1; rest < 3; ++rest) {
      await_sleep_of(waiters[rest]->tid());
      EXPECT_FALSE(waiters[rest]->is_done());
    }
  }
  for (auto& waiter : waiters) EXPECT_EQ(waiter->result(), EPOLLIN);
}

// Copies go to raw sockets of a protocol newest first, and neither connect() nor bind() makes one newer.
class RawOrderTest : public testing::TestWithParam<int> {
 protected:
  Fd raw() const { return Fd(::socket(GetParam(), SOCK_RAW | SOCK_NONBLOCK, 253)); }
  long connect_home(int fd) const { return GetParam() == AF_INET ? connect_to(fd, loopback4()) : connect_to(fd, loopback6()); }
};

TEST_P(RawOrderTest, IsNewestFirstWhateverTheyConnectTo) {
  const Fd one = raw(), two = raw(), three = raw(), sender = raw();
  if (sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  const Set set;
  ASSERT_EQ(set.add(one, EPOLLIN, 1), 0);
  ASSERT_EQ(set.add(two, EPOLLIN, 2), 0);
  ASSERT_EQ(set.add(three, EPOLLIN, 3), 0);
  ASSERT_EQ(connect_home(one), 0);
  ASSERT_EQ(connect_home(sender), 0);
  ASSERT_EQ(::send(sender, "x", 1, 0), 1);
  EXPECT_EQ(set.order(5), "321");
}

TEST_P(RawOrderTest, APortThatIsSharedAfterBirthMovesNobody) {
  const Fd one = raw(), two = raw(), sender = raw();
  if (sender < 0) GTEST_SKIP() << "needs CAP_NET_RAW";
  const int on = 1;
  ASSERT_EQ(::setsockopt(two, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
  const Set set;
  ASSERT_EQ(set.add(one, EPOLLIN, 1), 0);
  ASSERT_EQ(set.add(two, EPOLLIN, 2), 0);
  ASSERT_EQ(GetParam() == AF_INET ? bind_to(two, loopback4()) : bind_to(two, loopback6()), 0);
  ASSERT_EQ(connect_home(sender), 0);
  ASSERT_EQ(::send(sender, "x", 1, 0), 1);
  EXPECT_EQ(set.order(5), "21");
}

INSTANTIATE_TEST_SUITE_P(Families, RawOrderTest, testing::Values(AF_INET, AF_INET6));

// Both ends of a connection hear of a shutdown: the peer, whom the FIN reaches within the call, before the one that is shut.
TEST(ShutdownOrderTest, ThePeerIsToldFirst) {
  for (const int how : {SHUT_WR, SHUT_RDWR}) {
    Fd client;
    const Fd listener = listener_source(client);
    client = Fd(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(connect_to(client, name_of(listener)), 0);
    const Fd accepted(::accept(listener, nullptr, nullptr));
    ASSERT_GE(accepted.get(), 0);
    const Set set;
    ASSERT_EQ(set.add(client, EPOLLRDHUP | EPOLLOUT | EPOLLET, 0), 0);
    ASSERT_EQ(set.add(accepted, EPOLLRDHUP | EPOLLET, 1), 0);
    EXPECT_EQ(set.order(5), "0");
    ASSERT_EQ(::shutdown(client, how), 0);
    EXPECT_EQ(set.order(5), "10") << "how " << how;
  }
}

}  // namespace
}  // namespace conformance
