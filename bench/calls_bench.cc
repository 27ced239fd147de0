// What a call costs beside its work: the cheapest calls there are, of a host of one processor, and of several where it says so.
// `dispatch` is a call that fails at its first check, so that what it takes is the way in and out; its floor is the lookup of the
// descriptor by the host, which lxnet does not do itself.
#include <memory>
#include <string>

#include "bench/support/bench.hh"
#include "bench/support/systems.hh"

namespace lxnet::bench {
namespace {

template <typename System>
class OneSocket {
 public:
  explicit OneSocket(int type) { fd_ = bound_socket(system_, type, name_); }
  ~OneSocket() { system_.call(SYS_close, fd_); }

  void fail_first_check() { keep(system_.call(SYS_shutdown, fd_, 9)); }
  void set_option() {
    const int on = 1;
    keep(system_.call(SYS_setsockopt, fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  }
  void get_option() {
    int value = 0;
    socklen_t length = sizeof value;
    keep(system_.call(SYS_getsockopt, fd_, SOL_SOCKET, SO_REUSEADDR, &value, &length));
    keep(value);
  }
  void get_late_option() {
    int value = 0;
    socklen_t length = sizeof value;
    keep(system_.call(SYS_getsockopt, fd_, IPPROTO_IP, IP_MULTICAST_LOOP, &value, &length));
    keep(value);
  }
  void get_name() {
    sockaddr_in name;
    socklen_t length = sizeof name;
    keep(system_.call(SYS_getsockname, fd_, &name, &length));
    keep(name);
  }
  void receive_nothing() {
    char byte;
    keep(system_.call(SYS_recvfrom, fd_, &byte, 1, MSG_DONTWAIT, nullptr, nullptr));
  }

 private:
  System system_;
  sockaddr_in name_{};
  int fd_ = -1;
};

template <typename System>
Work work(int type, void (OneSocket<System>::*operation)()) {
  return once([socket = std::make_shared<OneSocket<System>>(type), operation] { ((*socket).*operation)(); });
}

template <typename System>
Work descriptor_lookup() {
  auto socket = std::make_shared<System>();
  return once([socket] {
    // The same way through the host: a descriptor that is none ends there.
    keep(socket->call(SYS_shutdown, 9999, 9));
  });
}

template <typename System>
void add_case(Suite& suite, const std::string& name, int type, void (OneSocket<System>::*ours)(),
              void (OneSocket<Linux>::*theirs)()) {
  suite.add({.name = name,
             .lxnet = [=] { return work<System>(type, ours); },
             .linux = [=] { return work<Linux>(type, theirs); },
             .floor = [] { return descriptor_lookup<System>(); }});
}

}  // namespace

void add_cases(Suite& suite) {
#define CALL(name, type, function)                                                                      \
  add_case<SoloLxnet>(suite, name, type, &OneSocket<SoloLxnet>::function, &OneSocket<Linux>::function); \
  add_case<Lxnet>(suite, name ", several processors", type, &OneSocket<Lxnet>::function, &OneSocket<Linux>::function)
  CALL("dispatch (shutdown of no known kind)", SOCK_DGRAM, fail_first_check);
  CALL("setsockopt SO_REUSEADDR", SOCK_DGRAM, set_option);
  CALL("getsockopt SO_REUSEADDR", SOCK_DGRAM, get_option);
  CALL("getsockopt IP_MULTICAST_LOOP", SOCK_DGRAM, get_late_option);
  CALL("getsockname UDP", SOCK_DGRAM, get_name);
  CALL("getsockname TCP", SOCK_STREAM, get_name);
  CALL("recv that finds nothing", SOCK_DGRAM, receive_nothing);
#undef CALL
}

}  // namespace lxnet::bench
