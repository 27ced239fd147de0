// AF_UNIX sockets in one process: small messages there and back, bulk through a stream, making a pair, passing a descriptor.
#include <sys/un.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/support/bench.hh"
#include "bench/support/systems.hh"

namespace lxnet::bench {
namespace {

void prepare(Linux&) {}
template <typename System>
void prepare(System& system) {
  check(lxnet_enable_afunix(system.host().c_stack()), "lxnet_enable_afunix");
}

template <typename System>
class Pair {
 public:
  explicit Pair(int type = SOCK_STREAM) {
    prepare(system_);
    check(system_.call(SYS_socketpair, AF_UNIX, type, 0, ends_), "socketpair");
  }
  ~Pair() {
    system_.call(SYS_close, ends_[0]);
    system_.call(SYS_close, ends_[1]);
  }
  System& system() { return system_; }
  int end(int which) const { return ends_[which]; }

  void move(int from, const std::vector<uint8_t>& data, std::vector<uint8_t>& got) {
    const auto size = static_cast<int64_t>(data.size());
    require(system_.call(SYS_sendto, ends_[from], data.data(), data.size(), 0, nullptr, 0) == size, "a send failed");
    require(system_.call(SYS_recvfrom, ends_[1 - from], got.data(), got.size(), 0, nullptr, nullptr) == size, "a receive failed");
  }

 private:
  System system_;
  int ends_[2] = {-1, -1};
};

template <typename System>
Work ping_pong(int type, size_t size) {
  struct State {
    explicit State(int socket_type, size_t bytes) : pair(socket_type), data(bytes), got(bytes) {}
    Pair<System> pair;
    std::vector<uint8_t> data, got;
  };
  return once([state = std::make_shared<State>(type, size)] {
    state->pair.move(0, state->data, state->got);
    state->pair.move(1, state->data, state->got);
  });
}

template <typename System>
Work bulk(size_t size) {
  struct State {
    explicit State(size_t bytes) : data(bytes), got(bytes) {}
    Pair<System> pair;
    std::vector<uint8_t> data, got;
  };
  return once([state = std::make_shared<State>(size)] { state->pair.move(0, state->data, state->got); });
}

// The least that bulk can cost: into the queue and out of it.
Work two_copies(size_t size) {
  struct State {
    explicit State(size_t bytes) : data(bytes), queue(bytes), got(bytes) {}
    std::vector<uint8_t> data, queue, got;
  };
  return once([state = std::make_shared<State>(size)] {
    std::memcpy(state->queue.data(), state->data.data(), state->data.size());
    clobber_memory();
    std::memcpy(state->got.data(), state->queue.data(), state->queue.size());
    clobber_memory();
  });
}

template <typename System>
Work make_and_close() {
  struct State {
    State() { prepare(system); }
    System system;
  };
  return once([state = std::make_shared<State>()] {
    int ends[2];
    check(state->system.call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
    state->system.call(SYS_close, ends[0]);
    state->system.call(SYS_close, ends[1]);
  });
}

struct OneDescriptor {
  OneDescriptor() {
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
  }
  char byte = 'd';
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
};

template <typename System>
Work pass_descriptor() {
  return once([pair = std::make_shared<Pair<System>>()] {
    OneDescriptor out, in;
    cmsghdr* header = CMSG_FIRSTHDR(&out.message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int carried = pair->end(0);
    std::memcpy(CMSG_DATA(header), &carried, sizeof carried);
    require(pair->system().call(SYS_sendmsg, pair->end(0), &out.message, 0) == 1, "a send failed");
    require(pair->system().call(SYS_recvmsg, pair->end(1), &in.message, 0) == 1, "a receive failed");
    int arrived = -1;
    std::memcpy(&arrived, CMSG_DATA(CMSG_FIRSTHDR(&in.message)), sizeof arrived);
    require(pair->system().call(SYS_close, arrived) == 0, "no descriptor came");
  });
}

}  // namespace

void add_cases(Suite& suite) {
  constexpr size_t kBulk = 64 * 1024;
  const auto add_ping_pong = [&](const char* name, int type) {
    suite.add({.name = std::string(name) + ", 64 B there and back",
               .lxnet = [type] { return ping_pong<SoloLxnet>(type, 64); },
               .linux = [type] { return ping_pong<Linux>(type, 64); }});
    suite.add({.name = std::string(name) + ", several processors",
               .lxnet = [type] { return ping_pong<Lxnet>(type, 64); },
               .linux = [type] { return ping_pong<Linux>(type, 64); }});
  };
  add_ping_pong("stream", SOCK_STREAM);
  add_ping_pong("datagram", SOCK_DGRAM);
  suite.add({.name = "stream, 64 KiB",
             .unit = Unit::BytesPerSecond,
             .items = static_cast<double>(kBulk),
             .lxnet = [] { return bulk<Lxnet>(kBulk); },
             .linux = [] { return bulk<Linux>(kBulk); },
             .floor = [] { return two_copies(kBulk); }});
  suite.add({.name = "socketpair and close",
             .lxnet = [] { return make_and_close<Lxnet>(); },
             .linux = [] { return make_and_close<Linux>(); }});
  suite.add({.name = "a descriptor passed and closed",
             .lxnet = [] { return pass_descriptor<Lxnet>(); },
             .linux = [] { return pass_descriptor<Linux>(); }});
}

}  // namespace lxnet::bench
