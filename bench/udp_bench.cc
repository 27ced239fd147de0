// Datagrams sent and received over loopback, both systems by system call: one by one at several sizes, and 64 bytes in batches.
#include <memory>
#include <string>
#include <vector>

#include "bench/support/bench.hh"
#include "bench/support/systems.hh"

namespace lxnet::bench {
namespace {

template <typename System>
class Datagrams {
 public:
  explicit Datagrams(size_t size) : data_(size), got_(size) {
    sockaddr_in name{}, unused{};
    receiver_ = bound_socket(system_, SOCK_DGRAM, name);
    sender_ = bound_socket(system_, SOCK_DGRAM, unused);
    check(system_.call(SYS_connect, sender_, &name, sizeof name), "connect");
  }
  ~Datagrams() {
    system_.call(SYS_close, sender_);
    system_.call(SYS_close, receiver_);
  }
  void exchange(int count) {
    const auto size = static_cast<int64_t>(data_.size());
    for (int i = 0; i < count; ++i) {
      require(system_.call(SYS_sendto, sender_, data_.data(), data_.size(), 0, nullptr, 0) == size, "a send failed");
    }
    for (int i = 0; i < count; ++i) {
      require(system_.call(SYS_recvfrom, receiver_, got_.data(), got_.size(), 0, nullptr, nullptr) == size, "a datagram is lost");
    }
  }

 private:
  System system_;
  std::vector<uint8_t> data_, got_;
  int receiver_, sender_;
};

template <typename System>
Work exchange(size_t size, int batch) {
  return once([pair = std::make_shared<Datagrams<System>>(size), batch] { pair->exchange(batch); });
}

}  // namespace

void add_cases(Suite& suite) {
  const auto add = [&](size_t size, int batch) {
    suite.add({.name = std::to_string(size) + " B" + (batch > 1 ? " in batches of " + std::to_string(batch) : ""),
               .items = static_cast<double>(batch),
               .lxnet = [=] { return exchange<SoloLxnet>(size, batch); },
               .linux = [=] { return exchange<Linux>(size, batch); }});
  };
  add(64, 1);
  suite.add({.name = "64 B, several processors",
             .lxnet = [] { return exchange<Lxnet>(64, 1); },
             .linux = [] { return exchange<Linux>(64, 1); }});
  add(64, 32);
  add(1400, 1);
  add(65000, 1);
}

}  // namespace lxnet::bench
