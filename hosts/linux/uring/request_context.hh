// What a call of the core's has when it serves a ring's entry and not a call of the program's.
#pragma once

#include <cstdint>
#include <functional>

#include "hosts/linux/uring/window.hh"

struct lxnet_file;

namespace lxnet::host::uring {

struct RequestContext {
  static constexpr int kSetNumber = 0x7ffffffe;  // no descriptor's

  // The file that the entry named when it was taken in, whatever the number means by now. Counted.
  lxnet_file* file = nullptr;
  int number = -1;
  // An epoll set of its own.
  lxnet_file* set = nullptr;
  Window window;
  lxnet_file* find(int fd) const {
    if (fd == kSetNumber && set != nullptr) return set;
    return fd == number ? file : nullptr;
  }
  // Gives the program a descriptor, or a negative errno. Takes over one count on success.
  std::function<int(lxnet_file*, bool is_cloexec)> install;
};

}  // namespace lxnet::host::uring
