// io_uring for programs: the rings stay the kernel's, and lxnet does what their entries ask of its sockets. README.md tells how.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "hosts/linux/call.hh"
#include "hosts/linux/fiber.hh"
#include "hosts/linux/file_table.hh"
#include "hosts/linux/uring/entry.hh"
#include "hosts/linux/uring/executor.hh"
#include "hosts/linux/uring/number_pool.hh"
#include "hosts/linux/uring/port.hh"
#include "hosts/linux/uring/ring.hh"

namespace lxnet::host::uring {

class Service {
 public:
  struct Host {
    FiberScheduler& fibers;
    FileTable& files;
    TaskTable& tasks;
    std::function<lxnet_stack*(Task&)> stack_of;
    // Of socket(): whether the kernel has the family and not lxnet.
    std::function<bool(const Call&, int64_t result)> is_left_to_the_kernel;
  };
  explicit Service(Host host) : host_(std::move(host)), numbers_(host_.files) {}

  // Event loop: io_uring_setup(), _enter() and _register(). The answer; absent: the kernel's own call goes on.
  std::optional<int64_t> serve(Call& call);
  // Event loop, before any call is served: a chance to make descriptors in its process.
  void offer_numbers(const Call& call);
  void on_death(const Task& task);
  // Interrupts calls of threads for which the kernel has something.
  void look_at_waiting(int64_t now);
  // Cancels what belongs to rings that are closed.
  void sweep();
  bool is_idle() const { return rings_.empty(); }
  int64_t next_deadline() const { return next_drop_; }
  void drop_views(int64_t now);

 private:
  // One entry that a call hands in.
  struct Taken {
    uint32_t position = 0, slot = 0;
    io_uring_sqe entry = {};
    Verdict verdict = Verdict::Left;
    lxnet_file* file = nullptr;
    bool is_ours() const { return verdict != Verdict::Left; }
  };
  struct Submission {
    Call& call;
    const std::shared_ptr<Ring>& ring;
    int fd;
    RingView& view;
    std::vector<std::shared_ptr<Chain>> started;
    struct Told {
      Taken taken;
      int32_t result;
    };
    std::vector<Told> told;  // by their entries
  };

  std::optional<int64_t> set_up(const Call& call);
  std::optional<int64_t> change(const Call& call);
  int64_t probe(const Call& call, int ring) const;
  std::optional<int64_t> cancel_now(const Call& call, Ring& ring);
  void enter(Call& call);
  std::shared_ptr<Ring> find_ring(int fd);
  RingView* view_of(Ring& ring, int fd);
  std::vector<Taken> take(Submission& submission, uint32_t count);
  void resolve(Submission& submission, Taken& taken);
  void submit(Submission& submission, std::span<Taken> chain);
  bool is_refused(Submission& submission, std::span<Taken> chain);
  void submit_kernels(Submission& submission, std::span<Taken> chain);
  bool submit_cancel(Submission& submission, const Taken& taken);
  bool submit_buffers(Submission& submission, const Taken& taken);
  std::shared_ptr<Chain> make_chain(Submission& submission, std::span<Taken> entries);
  void start(Submission& submission, const std::shared_ptr<Chain>& chain);
  void settle(Submission& submission, const Chain& chain, std::span<Taken> entries);
  void leave(Submission& submission);
  void post_what_was_told(Submission& submission, Chain& chain, size_t before);

  // A thread that handed in something for the kernel.
  struct Owner {
    std::shared_ptr<Ring> ring;
    int number = -1;
  };
  void note_kernels(const Call& call, const std::shared_ptr<Ring>& ring);
  bool has_work(const Call& call, Owner& owner, int64_t now);

  struct Key {
    uint64_t user_data = 0;
    const lxnet_file* file = nullptr;
    int opcode = -1;
    bool matches_user_data = true, is_for_all = false;
  };
  std::optional<Key> key_of(const Call& call, int ring, uint64_t data, uint32_t flags, int fd, int opcode, bool is_fixed) const;
  size_t cancel(Ring& ring, const Key& key);
  void cancel_all(Ring& ring);
  void cancel(Chain& chain);

  enum class As : uint8_t { Result, Nothing, Invalid };
  void rewrite(Submission& submission, const Taken& taken, As as, int32_t result = 0);
  static void restore(Ring& ring, RingView& view);

  // On a chain's fiber.
  void run(Chain& chain);
  bool wait_for_those_before(Chain& chain);
  void run_requests(Chain& chain);
  size_t run_one(Chain& chain, size_t index, lxnet_stack* stack);
  void complete(Chain& chain, Request& request);
  void post(Chain& chain, uint64_t user_data, int32_t result, uint32_t flags);
  bool may_go_on(const Chain& chain) const;
  void give_number(const Call& call, Request& request);
  void want_number(Chain& chain, bool wants);
  bool wait_for_number(Chain& chain, Request& request);
  int install(Chain& chain, Request& request, lxnet_file* file, bool is_cloexec);
  void end(Chain& chain);
  OwnedFd open_ring(const Chain& chain) const;

  Host host_;
  NumberPool numbers_;
  Port port_;
  std::unordered_map<uint64_t, std::shared_ptr<Ring>> rings_;
  std::unordered_map<pid_t, Owner> owners_;
  Submission* submission_ = nullptr;  // while a call is looked at
  size_t in_flight_ = 0, wanting_ = 0;
  bool has_disabled_ = false;
  int64_t next_look_ = 0, next_drop_ = INT64_MAX;
  uint32_t cookie_ = 0;
};

}  // namespace lxnet::host::uring
