// TCP over loopback, both systems by system call and from one thread: round trips, streams against the two copies they need,
// connections made and closed, and what a hundred thousand idle ones cost. lxnet as a host of one processor runs it, as lwIP is,
// but where a case says otherwise.
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "bench/lwip/lwip_pair.hh"
#include "bench/support/bench.hh"
#include "bench/support/systems.hh"

namespace lxnet::bench {
namespace {

// A system with a listener, which makes connections to itself.
template <typename System>
class Connections {
 public:
  struct Pair {
    int client, server;
  };

  Connections() { listener_ = listen_at(name_); }
  ~Connections() { system.call(SYS_close, listener_); }

  Pair connect() { return connect_to(listener_, name_); }
  Pair connect_to(int listener, const sockaddr_in& name) {
    const int client = static_cast<int>(check(system.call(SYS_socket, AF_INET, SOCK_STREAM, 0), "socket"));
    check(system.call(SYS_connect, client, &name, sizeof name), "connect");
    const int server = static_cast<int>(check(system.call(SYS_accept4, listener, nullptr, nullptr, 0), "accept"));
    return {client, server};
  }
  int listen_at(sockaddr_in& name) {
    const int listener = bound_socket(system, SOCK_STREAM, name);
    check(system.call(SYS_listen, listener, 1024), "listen");
    return listener;
  }
  void close(const Pair& pair) {
    system.call(SYS_close, pair.client);
    system.call(SYS_close, pair.server);
  }
  void send(int fd, const uint8_t* data, size_t size) {
    while (size != 0) {
      const auto sent = static_cast<size_t>(check(system.call(SYS_sendto, fd, data, size, 0, nullptr, 0), "send"));
      data += sent;
      size -= sent;
    }
  }
  void receive(int fd, uint8_t* data, size_t size) {
    while (size != 0) {
      const int64_t got = check(system.call(SYS_recvfrom, fd, data, size, 0, nullptr, nullptr), "receive");
      require(got != 0, "the stream ended");
      data += got;
      size -= static_cast<size_t>(got);
    }
  }

  System system;

 private:
  sockaddr_in name_{};
  int listener_;
};

template <typename System>
class PingPong {
 public:
  PingPong() {
    const int on = 1;
    for (const int fd : {pair_.client, pair_.server}) {
      check(connections.system.call(SYS_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
    }
  }
  ~PingPong() { connections.close(pair_); }
  void run() {
    connections.send(pair_.client, data_, sizeof data_);
    connections.receive(pair_.server, data_, sizeof data_);
    connections.send(pair_.server, data_, sizeof data_);
    connections.receive(pair_.client, data_, sizeof data_);
  }

  Connections<System> connections;

 private:
  typename Connections<System>::Pair pair_ = connections.connect();
  uint8_t data_[64] = {};
};

template <typename System>
class Stream {
 public:
  explicit Stream(size_t size) : from_(size, 0x5a), to_(size) {}
  ~Stream() { connections_.close(pair_); }
  // One thread is both ends: what the window does not take waits until some of it has been read.
  void run() {
    auto& system = connections_.system;
    size_t sent = 0, received = 0;
    while (received < to_.size()) {
      if (sent < from_.size()) {
        const int64_t more =
            system.call(SYS_sendto, pair_.client, from_.data() + sent, from_.size() - sent, MSG_DONTWAIT, nullptr, 0);
        if (more > 0) sent += static_cast<size_t>(more);
      }
      const int64_t got =
          system.call(SYS_recvfrom, pair_.server, to_.data() + received, to_.size() - received, MSG_DONTWAIT, nullptr, nullptr);
      if (got > 0) received += static_cast<size_t>(got);
    }
  }

 private:
  Connections<System> connections_;
  typename Connections<System>::Pair pair_ = connections_.connect();
  std::vector<uint8_t> from_, to_;
};

Work two_copies(size_t size) {
  return once(
      [from = std::vector<uint8_t>(size, 0x5a), kernel = std::vector<uint8_t>(size), to = std::vector<uint8_t>(size)]() mutable {
        memcpy(kernel.data(), from.data(), kernel.size());
        clobber_memory();
        memcpy(to.data(), kernel.data(), to.size());
        clobber_memory();
      });
}

// What the test of `count` idle connections holds: pairs of them, spread over listeners so that ports suffice.
template <typename System>
class Idle {
 public:
  static constexpr size_t kPerListener = 4'000;

  Idle(Connections<System>& connections, size_t count) : connections_(connections) {
    for (size_t i = 0; i < count; ++i) {
      if (i % kPerListener == 0) listeners_.push_back(connections_.listen_at(name_));
      pairs_.push_back(connections_.connect_to(listeners_.back(), name_));
    }
  }
  ~Idle() {
    for (const auto& pair : pairs_) connections_.close(pair);
    for (const int listener : listeners_) connections_.system.call(SYS_close, listener);
  }

 private:
  Connections<System>& connections_;
  sockaddr_in name_{};
  std::vector<int> listeners_;
  std::vector<typename Connections<System>::Pair> pairs_;
};

constexpr size_t kIdle = 100'000, kFewIdle = 1000;  // the first ones fill pools and tables

double memory_of_a_pair() {
  Connections<SoloLxnet> connections;
  Idle<SoloLxnet> few(connections, kFewIdle);
  const size_t before = connections.system.host().live_bytes();
  Idle<SoloLxnet> many(connections, kIdle);
  return static_cast<double>(connections.system.host().live_bytes() - before) / kIdle;
}

// The bytes of all objects in Linux's caches, among them sockets, files and their names. 0: only root is told.
double kernel_object_bytes() {
  std::ifstream file("/proc/slabinfo");
  std::string line, name;
  double bytes = 0;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    double active, all, size;
    if (words >> name >> active >> all >> size) bytes += active * size;
  }
  return bytes;
}

// Of as many pairs as this process may have descriptors for.
double linux_memory_of_a_pair() {
  rlimit descriptors{};
  require(getrlimit(RLIMIT_NOFILE, &descriptors) == 0, "RLIMIT_NOFILE");
  descriptors.rlim_cur = descriptors.rlim_max;
  require(setrlimit(RLIMIT_NOFILE, &descriptors) == 0, "RLIMIT_NOFILE");
  const size_t count = std::min<size_t>(kIdle, descriptors.rlim_cur / 2 - 2 * kFewIdle);
  Connections<Linux> connections;
  Idle<Linux> few(connections, kFewIdle);
  const double before = kernel_object_bytes();
  Idle<Linux> many(connections, count);
  return (kernel_object_bytes() - before) / static_cast<double>(count);
}

std::function<Work()> linux_memory() {
  rlimit descriptors{};
  const bool may_have_some = getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_max > 8 * kFewIdle;
  if (!may_have_some || kernel_object_bytes() == 0) return nullptr;
  return [] { return measured([bytes = linux_memory_of_a_pair()] { return bytes; }); };
}

// One connection among many that do nothing; made last, destroyed first.
struct Crowd {
  PingPong<SoloLxnet> ping_pong;
  Idle<SoloLxnet> idle{ping_pong.connections, kIdle};
};

template <typename System>
Work ping_pong() {
  return once([work = std::make_shared<PingPong<System>>()] { work->run(); });
}
template <typename System>
Work stream(size_t size) {
  return once([work = std::make_shared<Stream<System>>(size)] { work->run(); });
}

// Connections made and closed, to one listener after the other: each that ends keeps its port of one listener's for a minute.
template <typename System>
class Churn {
 public:
  ~Churn() {
    for (const Listening& each : listening_) connections_.system.call(SYS_close, each.listener);
  }
  void run() {
    const Listening& next = listening_[at_++ % listening_.size()];
    connections_.close(connections_.connect_to(next.listener, next.name));
  }

 private:
  static constexpr size_t kListeners = 64;
  struct Listening {
    sockaddr_in name;
    int listener;
  };
  std::vector<Listening> listen() {
    std::vector<Listening> all(kListeners);
    for (Listening& each : all) each.listener = connections_.listen_at(each.name);
    return all;
  }

  Connections<System> connections_;
  std::vector<Listening> listening_ = listen();
  size_t at_ = 0;
};

template <typename System>
Work connect_and_close() {
  return once([churn = std::make_shared<Churn<System>>()] { churn->run(); });
}

class LwipPingPong {
 public:
  LwipPingPong() { pair_->connect(); }
  ~LwipPingPong() { pair_->close(); }
  void run() {
    pair_->client_sends(data_, sizeof data_);
    require(pair_->server_receives(data_, sizeof data_) == sizeof data_, "lwIP lost data");
    pair_->server_sends(data_, sizeof data_);
    require(pair_->client_receives(data_, sizeof data_) == sizeof data_, "lwIP lost data");
  }

 private:
  std::unique_ptr<LwipPair> pair_ = LwipPair::create();
  uint8_t data_[64] = {};
};

class LwipStream {
 public:
  explicit LwipStream(size_t size) : from_(size, 0x5a), to_(size) { pair_->connect(); }
  ~LwipStream() { pair_->close(); }
  void run() { pair_->stream(from_.data(), to_.data(), to_.size()); }

 private:
  std::unique_ptr<LwipPair> pair_ = LwipPair::create();
  std::vector<uint8_t> from_, to_;
};

Work lwip_ping_pong() {
  return once([work = std::make_shared<LwipPingPong>()] { work->run(); });
}
Work lwip_stream(size_t size) {
  return once([work = std::make_shared<LwipStream>(size)] { work->run(); });
}
Work lwip_connect_and_close() {
  return once([pair = std::shared_ptr<LwipPair>(LwipPair::create())] {
    pair->connect();
    pair->close();
  });
}

// A side that is there only where lwIP is.
std::function<Work()> with_lwip(std::function<Work()> side) { return LwipPair::is_available() ? side : nullptr; }

}  // namespace

void add_cases(Suite& suite) {
  suite.add(
      {.name = "64 B ping-pong", .lxnet = &ping_pong<SoloLxnet>, .linux = &ping_pong<Linux>, .lwip = with_lwip(&lwip_ping_pong)});
  suite.add({.name = "64 B ping-pong, several processors", .lxnet = &ping_pong<Lxnet>, .linux = &ping_pong<Linux>});
  for (const size_t size : {size_t{4096}, size_t{65536}}) {
    suite.add({.name = std::to_string(size / 1024) + " KiB stream",
               .unit = Unit::BytesPerSecond,
               .items = static_cast<double>(size),
               .lxnet = [=] { return stream<SoloLxnet>(size); },
               .linux = [=] { return stream<Linux>(size); },
               .lwip = with_lwip([=] { return lwip_stream(size); }),
               .floor = [=] { return two_copies(size); }});
  }
  suite.add({.name = "connect, accept, close",
             .lxnet = &connect_and_close<SoloLxnet>,
             .linux = &connect_and_close<Linux>,
             .lwip = with_lwip(&lwip_connect_and_close)});
  // Beside many it should cost what it costs alone.
  suite.add({.name = "64 B ping-pong, 100k idle",
             .lxnet = [] { return once([crowd = std::make_shared<Crowd>()] { crowd->ping_pong.run(); }); },
             .floor = &ping_pong<SoloLxnet>});
  suite.add({.name = "memory of an idle pair",
             .unit = Unit::Bytes,
             .lxnet = [] { return measured([bytes = memory_of_a_pair()] { return bytes; }); },
             .linux = linux_memory()});
}

}  // namespace lxnet::bench
