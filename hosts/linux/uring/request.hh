// A request of a ring that lxnet serves: one entry of a submission queue, as it was when it was taken in.
#pragma once

#include <cstdint>
#include <functional>

#include "hal/lxnet.h"
#include "hosts/linux/file_table.hh"
#include "hosts/linux/uring/abi.hh"
#include "hosts/linux/uring/request_context.hh"

namespace lxnet::host::uring {

struct Request {
  explicit Request(const io_uring_sqe& its_entry) : entry(its_entry) {}

  io_uring_sqe entry;
  RequestContext context;
  FileTable::Reserved number;  // for a descriptor that it will make when no call is there to put it into

  // Places in the window.
  uint64_t header = 0;   // struct msghdr
  uint64_t vector = 0;   // struct iovec[]
  uint64_t address = 0;  // a socket's, an epoll_event, or a timespec
  uint64_t polled = 0;   // pollfd, and a timespec after it
  uint64_t scratch = 0;  // eight bytes

  // Of a connection.
  bool is_connecting = false;

  int32_t result = 0;
  uint32_t flags = 0;
  bool has_failed = false;  // which ends a chain
};

// Copies what Linux copies when it takes an entry in. False: something is not there or not valid, and the kernel says what.
bool take_in(Request& request, pid_t tid);

}  // namespace lxnet::host::uring
