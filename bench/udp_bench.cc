// A datagram sent and received over loopback: lxnet by function call, and Linux by system call, in one run.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "hosts/threads/thread_host.hh"
#include "listen_table/listen_table.hh"
#include "stack/socket_factories.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

Ref<Socket> bound_socket(Stack& stack) {
  Entry entry(stack);
  Ref<Socket> socket = create_udp_socket(entry, IpFamily::V4, 17).take();
  const Endpoint local{.address = Ipv4Address::loopback(), .port = 0, .scope_id = 0};
  if (!socket->bind(entry, local).is_ok()) throw std::runtime_error("bind");
  return socket;
}

void close_socket(Stack& stack, const Ref<Socket>& socket) {
  Entry entry(stack);
  socket->close(entry);
}

void BM_Lxnet(benchmark::State& state) {
  threads::ThreadHost host("bench");
  Stack& stack = host.stack();
  const Ref<Socket> receiver = bound_socket(stack), sender = bound_socket(stack);
  std::vector<uint8_t> data(static_cast<size_t>(state.range(0))), got(data.size());
  {
    Entry entry(stack);
    if (!sender->connect(entry, receiver->local_name(entry).take(), 0).is_ok()) throw std::runtime_error("connect");
  }
  for (auto _ : state) {
    {
      Entry entry(stack);
      SpanSource source(data);
      SendRequest request{.source = source, .flags = kMessageDontWait, .destination = nullptr, .control = {}};
      benchmark::DoNotOptimize(sender->send(entry, request).is_ok());
    }
    Entry entry(stack);
    SpanSink sink(got);
    ReceiveRequest request{.sink = sink, .flags = kMessageDontWait};
    if (!receiver->receive(entry, request).is_ok()) state.SkipWithError("lost");
  }
  state.SetItemsProcessed(state.iterations());
  close_socket(stack, sender);
  close_socket(stack, receiver);
}
BENCHMARK(BM_Lxnet)->Arg(64)->Arg(1400)->Arg(65000);

void BM_Linux(benchmark::State& state) {
  const int receiver = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in name{};
  socklen_t size = sizeof name;
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(receiver, reinterpret_cast<sockaddr*>(&name), size) != 0) throw std::runtime_error("bind");
  getsockname(receiver, reinterpret_cast<sockaddr*>(&name), &size);
  if (connect(sender, reinterpret_cast<sockaddr*>(&name), size) != 0) throw std::runtime_error("connect");
  std::vector<uint8_t> data(static_cast<size_t>(state.range(0))), got(data.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(send(sender, data.data(), data.size(), 0));
    if (recv(receiver, got.data(), got.size(), MSG_DONTWAIT) < 0) state.SkipWithError("lost");
  }
  state.SetItemsProcessed(state.iterations());
  close(sender);
  close(receiver);
}
BENCHMARK(BM_Linux)->Arg(64)->Arg(1400)->Arg(65000);

}  // namespace
}  // namespace lxnet
