// A socket that has options and nothing else: an owner for claims.
#pragma once

#include "stack/socket.hh"
#include "stack/stack.hh"

namespace lxnet::testing {

class FakeSocket final : public Socket {
 public:
  // With exceptions a constructor that throws gives its memory back.
  static void operator delete(void*, void*) {}
  static void operator delete(void*, size_t) {}

  FakeSocket(Stack& stack, IpFamily family) : Socket(stack, family, SocketType::Stream, 6) {}
  static Ref<FakeSocket> create(Stack& stack, IpFamily family) {
    return Ref<FakeSocket>::adopt(construct<FakeSocket>(stack.hal(), stack, family));
  }

  Result<> bind(Entry&, const Endpoint&) override { return Errno::EOPNOTSUPP; }
  Result<> connect(Entry&, const Endpoint&, uint32_t) override { return Errno::EOPNOTSUPP; }
  Result<> disconnect(Entry&) override { return Errno::EOPNOTSUPP; }
  Result<> listen(Entry&, int) override { return Errno::EOPNOTSUPP; }
  Result<Ref<Socket>> accept(Entry&) override { return Errno::EOPNOTSUPP; }
  Result<size_t> send(Entry&, SendRequest&) override { return Errno::EOPNOTSUPP; }
  Result<size_t> receive(Entry&, ReceiveRequest&) override { return Errno::EOPNOTSUPP; }
  Result<> shutdown(Entry&, ShutdownHow) override { return Errno::EOPNOTSUPP; }
  PollEvents poll(Entry&) override { return 0; }
  void close(Entry&) override {}
  Result<Endpoint> local_name(Entry&) override { return Errno::EOPNOTSUPP; }
  Result<Endpoint> remote_name(Entry&) override { return Errno::EOPNOTSUPP; }
  Result<int> bytes_readable(Entry&) override { return Errno::EOPNOTSUPP; }
  SocketMemory memory(Entry&) override { return {}; }
  Result<int> bytes_unsent(Entry&) override { return Errno::EOPNOTSUPP; }
  Result<> set_group_program(Entry&, Ref<BpfProgram>) override { return Errno::EINVAL; }

 private:
  template <typename T>
  friend void lxnet::dispose(const Hal& hal, T* object);
  ~FakeSocket() override = default;
  void destroy_self() override { dispose(stack().hal(), this); }
};

}  // namespace lxnet::testing
