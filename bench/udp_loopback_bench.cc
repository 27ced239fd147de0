// 64-byte datagrams over loopback: the same calls to the Linux kernel and to lxnet in this process, in one run. An item is one
// datagram sent and received.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "hosts/threads/thread_host.hh"

namespace lxnet {
namespace {

constexpr size_t kSize = 64;
constexpr int kBatch = 32;

struct Linux {
  template <typename... Arguments>
  int64_t call(long number, Arguments... arguments) {
    return syscall(number, arguments...);
  }
};
struct Lxnet {
  template <typename... Arguments>
  int64_t call(long number, Arguments... arguments) {
    return host.call(number, arguments...);
  }
  threads::ThreadHost host{"bench"};
};

sockaddr_in loopback_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void require(bool condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "udp_loopback: %s\n", what);
  abort();
}

template <typename Target>
class Pair {
 public:
  Pair() {
    sockaddr_in address = loopback_address();
    socklen_t length = sizeof address;
    receiver_ = static_cast<int>(target_.call(SYS_socket, AF_INET, SOCK_DGRAM, 0));
    sender_ = static_cast<int>(target_.call(SYS_socket, AF_INET, SOCK_DGRAM, 0));
    require(receiver_ >= 0 && sender_ >= 0, "socket");
    require(target_.call(SYS_bind, receiver_, &address, length) == 0, "bind");
    require(target_.call(SYS_getsockname, receiver_, &address, &length) == 0, "getsockname");
    require(target_.call(SYS_connect, sender_, &address, length) == 0, "connect");
  }
  ~Pair() {
    target_.call(SYS_close, sender_);
    target_.call(SYS_close, receiver_);
  }
  void exchange(int count) {
    char data[kSize] = {};
    for (int i = 0; i < count; ++i) {
      require(target_.call(SYS_sendto, sender_, data, kSize, 0, nullptr, 0) == kSize, "send");
    }
    for (int i = 0; i < count; ++i) {
      require(target_.call(SYS_recvfrom, receiver_, data, kSize, 0, nullptr, nullptr) == kSize, "receive");
    }
  }

 private:
  Target target_;
  int receiver_, sender_;
};

template <typename Target>
void UdpLoopback(benchmark::State& state) {
  Pair<Target> pair;
  for (auto _ : state) pair.exchange(kBatch);
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(UdpLoopback<Linux>);
BENCHMARK(UdpLoopback<Lxnet>);

}  // namespace
}  // namespace lxnet
