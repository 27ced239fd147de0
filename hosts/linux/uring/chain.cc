// A chain on its fiber.
#include <errno.h>
#include <linux/time_types.h>
#include <seccomp.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "hosts/linux/call_table.hh"
#include "hosts/linux/clock.hh"
#include "hosts/linux/uring/service.hh"

namespace lxnet::host::uring {
namespace {

int64_t deadline_of(Request& timeout) {
  const auto time = timeout.context.window.get<__kernel_timespec>(timeout.address);
  const bool is_absolute = (timeout.entry.timeout_flags & IORING_TIMEOUT_ABS) != 0;
  constexpr int64_t kMostSeconds = kNever / kSecond / 4;
  const int64_t nanos = std::min<int64_t>(time.tv_sec, kMostSeconds) * kSecond + time.tv_nsec;
  return is_absolute ? nanos : now_nanos() + nanos;
}

bool is_link_timeout(const Request& request) { return request.entry.opcode == IORING_OP_LINK_TIMEOUT; }

const CallRow& socket_row() {
  static const CallRow& row =
      *std::find_if(call_rows().begin(), call_rows().end(), [](const CallRow& one) { return ::strcmp(one.name, "socket") == 0; });
  return row;
}

}  // namespace

void Service::run(Chain& chain) {
  chain.fiber = host_.fibers.current();
  chain.fiber->call = &chain.call;
  if (!chain.is_draining || wait_for_those_before(chain)) {
    run_requests(chain);
  } else {
    for (; chain.current < chain.requests.size(); chain.current++) {
      chain.requests[chain.current].result = kCanceled;
      complete(chain, chain.requests[chain.current]);
    }
  }
  end(chain);
}

bool Service::wait_for_those_before(Chain& chain) {
  while (chain.ring->chains.front().get() != &chain) {
    host_.fibers.park(kNever, true);
    if (!may_go_on(chain)) return false;
  }
  chain.is_draining = false;
  return true;
}

void Service::run_requests(Chain& chain) {
  lxnet_stack* stack = host_.stack_of(*chain.call.task);
  while (chain.current < chain.requests.size()) {
    Request& request = chain.requests[chain.current];
    const size_t used = run_one(chain, chain.current, stack);
    if (chain.is_left) return;
    chain.current += used;
    if (!request.has_failed || (request.entry.flags & IOSQE_IO_HARDLINK) != 0) continue;
    chain.has_failed = true;
    for (; chain.current < chain.requests.size(); chain.current++) {
      chain.requests[chain.current].result = kCanceled;
      complete(chain, chain.requests[chain.current]);
    }
  }
}

// How many entries it was: two with its timeout.
size_t Service::run_one(Chain& chain, size_t index, lxnet_stack* stack) {
  Request& request = chain.requests[index];
  Request* timeout = nullptr;
  if (index + 1 < chain.requests.size() && is_link_timeout(chain.requests[index + 1])) timeout = &chain.requests[index + 1];
  chain.call.request = &request.context;
  const Executor::Surroundings surroundings = {
      .fibers = host_.fibers,
      .call = chain.call,
      .stack = stack,
      .abi = ::seccomp_arch_native() == SCMP_ARCH_X86_64 ? LXNET_ABI_X86_64 : LXNET_ABI_GENERIC,
      .deadline = timeout == nullptr ? kNever : deadline_of(*timeout),
      .buffers = &chain.ring->buffers,
      .may_go_on = [this, &chain] { return may_go_on(chain); },
      .post = [this, &chain, &request](int32_t result, uint32_t flags) { post(chain, request.entry.user_data, result, flags); },
      .wait_for_number = [this, &chain, &request] { return wait_for_number(chain, request); },
  };
  Executor executor(surroundings, request);
  executor.run();
  if (request.entry.opcode == IORING_OP_SOCKET && request.result < 0 && chain.is_live && chain.requests.size() == 1) {
    Call as_socket{.listener = chain.call.listener, .notice = chain.call.notice, .row = socket_row(), .task = chain.call.task};
    as_socket.stack = stack;
    as_socket.notice.data.args[0] = static_cast<uint64_t>(request.entry.fd);
    chain.is_left = host_.is_left_to_the_kernel(as_socket, request.result);
    if (chain.is_left) return 1;
  }
  if (timeout == nullptr) {
    complete(chain, request);
    return 1;
  }
  timeout->result = executor.has_timed_out() ? -ETIME : kCanceled;
  complete(chain, executor.has_timed_out() ? *timeout : request);
  complete(chain, executor.has_timed_out() ? request : *timeout);
  return 2;
}

// While the chain is live its entries tell the results, in their order; later they are posted.
void Service::complete(Chain& chain, Request& request) {
  const bool is_skipped = (request.entry.flags & IOSQE_CQE_SKIP_SUCCESS) != 0 && !request.has_failed && request.result >= 0;
  const auto index = static_cast<size_t>(&request - chain.requests.data());
  if (chain.is_live) {
    chain.is_posted[index] = is_skipped || request.flags != 0;
    if (!is_skipped && request.flags != 0) post_what_was_told(*submission_, chain, index);
  }
  if (!is_skipped && (!chain.is_live || request.flags != 0)) {
    post(chain, request.entry.user_data, request.result, request.flags);
  }
}

OwnedFd Service::open_ring(const Chain& chain) const {
  std::shared_ptr<Task> task = chain.call.task;
  if (task->is_dead()) task = host_.tasks.find_or_create(chain.process);
  if (task == nullptr) return OwnedFd();
  OwnedFd fd(task->copy_fd(static_cast<int>(chain.call.notice.data.args[0])));
  return fd.is_open() && inode_of(fd.get()) == chain.ring->inode ? std::move(fd) : OwnedFd();
}

void Service::post(Chain& chain, uint64_t user_data, int32_t result, uint32_t flags) {
  const OwnedFd fd = open_ring(chain);
  if (!fd.is_open()) {
    chain.is_cancelled = true;
    return;
  }
  if (port_.post(fd.get(), user_data, result, flags) == 0) chain.ring->posted++;
}

// A program that has closed the ring, or has become another, must not find something written into its memory.
bool Service::may_go_on(const Chain& chain) const {
  return !chain.is_cancelled && !chain.call.task->is_dead() && (chain.is_live || open_ring(chain).is_open());
}

bool Service::wait_for_number(Chain& chain, Request& request) {
  while (!chain.is_live && !host_.files.is_reserved(request.number)) {
    want_number(chain, true);
    chain.waits_for_it = true;
    host_.fibers.park(kNever, true);
    chain.waits_for_it = false;
    if (!may_go_on(chain)) return false;
  }
  return true;
}

int Service::install(Chain& chain, Request& request, lxnet_file* file, bool is_cloexec) {
  if (request.entry.opcode == IORING_OP_POLL_ADD) {
    request.context.set = file;
    return RequestContext::kSetNumber;
  }
  if (chain.is_live) return host_.files.install(chain.call, file, is_cloexec);
  const FileTable::Reserved number = std::exchange(request.number, {});
  // Whoever takes what was accepted makes the call that brings the next number, before the next connection is there or not.
  const bool goes_on = request.entry.opcode == IORING_OP_ACCEPT && (request.entry.ioprio & IORING_ACCEPT_MULTISHOT) != 0;
  if (goes_on) want_number(chain, true);
  return host_.files.adopt(number, file) ? number.number : -EMFILE;
}

void Service::end(Chain& chain) {
  chain.has_ended = true;
  chain.call.request = nullptr;
  want_number(chain, false);
  for (Request& request : chain.requests) {
    if (lxnet_file* set = std::exchange(request.context.set, nullptr); set != nullptr) lxnet_file_unref(set);
    if (lxnet_file* file = std::exchange(request.context.file, nullptr); file != nullptr) lxnet_file_unref(file);
    numbers_.give_back(chain.process, request.number);
  }
  Ring& ring = *chain.ring;
  const auto found = std::find_if(ring.chains.begin(), ring.chains.end(), [&](const auto& one) { return one.get() == &chain; });
  if (found != ring.chains.end()) ring.chains.erase(found);  // the fiber holds it
  in_flight_--;
  for (const auto& other : ring.chains) {
    if (other->is_draining && other->fiber != nullptr) host_.fibers.unpark(other->fiber);
  }
}

}  // namespace lxnet::host::uring
