// Packets that are followed and translated by several threads while who needs it comes and goes.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "hosts/threads/thread_host.hh"
#include "stack/conntrack/connection_tracker.hh"
#include "stack/filter/filter_packet.hh"
#include "stack/nat/nat_sources.hh"
#include "stack/socket_factories.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

FilterVerdict to_loopback(PacketHook&, FilterPacket& packet) { return redirect(packet, {}); }

TEST(TrackThreads, NothingIsLostWhereverPacketsAre) {
  threads::ThreadHost host("test");
  Stack& stack = host.stack();
  constexpr int kSenders = 2, kEach = 3000;
  std::atomic<uint64_t> sent{0};
  const auto send_all = [&](int which) {
    Entry made(stack);
    const Ref<Socket> socket = create_udp_socket(made, IpFamily::V4, 17).take();
    for (int i = 0; i < kEach; ++i) {
      const Endpoint to{.address = Ipv4Address(127, 0, static_cast<uint8_t>(which), static_cast<uint8_t>(i % 50)),
                        .port = static_cast<uint16_t>(9 + i % 7),
                        .scope_id = 0};
      SpanSource source(bytes_of(i));
      SendRequest request{.source = source, .flags = kMessageDontWait, .destination = &to, .control = {}};
      Entry entry(stack);
      if (socket->send(entry, request).is_ok()) ++sent;
    }
    Entry entry(stack);
    socket->close(entry);
  };
  std::atomic<bool> is_over{false};
  std::thread comes_and_goes([&] {
    PacketHook rules;
    rules.hook = FilterHook::LocalOut;
    rules.run = &to_loopback;
    while (!is_over.load()) {
      const ConnectionUse use = ConnectionUse::create(stack, IpFamily::V4).take();
      Nat& nat = stack.connections().tracker()->nat();
      {
        MutexLock lock(stack.hooks().mutex());
        nat.add_rules_locked(stack.hooks(), rules);
      }
      std::this_thread::yield();
      MutexLock lock(stack.hooks().mutex());
      nat.remove_rules_locked(stack.hooks(), rules);
      stack.connections().tracker()->table().for_each([&](Connection& connection) {
        if (connection.tuple(kOriginal).destination_part.get() == 10) connection.table.remove(connection);
      });
    }
  });
  std::vector<std::thread> senders;
  for (int i = 0; i < kSenders; ++i) senders.emplace_back(send_all, i);
  for (auto& thread : senders) thread.join();
  is_over.store(true);
  comes_and_goes.join();
  EXPECT_GT(sent.load(), 0u);
  ConnectionTable& table = stack.connections().tracker()->table();
  size_t known = 0;
  MutexLock lock(stack.hooks().mutex());
  table.for_each([&](Connection& connection) {
    ++known;
    EXPECT_EQ(connection.reference_count(), 1u) << "no packet is on its way";
  });
  EXPECT_EQ(table.count(), known);
}

}  // namespace
}  // namespace lxnet
