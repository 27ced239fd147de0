// TcpHost: a stack on a virtual clock whose TCP sockets a test drives by function call. Nothing sleeps: what would block says so,
// and time passes when the test says.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "listen_table/listen_table.hh"
#include "stack/socket_factories.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"
#include "stack/wire/address_text.hh"
#include "tests/support/test_hal.hh"

namespace lxnet {

// What tests may look at inside a connection.
struct TcpTestAccess {
  static const SendState& send(const TcpSocket& socket) { return socket.snd_; }
  static const ReceiveState& receive(const TcpSocket& socket) { return socket.rcv_; }
  static const CongestionState& congestion(const TcpSocket& socket) { return socket.congestion_; }
  static const RecoveryState& recovery(const TcpSocket& socket) { return socket.recovery_; }
  static const RttEstimator& rtt(const TcpSocket& socket) { return socket.rtt_; }
  static const TcpStatistics& statistics(const TcpSocket& socket) { return socket.statistics_; }
  static uint32_t receive_charge(const TcpSocket& socket) { return socket.receive_charge(); }
  static const SendQueue& send_queue(const TcpSocket& socket) { return socket.send_queue_; }
  static bool has_rare_parts(const TcpSocket& socket) { return socket.rare() != nullptr; }
  static uint32_t memory_pages(const TcpSocket& socket) { return socket.memory_pages_; }
};

namespace testing {

class TcpHost {
 public:
  TcpHost() {
    hal.set_now(Instant::from_nanos(1'000'000'000'000));
    lxnet_config config{};
    config.struct_size = sizeof config;
    stack_ = Stack::create(hal.table(), config, nullptr).take();
    EXPECT_TRUE(ListenTable::install(*stack_).is_ok());
  }
  ~TcpHost() {
    // TIME_WAITs hold ports until their minute is over.
    advance(Duration::seconds(400));
    EXPECT_EQ(stack_->tcp().time_waits(), 0);
    ListenTable::uninstall(*stack_);
    Stack::destroy(stack_);
  }

  Stack& stack() { return *stack_; }
  TunableValues& tunables() { return stack_->tunables().values(); }

  Ref<TcpSocket> socket(IpFamily family = IpFamily::V4) {
    Entry entry(*stack_);
    return Ref<TcpSocket>::adopt(static_cast<TcpSocket*>(create_tcp_socket(entry, family).take().leak()));
  }
  // 0, or the errno.
  Errno bind(TcpSocket& socket, const char* address, uint16_t port) {
    Entry entry(*stack_);
    return errno_of(socket.bind(entry, endpoint(address, port)));
  }
  Errno connect(TcpSocket& socket, const char* address, uint16_t port) {
    Entry entry(*stack_);
    return errno_of(socket.connect(entry, endpoint(address, port), 0));
  }
  Errno listen(TcpSocket& socket, int backlog) {
    Entry entry(*stack_);
    return errno_of(socket.listen(entry, backlog));
  }
  Ref<TcpSocket> accept(TcpSocket& socket) {
    Entry entry(*stack_);
    auto accepted = socket.accept(entry);
    if (!accepted.is_ok()) {
      last_error = accepted.error();
      return nullptr;
    }
    return Ref<TcpSocket>::adopt(static_cast<TcpSocket*>(accepted.take().leak()));
  }
  // The count, or minus the errno.
  int64_t send(TcpSocket& socket, const std::string& bytes, uint32_t flags = 0) {
    Entry entry(*stack_);
    SpanSource source(ByteSpan(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
    SendRequest request{.source = source, .flags = flags, .control = {}};
    return number_of(socket.send(entry, request));
  }
  // Up to `size` bytes into `received`; the count, or minus the errno.
  int64_t receive(TcpSocket& socket, size_t size, uint32_t flags = 0) {
    Entry entry(*stack_);
    received.assign(size, '\0');
    SpanSink sink(MutableByteSpan(reinterpret_cast<uint8_t*>(received.data()), size));
    ReceiveRequest request{.sink = sink, .flags = flags};
    const int64_t got = number_of(socket.receive(entry, request));
    received.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return got;
  }
  std::string read(TcpSocket& socket, size_t size = 1 << 20) {
    receive(socket, size);
    return received;
  }
  Errno shutdown(TcpSocket& socket, ShutdownHow how) {
    Entry entry(*stack_);
    return errno_of(socket.shutdown(entry, how));
  }
  PollEvents poll(TcpSocket& socket) {
    Entry entry(*stack_);
    return socket.poll(entry);
  }
  void close(Ref<TcpSocket>& socket) {
    {
      Entry entry(*stack_);
      socket->close(entry);
    }
    socket = nullptr;
  }
  uint16_t port_of(TcpSocket& socket) {
    Entry entry(*stack_);
    return socket.local_name(entry).take().port;
  }

  // Runs the timers on the way, each at its time.
  void advance(Duration duration) {
    const Instant end = hal.now() + duration;
    for (;;) {
      const Instant next = stack_->timers().next_deadline();
      if (next > end) break;
      if (next > hal.now()) hal.set_now(next);
      Entry entry(*stack_);
      stack_->timers().expire(entry, hal.now());
    }
    hal.set_now(end);
  }

  struct Pair {
    Ref<TcpSocket> client, server, listener;
  };
  // A connection over lo.
  Pair connected_pair(uint16_t port = 8080) {
    Pair pair;
    pair.listener = socket();
    EXPECT_EQ(bind(*pair.listener, "127.0.0.1", port), Errno{});
    EXPECT_EQ(listen(*pair.listener, 16), Errno{});
    pair.client = socket();
    EXPECT_EQ(connect(*pair.client, "127.0.0.1", port), Errno::EINPROGRESS);
    EXPECT_EQ(connect(*pair.client, "127.0.0.1", port), Errno{});
    pair.server = accept(*pair.listener);
    EXPECT_TRUE(pair.server);
    return pair;
  }
  void close(Pair& pair) {
    for (Ref<TcpSocket>* socket : {&pair.client, &pair.server, &pair.listener}) {
      if (*socket) close(*socket);
    }
  }

  static Endpoint endpoint(const char* address, uint16_t port) {
    Endpoint endpoint;
    if (std::string(address).find(':') != std::string::npos) {
      endpoint.address = parse_ipv6(address).take();
    } else {
      endpoint.address = parse_ipv4(address).take();
    }
    endpoint.port = port;
    return endpoint;
  }
  template <typename T>
  static Errno errno_of(Result<T> result) {
    return result.is_ok() ? Errno{} : result.error();
  }
  static int64_t number_of(Result<size_t> result) {
    return result.is_ok() ? static_cast<int64_t>(result.take()) : -static_cast<int64_t>(result.error());
  }

  TestHal hal;
  std::string received;
  Errno last_error{};

 private:
  Stack* stack_ = nullptr;
};

inline int64_t minus(Errno error) { return -static_cast<int64_t>(error); }

}  // namespace testing
}  // namespace lxnet
