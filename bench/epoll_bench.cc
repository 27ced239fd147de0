// epoll: what a wait costs with few of many ready, adding and removing, and how soon a sleeper hears.
//
// The ready sockets stay ready: level-triggered, nothing is read. So each wait asks them anew and puts them back, as a server's
// does that reads a part.
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "bench/support/bench.hh"
#include "bench/support/systems.hh"

namespace lxnet::bench {
namespace {

// Whether Linux lets this process open so many; only root may pass the hard limit.
bool may_open(rlim_t count) {
  rlimit limit;
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::max(limit.rlim_cur, count);
  limit.rlim_max = std::max(limit.rlim_max, count);
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

void enable_epoll(Linux&) {}
void enable_epoll(Lxnet& lxnet) { lxnet_enable_epoll(lxnet.host().c_stack()); }

template <typename System>
class WatchedSockets {
 public:
  WatchedSockets(int watched, int ready) {
    enable_epoll(system_);
    set_ = static_cast<int>(check(system_.call(SYS_epoll_create1, 0), "epoll_create1"));
    sender_ = static_cast<int>(check(system_.call(SYS_socket, AF_INET, SOCK_DGRAM, 0), "socket"));
    for (int i = 0; i < watched; ++i) {
      // The ready ones are spread evenly.
      const bool is_ready = i % (watched / ready) == 0 && i / (watched / ready) < ready;
      fds_.push_back(is_ready ? ready_socket()
                              : static_cast<int>(check(system_.call(SYS_socket, AF_INET, SOCK_DGRAM, 0), "socket")));
      add(fds_.back());
    }
  }
  ~WatchedSockets() {
    for (int fd : fds_) system_.call(SYS_close, fd);
    system_.call(SYS_close, sender_);
    system_.call(SYS_close, set_);
  }

  void wait(int expected) {
    epoll_event events[128];
    require(system_.call(SYS_epoll_wait, set_, events, 128, 0) == expected, "epoll_wait told another number");
  }
  void remove_and_add() {
    epoll_event event{};
    system_.call(SYS_epoll_ctl, set_, EPOLL_CTL_DEL, fds_.back(), &event);
    add(fds_.back());
  }

 private:
  int ready_socket() {
    sockaddr_in name{};
    const int fd = bound_socket(system_, SOCK_DGRAM, name);
    check(system_.call(SYS_sendto, sender_, "x", 1, 0, &name, sizeof name), "sendto");
    return fd;
  }
  void add(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    check(system_.call(SYS_epoll_ctl, set_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }

  System system_;
  int set_ = -1, sender_ = -1;
  std::vector<int> fds_;
};

template <typename System>
std::function<Work()> waits(int watched, int ready) {
  return
      [=] { return once([sockets = std::make_shared<WatchedSockets<System>>(watched, ready), ready] { sockets->wait(ready); }); };
}

void add_wait(Suite& suite, const char* name, int watched, int ready) {
  Case added{.name = name, .lxnet = waits<Lxnet>(watched, ready)};
  if (may_open(static_cast<rlim_t>(watched) + 64)) added.linux = waits<Linux>(watched, ready);
  suite.add(std::move(added));
}

template <typename System>
std::function<Work()> changes(int watched) {
  return [=] { return once([sockets = std::make_shared<WatchedSockets<System>>(watched, 1)] { sockets->remove_and_add(); }); };
}

// From before a send to after the return of another thread's epoll_wait.
template <typename System>
class Sleeper {
 public:
  Sleeper() {
    enable_epoll(system_);
    receiver_ = bound_socket(system_, SOCK_DGRAM, name_);
    sender_ = static_cast<int>(check(system_.call(SYS_socket, AF_INET, SOCK_DGRAM, 0), "socket"));
    set_ = static_cast<int>(check(system_.call(SYS_epoll_create1, 0), "epoll_create1"));
    epoll_event event{};
    event.events = EPOLLIN;
    check(system_.call(SYS_epoll_ctl, set_, EPOLL_CTL_ADD, receiver_, &event), "epoll_ctl");
    thread_ = std::thread([this] { serve(); });
  }
  ~Sleeper() {
    is_ending_ = true;
    send();
    thread_.join();
    for (int fd : {set_, sender_, receiver_}) system_.call(SYS_close, fd);
  }

  double wake() {
    const int round = rounds_;
    // Asleep by then, with all likelihood.
    std::this_thread::sleep_for(std::chrono::microseconds(60));
    const auto start = std::chrono::steady_clock::now();
    send();
    while (rounds_ == round) std::this_thread::yield();
    return std::chrono::duration<double, std::nano>(woken_at_ - start).count();
  }

 private:
  void send() { check(system_.call(SYS_sendto, sender_, "x", 1, 0, &name_, sizeof name_), "sendto"); }
  void serve() {
    while (!is_ending_) {
      epoll_event event;
      check(system_.call(SYS_epoll_wait, set_, &event, 1, -1), "epoll_wait");
      woken_at_ = std::chrono::steady_clock::now();
      char byte;
      check(system_.call(SYS_recvfrom, receiver_, &byte, 1, 0, nullptr, nullptr), "recvfrom");
      ++rounds_;
    }
  }

  System system_;
  sockaddr_in name_{};
  int receiver_ = -1, sender_ = -1, set_ = -1;
  std::atomic<int> rounds_ = 0;
  std::atomic<bool> is_ending_ = false;
  std::chrono::steady_clock::time_point woken_at_;
  std::thread thread_;
};

template <typename System>
std::function<Work()> latency() {
  return [] {
    return measured([sleeper = std::make_shared<Sleeper<System>>()] {
      // The best of some: what the wake-up costs and not what else the machine did.
      double best = 1e18;
      for (int i = 0; i < 50; ++i) best = std::min(best, sleeper->wake());
      return best;
    });
  };
}

}  // namespace

void add_cases(Suite& suite) {
  add_wait(suite, "wait, 1 of 10 ready", 10, 1);
  add_wait(suite, "wait, 1 of 10,000 ready", 10'000, 1);
  add_wait(suite, "wait, 1 of 100,000 ready", 100'000, 1);
  add_wait(suite, "wait, 100 of 1,000 ready", 1'000, 100);
  add_wait(suite, "wait, 100 of 100,000 ready", 100'000, 100);
  suite.add({.name = "remove and add, 10 watched", .lxnet = changes<Lxnet>(10), .linux = changes<Linux>(10)});
  suite.add({.name = "remove and add, 10,000 watched", .lxnet = changes<Lxnet>(10'000), .linux = changes<Linux>(10'000)});
  suite.add({.name = "send to another thread's return", .lxnet = latency<Lxnet>(), .linux = latency<Linux>()});
}

}  // namespace lxnet::bench
