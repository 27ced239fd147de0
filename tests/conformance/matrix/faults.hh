// Calls with something wrong in them: which arguments a call has, and what can be wrong with each.
#pragma once

#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/uio.h>

#include <string>
#include <vector>

#include "tests/conformance/matrix/states.hh"

namespace conformance {

// A call about to be made, right until a fault is put in. Objects that arguments point at are here too.
struct Frame {
  explicit Frame(Subject& subject);
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  long number = -1;
  uint64_t arguments[6] = {};
  template <typename T>
  void set(int index, T value) {
    if constexpr (std::is_pointer_v<T>) {
      arguments[index] = reinterpret_cast<uint64_t>(value);
    } else {
      arguments[index] = static_cast<uint64_t>(static_cast<int64_t>(value));
    }
  }
  std::string run();

  Subject& subject;
  Name name;  // nobody's, of the subject's family
  char buffer[70016] = {};
  socklen_t length = sizeof name.bytes;
  int value = 1;
  iovec vector[2] = {{buffer, 4}, {buffer + 8, 4}};
  alignas(8) char control[64] = {};
  mmsghdr messages[2] = {};
  msghdr& message = messages[0].msg_hdr;
  timespec time{0, 0};
  pollfd polls[1] = {};
  fd_set set_of_fds;
  epoll_event event{};
  Fd extra;  // an epoll set, or a file to read
};

struct Fault {
  const char* name;
  int part;  // two faults of one part cannot meet
  void (*put)(Frame& frame);
};

struct FaultyCall {
  const char* name;
  void (*prepare)(Frame& frame);
  std::vector<Fault> faults;
};

const std::vector<FaultyCall>& faulty_calls();

}  // namespace conformance
