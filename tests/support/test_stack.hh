// TestStack: a stack on a TestHal, with ports; and TestSocket: an Internet socket as a test speaks to it.
//
// Every call is an entry of its own, so what loopback carries has arrived when it returns.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>

#include "listen_table/listen_table.hh"
#include "stack/socket_factories.hh"
#include "stack/stack.hh"
#include "stack/wire/address_text.hh"
#include "tests/support/test_hal.hh"

namespace lxnet::testing {

class TestStack {
 public:
  explicit TestStack(uint64_t seed = 1) : hal(seed) {
    const lxnet_config config{
        .struct_size = sizeof(lxnet_config), .hostname = nullptr, .memory_limit = 0, .expected_sockets = 0, .flags = 0};
    const char* message = "";
    auto created = Stack::create(hal.table(), config, &message);
    if (!created.is_ok()) throw std::runtime_error(message);
    stack = created.take();
    if (!ListenTable::install(*stack).is_ok()) throw std::runtime_error("no ListenTable");
  }
  ~TestStack() {
    ListenTable::uninstall(*stack);
    Stack::destroy(stack);
  }
  TestStack(const TestStack&) = delete;
  TestStack& operator=(const TestStack&) = delete;

  TestHal hal;
  Stack* stack = nullptr;
};

inline Endpoint endpoint(const char* address, uint16_t port, uint32_t scope = 0) {
  const bool is_v6 = strchr(address, ':') != nullptr;
  if (is_v6) {
    auto parsed = parse_ipv6(address);
    return Endpoint{.address = parsed.take(), .port = port, .scope_id = scope};
  }
  auto parsed = parse_ipv4(address);
  return Endpoint{.address = parsed.take(), .port = port, .scope_id = scope};
}

// 0, or the errno.
template <typename T>
Errno error_of(const Result<T>& result) {
  return result.is_ok() ? Errno{} : result.error();
}

class TestSocket {
 public:
  TestSocket(TestStack& stack, Result<Ref<Socket>> created) : stack_(*stack.stack), socket_(created.take()) {}
  TestSocket(TestStack& stack, Ref<Socket> socket) : stack_(*stack.stack), socket_(std::move(socket)) {}
  TestSocket(TestSocket&& other) noexcept : stack_(other.stack_), socket_(std::exchange(other.socket_, nullptr)) {}
  ~TestSocket() { close(); }

  static TestSocket udp(TestStack& stack, IpFamily family = IpFamily::V4) {
    Entry entry(*stack.stack);
    return TestSocket(stack, create_udp_socket(entry, family, 17));
  }

  Errno bind(const Endpoint& local) {
    Entry entry(stack_);
    return error_of(socket_->bind(entry, local));
  }
  Errno connect(const Endpoint& remote) {
    Entry entry(stack_);
    return error_of(socket_->connect(entry, remote, 0));
  }
  Errno disconnect() {
    Entry entry(stack_);
    return error_of(socket_->disconnect(entry));
  }
  Errno shutdown(ShutdownHow how) {
    Entry entry(stack_);
    return error_of(socket_->shutdown(entry, how));
  }
  PollEvents poll() {
    Entry entry(stack_);
    return socket_->poll(entry);
  }
  Endpoint local() {
    Entry entry(stack_);
    return socket_->local_name(entry).take();
  }
  Errno remote(Endpoint& out) {
    Entry entry(stack_);
    auto name = socket_->remote_name(entry);
    if (!name.is_ok()) return name.error();
    out = name.take();
    return Errno{};
  }
  void close() {
    if (!socket_) return;
    Entry entry(stack_);
    socket_->close(entry);
    socket_ = nullptr;
  }

  // Bytes sent, or -errno.
  long send(const std::string& data, const Endpoint* to = nullptr, uint32_t flags = 0, SendControl control = {}) {
    SpanSource source(ByteSpan(reinterpret_cast<const uint8_t*>(data.data()), data.size()));
    SendRequest request{.source = source, .flags = flags | kMessageDontWait, .destination = to, .control = control};
    Entry entry(stack_);
    auto sent = socket_->send(entry, request);
    return sent.is_ok() ? static_cast<long>(sent.take()) : -static_cast<long>(sent.error());
  }
  long send_to(const std::string& data, const Endpoint& to, uint32_t flags = 0) { return send(data, &to, flags); }

  struct Received {
    long result = 0;  // or -errno
    std::string data;
    uint32_t flags = 0;
    Endpoint source;
    ReceiveRequest* request = nullptr;
  };
  Received receive(size_t room = 70000, uint32_t flags = kMessageDontWait) {
    Received received;
    std::string buffer(room, '\0');
    SpanSink sink(MutableByteSpan(reinterpret_cast<uint8_t*>(buffer.data()), room));
    ReceiveRequest request{.sink = sink, .flags = flags};
    Entry entry(stack_);
    auto result = socket_->receive(entry, request);
    received.result = result.is_ok() ? static_cast<long>(result.take()) : -static_cast<long>(result.error());
    received.data = buffer.substr(0, room - sink.room());
    received.flags = request.result_flags;
    received.source = request.is_error ? request.error_destination : request.source;
    error = request.error;
    is_error = request.is_error;
    segment_size = request.segment_size;
    drops = request.overflow_drops;
    return received;
  }
  // The datagram's bytes, or "-<errno>".
  std::string text(size_t room = 70000, uint32_t flags = kMessageDontWait) {
    const Received received = receive(room, flags);
    return received.result < 0 ? std::to_string(received.result) : received.data;
  }

  Socket* operator->() const { return socket_.get(); }
  Socket& operator*() const { return *socket_; }

  // Of the last receive().
  ExtendedError error;
  bool is_error = false;
  uint16_t segment_size = 0;
  uint32_t drops = 0;

 private:
  Stack& stack_;
  Ref<Socket> socket_;
};

inline long minus(Errno error) { return -static_cast<long>(error); }

}  // namespace lxnet::testing
