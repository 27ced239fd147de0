#include "hosts/linux/uring/service.hh"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <seccomp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "hosts/linux/call_table.hh"
#include "hosts/linux/clock.hh"
#include "hosts/linux/user_memory.hh"

namespace lxnet::host::uring {
namespace {

// What changes nothing of how entries and completions look and of who hands them in.
constexpr uint32_t kSetupFlags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_ATTACH_WQ | IORING_SETUP_R_DISABLED |
                                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                                 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;

// Within it a ring that is closed stays. Linux takes longer to end one.
constexpr int64_t kViewTime = 2 * kMillisecond;

template <typename T>
bool read_memory(const Call& call, uint64_t address, T& value) {
  return copy_from_task(call.tid(), &value, address, sizeof value) == 0;
}

// As FileTable knows closed epoll sets.
bool has_entry(int watcher, int number) {
  kcmp_epoll_slot slot = {.efd = static_cast<uint32_t>(watcher), .tfd = static_cast<uint32_t>(number), .toff = 0};
  return ::syscall(SYS_kcmp, ::getpid(), ::getpid(), KCMP_EPOLL_TFD, watcher, &slot) >= 0 || errno != ENOENT;
}

}  // namespace

std::optional<int64_t> Service::serve(Call& call) {
  if (call.notice.data.arch != ::seccomp_arch_native()) return -ENOSYS;
  if (const int error = port_.open(); error != 0) return -error;
  const std::string_view name = call.row.name;
  if (name == "io_uring_setup") return set_up(call);
  if (name == "io_uring_register") return change(call);
  enter(call);
  return std::nullopt;
}

std::optional<int64_t> Service::set_up(const Call& call) {
  io_uring_params parameters;
  if (!read_memory(call, call.notice.data.args[1], parameters)) return std::nullopt;
  // Its thread takes entries without a call that could be noticed.
  if ((parameters.flags & IORING_SETUP_SQPOLL) != 0) return -EPERM;
  if ((parameters.flags & ~kSetupFlags) != 0) return -EINVAL;
  has_disabled_ |= (parameters.flags & IORING_SETUP_R_DISABLED) != 0;
  return std::nullopt;
}

std::optional<int64_t> Service::change(const Call& call) {
  const __u64* arguments = call.notice.data.args;
  const auto operation = static_cast<uint32_t>(arguments[1]);
  switch (operation) {
    case IORING_REGISTER_RESTRICTIONS:
    case IORING_REGISTER_RING_FDS:
    case kRegisterResizeRings:
      return -EINVAL;
    case IORING_REGISTER_PROBE:
    case IORING_REGISTER_SYNC_CANCEL:
    case IORING_REGISTER_PBUF_RING:
    case IORING_UNREGISTER_PBUF_RING:
      break;
    default:
      return std::nullopt;
  }
  const OwnedFd fd(call.task->copy_fd(static_cast<int>(arguments[0])));
  const std::shared_ptr<Ring> ring = fd.is_open() ? find_ring(fd.get()) : nullptr;
  if (ring == nullptr) return std::nullopt;
  if (operation == IORING_REGISTER_PROBE) return probe(call, fd.get());
  if (operation == IORING_REGISTER_SYNC_CANCEL) return cancel_now(call, *ring);
  io_uring_buf_reg group;
  if (!read_memory(call, arguments[2], group) || arguments[3] != 1) return std::nullopt;
  if (operation == IORING_UNREGISTER_PBUF_RING) ring->buffers.remove(group.bgid);
  // `pad` has flags since 6.4: memory of the kernel's, buffers that are used up bit by bit.
  if (operation == IORING_REGISTER_PBUF_RING && group.pad == 0) ring->buffers.add(group);
  return std::nullopt;
}

// What is refused of sockets alone stays; what is good for nothing else is not there.
int64_t Service::probe(const Call& call, int ring) const {
  constexpr size_t kMost = 256;
  const __u64* arguments = call.notice.data.args;
  const uint64_t count = static_cast<uint32_t>(arguments[3]);
  std::vector<uint8_t> memory(sizeof(io_uring_probe) + kMost * sizeof(io_uring_probe_op));
  const size_t size = sizeof(io_uring_probe) + std::min<size_t>(count, kMost) * sizeof(io_uring_probe_op);
  if (copy_from_task(call.tid(), memory.data(), arguments[2], size) != 0) return -EFAULT;
  const long result = ::syscall(SYS_io_uring_register, ring, IORING_REGISTER_PROBE, memory.data(), count);
  if (result < 0) return -errno;
  auto& answer = *reinterpret_cast<io_uring_probe*>(memory.data());
  for (unsigned i = 0; i < std::min<size_t>(answer.ops_len, kMost); i++) {
    if (answer.ops[i].op == kOpRecvZc) answer.ops[i].flags = 0;
  }
  return copy_to_task(call.tid(), arguments[2], memory.data(), size) == 0 ? result : -EFAULT;
}

std::optional<int64_t> Service::cancel_now(const Call& call, Ring& ring) {
  io_uring_sync_cancel_reg what;
  if (!read_memory(call, call.notice.data.args[2], what) || call.notice.data.args[3] != 1) return std::nullopt;
  const auto key = key_of(call, static_cast<int>(call.notice.data.args[0]), what.addr, what.flags, what.fd, -1, false);
  if (!key) return std::nullopt;
  const size_t count = cancel(ring, *key);
  if (count == 0) return std::nullopt;
  return key->is_for_all ? static_cast<int64_t>(count) : 0;
}

std::shared_ptr<Ring> Service::find_ring(int fd) {
  const uint64_t inode = inode_of(fd);
  if (const auto found = rings_.find(inode); found != rings_.end()) return found->second;
  const std::optional<Geometry> geometry = read_geometry(fd);
  if (!geometry) return nullptr;
  sweep();
  auto ring = std::make_shared<Ring>(inode, *geometry);
  OwnedFd watcher(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event nothing = {};
  // The number must be one that no later copy has: entries are told apart by file and number.
  OwnedFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (::epoll_ctl(watcher.get(), EPOLL_CTL_ADD, copy.get(), &nothing) != 0) return nullptr;
  ring->watcher = std::move(watcher);
  ring->number_in_watcher = copy.get();
  rings_.emplace(inode, ring);
  return ring;
}

RingView* Service::view_of(Ring& ring, int fd) {
  if (ring.view == nullptr) {
    ring.view = std::make_unique<RingView>(port_, fd, ring.geometry);
    if (!ring.view->is_mapped()) ring.view = nullptr;
  }
  ring.viewed = now_nanos();
  next_drop_ = std::min(next_drop_, ring.viewed + kViewTime);
  return ring.view.get();
}

void Service::drop_views(int64_t now) {
  if (now < next_drop_) return;
  next_drop_ = kNever;
  for (const auto& [inode, ring] : rings_) {
    if (ring->view == nullptr) continue;
    if (now >= ring->viewed + kViewTime) {
      ring->view = nullptr;
    } else {
      next_drop_ = std::min(next_drop_, ring->viewed + kViewTime);
    }
  }
}

void Service::sweep() {
  for (auto at = rings_.begin(); at != rings_.end();) {
    Ring& ring = *at->second;
    if (has_entry(ring.watcher.get(), ring.number_in_watcher)) {
      ++at;
      continue;
    }
    cancel_all(ring);
    at = rings_.erase(at);
  }
}

void Service::on_death(const Task& task) {
  numbers_.forget_process(task.tid());
  owners_.erase(task.tid());
  for (const auto& [inode, ring] : rings_) ring->entering.erase(task.tid());
  // With the last of its threads a process has closed its rings. A thread alone leaves its requests there, until something
  // happens to them.
  sweep();
}

void Service::give_number(const Call& call, Request& request) {
  const uint64_t flags = request.entry.opcode == IORING_OP_ACCEPT ? request.entry.accept_flags : request.entry.off;
  request.number = numbers_.take(call, (flags & SOCK_CLOEXEC) != 0);
}

void Service::want_number(Chain& chain, bool wants) {
  if (std::exchange(chain.wants_number, wants) == wants) return;
  if (wants) {
    wanting_++;
  } else {
    wanting_--;
  }
}

void Service::offer_numbers(const Call& call) {
  if (wanting_ == 0) return;
  for (const auto& [inode, ring] : rings_) {
    for (const auto& chain : ring->chains) {
      if (!chain->wants_number || chain->process != call.task->process()) continue;
      give_number(call, chain->requests[chain->current]);
      want_number(*chain, false);
      if (chain->waits_for_it) host_.fibers.unpark(chain->fiber);
    }
  }
}

// ---- cancelling

std::optional<Service::Key> Service::key_of(const Call& call, int ring, uint64_t data, uint32_t flags, int fd, int opcode,
                                            bool is_fixed) const {
  constexpr uint32_t kAll = 1, kFd = 2, kAny = 4, kFdFixed = 8, kUserData = 16, kOp = 32;
  if ((flags & ~(kAll | kFd | kAny | kFdFixed | kUserData | kOp)) != 0) return std::nullopt;
  if ((flags & kAny) != 0 && (flags & (kFd | kOp)) != 0) return std::nullopt;
  Key key{.user_data = data};
  key.matches_user_data = (flags & kAny) == 0 && ((flags & (kFd | kOp)) == 0 || (flags & kUserData) != 0);
  key.is_for_all = (flags & (kAll | kAny)) != 0;
  if ((flags & kOp) != 0) key.opcode = opcode;
  if ((flags & kFd) == 0) return key;
  int error = 0;
  if (is_fixed || (flags & kFdFixed) != 0) {
    const OwnedFd copy(call.task->copy_fd(ring));
    const uint64_t inode = copy.is_open() ? registered_socket(copy.get(), static_cast<uint32_t>(fd)) : 0;
    key.file = inode == 0 ? nullptr : host_.files.find_by_inode(inode);
  } else {
    key.file = host_.files.find(*call.task, fd, &error);
  }
  if (key.file == nullptr) return std::nullopt;
  return key;
}

size_t Service::cancel(Ring& ring, const Key& key) {
  size_t count = 0;
  for (const auto& chain : ring.chains) {
    if (chain->is_cancelled || chain->has_ended || chain->current >= chain->requests.size()) continue;
    const Request& request = chain->requests[chain->current];
    if (key.matches_user_data && request.entry.user_data != key.user_data) continue;
    if (key.file != nullptr && request.context.file != key.file) continue;
    if (key.opcode >= 0 && request.entry.opcode != key.opcode) continue;
    cancel(*chain);
    count++;
    if (!key.is_for_all) break;
  }
  return count;
}

void Service::cancel(Chain& chain) {
  chain.is_cancelled = true;
  if (chain.fiber != nullptr) host_.fibers.interrupt(chain.fiber);
}

void Service::cancel_all(Ring& ring) {
  for (const auto& chain : ring.chains) cancel(*chain);
}

}  // namespace lxnet::host::uring
