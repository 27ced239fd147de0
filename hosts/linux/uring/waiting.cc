// Threads that wait in a call of lxnet's while the kernel has something of a ring's for them.
//
// Some requests of the kernel's own (timeouts, polls, reads that had to wait) are completed by the thread that handed them in,
// when it next leaves the kernel, and Linux interrupts what it waits in for that. A thread whose call is noticed cannot be
// interrupted so. Calls that ask what is ready are therefore ended with EINTR, as epoll_wait() ends then on Linux too. The kernel
// tells of threads with such work only beside its list of polls; without one they are ended now and then.
#include <algorithm>
#include <string_view>

#include "hosts/linux/call_table.hh"
#include "hosts/linux/clock.hh"
#include "hosts/linux/uring/service.hh"

namespace lxnet::host::uring {
namespace {

constexpr int64_t kLookEvery = 4 * kMillisecond, kPatience = 10 * kMillisecond;

bool asks_what_is_ready(const Call& call) {
  const std::string_view name = call.row.name;
  return name.starts_with("epoll_") || name.starts_with("poll") || name.starts_with("ppoll") || name.starts_with("select") ||
         name.starts_with("_newselect") || name.starts_with("pselect");
}

}  // namespace

void Service::note_kernels(const Call& call, const std::shared_ptr<Ring>& ring) {
  owners_[call.tid()] = {.ring = ring, .number = static_cast<int>(call.notice.data.args[0])};
}

void Service::look_at_waiting(int64_t now) {
  if (owners_.empty() || now < next_look_) return;
  next_look_ = now + kLookEvery;
  for (Fiber* fiber : std::vector<Fiber*>(host_.fibers.interruptible().begin(), host_.fibers.interruptible().end())) {
    Call* call = fiber->call;
    if (call == nullptr || call->serves_ring || !asks_what_is_ready(*call)) continue;
    const auto owner = owners_.find(call->tid());
    if (owner == owners_.end() || !has_work(*call, owner->second, now)) continue;
    call->is_interruption_uncertain = true;
    host_.fibers.interrupt(fiber);
  }
}

bool Service::has_work(const Call& call, Owner& owner, int64_t now) {
  const OwnedFd fd(call.task->copy_fd(owner.number));
  if (!fd.is_open() || inode_of(fd.get()) != owner.ring->inode) {
    owners_.erase(call.tid());
    return false;
  }
  const KernelWork work = read_kernel_work(fd.get());
  if (!owner.ring->owes(work.completion_tail, 0)) return false;
  return work.has_polls ? work.is_waiting : now - call.started >= kPatience;
}

}  // namespace lxnet::host::uring
