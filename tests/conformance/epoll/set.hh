// A set under test, and the answers of its calls.
#pragma once

#include <sys/epoll.h>

#include <string>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {

class Set {
 public:
  Set() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {}
  operator int() const { return fd_; }
  void reset() { fd_.reset(); }

  long control(int operation, int fd, uint32_t events, uint64_t data = 0) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    return answer(::epoll_ctl(fd_, operation, fd, &event));
  }
  long add(int fd, uint32_t events, uint64_t data = 0) const { return control(EPOLL_CTL_ADD, fd, events, data); }
  long modify(int fd, uint32_t events, uint64_t data = 0) const { return control(EPOLL_CTL_MOD, fd, events, data); }
  long remove(int fd) const { return answer(::epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr)); }

  // The events of one entry, 0 when there is none.
  long wait_one(int timeout = 0) const {
    epoll_event event{};
    const int count = ::epoll_wait(fd_, &event, 1, timeout);
    return count < 0 ? answer(count) : count == 0 ? 0 : static_cast<long>(event.events);
  }
  // The data of up to `most` entries as digits, in order; the negative errno as text.
  std::string order(int most, int timeout = 0) const {
    epoll_event events[16];
    const int count = ::epoll_wait(fd_, events, most, timeout);
    if (count < 0) return std::to_string(answer(count));
    std::string text;
    for (int i = 0; i < count; ++i) text += std::to_string(events[i].data.u64);
    return text;
  }

 private:
  Fd fd_;
};

struct LocalPair {
  explicit LocalPair(int type = SOCK_STREAM) {
    int ends[2];
    ::socketpair(AF_UNIX, type, 0, ends);
    a = Fd(ends[0]);
    b = Fd(ends[1]);
  }
  void send() const { ::send(a, "x", 1, 0); }
  void receive() const {
    char byte;
    ::recv(b, &byte, 1, MSG_DONTWAIT);
  }
  Fd a, b;
};

struct Pipe {
  Pipe() {
    int ends[2];
    ::pipe(ends);
    read_end = Fd(ends[0]);
    write_end = Fd(ends[1]);
  }
  Fd read_end, write_end;
};

}  // namespace conformance
