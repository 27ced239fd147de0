// Does one request of a ring with the core's calls, on the fiber of its chain: as Linux does it, without blocking, and again when
// the file is ready. O_NONBLOCK does not count, only MSG_DONTWAIT and its like.
#pragma once

#include <cstdint>
#include <functional>

#include "hosts/linux/fiber.hh"
#include "hosts/linux/uring/buffer_groups.hh"
#include "hosts/linux/uring/request.hh"

struct lxnet_stack;

namespace lxnet::host {
struct Call;
}

namespace lxnet::host::uring {

enum class Wake : uint8_t { Ready, TimedOut, Cancelled };

class Executor {
 public:
  // What the chain of the request knows.
  struct Surroundings {
    FiberScheduler& fibers;
    Call& call;
    lxnet_stack* stack;  // of the thread
    int abi;
    int64_t deadline;  // of a linked timeout
    BufferGroups* buffers;
    // False once the request is cancelled or its ring is gone: looked at after each wait.
    std::function<bool()> may_go_on;
    // One of several completions.
    std::function<void(int32_t result, uint32_t flags)> post;
    // Waits until a descriptor can be made.
    std::function<bool()> wait_for_number;
  };

  Executor(const Surroundings& surroundings, Request& request) : around_(surroundings), request_(request) {}
  // Sets the request's result. False: it was cancelled, by its timeout or otherwise.
  bool run();
  bool has_timed_out() const { return wake_ == Wake::TimedOut; }

 private:
  int64_t attempt();
  int64_t call(int number, uint64_t first = 0, uint64_t second = 0, uint64_t third = 0, uint64_t fourth = 0, uint64_t fifth = 0,
               uint64_t sixth = 0);
  int64_t call_nonblocking(int number, uint64_t second = 0, uint64_t third = 0, uint64_t fourth = 0);
  int64_t send();
  int64_t send_message();
  int64_t receive();
  int64_t receive_message();
  int64_t receive_message_with_head();
  int64_t transfer();
  int64_t connect();
  int64_t accept();
  int64_t poll();
  bool poll_again_and_again();
  bool wait(uint32_t events);
  bool pause();
  uint32_t events() const;
  bool must_not_wait() const;
  bool is_multishot() const;
  bool go_on_with_the_rest(int64_t result);
  void finish(int64_t result);
  void post_zero_copy(int64_t result);
  bool is_stream();
  bool has_more();
  int64_t option(int name);
  void write_back_message();
  bool choose_buffer();
  uint64_t wanted() const;

  const Surroundings& around_;
  Request& request_;
  Wake wake_ = Wake::Ready;
  uint64_t done_ = 0;  // bytes of a transfer that wants all
  BufferGroups::Buffer buffer_;
  // Of a multishot RECVMSG.
  uint64_t message_ = 0, vector_ = 0;  // in the window
  bool is_last_ = false;
};

}  // namespace lxnet::host::uring
