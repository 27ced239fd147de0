// Who receives which packet, and the enumeration of all.
#include "stack/socket_set.hh"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

#include "tests/support/fake_socket.hh"
#include "tests/support/test_stack.hh"

namespace lxnet {
namespace {

using namespace lxnet::testing;

class SocketSetTest : public ::testing::Test {
 protected:
  struct Owned {
    Ref<FakeSocket> socket;
    DemuxEntry entry;
  };
  // Bound, and connected where a remote is given.
  Owned& add(DemuxSpace space, IpFamily family, const char* local, uint16_t port, const char* remote = nullptr,
             uint16_t peer = 0) {
    owned_.push_back(std::make_unique<Owned>());
    Owned& made = *owned_.back();
    made.socket = FakeSocket::create(*stack.stack, family);
    made.entry.socket = made.socket.get();
    made.entry.space = space;
    made.entry.family = family;
    made.entry.local = endpoint(local, 0).address;
    made.entry.local_port = port;
    if (remote != nullptr) {
      made.entry.remote = endpoint(remote, 0).address;
      made.entry.remote_port = peer;
    }
    return made;
  }
  Owned& listed(DemuxSpace space, IpFamily family, const char* local, uint16_t port, const char* remote = nullptr,
                uint16_t peer = 0) {
    Owned& made = add(space, family, local, port, remote, peer);
    const bool added =
        remote != nullptr ? set().add_flow(made.entry, FlowSharing::Shared).is_ok() : set().add_bound(made.entry).is_ok();
    EXPECT_TRUE(added);
    return made;
  }
  ~SocketSetTest() override {
    for (auto& made : owned_) set().remove(made->entry);
  }
  static PacketTuple tuple(DemuxSpace space, const char* local, uint16_t port, const char* remote, uint16_t peer,
                           uint32_t in = 1) {
    return PacketTuple{.space = space,
                       .local = endpoint(local, 0).address,
                       .remote = endpoint(remote, 0).address,
                       .local_port = port,
                       .remote_port = peer,
                       .interface_index = in};
  }
  Socket* datagram(const char* local, uint16_t port, const char* remote, uint16_t peer, uint32_t in = 1) {
    return set().find_datagram(tuple(DemuxSpace::Udp, local, port, remote, peer, in)).get();
  }
  SocketSet& set() { return stack.stack->sockets(); }

  TestStack stack;
  std::vector<std::unique_ptr<Owned>> owned_;
};

constexpr DemuxSpace kUdp = DemuxSpace::Udp, kTcp = DemuxSpace::Tcp;

TEST_F(SocketSetTest, TheMostSpecificReceiverWins) {
  Owned& any = listed(kUdp, IpFamily::V4, "0.0.0.0", 53);
  EXPECT_EQ(datagram("10.0.0.1", 53, "10.9.9.9", 1000), any.socket.get());
  Owned& specific = listed(kUdp, IpFamily::V4, "10.0.0.1", 53);
  EXPECT_EQ(datagram("10.0.0.1", 53, "10.9.9.9", 1000), specific.socket.get());
  EXPECT_EQ(datagram("10.0.0.2", 53, "10.9.9.9", 1000), any.socket.get());
  Owned& connected = listed(kUdp, IpFamily::V4, "10.0.0.1", 53, "10.9.9.9", 1000);
  EXPECT_EQ(datagram("10.0.0.1", 53, "10.9.9.9", 1000), connected.socket.get());
  EXPECT_EQ(datagram("10.0.0.1", 53, "10.9.9.9", 1001), specific.socket.get());
  EXPECT_EQ(datagram("10.0.0.1", 54, "10.9.9.9", 1000), nullptr);
  set().remove(connected.entry);
  EXPECT_EQ(datagram("10.0.0.1", 53, "10.9.9.9", 1000), specific.socket.get());
}

TEST_F(SocketSetTest, BoundInterfaceAdmitsAndIsPreferred) {
  Owned& everywhere = listed(kUdp, IpFamily::V4, "0.0.0.0", 53);
  Owned& here = listed(kUdp, IpFamily::V4, "0.0.0.0", 53);
  here.socket->options.bound_interface = 2;
  EXPECT_EQ(datagram("10.0.0.1", 53, "10.9.9.9", 1, 2), here.socket.get());
  EXPECT_EQ(datagram("10.0.0.1", 53, "10.9.9.9", 1, 3), everywhere.socket.get());
}

TEST_F(SocketSetTest, DualStackSocketsTakeIpv4UnlessToldNotTo) {
  Owned& dual = listed(kUdp, IpFamily::V6, "::", 53);
  EXPECT_EQ(datagram("10.0.0.1", 53, "10.9.9.9", 1), dual.socket.get());
  EXPECT_EQ(datagram("2001:db8::1", 53, "2001:db8::2", 1), dual.socket.get());
  Owned& four = listed(kUdp, IpFamily::V4, "0.0.0.0", 53);
  EXPECT_EQ(datagram("10.0.0.1", 53, "10.9.9.9", 1), four.socket.get());
  EXPECT_EQ(datagram("2001:db8::1", 53, "2001:db8::2", 1), dual.socket.get());
  Owned& only = add(kUdp, IpFamily::V6, "::", 54);
  only.entry.v6_only = true;
  ASSERT_TRUE(set().add_bound(only.entry).is_ok());
  EXPECT_EQ(datagram("10.0.0.1", 54, "10.9.9.9", 1), nullptr);
}

TEST_F(SocketSetTest, NewestOfEqualsWins) {
  listed(kUdp, IpFamily::V4, "0.0.0.0", 53);
  Owned& newer = listed(kUdp, IpFamily::V4, "0.0.0.0", 53);
  EXPECT_EQ(datagram("10.0.0.1", 53, "10.9.9.9", 1), newer.socket.get());
}

TEST_F(SocketSetTest, ReusePortGroupSpreadsFlowsAndKeepsEachInPlace) {
  constexpr int kMembers = 4;
  std::map<Socket*, int> hits;
  for (int i = 0; i < kMembers; ++i) {
    Owned& member = add(kTcp, IpFamily::V4, "0.0.0.0", 80);
    member.entry.reuse_port = true;
    ASSERT_TRUE(set().add_bound(member.entry).is_ok());
    hits[member.socket.get()] = 0;
  }
  for (uint16_t port = 1; port <= 4000; ++port) {
    Socket* first = set().find_listener(tuple(kTcp, "10.0.0.1", 80, "10.9.9.9", port)).get();
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(set().find_listener(tuple(kTcp, "10.0.0.1", 80, "10.9.9.9", port)).get(), first);
    ++hits[first];
  }
  for (const auto& [socket, count] : hits) EXPECT_NEAR(count, 1000, 150);
  set().remove(owned_[0]->entry);
  EXPECT_NE(set().find_listener(tuple(kTcp, "10.0.0.1", 80, "10.9.9.9", 1)).get(), owned_[0]->socket.get());
}

TEST_F(SocketSetTest, UniqueFlowIsRefusedWhileItIsTaken) {
  Owned& first = listed(kTcp, IpFamily::V4, "10.0.0.1", 80, "10.9.9.9", 1000);
  Owned& second = add(kTcp, IpFamily::V4, "10.0.0.1", 80, "10.9.9.9", 1000);
  Flow occupant;
  EXPECT_TRUE(set().add_flow(second.entry, FlowSharing::Unique, &occupant).is_error(Errno::EADDRNOTAVAIL));
  EXPECT_EQ(occupant.socket.get(), first.socket.get());
  set().replace_flow(first.entry, second.entry);
  EXPECT_EQ(set().find_flow(tuple(kTcp, "10.0.0.1", 80, "10.9.9.9", 1000)).socket.get(), second.socket.get());
  EXPECT_FALSE(first.entry.is_added());
}

TEST_F(SocketSetTest, DyingSocketIsNotFound) {
  Owned& dying = listed(kUdp, IpFamily::V4, "0.0.0.0", 53);
  // As between the last unref and the removal that the destructor waits for.
  Socket* socket = dying.socket.leak();
  ASSERT_TRUE(socket->unref());
  EXPECT_EQ(datagram("10.0.0.1", 53, "10.9.9.9", 1), nullptr);
  set().remove(dying.entry);
  socket->ref();
  dying.socket = Ref<FakeSocket>::adopt(static_cast<FakeSocket*>(socket));
}

TEST_F(SocketSetTest, MulticastVisitsEverySocketItMayBeFor) {
  Owned& group = listed(kUdp, IpFamily::V4, "224.1.1.1", 53);
  Owned& any = listed(kUdp, IpFamily::V4, "0.0.0.0", 53);
  listed(kUdp, IpFamily::V4, "10.0.0.1", 53);
  Owned& connected = listed(kUdp, IpFamily::V4, "224.1.1.1", 53, "10.9.9.9", 1);
  std::set<Socket*> seen;
  set().visit_datagram(
      tuple(kUdp, "224.1.1.1", 53, "10.9.9.9", 1),
      [](void* context, Socket& socket) { static_cast<std::set<Socket*>*>(context)->insert(&socket); }, &seen);
  EXPECT_EQ(seen, (std::set<Socket*>{group.socket.get(), any.socket.get(), connected.socket.get()}));
}

TEST_F(SocketSetTest, AgreesWithANaiveModel) {
  std::mt19937 random(3);
  const char* locals[] = {"0.0.0.0", "10.0.0.1", "10.0.0.2"};
  std::vector<Owned*> live;  // in order of adding
  for (int step = 0; step < 3000; ++step) {
    if (random() % 3 != 0 || live.empty()) {
      const bool connect = random() % 2 == 0;
      const char* local = locals[connect ? 1 + random() % 2 : random() % 3];
      live.push_back(&listed(kUdp, IpFamily::V4, local, static_cast<uint16_t>(1 + random() % 4), connect ? "10.9.9.9" : nullptr,
                             static_cast<uint16_t>(1 + random() % 4)));
    } else {
      const size_t which = random() % live.size();
      set().remove(live[which]->entry);
      live.erase(live.begin() + static_cast<long>(which));
    }
    const PacketTuple asked = tuple(kUdp, locals[1 + random() % 2], static_cast<uint16_t>(1 + random() % 4), "10.9.9.9",
                                    static_cast<uint16_t>(1 + random() % 4));
    Socket* best = nullptr;
    int best_score = -1;
    for (Owned* one : live) {
      const DemuxEntry& e = one->entry;
      if (e.local_port != asked.local_port || !(e.local.is_unspecified() || e.local == asked.local)) continue;
      if (e.remote_port != 0 && e.remote_port != asked.remote_port) continue;
      const int score = (e.remote_port != 0 ? 4 : 0) + (e.local.is_unspecified() ? 0 : 2);
      if (score >= best_score) {
        best_score = score;
        best = one->socket.get();
      }
    }
    ASSERT_EQ(set().find_datagram(asked).get(), best) << "step " << step;
  }
}

TEST_F(SocketSetTest, CursorSeesWhatWasThereAllTheTimeExactlyOnce) {
  for (uint16_t port = 1; port <= 200; ++port) listed(kUdp, IpFamily::V4, "0.0.0.0", port);
  std::set<Socket*> seen;
  SocketCursor cursor(set()), other(set());
  std::vector<Ref<Socket>> keep;
  for (int i = 0; i < 100; ++i) {
    Flow flow = cursor.next();
    ASSERT_TRUE(flow);
    EXPECT_TRUE(seen.insert(flow.socket.get()).second);
  }
  // While the cursor rests, half of the others go and new ones come.
  std::set<Socket*> gone;
  for (auto& made : owned_) {
    if (seen.count(made->socket.get()) == 0 && gone.size() < 50) {
      gone.insert(made->socket.get());
      set().remove(made->entry);
    }
  }
  listed(kUdp, IpFamily::V4, "0.0.0.0", 1000);
  while (const Flow flow = cursor.next()) EXPECT_TRUE(seen.insert(flow.socket.get()).second);
  for (size_t i = 0; i < 200; ++i) EXPECT_EQ(seen.count(owned_[i]->socket.get()) + gone.count(owned_[i]->socket.get()), 1u);
  EXPECT_TRUE(other.next());
}

TEST_F(SocketSetTest, SurvivesEveryFailingAllocation) {
  for_each_failing_allocation(stack.hal, [&] {
    DemuxEntry entries[3];
    auto socket = FakeSocket::create(*stack.stack, IpFamily::V4);
    if (!socket) return;
    for (DemuxEntry& entry : entries) {
      entry.socket = socket.get();
      entry.space = kUdp;
      entry.local_port = 99;
      entry.reuse_port = true;
      static_cast<void>(set().add_bound(entry).is_ok());
    }
    for (DemuxEntry& entry : entries) set().remove(entry);
  });
}

}  // namespace
}  // namespace lxnet
