// UDP called from several threads at once: what must hold is that nothing breaks, and that no datagram changes or appears twice.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "hosts/threads/thread_host.hh"
#include "stack/socket_factories.hh"
#include "stack/stack.hh"
#include "tests/support/own_options.hh"

namespace lxnet {
namespace {

Ref<Socket> bound_socket(Stack& stack) {
  Entry entry(stack);
  Ref<Socket> socket = create_udp_socket(entry, IpFamily::V4, 17).take();
  EXPECT_TRUE(socket->bind(entry, Endpoint{.address = Ipv4Address::loopback(), .port = 0, .scope_id = 0}).is_ok());
  return socket;
}

void close_socket(Stack& stack, const Ref<Socket>& socket) {
  Entry entry(stack);
  socket->close(entry);
}

TEST(UdpThreadsTest, ManySendersAndReceiversOfOneSocketLoseNothingButToAFullBuffer) {
  threads::ThreadHost host("test");
  Stack& stack = host.stack();
  const Ref<Socket> receiver = bound_socket(stack);
  Endpoint to;
  {
    Entry entry(stack);
    to = receiver->local_name(entry).take();
  }
  receiver->options.receive_buffer = 1 << 30;
  constexpr int kSenders = 3, kEach = 3000;
  std::atomic<bool> is_over{false};
  std::vector<uint64_t> received[2];
  const auto receive_some = [&](std::vector<uint64_t>& into) {
    for (;;) {
      const bool last_round = is_over.load();
      uint64_t value = 0;
      SpanSink sink(mutable_bytes_of(value));
      ReceiveRequest request{.sink = sink, .flags = kMessageDontWait};
      Entry entry(stack);
      auto result = receiver->receive(entry, request);
      if (result.is_ok()) {
        into.push_back(value);
      } else if (last_round) {
        return;
      }
    }
  };
  const auto send_all = [&](int sender) {
    const Ref<Socket> socket = bound_socket(stack);
    for (int i = 0; i < kEach; ++i) {
      const uint64_t value = static_cast<uint64_t>(sender) << 32 | static_cast<uint64_t>(i);
      SpanSource source(bytes_of(value));
      SendRequest request{.source = source, .flags = kMessageDontWait, .destination = &to, .control = {}};
      Entry entry(stack);
      EXPECT_TRUE(socket->send(entry, request).is_ok());
    }
    close_socket(stack, socket);
  };
  std::vector<std::thread> senders, receivers;
  for (auto& into : received) receivers.emplace_back([&] { receive_some(into); });
  for (int i = 0; i < kSenders; ++i) senders.emplace_back([&, i] { send_all(i); });
  for (auto& thread : senders) thread.join();
  is_over = true;
  for (auto& thread : receivers) thread.join();
  std::set<uint64_t> all;
  for (const auto& into : received) {
    for (const uint64_t value : into) EXPECT_TRUE(all.insert(value).second);
  }
  EXPECT_EQ(all.size(), size_t{kSenders * kEach});
  close_socket(stack, receiver);
}

TEST(UdpThreadsTest, SocketsComeGoAndReconnectWhilePacketsLookForThem) {
  threads::ThreadHost host("test");
  Stack& stack = host.stack();
  constexpr uint16_t kPort = 6000;
  std::atomic<bool> is_over{false};
  const Endpoint to{.address = Ipv4Address::loopback(), .port = kPort, .scope_id = 0};
  const auto churn = [&] {
    for (int i = 0; i < 600; ++i) {
      Entry entry(stack);
      Ref<Socket> socket = create_udp_socket(entry, IpFamily::V4, 17).take();
      own(*socket, socket->options).reuse_port = true;
      EXPECT_TRUE(socket->bind(entry, to).is_ok());
      EXPECT_TRUE(socket->connect(entry, Endpoint{.address = to.address, .port = 9, .scope_id = 0}, 0).is_ok());
      EXPECT_TRUE(socket->disconnect(entry).is_ok());
      socket->close(entry);
    }
  };
  const auto shout = [&] {
    const Ref<Socket> socket = bound_socket(stack);
    while (!is_over.load()) {
      SpanSource source(bytes_of(kPort));
      SendRequest request{.source = source, .flags = kMessageDontWait, .destination = &to, .control = {}};
      Entry entry(stack);
      static_cast<void>(socket->send(entry, request).is_ok());
    }
    close_socket(stack, socket);
  };
  std::vector<std::thread> churners, shouters;
  for (int i = 0; i < 2; ++i) shouters.emplace_back(shout);
  for (int i = 0; i < 2; ++i) churners.emplace_back(churn);
  for (auto& thread : churners) thread.join();
  is_over = true;
  for (auto& thread : shouters) thread.join();
  EXPECT_EQ(stack.sockets().count(DemuxSpace::Udp), 0u);
}

}  // namespace
}  // namespace lxnet
